"""Cursors: how far each kind of each system has been read. They only move forward."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from syncd.clock import iso
from syncd.errors import StorageError
from syncd.model.cursors import Cursor, Window
from syncd.model.refs import Kind, System
from syncd.store.tables import cursors
from syncd.store.upserts import upsert

_ONE = select(cursors.c.through, cursors.c.window_lower, cursors.c.window_upper, cursors.c.resume).where(
    cursors.c.system == bindparam("of_system"),
    cursors.c.kind == bindparam("of_kind"),
    cursors.c.lane == bindparam("of_lane"),
)


def get_cursor(conn: Connection, system: System, kind: Kind, lane: str = "live") -> Cursor:
    """The stored cursor, or a fresh one for a kind that was never read in this lane."""
    row = conn.execute(_ONE, {"of_system": system, "of_kind": kind, "of_lane": lane}).one_or_none()
    if row is None:
        return Cursor(system, kind, lane)
    through, lower, upper, resume = row
    return Cursor(system, kind, lane, through, None if upper is None else Window(lower, upper), resume)


def read_through(conn: Connection) -> dict[tuple[System, Kind, str], datetime]:
    """The instant up to which each kind of each system was read, by lane; without those that were never read."""
    query = select(cursors.c.system, cursors.c.kind, cursors.c.lane, cursors.c.through)
    known = conn.execute(query.where(cursors.c.through.is_not(None)))
    return {(system, kind, lane): through for system, kind, lane, through in known if through is not None}


def set_cursor(conn: Connection, cursor: Cursor) -> None:
    """Store the cursor. StorageError SYN610 if its `through` would go back."""
    stored = get_cursor(conn, cursor.system, cursor.kind, cursor.lane).through
    if stored is not None and (cursor.through is None or iso(cursor.through) < iso(stored)):
        new = "nothing" if cursor.through is None else iso(cursor.through)
        raise StorageError(
            "SYN610",
            f"the cursor would go back from {iso(stored)} to {new}",
            where=f"{cursor.system.value}:{cursor.kind.value} ({cursor.lane})",
            hint="this is a bug of syncd: nothing was stored; report it with the run's log",
        )
    _write(conn, cursor)


def restart_cursor(conn: Connection, cursor: Cursor) -> None:
    """Store a cursor that has read nothing yet, whatever was stored: the one way back, for a place that cannot be.

    ValueError for a cursor that has read something.
    """
    if cursor.through is not None or cursor.resume is not None:
        raise ValueError("a cursor that is begun again has read nothing")
    _write(conn, cursor)


def _write(conn: Connection, cursor: Cursor) -> None:
    conn.execute(
        upsert(conn, cursors, ("system", "kind", "lane"), ("through", "window_lower", "window_upper", "resume")),
        {
            "system": cursor.system,
            "kind": cursor.kind,
            "lane": cursor.lane,
            "through": cursor.through,
            "window_lower": cursor.window.lower if cursor.window else None,
            "window_upper": cursor.window.upper if cursor.window else None,
            "resume": cursor.resume,
        },
    )
