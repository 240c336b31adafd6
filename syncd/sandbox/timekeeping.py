"""The clock of a sandbox: a base clock and an offset that `POST /_sandbox/clock` moves.

Every stamp a face gives out comes from here, so that a demonstration can skip a month. It knows nothing of requests.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from syncd.clock import Clock


class SandboxClock:
    """A Clock that runs as its base does, shifted. Safe between threads."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._offset = timedelta()
        self._lock = threading.Lock()

    @property
    def base(self) -> Clock:
        """The clock underneath, which nothing here moves."""
        return self._base

    def now(self) -> datetime:
        """The sandbox's present instant, aware, in UTC."""
        with self._lock:
            return self._base.now() + self._offset

    def monotonic(self) -> float:
        """Seconds on the base's monotonic clock; moving the sandbox does not move it."""
        return self._base.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait on the base clock."""
        self._base.sleep(seconds)

    def advance(self, by: timedelta) -> None:
        """Move the sandbox on (or back, for a negative `by`)."""
        with self._lock:
            self._offset += by

    def set(self, instant: datetime) -> None:
        """Put the sandbox at `instant`; it runs on from there. ValueError for a naive instant."""
        if instant.tzinfo is None:
            raise ValueError("a sandbox clock is set to an aware datetime")
        with self._lock:
            self._offset = instant.astimezone(UTC) - self._base.now()


def http_date(instant: datetime) -> str:
    """An instant as RFC 9110 writes it in `Date`: whole seconds, GMT."""
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def http_instant(text: str) -> datetime | None:
    """The instant that a date header names; None for a text that is none or has no zone."""
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant
