"""Cursors that cannot be right: one that lies in the future would let every pull read nothing, and nobody would notice.

It comes of a CRM's clock that was wrong once, or of a database that was put together by hand. How long nothing was read
is not known, so everything is read again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from syncd.clock import iso
from syncd.jobs.context import Context
from syncd.model.cursors import Cursor, Window
from syncd.model.refs import Kind, System
from syncd.store import mirror
from syncd.store.cursors import restart_cursor

AHEAD: Final = "SYN439"
TOLERATED_SKEW: Final = timedelta(minutes=2)
"""How far the clocks of one CRM's servers may be apart, or ours from theirs, before it is worth a word."""


def sound_cursor(
    context: Context, system: System, kind: Kind, server_now: datetime, *, upper: datetime, lane: str = "live"
) -> tuple[Cursor, str | None]:
    """The cursor of a kind, and a note where it lay in the future: then it is at its beginning, with a window to
    `upper` before it, and that is committed."""
    with context.store.read() as conn:
        cursor = mirror.get_cursor(conn, system, kind, lane=lane)
    ends = (cursor.through, None if cursor.window is None else cursor.window.upper)
    latest = max((instant for instant in ends if instant is not None), default=None)
    if latest is None or latest <= server_now + TOLERATED_SKEW:
        return cursor, None
    fresh = replace(cursor, through=None, window=Window(None, upper), resume=None)
    with context.store.write() as conn:
        restart_cursor(conn, fresh)
    note = f"{AHEAD} the cursor of {kind.value} records lies in the future ({iso(latest)}): all of them are read again"
    return fresh, note
