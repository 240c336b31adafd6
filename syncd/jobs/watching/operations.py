"""What syncd itself did and has still to do, read from its tables for the monitors that watch over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from syncd.alerts.operations import (
    Allowance,
    JobHealth,
    OpenRows,
    Operations,
    TrippedGuard,
    Undelivered,
    WriteOutcomes,
)
from syncd.jobs.context import Context
from syncd.jobs.freezing import frozen_reason
from syncd.jobs.plans.plan import OFFER, PREVIEW
from syncd.model.plans import GuardTrip, PlanStatus, RowState
from syncd.model.refs import System
from syncd.planning.proposing.windows import inside_windows
from syncd.rules.pack import Pack
from syncd.settings import Mode
from syncd.store import feed, operations, plans, runs

_WATCHED_JOBS = (
    "pull",
    "delayed-pass",
    "sweep",
    OFFER,
    PREVIEW,
    "apply",
    "housekeeping",
    "pack",
    "leads",
    "report",
    "rights",
)
_LOOKED_BACK = 20
_WRITES_WITHIN = timedelta(hours=1)
_GIVEN_UP_WITHIN = timedelta(days=1)
_TOLD_ELSEWHERE = ("SYN1", "SYN2", "SYN3", "SYN5")
"""Codes of settings and packs that are invalid, and of refusals: they are no fault of a job."""


def read_operations(context: Context, conn: Connection, pack: Pack | None, now: datetime) -> Operations:
    """All of it, in the caller's transaction."""
    done, failed, words = operations.write_outcomes(conn, now - _WRITES_WITHIN)
    lately = {job: operations.newest_runs(conn, job, _LOOKED_BACK) for job in _WATCHED_JOBS}
    well = runs.last_successes(conn, _WATCHED_JOBS)
    troubled = operations.backlogs(conn, now - _GIVEN_UP_WITHIN)
    return Operations(
        may_write=_may_write(context, pack, now),
        waiting=OpenRows(*operations.rows_in(conn, RowState.APPROVED)),
        in_doubt=OpenRows(*operations.rows_in(conn, RowState.SENDING)),
        writes=WriteOutcomes(done, failed, words),
        jobs={job: _health(context, found, well.get(job), now) for job, found in lately.items() if found},
        calls={system: _allowance(context, conn, lately, system) for system in context.systems},
        guard=_guard(conn, now),
        undelivered={
            name: Undelivered(each.waiting, each.given_up, each.attempts, each.since, each.reason)
            for name, each in troubled.items()
        }
        | _behind(context, conn),
    )


def _behind(context: Context, conn: Connection) -> dict[str, Undelivered]:
    """The subscribers of the feed that take nothing: every row of the ledger that they were not told of waits."""
    head, known = feed.head(conn), feed.subscribers(conn)
    return {
        name: Undelivered(head - known[name].seq, 0, known[name].attempts, since, known[name].reason)
        for name in (each.name for each in context.settings.receivers)
        if name in known and (since := known[name].failing_since) is not None
    }


def _may_write(context: Context, pack: Pack | None, now: datetime) -> bool:
    """Whether approved rows go out now without anybody's doing."""
    if pack is None or context.settings.mode is not Mode.APPLY:
        return False
    if frozen_reason(context.settings.control.freeze_file, now) is not None:
        return False
    return inside_windows(pack.guard.windows, now, pack.zone)


def _health(context: Context, found: Sequence[runs.Run], well: datetime | None, now: datetime) -> JobHealth:
    """How a job has done lately, by its newest runs. One that is still going on says nothing yet."""
    deadline = context.settings.schedule.deadline
    failures: list[runs.Run] = []
    for run in found:
        if run.finished_at is None and now - run.started_at <= deadline:
            continue
        if run.outcome not in (None, "failed", runs.CUT_OFF):
            break
        if not str(run.summary.get("error", "")).startswith(_TOLD_ELSEWHERE):
            failures.append(run)
    error = str(failures[0].summary.get("error") or "") or None if failures else None
    since = failures[-1].started_at if failures else None
    return JobHealth(len(failures), since, well, error)


def _allowance(
    context: Context, conn: Connection, lately: Mapping[str, Sequence[runs.Run]], system: System
) -> Allowance:
    """Calls made today, and how many there may be, as the last run that knew has it."""
    for job in ("pull", "apply"):
        for run in lately[job]:
            allowed = run.summary.get("api_allowances", {}).get(system.value)
            if allowed is not None:
                return Allowance(context.spent_today(conn, system), int(allowed))
    return Allowance(0)


def _guard(conn: Connection, now: datetime) -> TrippedGuard | None:
    """The limits that the newest plan of the rules waits for an approval of."""
    newest = operations.newest_offer(conn)
    if newest is None or newest[1] not in (PlanStatus.OFFERED, PlanStatus.PREVIEW):
        return None
    plan = plans.get_plan(conn, newest[0])
    trips = plan.document["guard"]["tripped"]
    if not trips or plan.expires_at <= now:
        return None
    moved = plan.document["summary"]["money_moved"]
    return TrippedGuard(
        plan_id=plan.plan_id,
        pack_revision=plan.pack_revision,
        trips=tuple(
            GuardTrip(trip["limit"], trip["allowed"], trip["found"], trip["text"], tuple(trip["rules"]))
            for trip in trips
        ),
        money=moved["amount"],
        currency=moved["currency"],
        changes=len(plan.document["changes"]),
    )
