"""The clock port: the only place that asks the machine what time it is, and the only place that waits.

All instants in syncd are aware datetimes in UTC that came through a Clock. Tests and the simulation pass a ManualClock.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Protocol

_HOUR_24 = re.compile(r"[^0-9:+]24(?::?00(?::?00(?:[.,]0+)?)?)?(?:Z|[+-][0-9:.]+)?\Z", re.ASCII)


class Clock(Protocol):
    """What time it is, and waiting."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never steps back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after at least `seconds`, or at once for zero and less."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - this is the port

    def monotonic(self) -> float:
        """Seconds on the machine's monotonic clock."""
        return time.monotonic()  # noqa: TID251 - this is the port

    def sleep(self, seconds: float) -> None:
        """Block the thread for `seconds`."""
        if seconds > 0:
            time.sleep(seconds)  # noqa: TID251 - this is the port


class ManualClock:
    """A clock that stands still until it is told to move; sleeping moves it. Safe between threads."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware datetime")
        self._now = start.astimezone(UTC)
        self._elapsed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The instant the clock was last set to."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds moved since the clock was made."""
        with self._lock:
            return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Move the clock on by `seconds` without waiting."""
        self.advance(timedelta(seconds=max(0.0, seconds)))

    def advance(self, by: timedelta) -> None:
        """Move the clock on."""
        with self._lock:
            self._now += by
            self._elapsed += max(0.0, by.total_seconds())

    def set(self, instant: datetime) -> None:
        """Put the wall clock at `instant`, also back; the monotonic clock only moves on."""
        with self._lock:
            self._elapsed += max(0.0, (instant - self._now).total_seconds())
            self._now = instant.astimezone(UTC)


def iso(instant: datetime) -> str:
    """An instant as text of fixed width, UTC, milliseconds: `2026-11-20T10:00:00.000Z`. Sorts as time does."""
    if instant.tzinfo is None:
        raise ValueError("a naive datetime is a programming error")
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    if not in_utc.microsecond:  # a CRM's stamps mostly have none, and this is asked once a record
        return in_utc.isoformat()[:19] + ".000Z"
    return in_utc.isoformat(timespec="milliseconds")[:-6] + "Z"


def iso_all(instants: Iterable[datetime]) -> list[str]:
    """The same of many, such as a page's stamps: a quarter of what asking for each takes."""
    days: dict[int, str] = {}
    minutes, seconds = _clock_face()
    texts: list[str] = []
    for each in instants:
        if each.tzinfo is not UTC:
            texts.append(iso(each))
            continue
        number = each.toordinal()
        day = days.get(number)
        if day is None:
            day = days[number] = f"{each.date().isoformat()}T"
        fraction = f"{each.microsecond // 1000:03}Z" if each.microsecond else "000Z"
        texts.append(day + minutes[60 * each.hour + each.minute] + seconds[each.second] + fraction)
    return texts


@cache
def _clock_face() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The minutes of a day and the seconds of a minute as they stand in an instant's text."""
    minutes = tuple(f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60))
    return minutes, tuple(f":{second:02}." for second in range(60))


def read_iso(text: str) -> datetime:
    """What `datetime.fromisoformat` reads, the same under every Python: hour 24, which 3.14 began to take, is none.

    Raises ValueError for what is no time.
    """
    if _HOUR_24.search(text, 8):  # a date has eight characters or ten
        raise ValueError(f"hour must be in 0..23: {text!r}")
    return datetime.fromisoformat(text)


def parse_instant(text: str) -> datetime:
    """The instant that a text names, in UTC.

    Takes ISO with `Z`, `+0000` or `+00:00`, any number of fraction digits, and epoch milliseconds as digits
    (reliability.md T10). Raises ValueError for anything else, a missing zone included.
    """
    stripped = text.strip()
    try:
        if stripped.lstrip("-").isdigit() and len(stripped.lstrip("-")) >= 9:
            return datetime.fromtimestamp(int(stripped) / 1000, UTC)
        instant = read_iso(stripped)
        if instant.tzinfo is None:
            raise ValueError(f"no time zone in {text!r}")
        return instant.astimezone(UTC)
    except (OverflowError, OSError) as error:  # years that a datetime, or the platform, does not have
        raise ValueError(f"no instant: {text!r}") from error
