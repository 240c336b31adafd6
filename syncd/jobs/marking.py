"""Marking accounts that appeared after adoption: the owner they came with is the one changes are told apart from.

An account that a person gave to somebody before any pull had seen it did not come with that owner: the CRM's history
tells, where it keeps one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from syncd.connectors.port import OwnerVersion
from syncd.jobs.authors import histories
from syncd.jobs.context import Context
from syncd.model.records import Record
from syncd.model.refs import Kind
from syncd.planning.ownership import unmarked
from syncd.store import mirror, ownership
from syncd.store.ownership import OwnerChange

_BEFORE = timedelta(milliseconds=1)


def mark_first_seen(context: Context) -> int:
    """Give every live account without a mark the owner it came with as `first-seen`; how many. Before adoption: none.

    That is its present owner, unless its history says that a person changed it since it was made.
    """
    with context.store.read() as conn:
        if ownership.adopted_at(conn) is None:
            return 0
        marks = ownership.marks(conn)
        new = [
            record
            for system in context.systems
            for record in unmarked(mirror.records(conn, system, Kind.ACCOUNT), marks)
        ]
    told = histories(context, [record.ref for record in new])
    now = context.clock.now()
    with context.store.write() as conn:
        for record in new:
            _mark(conn, record, told.get(record.ref, ()), now)
    return len(new)


def _mark(conn: Connection, record: Record, versions: tuple[OwnerVersion, ...], now: datetime) -> None:
    """The mark of one account, and the change that its history tells."""
    newest = versions[0] if len(versions) > 1 else None
    if newest is None or newest.at is None or newest.owner != record.owner or not newest.by_person:
        ownership.set_mark(conn, record.ref, record.owner, "first-seen", now=now)
        return
    ownership.set_mark(conn, record.ref, versions[-1].owner, "first-seen", now=now - _BEFORE)
    change = OwnerChange(newest.at, versions[1].owner, newest.owner, now, newest.by, newest.source)
    ownership.add_change(conn, record.ref, change)
