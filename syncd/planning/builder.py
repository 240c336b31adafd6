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
from syncd.model.plans import PlanStatus, SavedPlan, document_hash
from syncd.model.records import Record
from syncd.model.refs import Ref, System
from syncd.planning.cascade import Children
from syncd.planning.document import (
    FORMAT,
    change_entry,
    decision_entry,
    guard_entry,
    people_by_id,
    row_change_entry,
    summary_entry,
)
from syncd.planning.fingerprints import rule_reads
from syncd.planning.guard import Move, Reach, check_guard
from syncd.planning.proposals import OWNER_ROLE, Bench, Proposal, propose
from syncd.planning.shifts import shifts_entry
from syncd.rules.facts import Directory, Facts
from syncd.rules.pack import Pack
from syncd.store.ownership import BlockedRow

LIFETIME = timedelta(hours=24)
"""How long a plan may be approved and applied."""

_NO_FACTS = Facts(key="", accounts=())


@dataclass(frozen=True, slots=True)
class PlanInput:
    """All that a plan is made of.

    `opportunities` are the open ones of the mirror. `writers` are the systems that syncd writes, `expected` those that
    the native sync writes after it, `stale` those whose mirror is stale or incomplete. `open_refs` have an approved
    write under way, `flapping` change back and forth, with the text of that, `teams` is how many members the mirror
    knows in the team of a record. `mirror_as_of` says how fresh each
    system's mirror is, `rates_as_of` dates the table of rates. `all_decisions` puts the kept ones into the document
    too. `kind` tells what sort of plan it is (`plan`, `undo`).
    """

    pack: Pack
    decisions: Sequence[Decision]
    facts: Mapping[str, Facts]
    now: datetime
    created_at: datetime
    pack_revision: str
    directory: Directory = field(default_factory=lambda: Directory({}))
    opportunities: Sequence[Record] = ()
    writers: frozenset[System] = frozenset()
    expected: frozenset[System] = frozenset()
    stale: frozenset[System] = frozenset()
    blocked: Mapping[Ref, BlockedRow] = field(default_factory=dict)
    mirror_as_of: Mapping[System, datetime | None] = field(default_factory=dict)
    open_refs: frozenset[Ref] = frozenset()
    flapping: Mapping[Ref, str] = field(default_factory=dict)
    teams: Mapping[Ref, int] = field(default_factory=dict)
    mapping_revision: str = ""
    currency: str = "USD"
    rates_as_of: date | None = None
    kind: str = "plan"
    all_decisions: bool = False


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
    moves = _moves(proposals, source.facts)
    changes = sorted(
        (change for proposal in proposals for change in proposal.changes), key=lambda change: str(change.ref)
    )
    reach = Reach(
        moves=moves,
        evaluated=sum(1 for proposal in proposals if proposal.decision.role == OWNER_ROLE),
        totals=_totals(proposals),
        changes=changes,
        currency=source.currency,
    )
    people = people_by_id(source.directory)
    rows = [change_entry(change, people, source.teams.get(change.ref, 0)) for change in changes] + _csv_rows(
        proposals, source.facts
    )
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
            if source.all_decisions or proposal.outcome is not Outcome.KEEP
        ],
        "changes": sorted(rows, key=lambda row: str(row["ref"])),
        "shifts": shifts_entry(proposals, source.facts),
        "guard": guard_entry(check_guard(source.pack.guard, reach)),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def bench_of(source: PlanInput) -> Bench:
    """What the proposals of a plan are made on."""
    return Bench(
        pack=source.pack,
        directory=source.directory,
        children=Children.of(source.opportunities, source.pack, source.now),
        reads=rule_reads(source.pack),
        today=source.now.astimezone(source.pack.zone).date(),
        now=source.now,
        writers=source.writers,
        expected=source.expected,
        stale=source.stale,
        blocked=source.blocked,
        open_refs=source.open_refs,
        flapping=source.flapping,
    )


def propose_all(source: PlanInput, bench: Bench) -> list[Proposal]:
    """The proposal of every decision, sorted by company and role."""
    ordered = sorted(source.decisions, key=lambda decision: (decision.company, decision.role))
    return [propose(decision, source.facts.get(decision.company, _NO_FACTS), bench) for decision in ordered]


def _moves(proposals: Iterable[Proposal], facts: Mapping[str, Facts]) -> list[Move]:
    """The companies whose owner changes, as the guard counts them."""
    moves: list[Move] = []
    for proposal in proposals:
        decision = proposal.decision
        if proposal.outcome is not Outcome.CHANGE or decision.role != OWNER_ROLE:
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


def _totals(proposals: Iterable[Proposal]) -> Counter[str]:
    """How many accounts each rep owns once the plan is through; what is held or blocked stays where it is."""
    totals: Counter[str] = Counter()
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
