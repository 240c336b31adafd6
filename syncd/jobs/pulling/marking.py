"""Marking accounts that appeared after adoption: the owner they came with is the one changes are told apart from.

An account that a person gave to somebody before any pull had seen it did not come with that owner: the CRM's history
tells, where it keeps one. One that a merge made goes on with a mark of the accounts that it was merged from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from syncd.connectors.port import OwnerVersion, latest_version
from syncd.jobs.books.written import written_fields
from syncd.jobs.context import Context
from syncd.jobs.pulling.authors import histories
from syncd.model.plans import DERIVED_WRITES, OWNER_FIELD, Slot, held_value
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.planning.ownership import unmarked
from syncd.store import merges, mirror, outbox, ownership
from syncd.store.merges import Legacy
from syncd.store.ownership import OwnerChange, OwnerMark

PATIENCE = timedelta(days=1)
"""How long after its last change an account waits for its CRM to tell who gave it its owner."""

_BEFORE = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Live accounts that have no mark yet, with the owners that each had; before adoption there are none.

    `later` are those whose CRM could not be asked just now: they stay out of the book until it can, or for a day.
    """

    records: tuple[Record, ...] = ()
    versions: Mapping[Ref, tuple[OwnerVersion, ...]] = field(default_factory=dict)
    later: frozenset[Ref] = frozenset()


def newcomers(context: Context) -> Newcomers:
    """The accounts that appeared since the last look, asked of their CRM."""
    with context.store.read() as conn:
        if ownership.adopted_at(conn) is None:
            return Newcomers()
        marks = ownership.marks(conn)
        new = [
            record
            for system in context.systems
            for record in unmarked(mirror.records(conn, system, Kind.ACCOUNT), marks)
        ]
    told = histories(context, [record.ref for record in new])
    young = context.clock.now() - PATIENCE
    later = frozenset(record.ref for record in new if record.ref in told.later and record.stamp > young)
    return Newcomers(tuple(new), told.versions, later)


def mark_newcomers(conn: Connection, found: Newcomers, now: datetime) -> int:
    """Give each newcomer the owner that it came with as `first-seen`; how many.

    That is its present owner, unless its history says that a person changed it since it was made. In the transaction
    that lets it into the book: a plan in between would know of no person.
    """
    known = [record for record in found.records if record.ref not in found.later]
    inherited = _inherited(conn, known)
    for (ref, role), mark in inherited.items():
        ownership.set_mark(conn, ref, mark.owner, mark.source, now=mark.at, field=role)
    for record in known:
        _mark(conn, record, found.versions.get(record.ref, ()), inherited.get((record.ref, OWNER_FIELD)), now)
    return len(known)


def look_at_roles(context: Context) -> None:
    """Mark the holders of the roles that are written to a field, and write down who was changed meanwhile."""
    with context.store.read() as conn:
        if ownership.adopted_at(conn) is None:
            return
    for role, systems in written_fields(context.settings).items():
        if role not in DERIVED_WRITES:
            _look_at_role(context, role, [system for system in context.systems if system in systems])


def _look_at_role(context: Context, role: str, systems: Sequence[System]) -> None:
    """Mark the holders of a role in accounts that have no mark for it, and write down who was changed meanwhile.

    A CRM keeps the history of owners; of another field the pull that sees it differ is the first to know.
    """
    with context.store.read() as conn:
        marks = ownership.marks(conn, field=role)
        seen = ownership.owner_changes(conn, field=role)
        under_way = outbox.open_refs(conn, role)
        new: dict[Slot, tuple[str | None, str]] = {}
        changed: list[tuple[Ref, OwnerChange]] = []
        now = context.clock.now()
        for record in (each for system in systems for each in mirror.records(conn, system, Kind.ACCOUNT)):
            holder, mark, last = held_value(record, role), marks.get(record.ref), seen.get(record.ref)
            if mark is None:
                new[record.ref, role] = (holder, "first-seen")
                continue
            before = last.new if last is not None and last.seen_at > mark.at else mark.owner
            if holder != before and record.ref not in under_way:
                change = OwnerChange(record.stamp, before, holder, now, record.modified_by, None, role)
                changed.append((record.ref, change))
    with context.store.write() as conn:
        ownership.set_marks(conn, new, now=now)
        for ref, change in changed:
            ownership.add_change(conn, ref, change)


def _inherited(conn: Connection, records: Sequence[Record]) -> Mapping[Slot, OwnerMark]:
    """The marks that accounts made by a merge go on with, by account and field."""
    made = {record.ref: record for record in records}
    left = merges.legacies(conn, made)
    return {slot: _legacy(held_value(made[slot[0]], slot[1]), each) for slot, each in left.items()}


def _legacy(present: str | None, legacies: Sequence[Legacy]) -> OwnerMark:
    """Which mark tells what a person did to an account that has `present` since it was made by a merge.

    No CRM says whose value it took, so a person's word on one of the merged goes first, then the mark that it has.
    """
    word = (each.mark for each in legacies if each.held == present != each.mark.owner)
    same = (each.mark for each in legacies if each.mark.owner == present)
    return next(word, None) or next(same, legacies[0].mark)


def _mark(
    conn: Connection, record: Record, versions: tuple[OwnerVersion, ...], legacy: OwnerMark | None, now: datetime
) -> None:
    """The mark of one account, and the change that its history tells; `legacy` is the mark that a merge left to it."""
    newest = latest_version(versions, record.owner) if len(versions) > 1 else None
    told = newest is not None and newest.owner == record.owner and newest.by_person
    if newest is None or newest.at is None or not told or (legacy is not None and newest.at <= legacy.at):
        if legacy is None:
            ownership.set_mark(conn, record.ref, record.owner, "first-seen", now=now)
        return
    before = next(each.owner for each in versions if each is not newest)
    came_with = versions[-1].owner if legacy is None else before  # a history may go back before the merge
    ownership.set_mark(conn, record.ref, came_with, "first-seen", now=now - _BEFORE)
    change = OwnerChange(newest.at, before, newest.owner, now, newest.by, newest.source)
    ownership.add_change(conn, record.ref, change)
