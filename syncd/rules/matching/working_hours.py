"""Working hours: `Mon-Fri 09:00-17:00 Europe/Berlin`, read as the wall clock of that place.

Hours that end at or before they begin end on the next day and belong to the day on which they begin; without days they
are every day's. A clock change leaves out or doubles only what it does on the wall. Knows nothing of reps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WRITTEN = re.compile(r"(?:([A-Za-z, -]+) )?((?!24)\d\d:\d\d)-(\d\d:\d\d)(?: (\S+))?")
_WEEK = 8
_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Days of the week (Monday is 0) and the times between which somebody works; the end is not included.

    `end` None is midnight. `zone` None is the zone of whoever asks.
    """

    days: frozenset[int]
    start: time
    end: time | None
    zone: ZoneInfo | None = None

    def holds(self, now: datetime, default: ZoneInfo) -> bool:
        """Whether an instant lies in the hours."""
        local = now.astimezone(self.zone or default)
        clock, today = local.time(), local.weekday()
        if self.end is None or self.start < self.end:
            return today in self.days and self.start <= clock and (self.end is None or clock < self.end)
        yesterday = (today - 1) % 7
        return (today in self.days and clock >= self.start) or (yesterday in self.days and clock < self.end)

    def next_change(self, now: datetime, default: ZoneInfo) -> datetime | None:
        """The first instant after `now` at which the answer changes; None if it never does."""
        zone = self.zone or default
        first = now.astimezone(zone).date() - timedelta(days=1)
        edges = {
            edge
            for number in range(_WEEK + 2)
            for clock in (self.start, self.end or time.min)
            for edge in _instants(first + timedelta(days=number), clock, zone)
            if edge > now
        }
        before = self.holds(now, default)
        return next((edge for edge in sorted(edges) if self.holds(edge, default) is not before), None)


@lru_cache(maxsize=4096)
def parse_hours(text: str) -> Hours | None:
    """Hours from their text; None for anything else, for hours of no length, and for a zone that there is not."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        return None
    days, start, end, zone = match.groups()
    try:
        found = Hours(
            _days(days),
            time.fromisoformat(start),
            None if end in ("24:00", "00:00") else time.fromisoformat(end),
            ZoneInfo(zone) if zone else None,
        )
    except (ValueError, KeyError, OSError):  # no such day, time or zone; a strange zone name may be a folder
        return None
    return None if found.start == (found.end or (time.min if end == "00:00" else None)) else found


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.strip().partition("-")
        start = _DAYS.index(first)
        end = _DAYS.index(last) if dash else start
        days |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return frozenset(days)


def _instants(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, ...]:
    """When the wall clock reaches a time on a day, once or twice, and when it jumps on that day."""
    walls = (datetime.combine(day, clock, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return (*walls, *_jumps(day, zone))


@lru_cache(maxsize=4096)
def _jumps(day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The clock change within a day, to the minute; empty on nearly all days."""
    low = datetime.combine(day, time.min, zone).astimezone(UTC)
    high = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
    start = low.astimezone(zone).utcoffset()
    if high.astimezone(zone).utcoffset() == start:
        return ()
    while high - low > _STEP:
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == start:
            low = middle
        else:
            high = middle
    return (high.replace(second=0, microsecond=0),)
