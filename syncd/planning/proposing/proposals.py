"""Proposals: one decision compared with the owners in the mirror, and the owner writes that would carry it out. Pure.

A decision speaks of a company; a proposal of its records in each system that is written. It never picks an owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from syncd.model.decisions import Decision, Outcome, Owner
from syncd.model.fields import DERIVED_FIELDS
from syncd.model.plans import OWNER_FIELD, Change, Slot
from syncd.model.refs import Ref, System
from syncd.planning.proposing.cascade import Children, any_within
from syncd.planning.proposing.fingerprints import (
    RepState,
    RuleReads,
    account_fingerprint,
    child_fingerprint,
    grading_reads,
    rep_state,
    rule_basis,
)
from syncd.rules.facts import Directory, Facts
from syncd.rules.pack import Pack
from syncd.store.ownership import BlockedRow

OWNER_ROLE = OWNER_FIELD


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A write that the decision asks for and the plan does not hold, with a stable reason and its text."""

    ref: Ref
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a plan says of one decision: its outcome in the plan's words, the owner it leads to, and the writes."""

    decision: Decision
    outcome: Outcome
    reason: str
    text: str
    owner: Owner | None
    changes: tuple[Change, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """What proposals are made on: the pack, who may own, what is written, what is stale, refused or under way.

    `reads` is what owner decisions read, `role_reads` the same for the other roles; `writers` the systems syncd writes,
    `expected` those that the native sync writes after it; `today` is the day in the pack's zone. `fields` are the roles
    and the texts of ours that settings map to a field, each with the systems that have one, `held` what those fields
    hold now. `blocked` and `open_slots` are kept by field.
    """

    pack: Pack
    directory: Directory
    children: Children
    reads: RuleReads
    today: date
    now: datetime
    writers: frozenset[System]
    expected: frozenset[System] = frozenset()
    stale: frozenset[System] = frozenset()
    stale_tables: frozenset[str] = frozenset()
    blocked: Mapping[Slot, BlockedRow] = field(default_factory=dict)
    open_slots: frozenset[Slot] = frozenset()
    flapping: Mapping[Ref, str] = field(default_factory=dict)
    flapping_roles: Mapping[Slot, str] = field(default_factory=dict)
    fields: Mapping[str, frozenset[System]] = field(default_factory=dict)
    held: Mapping[Ref, Mapping[str, str]] = field(default_factory=dict)
    role_reads: Mapping[str, RuleReads] = field(default_factory=dict)

    def reads_of(self, role: str) -> RuleReads:
        """What the decisions of a role read."""
        return self.reads if role == OWNER_ROLE else self.role_reads.get(role, RuleReads(frozenset()))

    def holds(self, ref: Ref, name: str) -> str | None:
        """What a record's field of a role, or of a text of ours, holds now."""
        return self.held.get(ref, {}).get(name)


def propose(decision: Decision, facts: Facts, bench: Bench) -> Proposal:
    """The proposal of one decision of the role `owner`.

    Held and unassigned decisions pass as they are. A kept one whose systems disagree becomes a change with the reason
    `align`. Other roles are `roles.propose_role`'s.
    """
    owner = decision.owner
    if owner is None or decision.outcome not in (Outcome.CHANGE, Outcome.KEEP):
        return as_decided(decision)
    differing = differing_records(facts, owner, bench.writers)
    if decision.outcome is Outcome.KEEP and not differing:
        return as_decided(decision)
    if not is_managed(bench.pack, decision.territory, bench.today):
        return as_not_managed(decision)
    if not facts.refs or not bench.writers:
        return as_decided(decision)
    if not differing:
        return _nothing_to_write(decision, facts, bench)
    source = stale_source(facts, bench)
    if source is not None:
        return as_held(decision, "system-stale", f"the decision reads from {source.value}, whose mirror is stale")
    table = stale_table(facts, bench)
    if table is not None:
        return as_held(decision, "signal-stale", f"the decision reads from the side table {table}, which is stale")
    if facts.team_holds is not None and any(ref.system is System.SALESFORCE for ref in differing):
        # what the rules keep or a person overrides comes here too, and would lose the team just the same
        return as_held(decision, "has-team", f"held: {facts.team_holds}")
    fought_over = next((ref for ref in differing if ref in bench.flapping), None)
    if fought_over is not None:
        return as_held(decision, "ownership-flapping", f"held: {bench.flapping[fought_over]}")
    return _written(decision, owner, facts, differing, bench)


def is_managed(pack: Pack, territory: str | None, today: date) -> bool:
    """Whether the pack's `manage` lets accounts of a territory be written on a day."""
    if pack.manage_from is not None and today < pack.manage_from:
        return False
    return pack.manage is None or any_within(territory, pack.manage)


def as_decided(decision: Decision) -> Proposal:
    """The decision as it is: there is nothing to write for it."""
    return Proposal(decision, decision.outcome, decision.reason, decision.text, decision.owner)


def as_held(decision: Decision, reason: str, text: str, left_out: tuple[LeftOut, ...] = ()) -> Proposal:
    """A decision that the plan does not carry out: whoever has it keeps it."""
    return Proposal(decision, Outcome.HELD, reason, text, decision.current_owner, left_out=left_out)


def as_not_managed(decision: Decision) -> Proposal:
    """Planned and reported, never written: the owner shown is the one that the rules would give."""
    where = f"territory {decision.territory}" if decision.territory else "an account without a territory"
    text = f"{where} is not managed yet (pack: manage); the rules say: {decision.text}"
    return Proposal(decision, Outcome.HELD, "not-managed", text, decision.owner)


def differing_records(facts: Facts, owner: Owner, systems: frozenset[System]) -> tuple[Ref, ...]:
    """The account records in some systems whose owner is not the decided one. An owner without an id there differs."""
    ids, targets = facts.owner_ids, owner.ids
    found: tuple[Ref, ...] = ()
    for ref in facts.refs:  # runs for every account of the book
        system = ref.system
        present = ids.get(system)
        if system in systems and (present is None or present != targets.get(system)):
            found += (ref,)
    return found


def _nothing_to_write(decision: Decision, facts: Facts, bench: Bench) -> Proposal:
    """A change that no written system needs: all hold the owner already, or none of them is written."""
    if any(ref.system in bench.writers for ref in facts.refs):
        return Proposal(decision, Outcome.KEEP, "kept", "every system that is written has this owner", decision.owner)
    systems = ", ".join(sorted({ref.system.value for ref in facts.refs}))
    return as_held(decision, "system-not-written", f"the account is only in {systems}, which is not written")


def stale_source(facts: Facts, bench: Bench, role: str = OWNER_ROLE) -> System | None:
    """A stale system that the decision read a field from; derived fields come from every system of the company."""
    if not bench.stale:
        return None
    sources: set[System] = set()
    for name in (*sorted(bench.reads_of(role).account), role):
        seen = facts.seen.get(name)
        if seen is not None and seen.system is not None:
            sources.add(seen.system)
        elif name in DERIVED_FIELDS and name in facts.values:
            sources |= {ref.system for ref in facts.refs}
    return min(sources & bench.stale, default=None)


def stale_table(facts: Facts, bench: Bench, role: str = OWNER_ROLE) -> str | None:
    """A stale side table that the decision read a value from, or that its score or lifecycle was made of."""
    if not bench.stale_tables:
        return None
    names = bench.reads_of(role).account
    if names & _GRADES:
        names |= grading_reads(bench.pack)
    found = {seen.table for name in names if (seen := facts.seen.get(name)) is not None and seen.table is not None}
    return min(found & bench.stale_tables, default=None)


_GRADES = frozenset({"lifecycle", "score", "band"})


def _written(decision: Decision, owner: Owner, facts: Facts, differing: tuple[Ref, ...], bench: Bench) -> Proposal:
    """The changes of a decision, system by system; what keeps a row back is said of the row, or of the decision."""
    changes: list[Change] = []
    left_out: list[LeftOut] = []
    for ref in sorted(differing):
        target = target_of(owner, ref.system, bench)
        if target is None:
            return as_held(decision, "owner-not-in-system", unfit_text(owner, ref.system, bench))
        row, children, held_out = _account_change(ref, decision, facts, target, bench)
        refusal = refused(row, bench)
        if refusal is not None:
            return as_blocked(decision, refusal)
        kept_back = hindrance(row.slot, bench)
        if kept_back is not None:
            left_out.append(kept_back)
            continue
        changes.append(row)
        left_out += held_out
        for child in children:
            _place_child(child, bench, changes, left_out)
    if not changes:
        return as_held(decision, left_out[0].reason, left_out[0].text, tuple(left_out))
    changes += _awaited(decision, owner, facts, bench)
    return _change(decision, tuple(changes), tuple(left_out))


def as_blocked(decision: Decision, refusal: BlockedRow) -> Proposal:
    """A decision that the CRM refused for good, in its words."""
    text = (
        f"{words_of(refusal)}; not tried before {refusal.until:%Y-%m-%d} unless the record, the rep or the rule changes"
    )
    return Proposal(decision, Outcome.BLOCKED, "refused", text, decision.current_owner)


def _awaited(decision: Decision, owner: Owner, facts: Facts, bench: Bench) -> list[Change]:
    """The rows that the native sync writes after ours: never sent, awaited by reading."""
    rows: list[Change] = []
    for ref in differing_records(facts, owner, bench.expected):
        target = target_of(owner, ref.system, bench)
        if target is not None:
            old = facts.owner_ids.get(ref.system)
            fingerprint = child_fingerprint(ref, old, parent=ref, target=target)
            rows.append(Change(ref, old, target.id, decision.company, fingerprint, expected=True))
    return rows


def _change(decision: Decision, changes: tuple[Change, ...], left_out: tuple[LeftOut, ...]) -> Proposal:
    """A change as decided, or `align` where the rules keep the owner and another system has to follow."""
    if decision.outcome is Outcome.KEEP:
        systems = ", ".join(sorted({change.ref.system.value for change in changes if change.parent is None}))
        text = f"{systems} is brought into line with the owner that the rules keep ({decision.reason})"
        return Proposal(decision, Outcome.CHANGE, "align", text, decision.owner, changes, left_out)
    return Proposal(decision, Outcome.CHANGE, decision.reason, decision.text, decision.owner, changes, left_out)


def target_of(owner: Owner, system: System, bench: Bench) -> RepState | None:
    """The decided owner as a user of one system who may own records there, else None."""
    owner_id = owner.ids.get(system)
    if owner_id is None:
        return None
    state = rep_state(bench.directory, owner.email, system, owner_id)
    return state if state.may_own else None


def unfit_text(owner: Owner, system: System, bench: Bench) -> str:
    """Why a decided owner cannot be written in a system."""
    if owner.email in bench.directory.ambiguous:
        return f"{owner.email} names several users of {system.value}"
    owner_id = owner.ids.get(system)
    if owner_id is None:
        return f"{owner.email} has no user in {system.value}"
    active = rep_state(bench.directory, owner.email, system, owner_id).active
    return f"{owner.email} ({owner_id}) {'may not own accounts' if active else 'is not active'} in {system.value}"


def _account_change(
    ref: Ref, decision: Decision, facts: Facts, target: RepState, bench: Bench
) -> tuple[Change, tuple[Change, ...], tuple[LeftOut, ...]]:
    """An account's row, the rows of the records that follow it, and the opportunities held out."""
    old = facts.owner_ids.get(ref.system)
    moving, held = bench.children.following(ref, old, target.id, facts=facts, territory=decision.territory)
    children = tuple((record.ref, record.owner) for record in moving)
    fingerprint = account_fingerprint(
        ref, old, facts=facts, reads=bench.reads, children=children, rule_text=rule_basis(decision), target=target
    )
    pipeline = facts.values.get("open_pipeline")
    row = Change(
        ref, old, target.id, decision.company, fingerprint, money=f"{pipeline:f}" if _is_money(pipeline) else None
    )
    rows = tuple(
        Change(
            child,
            owner,
            target.id,
            decision.company,
            child_fingerprint(child, owner, parent=ref, target=target),
            parent=ref,
        )
        for child, owner in children
    )
    return row, rows, tuple(LeftOut(child, "deal-holdout", text) for child, text in held)


def _is_money(value: object) -> bool:
    return value is not None and not isinstance(value, str | bool | frozenset | datetime)


def _place_child(child: Change, bench: Bench, changes: list[Change], left_out: list[LeftOut]) -> None:
    """Put a child's row into the plan, or say why it is left out; its account goes on either way."""
    refusal = refused(child, bench)
    if refusal is not None:
        left_out.append(LeftOut(child.ref, "refused", words_of(refusal)))
        return
    kept_back = hindrance(child.slot, bench)
    if kept_back is None:
        changes.append(child)
    else:
        left_out.append(kept_back)


def hindrance(slot: Slot, bench: Bench) -> LeftOut | None:
    """Why a field of a record cannot be written now whatever the rules say."""
    ref, _ = slot
    if ref.system in bench.stale:
        return LeftOut(ref, "system-stale", f"the mirror of {ref.system.value} is stale")
    if slot in bench.open_slots:
        return LeftOut(ref, "write-open", "an approved write of this record is still under way")
    return None


def refused(change: Change, bench: Bench) -> BlockedRow | None:
    """The refusal that is remembered for exactly this row, if it still counts."""
    row = bench.blocked.get(change.slot)
    if row is None or row.new_owner != change.new or bench.now >= row.until or row.rule_text != change.fingerprint:
        return None
    return row


def words_of(row: BlockedRow) -> str:
    """The CRM's words for a refusal."""
    return f"{row.code}: {row.message}" if row.message else str(row.code)
