"""The id sweep: what the CRM no longer shows is marked deleted, within a guard. Knows nothing of how ids were read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache

from sqlalchemy import Column, Connection, Dialect, MetaData, Table, func, select
from sqlalchemy.schema import CreateTable, DropTable

from syncd.model.refs import Kind, Ref, System
from syncd.store.columns import Words
from syncd.store.people import guard_vanishing
from syncd.store.records import retire
from syncd.store.tables import records
from syncd.store.upserts import chunks, rows_with, upsert

_WHETHER_LIVE = (records.c.id, records.c.system, records.c.kind, records.c.deleted)
_live_ids = Table("sweep_ids", MetaData(), Column("id", Words, primary_key=True), prefixes=["TEMPORARY"])


def vanished(
    conn: Connection,
    system: System,
    kind: Kind,
    live_ids: Iterable[str],
    *,
    max_share: float = 0.02,
    seen_before: datetime | None = None,
) -> tuple[str, ...]:
    """The ids of the mirror's live records that are not among `live_ids`, sorted.

    With `seen_before` (when the sweep began to read ids), rows that changed since then are left out: they may be
    newer than the ids. Raises GuardTrippedError SYN404 if they are more than `max_share` of the live records (and more
    than 10).
    """
    conn.exec_driver_sql(_statement(conn.dialect, CreateTable))
    for batch in chunks(live_ids):
        conn.execute(upsert(conn, _live_ids, ("id",)), [{"id": record_id} for record_id in batch])
    live = (records.c.system == system, records.c.kind == kind, records.c.deleted == False)  # noqa: E712 - SQL
    gone = select(records.c.id).where(*live, records.c.id.not_in(select(_live_ids.c.id)))
    if seen_before is not None:
        gone = gone.where(records.c.changed_at < seen_before)
    found = tuple(conn.execute(gone.order_by(records.c.id)).scalars())
    total = conn.execute(select(func.count()).select_from(records).where(*live)).scalar_one()
    conn.exec_driver_sql(_statement(conn.dialect, DropTable))
    what = "opportunities" if kind is Kind.OPPORTUNITY else f"{kind.value}s"
    guard_vanishing(system, what, found, of=total, max_share=max_share)
    return found


def mark_gone(
    conn: Connection,
    system: System,
    kind: Kind,
    ids: Iterable[str],
    *,
    now: datetime,
    run_id: str | None,
    seen_before: datetime | None = None,
) -> int:
    """Mark live records as deleted; returns how many. `seen_before` leaves some alone, as it does for `vanished`."""
    gone: list[Ref] = []
    for batch in chunks(ids):
        older = select(records.c.id).where(records.c.system == system, records.c.kind == kind, records.c.id.in_(batch))
        if seen_before is not None:
            older = older.where(records.c.changed_at < seen_before)
        gone += [Ref(system, kind, record_id) for record_id in conn.execute(older).scalars()]
    return retire(conn, dict.fromkeys(gone), now=now, run_id=run_id)


@cache
def _statement(dialect: Dialect, kind: type[CreateTable | DropTable]) -> str:
    """SQLAlchemy compiles what makes a table anew each time, which takes longer than making it."""
    return str(kind(_live_ids).compile(dialect=dialect))


def missing_ids(conn: Connection, system: System, kind: Kind, live_ids: Iterable[str]) -> tuple[str, ...]:
    """The ids of which the mirror has no live record: it never saw them, or believes that they are deleted."""
    missing: list[str] = []
    for batch in chunks(live_ids):
        found = rows_with(conn, records.c.id, batch, _WHETHER_LIVE)
        known = {row[0] for row in found if row[1] is system and row[2] is kind and not row[3]}
        missing += [record_id for record_id in batch if record_id not in known]
    return tuple(missing)
