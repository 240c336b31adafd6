"""Runs: when each job started and ended, and how. Whether a job is due is decided from here, not from a timer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, func, select, update

from syncd.errors import StorageError
from syncd.store.tables import runs as run_table


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job; `finished_at` and `outcome` are None while it goes on, or if its process died."""

    run_id: str
    job: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    detail: Mapping[str, Any]
    summary: Mapping[str, Any]


def start_run(
    conn: Connection, run_id: str, job: str, *, now: datetime, detail: Mapping[str, Any] | None = None
) -> None:
    """Say that a run of `job` begins. StorageError SYN611 for an id that is taken."""
    if conn.execute(_THERE, {"of": run_id}).first():
        raise StorageError("SYN611", f"run {run_id} was started already")
    conn.execute(
        _STARTED,
        {
            "run_id": run_id,
            "job": job,
            "started_at": now,
            "finished_at": None,
            "outcome": None,
            "detail": dict(detail or {}),
            "summary": {},
        },
    )


def finish_run(conn: Connection, run_id: str, outcome: str, *, now: datetime, summary: Mapping[str, Any]) -> None:
    """Say how a run ended; `ok` is what counts as a success. StorageError SYN616 for a run that is not open."""
    told = {"of": run_id, "ended": outcome, "at": now, "came_to": dict(summary)}
    if conn.execute(_FINISHED, told).rowcount != 1:
        raise StorageError("SYN616", f"there is no open run {run_id}")


_THERE = select(run_table.c.run_id).where(run_table.c.run_id == bindparam("of"))
_STARTED = run_table.insert()
_FINISHED = (
    update(run_table)
    .where(run_table.c.run_id == bindparam("of"), run_table.c.finished_at.is_(None))
    .values(outcome=bindparam("ended"), finished_at=bindparam("at"), summary=bindparam("came_to"))
)
_LAST_SUCCESS = select(func.max(run_table.c.finished_at)).where(
    run_table.c.job == bindparam("of"), run_table.c.outcome == "ok"
)
"""Two of them for each run of any job: making a statement costs more than running it."""
_NEWEST = (
    select(*(run_table.c[one.name] for one in fields(Run)))
    .order_by(run_table.c.started_at.desc(), run_table.c.run_id)
    .limit(bindparam("most", type_=Integer))
)
_SUMMARIES = select(run_table.c.summary).where(
    run_table.c.job.in_(bindparam("of", expanding=True)), run_table.c.started_at >= bindparam("since")
)
_LAST_SUCCESSES = (
    select(run_table.c.job, func.max(run_table.c.finished_at))
    .where(run_table.c.job.in_(bindparam("of", expanding=True)), run_table.c.outcome == "ok")
    .group_by(run_table.c.job)
)
_OF_JOB = _NEWEST.where(run_table.c.job == bindparam("of"))
_BEGAN_WITH = run_table.c.detail.in_(bindparam("with", expanding=True))
_NEWEST_RUN = _OF_JOB.with_only_columns(run_table.c.started_at, run_table.c.outcome)
_NEWEST_WITH = _NEWEST_RUN.where(_BEGAN_WITH)
_SUCCEEDED = _LAST_SUCCESS.with_only_columns(func.max(run_table.c.started_at))
_SUCCEEDED_WITH = _SUCCEEDED.where(_BEGAN_WITH)
_FIRST_START = select(func.min(run_table.c.started_at))


def runs(conn: Connection, limit: int, job: str | None = None) -> tuple[Run, ...]:
    """The newest runs, of one job or of all, newest first."""
    found = conn.execute(_NEWEST, {"most": limit}) if job is None else conn.execute(_OF_JOB, {"most": limit, "of": job})
    return tuple(Run(*row) for row in found)


def summaries_since(conn: Connection, jobs: Iterable[str], since: datetime) -> tuple[Mapping[str, Any], ...]:
    """What every run of these jobs came to that began at an instant or after it, in no order."""
    return tuple(conn.execute(_SUMMARIES, {"of": list(jobs), "since": since}).scalars())


def last_successes(conn: Connection, jobs: Iterable[str]) -> Mapping[str, datetime]:
    """When the newest successful run of each of these jobs ended; without those that never did."""
    found = conn.execute(_LAST_SUCCESSES, {"of": list(jobs)})
    return {job: ended for job, ended in found if ended is not None}


def get_run(conn: Connection, run_id: str) -> Run | None:
    """One run, None for an id that there is not."""
    row = conn.execute(select(run_table).where(run_table.c.run_id == run_id)).mappings().one_or_none()
    return None if row is None else Run(**row)


@dataclass(frozen=True, slots=True)
class Past:
    """When the last successful run of a job began and when the last run at all did; `ended` is how that one ended.

    `ended` is None for a run that goes on, `cut off` for one whose process died.
    """

    succeeded: datetime | None
    started: datetime | None
    ended: str | None


CUT_OFF = "cut off"
"""The outcome of a run whose process died before it could say how it ended."""


def past(conn: Connection, job: str, details: Sequence[Mapping[str, Any]] = ()) -> Past:
    """What is known of the runs of `job`; with `details`, only of those that began with one of them."""
    newest, succeeded = (_NEWEST_WITH, _SUCCEEDED_WITH) if details else (_NEWEST_RUN, _SUCCEEDED)
    asked: dict[str, Any] = {"of": job, "most": 1}
    if details:
        asked["with"] = [dict(detail) for detail in details]
    last = conn.execute(newest, asked).one_or_none()
    return Past(conn.execute(succeeded, asked).scalar(), *(last or (None, None)))


def first_start(conn: Connection) -> datetime | None:
    """When the oldest run that is known of began; None before the first."""
    return conn.execute(_FIRST_START).scalar()


def close_cut_off(conn: Connection, jobs: Sequence[str], *, now: datetime) -> int:
    """End the open runs of these jobs as cut off; returns how many. Only for a new leader, of jobs that need the lease:
    the processes that began them may not end them any more.

    What was cut off is due again at once: its start says nothing of when it was done.
    """
    statement = (
        update(run_table)
        .where(run_table.c.finished_at.is_(None), run_table.c.job.in_(list(jobs)))
        .values(outcome=CUT_OFF, finished_at=now, summary={"error": "its process ended before it did"})
    )
    return conn.execute(statement).rowcount


def last_success(conn: Connection, job: str) -> datetime | None:
    """When the newest successful run of `job` ended; None if there was none."""
    return conn.execute(_LAST_SUCCESS, {"of": job}).scalar()
