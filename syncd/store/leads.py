"""Where leads stand: one row for each lead of the mirror, with its clock and what was last decided about it.

The mirror says what a lead is; these rows say what syncd made of it, so that a restart goes on where it was. Knows no
rules and decides nothing. A person is named by a hash of the e-mail alone, for finding duplicates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, or_, select, update

from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store.outbox import OPEN
from syncd.store.ownership import OwnerMark
from syncd.store.records import get_records
from syncd.store.tables import (
    blocked,
    lead_tracks,
    outbox,
    owner_changes,
    owner_marks,
    plans,
    receipts,
    records,
    users,
)
from syncd.store.upserts import CHUNK, chunks, upsert

_T = lead_tracks.c
_COLUMNS = (
    "person",
    "state",
    "reason",
    "text",
    "created_at",
    "seen_at",
    "seen_change",
    "waiting_since",
    "owner",
    "rep",
    "assigned_at",
    "assigned_by",
    "clock_from",
    "due_at",
    "touched_at",
    "breached_at",
    "reassigned_at",
    "matched",
    "plan_id",
    "decided_at",
)


class LeadState(StrEnum):
    """`waiting` for somebody, `queued` where routing put it into a queue, `assigned` and its clock runs; or over."""

    WAITING = "waiting"
    QUEUED = "queued"
    ASSIGNED = "assigned"
    TOUCHED = "touched"
    CLOSED = "closed"

    @property
    def open(self) -> bool:
        """Whether something may still happen to the lead by itself."""
        return self in OPEN_STATES


OPEN_STATES = (LeadState.WAITING, LeadState.QUEUED, LeadState.ASSIGNED)
PAST = "past"
"""Why a lead is over that somebody has and that is too old to be looked after."""
SYNCD, PERSON = "syncd", "person"
"""Who gave a lead to whoever has it."""


@dataclass(frozen=True, slots=True)
class LeadTrack:
    """Where one lead stands.

    `created_at` is the CRM's, `seen_at` when the mirror first had it, `seen_change` the mirror's change that was looked
    at last. `waiting_since` is when it began to wait for somebody, `owner` the owner's id and `rep` their e-mail.
    `assigned_at` is when somebody first had it, `assigned_by` says who gave it to whoever has it now, and `clock_from`
    since when. `due_at`, `touched_at` and `breached_at` are the present clock's; `reassigned_at` is when another got it
    because of a breach. `reason` and `text` say why it stands as it does.
    """

    ref: Ref
    state: LeadState
    reason: str
    text: str
    created_at: datetime
    seen_at: datetime
    seen_change: int = 0
    person: str | None = None
    waiting_since: datetime | None = None
    owner: str | None = None
    rep: str | None = None
    assigned_at: datetime | None = None
    assigned_by: str | None = None
    clock_from: datetime | None = None
    due_at: datetime | None = None
    touched_at: datetime | None = None
    breached_at: datetime | None = None
    reassigned_at: datetime | None = None
    matched: str | None = None
    plan_id: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeenLead:
    """A lead as the mirror has it, the number of the mirror's change that made it so, when it was first seen."""

    record: Record
    change: int
    first_seen: datetime
    track: LeadTrack | None


