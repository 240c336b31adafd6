"""The call limits of the fake portal: a rolling ten seconds per app, searches per second, a day (hubspot.md 4.1).

Everything counts by the sandbox clock and can be switched off.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

INTERVAL_MILLISECONDS = 10_000


@dataclass(slots=True)
class RateLimits:
    """The numbers of a Professional account, and what has been used of them. `enabled` False lets everything pass."""

    enabled: bool = True
    burst: int = 190
    search: int = 5
    associations: int = 150
    day: int = 650_000
    used_today: int = 0
    _calls: deque[int] = field(default_factory=deque)
    _searches: deque[int] = field(default_factory=deque)
    _association_calls: deque[int] = field(default_factory=deque)
    _day: str = ""

    def refusal(self, kind: str, now: datetime, stamp: int, zone: ZoneInfo) -> str | None:
        """The policy that a call of a kind breaks (`search`, `associations`, any other); None lets it in and counts it.

        `stamp` is `now` in milliseconds; the day changes at midnight in `zone`. Refused calls count for the day only.
        """
        today = f"{now.astimezone(zone):%Y-%m-%d}"
        if today != self._day:
            self._day, self.used_today = today, 0
        self.used_today += 1
        if not self.enabled:
            return None
        if self.used_today > self.day:
            return "DAILY"
        if kind == "search":
            return "SECONDLY" if _full(self._searches, self.search, stamp, 1_000) else None
        if kind == "associations" and _full(self._association_calls, self.associations, stamp, INTERVAL_MILLISECONDS):
            return "TEN_SECONDLY_ROLLING"
        return "TEN_SECONDLY_ROLLING" if _full(self._calls, self.burst, stamp, INTERVAL_MILLISECONDS) else None

    def headers(self, kind: str) -> dict[str, str]:
        """The limit headers of an answer; searches carry none."""
        if kind == "search":
            return {}
        return {
            "X-HubSpot-RateLimit-Daily": str(self.day),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.day - self.used_today)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(INTERVAL_MILLISECONDS),
            "X-HubSpot-RateLimit-Max": str(self.burst),
            "X-HubSpot-RateLimit-Remaining": str(max(0, self.burst - len(self._calls))),
        }


def _full(calls: deque[int], most: int, stamp: int, window: int) -> bool:
    """Whether the window is full; otherwise the call is put into it. Calls of a future the clock left are forgotten."""
    while calls and not stamp - window < calls[0] <= stamp:
        calls.popleft()
    if len(calls) >= most:
        return True
    calls.append(stamp)
    return False
