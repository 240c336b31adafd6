"""Staleness: whether the rows of an approved plan still stand on what the mirror says now. Pure.

The caller decides the present book again; a row is stale where its fingerprint would be another, and a conflict where
its record's owner is another. Pool loads do not count, but caps are counted again (DESIGN.md, Fingerprint).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.model.decisions import Decision, Outcome
from syncd.model.plans import OutboxRow
from syncd.model.records import Record
from syncd.model.refs import Ref, System
from syncd.planning.builder import PlanInput, bench_of
from syncd.planning.cascade import is_within
from syncd.planning.document import decisions_by_company, people_by_id
from syncd.planning.fingerprints import RepState, account_fingerprint, child_fingerprint, rep_state, rule_basis
from syncd.planning.proposals import OWNER_ROLE, Bench, is_managed
from syncd.rules.facts import Facts, Rep

_PICKED = ("picked", "retrieved")
_NO_FACTS = Facts(key="", accounts=())


@dataclass(frozen=True, slots=True)
class Present:
    """A row's record as the mirror holds it now: its owner, the fingerprint the row would have, or why it has none."""

    owner: str | None
    fingerprint: str | None
    refusal: str | None = None


def present_rows(source: PlanInput, document: Mapping[str, Any], rows: Sequence[OutboxRow]) -> Mapping[Ref, Present]:
    """How each row stands on the present book: `source` as for a new plan, `document` the plan that is applied.

    Rows whose record the present book does not hold any more are left out.
    """
    bench = bench_of(source)
    people = people_by_id(source.directory)
    decisions = {item.company: item for item in source.decisions if item.role == OWNER_ROLE}
    full = over_caps(source, document, rows)
    found: dict[Ref, Present] = {}
    for row in rows:
        target = _target(bench, people, row)
        if row.parent is not None:
            present = _present_child(row, row.parent, bench, target)
        else:
            present = _present_account(row, decisions.get(row.because), source.facts.get(row.because), bench, target)
        if present is not None:
            refusal = full.get(row.ref)
            found[row.ref] = Present(present.owner, None, refusal) if refusal else present
    return found


def over_caps(source: PlanInput, document: Mapping[str, Any], rows: Sequence[OutboxRow]) -> Mapping[Ref, str]:
    """The rows whose rep would go over a cap now, with the cap's words; earlier rows come first, in the order of refs.

    Counted are the accounts that the rules leave where they are, and the plan's own; what they would pick anew is not.
    """
    planned = decisions_by_company(document, OWNER_ROLE)
    moving = {row.because for row in rows}
    kept = _kept(source.decisions, moving)
    caps = [(item.path, item.cap.total) for item in source.pack.territories() if item.cap and item.cap.total]
    limits = {email: rep.max_accounts for email, rep in source.pack.reps.items() if rep.max_accounts is not None}
    counts: Counter[tuple[str, str]] = Counter()
    for email, territory in kept:
        counts.update(_slots(email, territory, caps))
    full: dict[Ref, str] = {}
    companies: dict[str, str | None] = {}
    for row in sorted((row for row in rows if row.parent is None), key=lambda row: str(row.ref)):
        entry = planned.get(row.because)
        if entry is None or entry["owner"] is None or entry["reason"] not in _PICKED:
            continue
        if row.because not in companies:
            slots = _slots(entry["owner"]["email"], entry["territory"], caps)
            companies[row.because] = _first_full(slots, counts, dict(caps), limits)
            if companies[row.because] is None:
                counts.update(slots)
        text = companies[row.because]
        if text is not None:
            full[row.ref] = text
    return full


def _kept(decisions: Iterable[Decision], moving: set[str]) -> Iterable[tuple[str, str | None]]:
    for decision in decisions:
        settled = decision.outcome in (Outcome.KEEP, Outcome.HELD)
        if settled and decision.role == OWNER_ROLE and decision.company not in moving and decision.current_owner:
            yield decision.current_owner.email, decision.territory


def _slots(email: str, territory: str | None, caps: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
    """What an account takes up: one of its rep's accounts, and one in each capped territory that it is in."""
    return [("", email), *((path, email) for path, _ in caps if is_within(territory, path))]


def _first_full(
    slots: Iterable[tuple[str, str]],
    counts: Mapping[tuple[str, str], int],
    caps: Mapping[str, int],
    limits: Mapping[str, int],
) -> str | None:
    for slot in slots:
        path, email = slot
        limit = caps.get(path) if path else limits.get(email)
        if limit is not None and counts.get(slot, 0) >= limit:
            what = f"the cap of {path}" if path else "max_accounts"
            return f"{email} is at {what} ({limit}) now"
    return None


def _target(bench: Bench, people: Mapping[tuple[System, str], Rep], row: OutboxRow) -> RepState:
    rep = people.get((row.ref.system, row.new))
    if rep is None:
        return RepState(row.new, active=False, eligible=False)
    return rep_state(bench.directory, rep.email, row.ref.system, row.new)


def _present_account(
    row: OutboxRow, decision: Decision | None, facts: Facts | None, bench: Bench, target: RepState
) -> Present | None:
    if decision is None or facts is None or row.ref not in facts.refs:
        return None
    owner = facts.owner_ids.get(row.ref.system)
    if decision.outcome not in (Outcome.CHANGE, Outcome.KEEP):
        return Present(owner, None, f"the rules now say {decision.reason}: {decision.text}")
    if not is_managed(bench.pack, decision.territory, bench.today):
        return Present(owner, None, f"{decision.territory} is not managed any more")
    moving, _ = bench.children.following(row.ref, row.old, row.new, facts=facts, territory=decision.territory)
    fingerprint = account_fingerprint(
        row.ref,
        owner,
        facts=facts,
        reads=bench.reads,
        children=[(record.ref, record.owner) for record in moving],
        rule_text=rule_basis(decision),
        target=target,
    )
    return Present(owner, fingerprint)


def _present_child(row: OutboxRow, parent: Ref, bench: Bench, target: RepState) -> Present | None:
    records: tuple[Record, ...] = bench.children.by_account.get(parent, ())
    record = next((record for record in records if record.ref == row.ref), None)
    if record is None:
        return None
    return Present(record.owner, child_fingerprint(row.ref, record.owner, parent=parent, target=target))