def person_key(email: str | None) -> str | None:
    """The name under which leads of one e-mail are found: a hash of it in small letters; None without one."""
    cleaned = (email or "").strip().casefold()
    return hashlib.blake2b(cleaned.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() if cleaned else None


def leads_to_look_at(conn: Connection, systems: Iterable[System]) -> tuple[SeenLead, ...]:
    """The leads that are open, new, or changed since they were last looked at, in the order of their refs.

    So are those that somebody worked, or had, who is no active user any more.
    """
    here = and_(_T.id == records.c.id, _T.system == records.c.system)
    had = or_(_T.state == LeadState.TOUCHED, and_(_T.state == LeadState.CLOSED, _T.reason == PAST))
    gone = users.c.active == False  # noqa: E712 - SQL
    left = exists().where(users.c.system == records.c.system, users.c.id == records.c.owner, gone)
    query = (
        select(records.c.id, records.c.system, records.c.change_seq, records.c.first_seen, lead_tracks)
        .select_from(records.outerjoin(lead_tracks, here))
        .where(
            records.c.kind == Kind.LEAD,
            records.c.system.in_(sorted(systems)),
            or_(
                _T.id.is_(None),
                _T.state.in_(OPEN_STATES),
                records.c.change_seq > _T.seen_change,
                and_(had, left),
            ),
        )
        .order_by(records.c.system, records.c.id)
    )
    found = [(Ref(row[1], Kind.LEAD, row[0]), row) for row in conn.execute(query)]
    held = get_records(conn, [ref for ref, _ in found])
    return tuple(
        SeenLead(held[ref], row[2], row[3], None if row._mapping[_T.id] is None else _track(row))
        for ref, row in found
        if ref in held
    )


def seen_leads(conn: Connection, refs: Iterable[Ref]) -> tuple[SeenLead, ...]:
    """The same of these leads, whatever their state."""
    held = get_records(conn, refs)
    tracks = tracks_of(conn, held)
    numbers: dict[Ref, tuple[int, datetime]] = {}
    for batch in chunks(sorted({ref.id for ref in held})):
        columns = (records.c.system, records.c.id, records.c.change_seq, records.c.first_seen)
        query = select(*columns).where(records.c.kind == Kind.LEAD, records.c.id.in_(batch))
        for system, record_id, change, first in conn.execute(query):
            numbers[Ref(system, Kind.LEAD, record_id)] = (change, first)
    return tuple(SeenLead(held[ref], *numbers[ref], tracks.get(ref)) for ref in sorted(held) if ref in numbers)


def save_tracks(conn: Connection, tracks: Iterable[LeadTrack]) -> None:
    """Save where leads stand."""
    rows = [
        {"id": track.ref.id, "system": track.ref.system, **{name: getattr(track, name) for name in _COLUMNS}}
        for track in tracks
    ]
    for batch in chunks(rows):
        conn.execute(upsert(conn, lead_tracks, ("id", "system"), _COLUMNS), list(batch))


def tracks_of(conn: Connection, refs: Iterable[Ref]) -> Mapping[Ref, LeadTrack]:
    """Where these leads stand, as far as they were looked at."""
    wanted = set(refs)
    found: dict[Ref, LeadTrack] = {}
    for batch in chunks(sorted({ref.id for ref in wanted})):
        for row in conn.execute(select(lead_tracks).where(_T.id.in_(batch))):
            track = _track(row)
            found[track.ref] = track
    return {ref: track for ref, track in found.items() if ref in wanted}


def open_tracks(conn: Connection) -> tuple[LeadTrack, ...]:
    """Every lead that waits for somebody, or whose clock runs, the oldest first."""
    query = select(lead_tracks).where(_T.state.in_(OPEN_STATES)).order_by(_T.created_at, _T.system, _T.id)
    return tuple(map(_track, conn.execute(query)))


def of_persons(conn: Connection, persons: Iterable[str]) -> tuple[LeadTrack, ...]:
    """Every lead of these persons, the oldest first."""
    found: list[LeadTrack] = []
    for batch in chunks(sorted(set(persons))):
        found += map(_track, conn.execute(select(lead_tracks).where(_T.person.in_(batch))))
    return tuple(sorted(found, key=lambda each: (each.created_at, each.ref)))


def assigned_since(conn: Connection, since: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """When each lead was created that syncd gave to somebody since an instant, and when it was given; oldest first."""
    query = select(_T.created_at, _T.assigned_at).where(_T.assigned_at >= since, _T.assigned_by == SYNCD)
    rows = conn.execute(query.order_by(_T.assigned_at))
    return tuple((created, given) for created, given in rows if given is not None)


def counts(conn: Connection) -> Mapping[LeadState, int]:
    """How many leads are in each state."""
    rows = conn.execute(select(_T.state, func.count()).group_by(_T.state))
    return {LeadState(state): count for state, count in rows}


def account_names(conn: Connection, systems: Iterable[System]) -> Iterator[tuple[Ref, str | None, str | None]]:
    """Every live account with the name and the host by which it is found (store/lookup), in bounded memory."""
    query = select(records.c.system, records.c.id, records.c.name_key, records.c.domain).where(
        records.c.kind == Kind.ACCOUNT,
        records.c.system.in_(sorted(systems)),
        records.c.deleted == False,  # noqa: E712 - SQL
    )
    with conn.execute(query, execution_options={"yield_per": CHUNK}) as result:
        for system, record_id, name, host in result:
            yield Ref(system, Kind.ACCOUNT, record_id), name, host


def lead_marks(conn: Connection) -> Mapping[Ref, OwnerMark]:
    """The owner of each lead that syncd wrote."""
    table = owner_marks.c
    query = select(table.ref, table.owner, table.source, table.at).where(table.kind == Kind.LEAD)
    return {ref: OwnerMark(owner, source, at) for ref, owner, source, at in conn.execute(query)}


def under_way(conn: Connection) -> frozenset[Ref]:
    """The leads that have an approved write that has not come to its end."""
    refs = conn.execute(select(outbox.c.ref).where(outbox.c.state.in_(OPEN))).scalars()
    return frozenset(ref for ref in refs if ref.kind is Kind.LEAD)


def refused(conn: Connection, now: datetime) -> Mapping[Ref, tuple[str | None, str]]:
    """The leads whose CRM refused an owner that still is not tried again: the owner, and the CRM's words."""
    query = select(blocked.c.ref, blocked.c.new_owner, blocked.c.message).where(blocked.c.until > now)
    return {ref: (owner, words) for ref, owner, words in conn.execute(query) if ref.kind is Kind.LEAD}


def forget_person(conn: Connection, ref: Ref) -> None:
    """Forget whose lead this is: it is no duplicate of any other from now on."""
    conn.execute(update(lead_tracks).where(_T.system == ref.system, _T.id == ref.id).values(person=None))


def _track(row: Row[Any]) -> LeadTrack:
    values = row._mapping
    told = {name: values[_T[name]] for name in _COLUMNS if name != "state"}
    return LeadTrack(Ref(values[_T.system], Kind.LEAD, values[_T.id]), state=LeadState(values[_T.state]), **told)


def plans_written_since(conn: Connection, kind: str, since: datetime) -> tuple[str, ...]:
    """The plans of a kind of which a row came to something at or after an instant, by id."""
    mine = plans.c.plan_id == receipts.c.plan_id
    query = select(receipts.c.plan_id).join(plans, mine).where(plans.c.kind == kind, receipts.c.at >= since).distinct()
    return tuple(sorted(conn.execute(query).scalars()))


def last_change_of_book(conn: Connection) -> int:
    """The number of the newest change of the mirror that is no lead's: what companies and their rules depend on."""
    return conn.execute(_LAST_OF_BOOK).scalar() or 0


_LAST_OF_BOOK = (
    select(records.c.change_seq).where(records.c.kind != Kind.LEAD).order_by(records.c.change_seq.desc()).limit(1)
)


def told_already(conn: Connection, refs: Iterable[Ref]) -> None:
    """Ask nobody who changed the owners of these leads: that is asked of accounts alone, and a few at a time."""
    table = owner_changes.c
    for batch in chunks(sorted(set(refs))):
        mine = table.ref.in_(batch) & (table.told == False)  # noqa: E712 - SQL
        conn.execute(update(owner_changes).where(mine).values(told=True))
