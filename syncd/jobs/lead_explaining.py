"""Explaining a lead that is given by its values: where it would go now, by which step, and what the others said.

Only the accounts that it may match are read. Leads are not mirrored, so nothing of it is saved or charged.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from syncd.clock import iso
from syncd.errors import UsageError
from syncd.jobs.book import derivation_of
from syncd.jobs.context import Context
from syncd.jobs.family_book import read_family
from syncd.jobs.plan import with_adopted
from syncd.model.fields import FieldCatalogue
from syncd.model.normalisation.company_names import company_name_key
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.explaining.clauses import clause_of, where
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.reading.suggestion import did_you_mean
from syncd.rules.routing.lead_facts import lead_from_raw
from syncd.rules.routing.router import route_lead
from syncd.store import dossier, mirror


def explain_lead(context: Context, given: Iterable[str], *, as_of: datetime | None = None) -> dict[str, Any]:
    """Where a lead of these `FIELD=VALUE` would go, as a document; UsageError SYN021 for what is no field or value."""
    now = as_of or context.clock.now()
    pack = with_adopted(context, context.pack(now=now))
    raw = _values(given, context.catalogue())
    lead = lead_from_raw("lead", raw, derivation_of(context, pack, now.date()))
    with context.store.read() as conn:
        found = {ref for text in _sought(lead) for ref in mirror.find_accounts(conn, text)}
        keys = sorted(set(dossier.company_keys(conn, found).values()))
        book = read_family(context, conn, pack, keys, now)
    route = route_lead(pack, lead, book, now)
    decision = route.decision
    evaluation = EvaluationContext(now, pack.zone, pack.fiscal_year_start)
    tree = choose_territory(pack, "owner", lead, evaluation)
    return {
        "format": 1,
        "lead": dict(sorted(raw.items())),
        "now": iso(now),
        "pack_revision": pack.revision,
        "owner": decision.owner.email if decision.owner is not None else None,
        "queue": route.queue,
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "text": decision.text,
        "rule": where(decision.place),
        "matched": route.match.company if route.match is not None else None,
        "match": route.match.text if route.match is not None else None,
        "passed": list(decision.notes),
        "candidates": [{"email": each, "load": decision.loads.get(each)} for each in decision.candidates],
        "next_change_at": iso(decision.next_change_at) if decision.next_change_at else None,
        "path": [
            {
                **where(step.place),
                "territory": step.path,
                "row": step.row,
                "when": clause_of(step.when, lead, evaluation).to_json(),
            }
            for step in tree.path
        ],
        "findings": list(lead.findings),
    }


def _values(given: Iterable[str], catalogue: FieldCatalogue) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not value.strip():
            raise UsageError("SYN021", f"{text!r} is no FIELD=VALUE of a lead", hint="as in email=jo@acme.example")
        if name not in catalogue.lead:
            raise UsageError("SYN021", f"leads have no field {name!r}", hint=did_you_mean(name, catalogue.lead))
        found[name] = value
    return found


def _sought(lead: Facts) -> Iterable[str]:
    """What the mirror is searched for: the domain, else the words of the company's name."""
    domain, name = lead.values.get("domain"), lead.values.get("name")
    if isinstance(domain, str):
        yield domain
    if isinstance(name, str):
        key = company_name_key(name)
        yield from (text for text in (name, key, *key.split()) if text)
