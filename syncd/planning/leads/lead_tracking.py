"""Where a lead stands: whose it is, since when, whether somebody worked it, and when its clock runs out. Pure.

What the mirror says of a lead is compared with what syncd knew of it. An owner that syncd wrote is syncd's gift; every
other one is a person's doing and is left alone. Decides nothing about who should have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.clock import parse_instant
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import Pack
from syncd.rules.routing.sla_clock import due_at, working_time_of
from syncd.rules.routing_rules import Sla
from syncd.store.leads import PAST, PERSON, SYNCD, LeadState, LeadTrack, SeenLead, person_key
from syncd.store.ownership import OwnerMark

WAITS, RETURNED, NOT_ROUTED = "waits", "returned", "owner-inactive"
"""Why a lead waits: nobody has it; it came back after syncd gave it away; who had it is no active user."""


_TOO_OLD = "too-old"
_OLD = frozenset({_TOO_OLD, PAST})
"""Why a lead is closed that is still a lead: syncd looks after it no longer."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What leads are looked at with: the people, the marks of what syncd wrote, the pack's clock, and the settings.

    `unowned` are the owner ids whose leads are nobody's yet. `stages` are the lifecycle stages in which a HubSpot
    contact is a lead, `touched` the statuses that say that somebody worked one, all in small letters.
    """

    now: datetime
    pack: Pack
    users: Mapping[Ref, User]
    marks: Mapping[Ref, OwnerMark]
    within: timedelta
    unowned: frozenset[tuple[System, str]] = frozenset()
    stages: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()

    @property
    def sla(self) -> Sla | None:
        """The pack's rule about first touch."""
        return self.pack.routing.sla if self.pack.routing is not None else None

    def owner_of(self, record: Record) -> User | None:
        """The user or queue that owns a lead, None for nobody and for one who is not known."""
        return None if record.owner is None else self.users.get(Ref(record.ref.system, Kind.USER, record.owner))


def observed(seen: SeenLead, scene: Scene) -> LeadTrack:
    """Where a lead stands now, given where it stood."""
    record = seen.record
    track = seen.track or _fresh(seen, scene)
    track = replace(track, seen_change=seen.change, person=person_key(record.fields.get("email")))
    over = _why_over(record, scene)
    if over is not None:
        return _closed(track, *over)
    done = track.state is LeadState.TOUCHED or (track.state is LeadState.CLOSED and track.reason == _TOO_OLD)
    if done and not _is_left_behind(track, record, scene):
        return replace(track, owner=record.owner)
    return _owned(track, record, scene)


def _is_left_behind(track: LeadTrack, record: Record, scene: Scene) -> bool:
    """Whether somebody had or worked a lead who is no active user any more: it needs another owner, however old."""
    user = scene.owner_of(record)
    return track.assigned_at is not None and user is not None and not user.active


def is_over(track: LeadTrack) -> bool:
    """Whether a record is no lead to anybody any more: converted, merged, deleted, in no stage of a lead."""
    return track.state is LeadState.CLOSED and track.reason not in _OLD


def is_queue(user: User) -> bool:
    """Whether an owner is a queue: active, and no person who may own an account; it has no e-mail, or no login."""
    return user.active and not user.eligible and user.login is None


def touched_at(record: Record, since: datetime, scene: Scene) -> datetime | None:
    """When somebody worked a lead after an instant, as far as the CRM tells; None where nobody did.

    By the mapped `first_touch`, else the last activity; a date without a time counts from the day of that instant on.
    A status that says so counts from the record's last change.
    """
    for name in ("first_touch", "last_activity_at"):
        at = _instant(record.fields.get(name), since, scene)
        if at is not None:
            return at
    status = record.fields.get("status", "").strip().casefold()
    return max(record.stamp, since) if status and status in scene.touched else None


def _fresh(seen: SeenLead, scene: Scene) -> LeadTrack:
    """A lead that was not looked at before."""
    text = seen.record.fields.get("created_at")
    try:
        created = parse_instant(text) if text else seen.first_seen
    except ValueError:
        created = seen.first_seen
    return LeadTrack(seen.record.ref, LeadState.WAITING, WAITS, "nobody has it", min(created, scene.now), scene.now)


def _why_over(record: Record, scene: Scene) -> tuple[str, str] | None:
    """Why a record is no lead to look after any more, as reason and text; None for one that is."""
    if record.merged_into is not None:
        return "merged", f"it was merged into {record.merged_into}"
    if record.deleted:
        return "deleted", "it was deleted"
    if record.fields.get("converted") == "true":
        return "converted", "it was converted"
    if record.ref.system is System.HUBSPOT and scene.stages:
        stage = record.fields.get("lifecycle", "")
        if stage.strip().casefold() not in scene.stages:
            return "no-lead", f"its stage is {stage or 'empty'}, which is none of a lead's"
    return None


def _closed(track: LeadTrack, reason: str, text: str) -> LeadTrack:
    return replace(track, state=LeadState.CLOSED, reason=reason, text=text, waiting_since=None)


