"""The mirror: the local copy of the CRMs' records, users and teams, and the cursors that say how far it goes.

The front of records, people, cursors, sweeps, systems and lookup: callers import from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from syncd.model.cursors import Cursor, Page
from syncd.model.records import Record
from syncd.store.cursors import get_cursor, set_cursor
from syncd.store.lookup import find_accounts
from syncd.store.people import TeamsView, store_teams, store_users, teams, users
from syncd.store.records import (
    PageResult,
    changed_since,
    get_record,
    get_records,
    last_change,
    records,
    records_of_account,
    upsert_records,
)
from syncd.store.sweeps import mark_gone, missing_ids, vanished
from syncd.store.systems import (
    MirrorStatus,
    bind_system,
    bound_account,
    mark_complete,
    mirror_status,
    native_sync_sign,
    set_native_sync,
    set_outcome,
)

__all__ = [
    "MirrorStatus",
    "PageResult",
    "TeamsView",
    "bind_system",
    "bound_account",
    "changed_since",
    "find_accounts",
    "get_cursor",
    "get_record",
    "get_records",
    "last_change",
    "mark_complete",
    "mark_gone",
    "mirror_status",
    "missing_ids",
    "native_sync_sign",
    "record_reading",
    "records",
    "records_of_account",
    "set_cursor",
    "set_native_sync",
    "set_outcome",
    "store_page",
    "store_teams",
    "store_users",
    "teams",
    "users",
    "vanished",
]


def store_page(
    conn: Connection,
    page: Page,
    cursor: Cursor,
    *,
    now: datetime,
    run_id: str | None,
    settled: datetime | None = None,
) -> PageResult:
    """Store a page's records, the owner changes they show, and the cursor, all in the caller's transaction.

    A record as the mirror has it is no change, and an older version never overwrites a newer one. Versions stamped
    before `settled` that the mirror lacks are counted as missed: an earlier run should have read them. StorageError
    SYN610 if the cursor would go back, ValueError for a record of another system or kind than the cursor's.
    """
    only = cursor.system, cursor.kind
    result = upsert_records(conn, page.records, now=now, run_id=run_id, settled=settled, only=only)
    set_cursor(conn, cursor)
    return result


def record_reading(conn: Connection, readings: Iterable[Record], *, now: datetime, run_id: str | None) -> PageResult:
    """Put records that were just read one by one (compare, read-back) into the mirror; no cursor moves."""
    return upsert_records(conn, tuple(readings), now=now, run_id=run_id)
