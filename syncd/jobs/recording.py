"""Keeping a record of every run of a job: when it began, how it ended, and what it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from syncd.errors import SyncdError
from syncd.jobs.context import Context
from syncd.store import runs


@dataclass(slots=True)
class Run:
    """One run under way; the job fills in how it ended and what it did."""

    run_id: str
    outcome: str = "ok"
    summary: dict[str, object] = field(default_factory=dict)


@contextmanager
def recorded(context: Context, job: str, detail: Mapping[str, object] | None = None) -> Iterator[Run]:
    """Record a run of `job` for the length of a with-block; one that raises ends as `failed`, in the error's words."""
    run = Run(context.entropy.token())
    with context.store.write() as conn:
        runs.start_run(conn, run.run_id, job, now=context.clock.now(), detail=dict(detail or {}))
    try:
        yield run
    except SyncdError as error:
        run.outcome, run.summary["error"] = "failed", str(error)
        raise
    finally:
        with context.store.write() as conn:
            runs.finish_run(conn, run.run_id, run.outcome, now=context.clock.now(), summary=run.summary)
