"""Marking accounts that appeared after adoption: the owner they came with is the one changes are told apart from."""

from __future__ import annotations

from syncd.jobs.context import Context
from syncd.model.refs import Kind
from syncd.planning.ownership import unmarked
from syncd.store import mirror, ownership


def mark_first_seen(context: Context) -> int:
    """Give every live account without a mark its present owner as `first-seen`; how many. Before adoption: none."""
    with context.store.read() as conn:
        if ownership.adopted_at(conn) is None:
            return 0
        marks = ownership.marks(conn)
        new = [
            record
            for system in context.systems
            for record in unmarked(mirror.records(conn, system, Kind.ACCOUNT), marks)
        ]
    now = context.clock.now()
    with context.store.write() as conn:
        for record in new:
            ownership.set_mark(conn, record.ref, record.owner, "first-seen", now=now)
    return len(new)