def _owned(track: LeadTrack, record: Record, scene: Scene) -> LeadTrack:
    """A live lead by whose it is: a queue that routing chose, a person, or nobody."""
    user, mark = scene.owner_of(record), scene.marks.get(record.ref)
    ours = mark is not None and mark.source == "written" and mark.owner == record.owner
    nobody = user is None or is_queue(user) or (record.ref.system, user.ref.id) in scene.unowned
    back = track.rep is not None or track.reason == RETURNED
    if ours and not back and user is not None and is_queue(user) and mark is not None:
        return _queued(track, user, mark)
    if user is not None and user.active and not nobody:
        return _assigned(track, record, user, mark if ours else None, scene)
    return _waiting(track, record, user, mark, scene)


def _queued(track: LeadTrack, queue: User, mark: OwnerMark) -> LeadTrack:
    return replace(
        track,
        state=LeadState.QUEUED,
        reason="queue",
        text=f"syncd put it into the queue {queue.name}",
        owner=queue.ref.id,
        rep=None,
        assigned_at=track.assigned_at or mark.at,
        assigned_by=SYNCD,
        waiting_since=None,
    )


def _waiting(track: LeadTrack, record: Record, user: User | None, mark: OwnerMark | None, scene: Scene) -> LeadTrack:
    """A lead that nobody has; one that syncd gave away before waits for a person: who took it back had a reason."""
    base = replace(
        track,
        state=LeadState.WAITING,
        owner=record.owner,
        rep=None,
        waiting_since=track.waiting_since or (track.created_at if track.owner is None else scene.now),
        due_at=None,
        clock_from=None,
        breached_at=None,
    )
    if track.created_at < scene.now - scene.within and track.assigned_at is None:
        days = scene.within.days
        return _closed(base, _TOO_OLD, f"it is older than {days} d (leads.within), so it stays where it is")
    ours = mark is not None and mark.source == "written"
    back = track.rep is not None or track.reason == RETURNED
    stayed = user is not None and not user.active and track.owner == record.owner and track.reason != RETURNED
    if (
        mark is not None
        and ours
        and not stayed
        and (mark.owner != record.owner or (back and (user is None or user.active)))
    ):
        return replace(base, reason=RETURNED, text=f"syncd gave it away on {mark.at:%Y-%m-%d %H:%M}Z and it came back")
    if user is not None and not user.active:
        text = f"{user.email or user.name}, who has it, is no active user"
        return replace(base, reason=NOT_ROUTED, text=text)
    if track.state is LeadState.QUEUED and track.owner == record.owner:
        return replace(base, state=LeadState.QUEUED)  # routing leaves it in the queue that it came into
    kept = track.state is LeadState.WAITING and track.reason not in (RETURNED, NOT_ROUTED)
    return base if kept else replace(base, reason=WAITS, text="nobody has it")


def _assigned(track: LeadTrack, record: Record, user: User, mark: OwnerMark | None, scene: Scene) -> LeadTrack:
    """A lead that a person has: the clock runs from when they got it until somebody worked it."""
    if track.owner != user.ref.id or track.clock_from is None:
        track = _handed_over(track, record, user, mark, scene)
    since = track.clock_from or scene.now
    due = _due(since, user.email, scene)
    track = replace(track, state=LeadState.ASSIGNED, due_at=due, waiting_since=None, rep=user.email)
    touched = touched_at(record, since, scene)
    if touched is not None:
        return replace(track, state=LeadState.TOUCHED, touched_at=touched, text=f"{user.email} worked it")
    if due is not None and scene.now >= due:
        return replace(track, breached_at=track.breached_at or due)
    if scene.now - track.created_at > scene.within:
        return _closed(track, PAST, f"{user.email} has it; it is older than leads.within")
    return replace(track, breached_at=None)


def _handed_over(track: LeadTrack, record: Record, user: User, mark: OwnerMark | None, scene: Scene) -> LeadTrack:
    """The lead in its new owner's hands: since syncd's write, or since the record says that it changed."""
    new = track.owner is None and track.assigned_at is None and track.waiting_since is None
    at = mark.at if mark is not None else track.created_at if new else min(record.stamp, scene.now)
    by_us = mark is not None
    again = by_us and track.assigned_by == SYNCD and track.breached_at is not None
    text = f"syncd gave it to {user.email}" if by_us else f"{user.email} has it, by no doing of syncd"
    return replace(
        track,
        owner=user.ref.id,
        rep=user.email,
        reason="given" if by_us else "left-alone",
        text=text,
        assigned_at=track.assigned_at or max(at, track.created_at),
        assigned_by=SYNCD if by_us else PERSON,
        clock_from=max(at, track.created_at),
        breached_at=None,
        reassigned_at=at if again else track.reassigned_at,
    )


def _due(since: datetime, email: str, scene: Scene) -> datetime | None:
    sla = scene.sla
    return None if sla is None else due_at(since, sla.first_touch, working_time_of(scene.pack, sla, email))


def _instant(text: str | None, since: datetime, scene: Scene) -> datetime | None:
    """An instant that is not before another; a plain date where it is not before its day."""
    if not text:
        return None
    try:
        if len(text) == len("2026-12-01"):
            day = local_day(since, scene.pack.zone).isoformat()
            return max(since, parse_instant(f"{text}T00:00:00Z")) if text >= day else None
        at = parse_instant(text)
    except ValueError:
        return None
    return at if at >= since else None
