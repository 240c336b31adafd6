"""Who gets the leads of one look: the earlier owner of the same person, else whoever routing says. Pure.

Leads are decided in the order in which they were created, so that any order of input gives the same answers. A lead
that is taken from somebody because nobody worked it goes to anybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from syncd.model.refs import Ref
from syncd.planning.leads.lead_tracking import RETURNED, Scene
from syncd.rules.facts import Facts
from syncd.rules.routing.router import LeadRoute, LeadRouter
from syncd.store.leads import SYNCD, LeadState, LeadTrack

_GONE = frozenset({"deleted", "merged", "too-old", "no-lead"})
NOBODY_OUT: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LeadCase:
    """A lead to be given out: where it stands, its facts, the account that its CRM names, who does not get it."""

    track: LeadTrack
    facts: Facts
    owner: str | None
    linked: Ref | None = None
    without: Mapping[str, str] = field(default_factory=lambda: NOBODY_OUT)


@dataclass(frozen=True, slots=True)
class Decided:
    """A case and where it goes."""

    case: LeadCase
    route: LeadRoute


def wants_routing(track: LeadTrack) -> bool:
    """Whether a lead waits for syncd to give it to somebody for the first time, or stays in a queue by routing."""
    stays = track.state is LeadState.QUEUED and track.assigned_by is None
    return stays or (track.state is LeadState.WAITING and track.reason != RETURNED)


def wants_another(track: LeadTrack, scene: Scene) -> bool:
    """Whether a lead is to be taken from who does not work it: given by syncd, overdue, and not taken before."""
    sla = scene.sla
    late = track.state is LeadState.ASSIGNED and track.breached_at is not None
    ours = track.assigned_by == SYNCD and track.reassigned_at is None
    return late and ours and sla is not None and sla.then == "reassign"


def excluded(track: LeadTrack, scene: Scene) -> Mapping[str, str]:
    """Who does not get a lead again: who let its clock run out."""
    sla = scene.sla
    if track.rep is None or sla is None or not wants_another(track, scene):
        return NOBODY_OUT
    span = f"{sla.first_touch.count} {sla.first_touch.unit}"
    return MappingProxyType({track.rep: f"had it and did not work it within {span}"})


def decide_leads(router: LeadRouter, cases: Sequence[LeadCase], others: Iterable[LeadTrack]) -> tuple[Decided, ...]:
    """Where each case goes, the oldest first. `others` are all known leads of the same persons."""
    first = _first_owners(others)
    decided: list[Decided] = []
    for case in sorted(cases, key=lambda each: (each.track.created_at, each.track.ref)):
        route = _as_duplicate(router, case, first) or router.route(case.facts, linked=case.linked, without=case.without)
        owner, person = route.decision.owner, case.track.person
        if person is not None and owner is not None and route.queue is None and route.decision.reason != "unrouted":
            first.setdefault(person, (case.track.created_at, case.track.ref, owner.email))
        decided.append(Decided(case, route))
    return tuple(decided)


def _first_owners(tracks: Iterable[LeadTrack]) -> dict[str, tuple[datetime, Ref, str]]:
    """By person the earliest lead that somebody has, and who."""
    found: dict[str, tuple[datetime, Ref, str]] = {}
    for track in sorted(tracks, key=lambda each: (each.created_at, each.ref)):
        if track.person is not None and track.rep is not None and track.reason not in _GONE:
            found.setdefault(track.person, (track.created_at, track.ref, track.rep))
    return found


def _as_duplicate(
    router: LeadRouter, case: LeadCase, first: Mapping[str, tuple[datetime, Ref, str]]
) -> LeadRoute | None:
    """The way to the owner of an earlier lead of the same person; None without one who may have it."""
    known = first.get(case.track.person or "")
    if known is None or known[1] == case.track.ref or known[2] in case.without:
        return None
    created, ref, email = known
    if created > case.track.created_at:
        return None
    return router.follow(case.facts, email, f"{email} has {ref}, an earlier lead of the same e-mail")
