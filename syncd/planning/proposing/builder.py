"""Building a plan: every decision compared with the mirror, counted, guarded, and put into one document. Pure.

What is read (facts, decisions, users, refusals) is gathered by the caller; the same input gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.clock import iso
from syncd.model.decisions import Decision, Outcome
from syncd.model.plans import OWNER_FIELD, Change, GuardTrip, PlanStatus, SavedPlan, Slot, document_hash
from syncd.model.records import Record
from syncd.model.refs import Ref, System
from syncd.planning.proposing.cascade import Children
from syncd.planning.proposing.document import (
    FORMAT,
    change_entry,
    decision_entry,
    guard_entry,
    people_by_id,
    row_change_entry,
    summary_entry,
)
from syncd.planning.proposing.fingerprints import rule_reads
from syncd.planning.proposing.guard import LIMITS, Move, Reach, check_guard, check_role
from syncd.planning.proposing.proposals import OWNER_ROLE, Bench, Proposal, as_decided, propose
from syncd.planning.proposing.roles import propose_role
from syncd.planning.proposing.shifts import shifts_entry
from syncd.planning.proposing.texts import with_texts
from syncd.rules.deciding.kept import Kept
from syncd.rules.facts import Directory, Facts
from syncd.rules.pack import Pack
from syncd.store.ownership import BlockedRow

LIFETIME = timedelta(hours=24)
"""How long a plan may be approved and applied."""

NOT_IN_PLAN = "not-in-this-plan"
"""The reason of a decision that counts where it is and that the document leaves out: the plan is not about it."""

_NO_FACTS = Facts(key="", accounts=())


@dataclass(frozen=True, slots=True)
class PlanInput:
    """All that a plan is made of.

    `opportunities` are the open ones of the mirror, `followers` its contacts and open tasks. `writers` are the systems
    that syncd writes, `expected` those that the native sync writes after it, `stale` those whose mirror is stale or
    incomplete. `open_slots` have an approved
    write under way, `flapping` change back and forth, with the text of that, `teams` is how many members the mirror
    knows in the team of a record. `mirror_as_of` says how fresh each
    system's mirror is, `rates_as_of` dates the table of rates. `all_decisions` puts the kept ones into the document
    too. `kind` tells what sort of plan it is (`plan`, `undo`). `extra` are writes that no decision asks for.
    `fields` are the roles and texts that settings map to a field, each with the systems that have one, `held` what
    these fields hold now, by record.
    """

    pack: Pack
    decisions: Sequence[Decision]
    facts: Mapping[str, Facts]
    now: datetime
    created_at: datetime
    pack_revision: str
    directory: Directory = field(default_factory=lambda: Directory({}))
    opportunities: Sequence[Record] = ()
    followers: Sequence[Record] = ()
    writers: frozenset[System] = frozenset()
    expected: frozenset[System] = frozenset()
    stale: frozenset[System] = frozenset()
    stale_tables: frozenset[str] = frozenset()
    blocked: Mapping[Slot, BlockedRow] = field(default_factory=dict)
    mirror_as_of: Mapping[System, datetime | None] = field(default_factory=dict)
    open_slots: frozenset[Slot] = frozenset()
    flapping: Mapping[Ref, str] = field(default_factory=dict)
    flapping_roles: Mapping[Slot, str] = field(default_factory=dict)
    teams: Mapping[Ref, int] = field(default_factory=dict)
    mapping_revision: str = ""
    currency: str = "USD"
    rates_as_of: date | None = None
    kind: str = "plan"
    all_decisions: bool = False
    extra: Sequence[Change] = ()
    fields: Mapping[str, frozenset[System]] = field(default_factory=dict)
    held: Mapping[Ref, Mapping[str, str]] = field(default_factory=dict)
    kept: Sequence[Kept] = ()
    """Companies that a batch has settled: they keep their owners, and no decision of theirs is among `decisions`."""

    @property
    def open_refs(self) -> frozenset[Ref]:
        """The records whose owner has an approved write under way."""
        return frozenset(ref for ref, name in self.open_slots if name == OWNER_FIELD)


def build_plan(source: PlanInput, *, plan_id: str, lifetime: timedelta = LIFETIME, offered: bool = True) -> SavedPlan:
    """A plan to be saved; `offered` ones may be approved, the others are previews."""
    document = build_document(source, plan_id=plan_id, lifetime=lifetime)
    return SavedPlan(
        plan_id=plan_id,
        hash=document_hash(document),
        kind=source.kind,
        status=PlanStatus.OFFERED if offered else PlanStatus.PREVIEW,
        pack_revision=source.pack_revision,
        created_at=source.created_at,
        expires_at=source.created_at + lifetime,
        document=document,
    )


def build_document(source: PlanInput, *, plan_id: str | None, lifetime: timedelta = LIFETIME) -> dict[str, Any]:
    """The document of a plan; without an id it is one that is not saved."""
    bench = bench_of(source)
    proposals = propose_all(source, bench)
    outcomes = Counter(proposal.outcome for proposal in proposals)
    outcomes[Outcome.KEEP] += sum(each.count for each in source.kept)
    moves = _moves(proposals, source.facts)
    changes = sorted((*source.extra, *(change for proposal in proposals for change in proposal.changes)), key=_by_slot)
    people = people_by_id(source.directory)
    told: dict[tuple[System, str], dict[str, str] | None] = {}
    rows = [change_entry(change, people, source.teams.get(change.ref, 0), told) for change in changes]
    of_export = _csv_rows(proposals, source.facts)
    return {
        "format": FORMAT,
        "kind": source.kind,
        "plan_id": plan_id,
        "pack_revision": source.pack_revision,
        "mapping_revision": source.mapping_revision,
        "created_at": iso(source.created_at),
        "lifetime_seconds": int(lifetime.total_seconds()),
        "now": iso(source.now),
        "mirror": _mirror(source),
        "rates": {"currency": source.currency, "as_of": _day(source.rates_as_of)},
        "systems": {
            "written": sorted(system.value for system in source.writers),
            "expected": sorted(system.value for system in source.expected),
        },
        "summary": summary_entry(outcomes, sum((move.pipeline for move in moves), Decimal(0)), source.currency),
        "decisions": [
            decision_entry(proposal, source.facts.get(proposal.decision.company), source.rates_as_of)
            for proposal in proposals
            if _is_told(proposal, source)
        ],
        "changes": sorted([*rows, *of_export], key=_by_entry) if of_export else rows,
        "shifts": shifts_entry(proposals, source.facts, source.kept),
        "guard": guard_entry(_trips(source, proposals, moves, changes)),
    }


def _is_told(proposal: Proposal, source: PlanInput) -> bool:
    """Whether a decision stands in the document: one that is kept and writes nothing only where all are asked for."""
    if proposal.reason == NOT_IN_PLAN:
        return False
    return source.all_decisions or proposal.outcome is not Outcome.KEEP or bool(proposal.changes)


def _by_slot(change: Change) -> tuple[str, bool, str]:
    """The order of rows: by record, its owner before its other fields."""
    return str(change.ref), change.field != OWNER_FIELD, change.field


def _by_entry(row: Mapping[str, Any]) -> tuple[str, bool, str]:
    """The same order of rows as entries."""
    return str(row["ref"]), row["field"] != OWNER_FIELD, row["field"]


def _trips(
    source: PlanInput, proposals: Sequence[Proposal], moves: Sequence[Move], changes: Sequence[Change]
) -> list[GuardTrip]:
    """The limits that the plan is over, each once: owners count first, then each other role by itself.

    Texts of ours move nobody, and count for `api_calls` alone.
    """
    found: dict[str, GuardTrip] = {}
    for role in sorted({proposal.decision.role for proposal in proposals} | {OWNER_ROLE}, key=_owner_first):
        mine = role == OWNER_ROLE
        reach = Reach(
            moves=moves if mine else _moves(proposals, source.facts, role),
            evaluated=sum(1 for proposal in proposals if proposal.decision.role == role)
            + (sum(each.count for each in source.kept) if mine else 0),
            totals=_totals(proposals, source.kept) if mine else {},
            changes=changes if mine else (),
            currency=source.currency,
        )
        trips = check_guard(source.pack.guard, reach) if mine else check_role(source.pack.guard, role, reach)
        for trip in trips:
            found.setdefault(trip.limit, trip)
    return [found[limit] for limit in LIMITS if limit in found]


def _owner_first(role: str) -> tuple[bool, str]:
    return role != OWNER_ROLE, role


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def bench_of(source: PlanInput) -> Bench:
    """What the proposals of a plan are made on."""
    return Bench(
        pack=source.pack,
        directory=source.directory,
        children=Children.of((*source.opportunities, *source.followers), source.pack, source.now),
        reads=rule_reads(source.pack),
        role_reads={role: rule_reads(source.pack, role) for role in source.pack.roles if role != OWNER_ROLE},
        today=source.now.astimezone(source.pack.zone).date(),
        now=source.now,
        writers=source.writers,
        expected=source.expected,
        stale=source.stale,
        stale_tables=source.stale_tables,
        blocked=source.blocked,
        open_slots=source.open_slots,
        flapping=source.flapping,
        flapping_roles=source.flapping_roles,
        fields=source.fields,
        held=source.held,
    )


def propose_all(source: PlanInput, bench: Bench) -> list[Proposal]:
    """The proposal of every decision, sorted by company and role."""
    ordered = sorted(source.decisions, key=lambda decision: (decision.company, decision.role))
    return [_proposed(decision, source.facts.get(decision.company, _NO_FACTS), bench) for decision in ordered]


def _proposed(decision: Decision, facts: Facts, bench: Bench) -> Proposal:
    if decision.reason == NOT_IN_PLAN:
        return as_decided(decision)
    if decision.role != OWNER_ROLE:
        return propose_role(decision, facts, bench)
    return with_texts(propose(decision, facts, bench), facts, bench)


def _moves(proposals: Iterable[Proposal], facts: Mapping[str, Facts], role: str = OWNER_ROLE) -> list[Move]:
    """The companies whose owner, or holder of another role, changes, as the guard counts them.

    What no field holds of a role is written nowhere, and no move.
    """
    moves: list[Move] = []
    for proposal in proposals:
        decision = proposal.decision
        if proposal.outcome is not Outcome.CHANGE or decision.role != role:
            continue
        if role != OWNER_ROLE and not proposal.changes:
            continue
        values = facts.get(decision.company, _NO_FACTS).values
        pipeline, band, place = values.get("open_pipeline"), values.get("band"), decision.place
        moves.append(
            Move(
                gains=proposal.owner.email if proposal.owner is not None else None,
                loses=decision.current_owner.email if decision.current_owner is not None else None,
                territory=decision.territory,
                band=band if isinstance(band, str) else None,
                pipeline=pipeline if isinstance(pipeline, Decimal) else Decimal(0),
                rule=f"{place.path}:{place.line}" if place is not None else None,
            )
        )
    return moves


def _totals(proposals: Iterable[Proposal], kept: Iterable[Kept] = ()) -> Counter[str]:
    """How many accounts each rep owns once the plan is through; what is held or blocked stays where it is."""
    totals: Counter[str] = Counter()
    for each in kept:
        totals[each.owner] += each.count
    for proposal in proposals:
        if proposal.decision.role != OWNER_ROLE:
            continue
        moves = proposal.outcome in (Outcome.CHANGE, Outcome.KEEP)
        owner = proposal.owner if moves else proposal.decision.current_owner
        if owner is not None:
            totals[owner.email] += 1
    return totals


def _csv_rows(proposals: Iterable[Proposal], facts: Mapping[str, Facts]) -> list[dict[str, Any]]:
    """The changes of companies that stand in no system: rows of a CSV export."""
    return [
        row_change_entry(proposal.decision)
        for proposal in proposals
        if proposal.outcome is Outcome.CHANGE
        and proposal.decision.role == OWNER_ROLE
        and not facts.get(proposal.decision.company, _NO_FACTS).refs
    ]


def _mirror(source: PlanInput) -> dict[str, Any]:
    """How fresh the mirror of each system is."""
    entries: dict[str, Any] = {}
    for system in sorted(source.mirror_as_of):
        as_of = source.mirror_as_of[system]
        entries[system.value] = {"as_of": iso(as_of) if as_of is not None else None}
        if system in source.stale:
            entries[system.value]["stale"] = True
    return entries
