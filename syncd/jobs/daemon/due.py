"""Which duties are due: told by what the database knows of earlier runs, never by a timer's memory. Pure.

A restart neither skips a duty nor doubles it, a clock that steps back does not put one off, and a local time that a
clock change leaves out or doubles counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from syncd.planning.proposing.windows import last_plan_time
from syncd.store.runs import CUT_OFF, Past

LONGEST_RETRY = timedelta(minutes=15)
"""After a failure a duty is tried again so soon at the latest, however rare it is."""


@dataclass(frozen=True, slots=True)
class Every:
    """Due when the last success began a period ago; after a failure, when the last try did or sooner.

    With `since`, such as soon after the daemon's start: not before that instant, and once from it on.
    """

    period: timedelta
    since: datetime | None = None

    @property
    def retry(self) -> timedelta:
        """How long after a failed try the next one may begin."""
        return min(self.period, LONGEST_RETRY)

    def is_due(self, past: Past, now: datetime, *, first: datetime | None) -> bool:  # noqa: ARG002 - as At's
        """Whether a run is due, by what is known of the past; `first` says when anything ran first."""
        if self.since is not None and now < self.since:
            return False
        if past.started is None or past.ended == CUT_OFF or past.started > now:
            return True  # never done, begun by a process that died, or stamped by a clock that was set back since
        if self.since is not None and past.started < self.since:
            return True
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
        return _is_due_since(last_plan_time(self.times, now, self.zone), past, now, first)


@dataclass(frozen=True, slots=True)
class AfterPeriod:
    """Due when a local time of the first day after a week, a month or a fiscal quarter has passed since the last one.

    `period` is `week`, `month` or `quarter`; `first_month` is the fiscal year's first month, 1 to 12.
    """

    period: str
    time: str
    zone: ZoneInfo
    first_month: int = 1

    @property
    def retry(self) -> timedelta:
        """How long after a failed try the next one may begin."""
        return LONGEST_RETRY

    def is_due(self, past: Past, now: datetime, *, first: datetime | None) -> bool:
        """Whether a run is due; what was never done waits for the first such time after anything ran at all."""
        return _is_due_since(self._last(now), past, now, first)

    def _last(self, now: datetime) -> datetime:
        """The newest such time at or before `now`."""
        day = now.astimezone(self.zone).date()
        hour, _, minute = self.time.partition(":")
        while True:
            instant = datetime.combine(day, time(int(hour), int(minute)), self.zone).astimezone(UTC)
            if self._begins(day) and instant <= now:
                return instant
            day -= timedelta(days=1)

    def _begins(self, day: date) -> bool:
        """Whether a period begins on that day."""
        if self.period == "week":
            return day.weekday() == 0
        return day.day == 1 and (self.period == "month" or (day.month - self.first_month) % 3 == 0)


def _is_due_since(time_: datetime | None, past: Past, now: datetime, first: datetime | None) -> bool:
    since = past.succeeded or first
    if time_ is None or since is None or since >= time_:
        return False
    if past.started is None or past.started < time_ or past.ended == CUT_OFF or past.started > now:
        return True
    return now - past.started >= LONGEST_RETRY


Rule = Every | At | AfterPeriod


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
