"""Explaining one company of the mirror: the rules' path, the saved decision, and what was written last."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from syncd.clock import iso
from syncd.errors import UsageError
from syncd.jobs.context import Context
from syncd.jobs.lookup import company_of
from syncd.jobs.plan import deliberate
from syncd.rules.explanation import explain
from syncd.store import ownership


def explain_company(
    context: Context, text: str, *, role: str = "owner", as_of: datetime | None = None
) -> dict[str, Any]:
    """The explanation of the live company that the text names, in one role, as of now or of another instant.

    A document. UsageError for no company of that name or several, and for a role that the pack does not have.
    """
    with context.store.read() as conn:
        found = company_of(conn, text)
        applied = ownership.applied(conn).get(found.key, {})
    thought = deliberate(context, as_of=as_of)
    if found.key not in thought.facts:
        raise UsageError("SYN002", f"{text!r} is deleted in the CRM", hint="`syncd history` still knows what was done")
    decision = next((one for one in thought.decisions if one.company == found.key and one.role == role), None)
    explanation = explain(
        thought.pack, thought.source.book, found.key, thought.now, decision, role=role, others=thought.decisions
    )
    facts = thought.facts[found.key]
    last = applied.get(role)
    return {
        **explanation.to_json(),
        "name": facts.seen["name"].raw if "name" in facts.seen else None,
        "pack_revision": thought.pack.revision,
        "last_applied": None
        if last is None
        else {
            "territory": last.territory,
            "owner": last.owner,
            "at": iso(last.at),
            "pack_revision": last.pack_revision,
        },
    }
