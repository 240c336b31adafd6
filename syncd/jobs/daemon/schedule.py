"""The pulse: APScheduler behind one small class, so that its traps are answered in one place.

A task is something to look after again and again, every second or so; whether a duty is due is told by the database
(due.py), never by a trigger. Every task has its own grace time, is coalesced and never runs twice at once: the defaults
are one second and silence (agronholm/apscheduler issues 296 and 146).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from syncd.telemetry import Log

LANES = ("work", "offer", "watch", "leads", "keep", "emergency")
"""One thread each: what pulls and writes, what offers plans, what watches, what looks at leads, what keeps the lease
and the heartbeat, and what tells that the database fails."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do every `period`, first at `first`, in one of the lanes."""

    name: str
    lane: str
    period: timedelta
    first: datetime
    action: Callable[[], None]


class Schedule:
    """Runs tasks in their lanes until it is stopped."""

    def __init__(self, log: Log) -> None:
        self._log = log
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # its warnings are our event job.missed
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={lane: ThreadPoolExecutor(1) for lane in LANES},
            timezone=UTC,
        )
        self._scheduler.add_listener(self._missed, EVENT_JOB_MISSED | EVENT_JOB_ERROR)

    def start(self) -> None:
        """Begin to run tasks."""
        self._scheduler.start()

    def put(self, task: Task) -> None:
        """Add a task, or replace the one of that name."""
        self._scheduler.add_job(
            task.action,
            "interval",
            seconds=task.period.total_seconds(),
            id=task.name,
            executor=task.lane,
            next_run_time=task.first,
            misfire_grace_time=max(1, int(task.period.total_seconds())),
            coalesce=True,
            max_instances=1,
            replace_existing=True,
        )

    def stop(self) -> None:
        """Start nothing more; tasks under way end by themselves."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _missed(self, event: JobExecutionEvent) -> None:
        # that a task is still at work when its next turn comes is no news: a lane works for minutes
        reasons = {EVENT_JOB_MISSED: "too late", EVENT_JOB_ERROR: "failed"}
        error = f"{type(event.exception).__name__}: {event.exception}" if event.exception is not None else None
        self._log.event("job.missed", job=event.job_id, reason=reasons.get(event.code, "unknown"), error=error)
