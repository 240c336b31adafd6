"""The open leads of somebody who leaves: each goes where routing sends it, else to whoever covers. Pure.

They are handed over by the leaver's plan itself, worked ones too, so that none waits on somebody who is gone. No turn
of a rotation is charged: nobody asked for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncd.model.decisions import Outcome
from syncd.model.plans import Change
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref
from syncd.planning.leads.lead_plan import LeadPlanInput, lead_fingerprint, propose_lead
from syncd.planning.leads.lead_routing import Decided, LeadCase, decide_leads
from syncd.planning.people.left_behind import LeftBehind, cover_in
from syncd.planning.proposing.proposals import Proposal
from syncd.rules.routing.router import LeadRouter
from syncd.store.leads import LeadTrack

_STANDS = frozenset({"system-not-written", "write-under-way", "refused"})
"""Why a lead stays whoever would get it."""


@dataclass(frozen=True, slots=True)
class Heirs:
    """To whom alone leads may go, in turn, where anybody is named; and who covers where nobody else gets one."""

    named: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftLead:
    """A lead of the leaver as the mirror has it, and as routing sees it."""

    record: Record
    case: LeadCase


def left_leads_by(
    source: LeadPlanInput, router: LeadRouter, leads: Sequence[LeftLead], others: Iterable[LeadTrack], heirs: Heirs
) -> tuple[tuple[LeftBehind, ...], tuple[Change, ...]]:
    """What becomes of every lead, the oldest first, and the writes. `others` are known leads of the same persons."""
    records = {lead.case.track.ref: lead.record for lead in leads}
    given: Counter[str] = Counter()
    found: list[tuple[LeftBehind, Change | None]] = []
    for decided in decide_leads(router, [lead.case for lead in leads], others):
        record, proposal = records[decided.case.track.ref], propose_lead(decided, source)
        if heirs.named:
            few = sorted(heirs.named, key=lambda email: (given[email], heirs.named.index(email)))
            one = _to(source, decided, record, proposal, few, "handed over to whom --to names")
            given[one[0].to or ""] += 1
        elif proposal.outcome is Outcome.CHANGE:
            to = proposal.owner.email if proposal.owner is not None else None
            one = LeftBehind(record, None, to, proposal.text), proposal.changes[0]
        else:
            one = _to(source, decided, record, proposal, heirs.covers, f"{proposal.text}; whoever covers gets it")
        found.append(one)
    return tuple(one for one, _ in found), tuple(change for _, change in found if change is not None)


def _to(
    source: LeadPlanInput,
    decided: Decided,
    record: Record,
    proposal: Proposal,
    people: Sequence[str],
    why: str,
) -> tuple[LeftBehind, Change | None]:
    """A lead to the first of some people who may have it there, or why it stays."""
    ref = decided.case.track.ref
    if proposal.reason in _STANDS:
        return LeftBehind(record, None, None, f"stays: {proposal.text}"), None
    able = cover_in(source.directory, ref.system, people)
    target = _user(source, ref, able[1].id) if able is not None else None
    if able is None or target is None:
        text = f"stays: {proposal.text}; name somebody with --cover EMAIL"
        return LeftBehind(record, None, None, text), None
    old = decided.case.owner
    change = Change(ref, old, target.ref.id, decided.route.decision.company, lead_fingerprint(ref, old, target))
    return LeftBehind(record, None, able[0], why), change


def _user(source: LeadPlanInput, ref: Ref, owner: str) -> User | None:
    return source.users.get(Ref(ref.system, Kind.USER, owner))
