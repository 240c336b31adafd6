"""Write windows: `Mon-Thu 06:00-20:00` in the pack's time zone, as the guard names them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from syncd.errors import InputError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(?:(?P<days>[A-Za-z,\-]+)\s+)?(?P<start>\d{1,2}:\d\d)-(?P<end>\d{1,2}:\d\d)")


@dataclass(frozen=True, slots=True)
class WriteWindow:
    """Days of the week (Monday is 0) and the times between which writes may be sent.

    The start is included, the end is not. An end at or before the start is on the next day.
    """

    days: frozenset[int]
    start: time
    end: time

    def holds(self, local: datetime) -> bool:
        """Whether a local time lies in the window."""
        clock, today = local.time(), local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= clock < self.end
        yesterday = (today - 1) % 7
        return (today in self.days and clock >= self.start) or (yesterday in self.days and clock < self.end)


def parse_window(text: str) -> WriteWindow:
    """A window from its text: days as `Mon-Thu`, `Sat,Sun` or none for all. InputError SYN530 for anything else."""
    match = _WINDOW.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError(text)
        return WriteWindow(_days(match["days"]), _time(match["start"]), _time(match["end"]))
    except ValueError as error:
        raise InputError(
            "SYN530",
            f"{text!r} is not a write window",
            where="guard: windows",
            hint='write the days and the times, such as "Mon-Thu 06:00-20:00"',
        ) from error


def inside_windows(windows: Iterable[str], now: datetime, zone: ZoneInfo) -> bool:
    """Whether writes may be sent now; always, where no window is named."""
    parsed = [parse_window(text) for text in windows]
    local = now.astimezone(zone)
    return not parsed or any(window.holds(local) for window in parsed)


def last_plan_time(specs: Iterable[str], now: datetime, zone: ZoneInfo) -> datetime | None:
    """The latest of the pack's `plan_at` times (`Mon-Fri 10:00`) at or before `now`; None where none is named.

    A local time that a clock change leaves out or doubles counts once, at its first instant.
    """
    local = now.astimezone(zone)
    found: list[datetime] = []
    for spec in specs:
        days, _, clock = spec.strip().rpartition(" ")
        allowed, at = _days(days or None), _time(clock)
        for back in range(8):
            day = local.date() - timedelta(days=back)
            # in UTC: two local times of one zone are compared by their faces, whatever the clock change between them
            instant = datetime.combine(day, at, zone).astimezone(UTC)
            if day.weekday() in allowed and instant <= now:
                found.append(instant)
                break
    return max(found, default=None)


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        start = DAYS.index(first[:3])
        end = DAYS.index(last[:3]) if dash else start
        days |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return frozenset(days)


def _time(text: str) -> time:
    hour, _, minute = text.partition(":")
    return time.min if text == "24:00" else time(int(hour), int(minute))
