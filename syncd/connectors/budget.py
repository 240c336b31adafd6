"""The call budget: how fast one system is called, and how much of its day's allowance is ours.

Buckets smooth the rate below the CRM's own limits, so that a rate-limit answer is the exception. The share keeps syncd
from starving the customer's other integrations, and a reserve lets owner writes and undo through when reads have used
theirs. It knows no CRM's paths or bodies, only the numbers that their headers tell (salesforce.md 3.5, hubspot.md 4).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from syncd.clock import Clock
from syncd.errors import QuotaExhaustedError

API_SHARE: Final = 0.20
ORG_FLOOR: Final = 0.10
WRITE_RESERVE: Final = 0.10
GENERAL: Final = "general"
SEARCH: Final = "search"
ASSOCIATIONS: Final = "associations"
_ORG_USAGE: Final = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")
_APP_USAGE: Final = re.compile(r"per-app-api-usage=(\d+)/(\d+)")


class Bucket:
    """A token bucket: `rate` calls a second on average, at most `burst` at once. Safe between threads."""

    def __init__(self, clock: Clock, rate: float, burst: float = 1.0) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = burst
        self._at = clock.monotonic()
        self._rate = rate
        self._burst = burst

    def take(self) -> None:
        """Wait, by the clock, until a call may go."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1.0
            self._at = now
            wait = -self._tokens / self._rate
        self._clock.sleep(wait)

    def set_rate(self, rate: float, burst: float) -> None:
        """Go on at another pace."""
        with self._lock:
            self._rate, self._burst = rate, burst


@dataclass(slots=True)
class _Allowance:
    """What the CRM last said of the day's calls; `app_*` is what it grants our own app, where it counts apps apart."""

    used: int | None = None
    total: int | None = None
    app_used: int | None = None
    app_total: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Where the day's allowance of one system stands, for `doctor`, metrics and the QuotaHigh monitor."""

    spent: int
    org_used: int | None
    org_total: int | None
    share: float


class RateBudget:
    """The budget of one system; shared by its reader and writer.

    `spent` is how many calls syncd has made today (UTC) before this one was made: the caller keeps it across processes
    and reads `usage().spent` back. Until the CRM has told its allowance nothing is refused. `where` is the system that
    a refusal names, `floor` the share of everybody's calls under which nothing is read any more.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        api_share: float = API_SHARE,
        spent: int = 0,
        buckets: Mapping[str, Sequence[Bucket]] | None = None,
        where: str | None = None,
        floor: float = ORG_FLOOR,
    ) -> None:
        self._clock = clock
        self._share = api_share
        self._where = where
        self._floor = floor
        self._buckets = dict(buckets or {})
        self._lock = threading.Lock()
        self._allowance = _Allowance()
        self._spent = spent
        self._day: date = clock.now().date()
        self._waited = 0.0

    def admit(self, pool: str = GENERAL, *, writing: bool = False) -> None:
        """Let one call through, waiting for its bucket.

        `writing` is a write or a read that belongs to one; it may use the reserve. QuotaExhaustedError where our share
        of the day is used up (SYN415), or the org itself is nearly out of calls (SYN416).
        """
        with self._lock:
            self._roll_over()
            self._refuse_over_share(writing)
            if not writing:
                self._refuse_near_floor()
            self._spent += 1
        for bucket in self._buckets.get(pool, ()):
            began = self._clock.monotonic()
            bucket.take()
            with self._lock:
                self._waited += self._clock.monotonic() - began

    def take_waited(self) -> float:
        """The seconds that calls have waited for a bucket since this was last asked."""
        with self._lock:
            waited, self._waited = self._waited, 0.0
        return waited

    def usage(self) -> Usage:
        """Where the day stands."""
        with self._lock:
            self._roll_over()
            allowance = self._allowance
            return Usage(self._spent, allowance.used, allowance.total, self._share)

    def note_limit_info(self, header: str | None) -> None:
        """Learn from Salesforce's `Sforce-Limit-Info`, with or without its per-app part."""
        with self._lock:
            if org := _ORG_USAGE.search(header or ""):
                self._allowance.used, self._allowance.total = int(org[1]), int(org[2])
            if app := _APP_USAGE.search(header or ""):
                self._allowance.app_used, self._allowance.app_total = int(app[1]), int(app[2])

    def note_daily(self, total: str | None, remaining: str | None) -> None:
        """Learn from HubSpot's `X-HubSpot-RateLimit-Daily` and `-Daily-Remaining`."""
        if total is None or remaining is None or not (total.isdigit() and remaining.isdigit()):
            return
        with self._lock:
            self._allowance.total = int(total)
            self._allowance.used = int(total) - int(remaining)

    def note_interval(self, limit: str | None, interval_milliseconds: str | None) -> None:
        """Learn the account's burst limit from HubSpot's `X-HubSpot-RateLimit-Max` and `-Interval-Milliseconds`."""
        if not (limit or "").isdigit() or not (interval_milliseconds or "").isdigit():
            return
        allowed, seconds = float(limit or 0), float(interval_milliseconds or 0) / 1000
        if allowed > 0 and seconds > 0:
            for bucket in self._buckets.get(GENERAL, ()):
                bucket.set_rate(*_pace(allowed, seconds))

    def _roll_over(self) -> None:
        today = self._clock.now().date()
        if today != self._day:
            self._day, self._spent, self._allowance = today, 0, _Allowance()

    def _refuse_over_share(self, writing: bool) -> None:
        allowance = self._allowance
        ours = [(self._spent, self._share * allowance.total)] if allowance.total is not None else []
        if allowance.app_used is not None and allowance.app_total is not None:
            ours.append((allowance.app_used, float(allowance.app_total)))
        part = 1.0 if writing else 1.0 - WRITE_RESERVE
        for spent, limit in ours:
            if spent >= limit * part:
                raise QuotaExhaustedError(
                    "SYN415",
                    f"syncd has made {spent:,} of the {limit:,.0f} calls that it may make today",
                    where=self._where,
                    hint="raise api_share, or pull less often",
                )

    def _refuse_near_floor(self) -> None:
        used, total = self._allowance.used, self._allowance.total
        if used is not None and total and total - used < self._floor * total:
            raise QuotaExhaustedError(
                "SYN416",
                f"only {total - used:,} of the day's {total:,} API calls are left to all integrations together",
                where=self._where,
                hint="reads go on when the allowance is refilled; find out which integration uses it up",
            )


def _pace(allowed: float, seconds: float) -> tuple[float, float]:
    """A rate and a burst that together stay within `allowed` calls in any `seconds`."""
    return 0.9 * allowed / seconds, max(1.0, 0.1 * allowed)


def salesforce_budget(
    clock: Clock, *, api_share: float = API_SHARE, spent: int = 0, floor: float = ORG_FLOOR
) -> RateBudget:
    """A budget for Salesforce: no rate to keep, only the day's share."""
    return RateBudget(clock, api_share=api_share, spent=spent, where="salesforce", floor=floor)


def hubspot_budget(
    clock: Clock, *, api_share: float = API_SHARE, spent: int = 0, floor: float = ORG_FLOOR
) -> RateBudget:
    """A budget for HubSpot: search at 4 a second of the account's 5, the rest within 100 in 10 s until it says more."""
    rate, burst = _pace(100.0, 10.0)
    general = Bucket(clock, rate, burst)
    buckets = {
        SEARCH: (Bucket(clock, rate=4.0),),
        GENERAL: (general,),
        ASSOCIATIONS: (Bucket(clock, rate, burst), general),
    }
    return RateBudget(clock, api_share=api_share, spent=spent, buckets=buckets, where="hubspot", floor=floor)
