"""The call limits of the fake portal: a rolling ten seconds per app, searches per second, a day (hubspot.md 4.1).

Everything counts by the sandbox clock and can be switched off.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

INTERVAL_MILLISECONDS = 10_000
TIERS = {
    "free": (100, 250_000, 100, 10),
    "professional": (190, 650_000, 150, 19),
    "enterprise": (190, 1_000_000, 150, 19),
    "limit_increase": (250, 1_650_000, 200, 25),
    "public_app": (110, 650_000, 110, 11),
}
"""Calls in ten seconds, in a day, of associations in ten seconds, in a second, by kind of account or app (4.1)."""


@dataclass(slots=True)
class RateLimits:
    """The numbers of a Professional account, and what has been used of them. `enabled` False lets everything pass.

    `second` stands in headers; documents call it not enforced, one project measured it binding (`enforce_second`).
    """

    enabled: bool = True
    burst: int = 190
    search: int = 5
    associations: int = 150
    day: int = 650_000
    associations_day: int = 500_000
    second: int = 19
    enforce_second: bool = False
    used_today: int = 0
    associations_today: int = 0
    _calls: deque[int] = field(default_factory=deque)
    _searches: deque[int] = field(default_factory=deque)
    _association_calls: deque[int] = field(default_factory=deque)
    _second_calls: deque[int] = field(default_factory=deque)
    _day: str = ""

    def refusal(self, kind: str, now: datetime, stamp: int, zone: ZoneInfo) -> str | None:
        """The policy that a call of a kind breaks (`search`, `associations`, any other); None lets it in and counts it.

        `stamp` is `now` in milliseconds; the day changes at midnight in `zone`. Refused calls count for the day only.
        """
        today = f"{now.astimezone(zone):%Y-%m-%d}"
        if today != self._day:
            self._day, self.used_today, self.associations_today = today, 0, 0
        self.used_today += 1
        self.associations_today += kind == "associations"
        if not self.enabled:
            return None
        if self.used_today > self.day or (kind == "associations" and self.associations_today > self.associations_day):
            return "DAILY"
        if kind == "search":
            return "SECONDLY" if _full(self._searches, self.search, stamp, 1_000) else None
        if kind == "associations" and _full(self._association_calls, self.associations, stamp, INTERVAL_MILLISECONDS):
            return "TEN_SECONDLY_ROLLING"
        if _full(self._second_calls, self.second, stamp, 1_000) and self.enforce_second:
            return "SECONDLY"
        return "TEN_SECONDLY_ROLLING" if _full(self._calls, self.burst, stamp, INTERVAL_MILLISECONDS) else None

    def use(self, tier: str) -> None:
        """Take the numbers of an account or app: one of TIERS. ValueError for another."""
        if tier not in TIERS:
            raise ValueError(f"{tier} is not one of {', '.join(TIERS)}")
        self.burst, self.day, self.associations, self.second = TIERS[tier]

    def headers(self, kind: str) -> dict[str, str]:
        """The limit headers of an answer: none for a `search`, no daily ones for a call of an OAuth app (4.2)."""
        if kind == "search":
            return {}
        daily = {
            "X-HubSpot-RateLimit-Daily": str(self.day),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.day - self.used_today)),
        }
        return {
            **({} if kind == "oauth_app" else daily),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(INTERVAL_MILLISECONDS),
            "X-HubSpot-RateLimit-Max": str(self.burst),
            "X-HubSpot-RateLimit-Remaining": str(max(0, self.burst - len(self._calls))),
            "X-HubSpot-RateLimit-Secondly": str(self.second),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(max(0, self.second - len(self._second_calls))),
        }


def _full(calls: deque[int], most: int, stamp: int, window: int) -> bool:
    """Whether the window is full; otherwise the call is put into it. Calls of a future the clock left are forgotten."""
    while calls and not stamp - window < calls[0] <= stamp:
        calls.popleft()
    if len(calls) >= most:
        return True
    calls.append(stamp)
    return False
