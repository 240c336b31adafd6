"""The plan of leads: who gets which, as a plan like any other, that is approved, written, read back and undone alike.

Its rows stand on little: the lead's owner and the rep's state. Whether a lead was converted or worked meanwhile is
asked again when it is written. Pure.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.clock import iso
from syncd.model.decisions import Outcome, Owner
from syncd.model.plans import LEADS_PLAN, Change, OutboxRow, PlanStatus, SavedPlan, Slot, canonical_json, document_hash
from syncd.model.records import User
from syncd.model.refs import Ref, System
from syncd.planning.leads.lead_routing import Decided
from syncd.planning.leads.lead_tracking import is_over, is_queue
from syncd.planning.proposing.document import (
    FORMAT,
    change_entry,
    decision_entry,
    guard_entry,
    people_by_id,
    summary_entry,
)
from syncd.planning.proposing.guard import Move, Reach, check_guard
from syncd.planning.proposing.proposals import Proposal
from syncd.planning.proposing.staleness import Present
from syncd.rules.facts import Directory
from syncd.rules.pack import Guard
from syncd.store.leads import LeadState, LeadTrack, SeenLead


@dataclass(frozen=True, slots=True)
class LeadPlanInput:
    """All that a plan of leads is made of.

    `writers` are the systems that syncd writes, `users` everybody who may own a lead, queues too, `under_way` the leads
    whose write is on its way, `refused` those whose CRM refused an owner lately, with that owner and its words.
    """

    decided: Sequence[Decided]
    guard: Guard
    directory: Directory
    users: Mapping[Ref, User]
    writers: frozenset[System]
    now: datetime
    pack_revision: str
    mapping_revision: str
    currency: str
    under_way: frozenset[Ref] = frozenset()
    refused: Mapping[Ref, tuple[str | None, str]] | None = None
    read_at: Mapping[System, datetime] | None = None


def build_lead_plan(source: LeadPlanInput, *, plan_id: str, lifetime: timedelta) -> SavedPlan:
    """The plan, offered for an approval; its document has the same form as any other plan's."""
    document = lead_document(source, plan_id=plan_id, lifetime=lifetime)
    return SavedPlan(
        plan_id=plan_id,
        hash=document_hash(document),
        kind=LEADS_PLAN,
        status=PlanStatus.OFFERED,
        pack_revision=source.pack_revision,
        created_at=source.now,
        expires_at=source.now + lifetime,
        document=document,
    )


def lead_document(source: LeadPlanInput, *, plan_id: str | None, lifetime: timedelta) -> dict[str, Any]:
    """The document of a plan of leads; without an id it is one that is not saved."""
    proposals = [(each, propose_lead(each, source)) for each in source.decided]
    changes = sorted((change for _, each in proposals for change in each.changes), key=lambda each: str(each.ref))
    people = people_by_id(source.directory)
    outcomes = Counter(proposal.outcome for _, proposal in proposals)
    told = sorted(proposals, key=lambda each: each[1].decision.company)
    return {
        "format": FORMAT,
        "kind": LEADS_PLAN,
        "plan_id": plan_id,
        "pack_revision": source.pack_revision,
        "mapping_revision": source.mapping_revision,
        "created_at": iso(source.now),
        "lifetime_seconds": int(lifetime.total_seconds()),
        "now": iso(source.now),
        "mirror": {system.value: {"as_of": iso(at)} for system, at in sorted((source.read_at or {}).items())},
        "rates": {"currency": source.currency, "as_of": None},
        "systems": {"written": sorted(system.value for system in source.writers), "expected": []},
        "summary": summary_entry(outcomes, Decimal(0), source.currency),
        "decisions": [_entry(each, proposal) for each, proposal in told if proposal.outcome is not Outcome.KEEP],
        "changes": [change_entry(change, people) for change in changes],
        "shifts": {"reps": [], "territories": []},
        "guard": guard_entry(check_guard(lead_guard(source.guard), _reach(proposals, changes, source.currency))),
    }


def lead_guard(guard: Guard) -> Guard:
    """The limits that a plan of leads is held to: how many, for whom, in which territory, by how many calls.

    A share of a handful means nothing, and leads have neither money nor a band.
    """
    return replace(guard, changes_share=None, money=None, per_band={}, per_owner_total=None)


