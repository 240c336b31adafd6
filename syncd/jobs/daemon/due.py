"""Which duties are due: told by what the database knows of earlier runs, never by a timer's memory. Pure.

A restart neither skips a duty nor doubles it, a clock that steps back does not put one off, and a local time that a
clock change leaves out or doubles counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.planning.windows import last_plan_time
from syncd.store.runs import CUT_OFF, Past

LONGEST_RETRY = timedelta(minutes=15)
"""After a failure a duty is tried again so soon at the latest, however rare it is."""


@dataclass(frozen=True, slots=True)
class Every:
    """Due when the last success began a period ago; after a failure, when the last try did or sooner."""

    period: timedelta

    @property
    def retry(self) -> timedelta:
        """How long after a failed try the next one may begin."""
        return min(self.period, LONGEST_RETRY)

    def is_due(self, past: Past, now: datetime, *, first: datetime | None) -> bool:  # noqa: ARG002 - as At's
        """Whether a run is due, by what is known of the past; `first` says when anything ran first."""
        if past.started is None or past.ended == CUT_OFF or past.started > now:
            return True  # never done, begun by a process that died, or stamped by a clock that was set back since
        if past.succeeded is not None and past.succeeded == past.started:
            return now - past.succeeded >= self.period
        return now - past.started >= self.retry


@dataclass(frozen=True, slots=True)
class At:
    """Due when a local time (`02:15`, `Sun 03:15`, `Mon-Fri 10:00`) has passed since the last success began."""

    times: tuple[str, ...]
    zone: ZoneInfo

    @property
    def retry(self) -> timedelta:
        """How long after a failed try the next one may begin."""
        return LONGEST_RETRY

    def is_due(self, past: Past, now: datetime, *, first: datetime | None) -> bool:
        """Whether a run is due; what was never done waits for the first such time after anything ran at all."""
        time = last_plan_time(self.times, now, self.zone)
        since = past.succeeded or first
        if time is None or since is None or since >= time:
            return False
        if past.started is None or past.started < time or past.ended == CUT_OFF or past.started > now:
            return True
        return now - past.started >= self.retry


Rule = Every | At


@dataclass(frozen=True, slots=True)
class Duty:
    """Something the daemon does again and again: a command line, its lane, and the runs that tell when it was done.

    `job` and `details` name those runs as the job records them.
    """

    name: str
    lane: str
    rule: Rule
    argv: tuple[str, ...]
    job: str
    details: tuple[dict[str, object], ...] = ()
