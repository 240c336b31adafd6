"""Staleness: whether the rows of an approved plan still stand on what the mirror says now. Pure.

The caller decides the present book again; a row is stale where its fingerprint would be another, and a conflict where
its record's owner is another. Pool loads do not count, but caps are counted again (DESIGN.md, Fingerprint).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from syncd.model.decisions import Decision, Outcome
from syncd.model.plans import DERIVED_WRITES, OWNER_FIELD, OutboxRow, Slot
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.planning.proposing.builder import PlanInput, bench_of
from syncd.planning.proposing.document import decisions_by_company, people_by_id
from syncd.planning.proposing.field_standing import Present as Present
from syncd.planning.proposing.field_standing import present_role, present_text
from syncd.planning.proposing.fingerprints import (
    RepState,
    account_fingerprint,
    child_fingerprint,
    loose_fingerprint,
    rep_state,
    rule_basis,
)
from syncd.planning.proposing.proposals import OWNER_ROLE, Bench, is_managed
from syncd.planning.proposing.reasons import CAPPED, as_proposed
from syncd.rules.deciding.assignment import over_cap
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.loads import Loads
from syncd.rules.deciding.member import Member
from syncd.rules.deciding.people import identity_of
from syncd.rules.facts import Facts, Rep
from syncd.rules.memory import NO_MEMORY, Memory

_CAPPED = frozenset({"picked", "retrieved"}) | CAPPED
_NO_FACTS = Facts(key="", accounts=())
_LOOSE = frozenset({Kind.CONTACT, Kind.TASK})
"""What may be on no account; whoever leaves hands it over by a row of its own."""


def present_rows(
    source: PlanInput, document: Mapping[str, Any], rows: Sequence[OutboxRow], memory: Memory = NO_MEMORY
) -> Mapping[Slot, Present]:
    """How each row stands on the present book: `source` as for a new plan, `document` the plan that is applied.

    `memory` is what receipts say was given lately. A proposal about people stands where the rules have nobody.
    Rows whose record the present book does not hold any more are left out.
    """
    bench = bench_of(source)
    people = people_by_id(source.directory)
    planned = decisions_by_company(document, OWNER_ROLE)
    decisions = {
        (item.company, item.role): _as_planned(item, planned.get(item.company)) if item.role == OWNER_ROLE else item
        for item in source.decisions
    }
    roles = sorted({row.field for row in rows} - set(DERIVED_WRITES))
    full = {
        (ref, role): text
        for role in roles
        for ref, text in over_caps(
            source, document, [row for row in rows if row.field == role], memory, role=role
        ).items()
    }
    asked = {row.ref for row in rows if row.parent is None and row.ref.kind in _LOOSE}
    loose = {record.ref: record for record in source.followers if record.ref in asked}
    found: dict[Slot, Present] = {}
    for row in rows:
        role = OWNER_ROLE if row.field in DERIVED_WRITES else row.field
        decision, facts = decisions.get((row.because, role)), source.facts.get(row.because)
        present = (
            _present_loose(row, loose, _target(bench, people, row))
            if row.parent is None and row.ref.kind in _LOOSE
            else _present(row, decision, facts, bench, people)
        )
        if present is not None:
            refusal = full.get(row.slot)
            found[row.slot] = Present(present.owner, None, refusal) if refusal else present
    return found


def _present(
    row: OutboxRow,
    decision: Decision | None,
    facts: Facts | None,
    bench: Bench,
    people: Mapping[tuple[System, str], Rep],
) -> Present | None:
    if row.field in DERIVED_WRITES:
        return present_text(row, decision, facts, bench)
    target = _target(bench, people, row)
    if row.field != OWNER_FIELD:
        return present_role(row, decision, facts, bench, target)
    if row.parent is not None:
        return _present_child(row, row.parent, bench, target)
    return _present_account(row, decision, facts, bench, target)


def over_caps(
    source: PlanInput,
    document: Mapping[str, Any],
    rows: Sequence[OutboxRow],
    memory: Memory = NO_MEMORY,
    *,
    role: str = OWNER_ROLE,
) -> Mapping[Ref, str]:
    """The rows of one role whose rep would go over a limit now, with the limit's words; first come the lesser refs.

    Asked are the limits that a pick asks: `max_accounts` with the ramp, and every cap in all, by band, by day and by
    week. Counted are the accounts that the rules leave where they are, what `memory` says was given lately, and the
    plan's own; what the rules would pick anew is not.
    """
    planned = decisions_by_company(document, role)
    frame = Frame.of(source.pack, source.directory, source.now, memory)
    paths, loads = source.pack.lineages(role), Loads.of(frame, role)
    for owner, territory, company in _kept(source, {row.because for row in rows}, role):
        way = paths.get(territory or "", ())
        loads.add(owner, company, way, identity_of(frame, way, owner, company))
    for each in source.kept if role == OWNER_ROLE else ():
        loads.add_kept(each)
    full: dict[Ref, str] = {}
    companies: dict[str, str | None] = {}
    for row in sorted((row for row in rows if row.parent is None), key=lambda row: str(row.ref)):
        entry, facts = planned.get(row.because), source.facts.get(row.because)
        if entry is None or facts is None or entry["owner"] is None or entry["reason"] not in _CAPPED:
            continue
        if row.because not in companies:
            email, path = entry["owner"]["email"], paths.get(entry["territory"] or "", ())
            member = Member(identity_of(frame, path, email, facts), email)
            companies[row.because] = over_cap(frame, path, member, facts, loads)
            if companies[row.because] is None:
                loads.add(email, facts, path, member.bearer)
                loads.give(email, path)
        text = companies[row.because]
        if text is not None:
            full[row.ref] = f"{entry['owner']['email']} is {text} now"
    return full


def _kept(source: PlanInput, moving: set[str], role: str) -> Iterable[tuple[str, str | None, Facts]]:
    """The accounts that the rules leave where they are, each with its owner and territory."""
    for decision in source.decisions:
        facts, owner = source.facts.get(decision.company), decision.current_owner
        if decision.role != role or decision.company in moving or facts is None or owner is None:
            continue
        if decision.outcome in (Outcome.KEEP, Outcome.HELD):
            yield owner.email, decision.territory, facts


def _as_planned(decision: Decision, entry: Mapping[str, Any] | None) -> Decision:
    """The present decision as the plan's own reads it: a proposal may fill what the rules have nobody for."""
    return as_proposed(decision, entry["reason"] if entry is not None else None)


def _target(bench: Bench, people: Mapping[tuple[System, str], Rep], row: OutboxRow) -> RepState:
    target = row.new or ""
    rep = people.get((row.ref.system, target))
    if rep is None:
        return RepState(target, active=False, eligible=False)
    return rep_state(bench.directory, rep.email, row.ref.system, target)


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
    moving, _ = bench.children.following(row.ref, row.old, target.id, facts=facts, territory=decision.territory)
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


def _present_loose(row: OutboxRow, records: Mapping[Ref, Record], target: RepState) -> Present | None:
    """How the row of a contact or task stands that is on no account."""
    record = records.get(row.ref)
    if record is None:
        return None
    return Present(record.owner, loose_fingerprint(row.ref, record.owner, target=target))