def propose_lead(decided: Decided, source: LeadPlanInput) -> Proposal:
    """What a plan says of one lead: the write, or why there is none."""
    decision, ref = decided.route.decision, decided.case.track.ref
    if decision.outcome is Outcome.UNASSIGNED:
        return Proposal(decision, decision.outcome, decision.reason, decision.text, decision.owner)
    target = _target(decided, source)
    if target is None:
        whom = f"the queue {decided.route.queue}" if decided.route.queue else decision.owner
        name = whom.email if isinstance(whom, Owner) else whom
        return _blocked(decided, "owner-not-in-system", f"{name} is no owner in {ref.system.value}")
    owner = Owner(target.email or f"queue {target.name}", {ref.system: target.ref.id})
    if decision.owner is not None:
        owner = decision.owner
    if decided.case.owner == target.ref.id:
        return Proposal(decision, Outcome.KEEP, decision.reason, decision.text, owner)
    refusal = _refusal(ref, target, source)
    if refusal is not None:
        return _blocked(decided, *refusal)
    change = Change(
        ref=ref,
        old=decided.case.owner,
        new=target.ref.id,
        because=decision.company,
        fingerprint=lead_fingerprint(ref, decided.case.owner, target),
    )
    return Proposal(decision, Outcome.CHANGE, decision.reason, decision.text, owner, (change,))


def lead_fingerprint(ref: Ref, old: str | None, target: User) -> str:
    """What a lead's row stands on: its owner, and that the new one may still own it."""
    basis = {"ref": str(ref), "owner": old, "to": [target.ref.id, target.active, is_queue(target)]}
    return hashlib.blake2b(canonical_json(basis).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def present_leads(
    rows: Iterable[OutboxRow],
    leads: Mapping[Ref, SeenLead],
    tracks: Mapping[Ref, LeadTrack],
    users: Mapping[Ref, User],
    *,
    worked: bool = False,
) -> Mapping[Slot, Present]:
    """How each row stands on the present mirror; `tracks` say where the leads stand now.

    A lead that is gone, converted or worked since is left out, or refused: its row ends, and the others go on. `worked`
    ones, and such as are too old to be looked after, are handed over by who leaves all the same.
    """
    people = {(user.ref.system, user.ref.id): user for user in users.values()}
    found: dict[Slot, Present] = {}
    for row in rows:
        seen, track = leads.get(row.ref), tracks.get(row.ref)
        target = people.get((row.ref.system, row.new or ""))
        if seen is None or track is None or seen.record.deleted:
            continue
        ended = is_over(track) if worked else track.state in (LeadState.CLOSED, LeadState.TOUCHED)
        refusal = track.text if ended else None
        fingerprint = lead_fingerprint(row.ref, row.old, target) if target is not None else None
        found[row.slot] = Present(seen.record.owner, fingerprint, refusal)
    return found


def _entry(decided: Decided, proposal: Proposal) -> dict[str, Any]:
    """A decision as the document holds it, with what the lead is and what it was matched to."""
    match = decided.route.match
    company = decided.case.facts.seen.get("name")
    entry = decision_entry(proposal, None)
    told = {"name": company.raw if company is not None else None, "match": match.text if match is not None else None}
    return entry | {key: value for key, value in told.items() if value}


def _target(decided: Decided, source: LeadPlanInput) -> User | None:
    """The user or queue, in the lead's own system, that it goes to."""
    system, queue, owner = decided.case.track.ref.system, decided.route.queue, decided.route.decision.owner
    if queue is not None:
        named = (user for user in source.users.values() if user.ref.system is system and is_queue(user))
        return next((user for user in named if user.name.strip().casefold() == queue.strip().casefold()), None)
    wanted = owner.ids.get(system) if owner is not None else None
    return next((user for user in source.users.values() if user.ref.system is system and user.ref.id == wanted), None)


def _refusal(ref: Ref, target: User, source: LeadPlanInput) -> tuple[str, str] | None:
    """Why a write is not planned, as reason and text."""
    if ref.system not in source.writers:
        return "system-not-written", f"owners in {ref.system.value} are not written by this installation"
    if ref in source.under_way:
        return "write-under-way", "an approved write of it has not come to its end"
    told = (source.refused or {}).get(ref)
    if told is not None and told[0] == target.ref.id:
        return "refused", f"{ref.system.value} refused it: {told[1]}"
    if not target.active:
        return "owner-not-in-system", f"{target.email or target.name} is no active user in {ref.system.value}"
    return None


def _blocked(decided: Decided, reason: str, text: str) -> Proposal:
    decision = decided.route.decision
    return Proposal(decision, Outcome.BLOCKED, reason, text, decision.current_owner)


def _reach(proposals: Sequence[tuple[Decided, Proposal]], changes: Sequence[Change], currency: str) -> Reach:
    moves = [
        Move(
            gains=proposal.owner.email if proposal.owner is not None else None,
            loses=proposal.decision.current_owner.email if proposal.decision.current_owner is not None else None,
            territory=proposal.decision.territory,
            band=None,
            pipeline=Decimal(0),
            rule=f"{place.path}:{place.line}" if (place := proposal.decision.place) is not None else None,
        )
        for _, proposal in proposals
        if proposal.outcome is Outcome.CHANGE
    ]
    return Reach(moves=moves, evaluated=len(proposals), totals={}, changes=changes, currency=currency)
