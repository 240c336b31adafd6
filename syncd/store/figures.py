"""Figures of the tables for metrics: how many rows in which state, how jobs ended, the database's size. Reads only.

Rows that are past their retention are dropped, so these are states, not counts since ever; receipts alone are kept, and
are counted. What processes count is in `tallies`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from syncd.store.cursors import read_through
from syncd.store.tables import episodes, notices, outbox, plans, receipts, runs


@dataclass(frozen=True, slots=True)
class JobFigures:
    """When the last success of a job ended, when its newest run began, how long that took, and how it ended."""

    last_success: datetime | None
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All of them; `alerts` by state and severity, `notices` that are not delivered by receiver and state.

    `attempts` are receipts by state and code, `cursors` how far each kind of each system was read, by lane.
    """

    outbox: Mapping[str, int]
    plans: Mapping[str, int]
    alerts: Mapping[tuple[str, str], int]
    notices: Mapping[tuple[str, str], int]
    jobs: Mapping[str, JobFigures]
    attempts: Mapping[tuple[str, str | None], int]
    cursors: Mapping[tuple[str, str, str], datetime]
    oldest_open_row: datetime | None
    oldest_notice: datetime | None
    size: int
    wal: int


def figures(conn: Connection) -> Figures:
    """The figures as of this transaction."""
    outbox_rows = select(outbox.c.state, func.count()).group_by(outbox.c.state)
    plan_rows = select(plans.c.status, func.count()).group_by(plans.c.status)
    open_ = episodes.c.state.in_(["pending", "firing"])
    alerts = select(episodes.c.state, episodes.c.severity, func.count()).where(open_)
    waiting = notices.c.state != "sent"
    told = select(notices.c.receiver, notices.c.state, func.count()).where(waiting)
    queued = notices.c.state.in_(["queued", "sending"])
    size, wal = _sizes(conn)
    return Figures(
        outbox={str(state): count for state, count in conn.execute(outbox_rows)},
        plans={str(status): count for status, count in conn.execute(plan_rows)},
        alerts={
            (state, severity): count
            for state, severity, count in conn.execute(alerts.group_by(episodes.c.state, episodes.c.severity))
        },
        notices={
            (receiver, state): count
            for receiver, state, count in conn.execute(told.group_by(notices.c.receiver, notices.c.state))
        },
        jobs=_jobs(conn),
        attempts={
            (str(state), code): count
            for state, code, count in conn.execute(
                select(receipts.c.state, receipts.c.code, func.count()).group_by(receipts.c.state, receipts.c.code)
            )
        },
        cursors={(str(system), str(kind), lane): at for (system, kind, lane), at in read_through(conn).items()},
        oldest_open_row=conn.execute(
            select(func.min(outbox.c.changed_at)).where(outbox.c.state.in_(["approved", "sending"]))
        ).scalar(),
        oldest_notice=conn.execute(select(func.min(notices.c.created_at)).where(queued)).scalar(),
        size=size,
        wal=wal,
    )


def _jobs(conn: Connection) -> dict[str, JobFigures]:
    good = select(runs.c.job, func.max(runs.c.finished_at)).where(runs.c.outcome == "ok").group_by(runs.c.job)
    succeeded = {row[0]: row[1] for row in conn.execute(good)}
    newest = select(runs.c.job, func.max(runs.c.started_at).label("at")).group_by(runs.c.job).subquery()
    same = (runs.c.job == newest.c.job) & (runs.c.started_at == newest.c.at)
    query = select(runs.c.job, runs.c.started_at, runs.c.finished_at, runs.c.outcome).join(newest, same)
    return {
        row.job: JobFigures(succeeded.get(row.job), row.started_at, row.finished_at, row.outcome)
        for row in conn.execute(query.order_by(runs.c.run_id))
    }


def _sizes(conn: Connection) -> tuple[int, int]:
    """The bytes of the database and of SQLite's write-ahead log."""
    if conn.dialect.name != "sqlite":
        return int(conn.execute(select(func.pg_database_size(func.current_database()))).scalar_one()), 0
    file = conn.engine.url.database
    if not file:
        return 0, 0
    return _bytes(Path(file)), _bytes(Path(f"{file}-wal"))


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
