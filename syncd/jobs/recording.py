"""Keeping a record of every run of a job: when it began, how it ended, what it did, and what it took of the CRMs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from syncd.errors import SyncdError
from syncd.jobs.context import Context
from syncd.store import runs
from syncd.store.engine import COMMIT_STEPS
from syncd.store.tallies import save_tally


@dataclass(slots=True)
class Run:
    """One run under way; the job fills in how it ended and what it did."""

    run_id: str
    outcome: str = "ok"
    summary: dict[str, object] = field(default_factory=dict)


@contextmanager
def recorded(context: Context, job: str, detail: Mapping[str, object] | None = None) -> Iterator[Run]:
    """Record a run of `job` for the length of a with-block; one that raises ends as `failed`, in the error's words.

    Whatever raises, a bug or an interrupt too: a run that did not come to its end is never a success.
    """
    run, began = Run(context.entropy.token()), context.clock.monotonic()
    before = context.calls()
    with context.store.write() as conn:
        runs.start_run(conn, run.run_id, job, now=context.clock.now(), detail=dict(detail or {}))
    ended = False
    try:
        yield run
        ended = True
    except SyncdError as error:
        run.summary["error"] = str(error)
        raise
    finally:
        calls = {system: count - before.get(system, 0) for system, count in context.calls().items()}
        if any(calls.values()):
            run.summary["api_calls"] = {system.value: count for system, count in calls.items() if count}
        if allowances := context.allowances():
            run.summary["api_allowances"] = {system.value: count for system, count in allowances.items()}
        outcome = run.outcome if ended else "failed"
        _count(context, job, outcome, context.clock.monotonic() - began)
        with context.store.write() as conn:
            runs.finish_run(conn, run.run_id, outcome, now=context.clock.now(), summary=run.summary)
            save_tally(conn, context.tally.take())


def _count(context: Context, job: str, outcome: str, took: float) -> None:
    """Put the run, the allowances and the database's pace into the tally."""
    tally, pace = context.tally, context.store.pace
    tally.count("job_runs_total", job=job, outcome=outcome)
    tally.observe("job_duration_seconds", took, job=job)
    context.tell_levels()
    tally.count("db_commit_seconds_sum", pace.seconds)
    tally.count("db_commit_seconds_count", pace.commits)
    for step, commits in zip(COMMIT_STEPS, pace.steps, strict=True):
        tally.count("db_commit_seconds_bucket", commits, le=f"{step:g}")
    tally.count("db_busy_total", pace.busy)
    pace.clear()
