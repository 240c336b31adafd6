"""Quota periods in the pack's fiscal calendar: `2026-Q4`, `2026-11`, `2026`.

A fiscal year is named after the calendar year it ends in; one that starts in January is the calendar year. Months are
calendar months. Pure: nothing here asks a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from syncd.rules.matching.time_window import local_midnight
from syncd.rules.quotas import period_name

_TICK = datetime.resolution


@dataclass(frozen=True, slots=True)
class Period:
    """A period by its name, from its first instant to the first one after it."""

    name: str
    start: datetime
    end: datetime

    def holds(self, instant: datetime) -> bool:
        """Whether an instant lies in it."""
        return self.start <= instant < self.end

    def elapsed(self, now: datetime) -> Decimal:
        """The share of it that is over at `now`, from 0 to 1."""
        whole, done = self.end - self.start, min(max(now, self.start), self.end) - self.start
        return Decimal(done // _TICK) / Decimal(whole // _TICK)


def fiscal_period(day: date, fiscal_year_start: int) -> str:
    """The fiscal quarter that a day lies in: `2026-Q4`. `fiscal_year_start` is the year's first month, 1 to 12."""
    return period_name("quarter", day, fiscal_year_start)


def period_of(name: str, fiscal_year_start: int, zone: ZoneInfo) -> Period:
    """The period that a quota names; ValueError for a text that is no period."""
    year, _, part = name.partition("-")
    first = int(year) - (1 if fiscal_year_start > 1 else 0)
    if not part:
        return _span(name, first, fiscal_year_start, 12, zone)
    if part.startswith("Q"):
        return _span(name, first, fiscal_year_start + 3 * (int(part[1:]) - 1), 3, zone)
    return _span(name, int(year), int(part), 1, zone)


def earlier(name: str, fiscal_year_start: int, zone: ZoneInfo) -> Period:
    """The period of the same kind that ends where the one of this name begins."""
    year, _, part = name.partition("-")
    if not part:
        before = f"{int(year) - 1}"
    elif part.startswith("Q"):
        before = f"{year}-Q{int(part[1:]) - 1}" if part != "Q1" else f"{int(year) - 1}-Q4"
    else:
        before = f"{year}-{int(part) - 1:02}" if part != "01" else f"{int(year) - 1}-12"
    return period_of(before, fiscal_year_start, zone)


def _span(name: str, year: int, month: int, months: int, zone: ZoneInfo) -> Period:
    """`months` months from a month on; months past December run into the next year."""
    return Period(
        name, local_midnight(_first_day(year, month), zone), local_midnight(_first_day(year, month + months), zone)
    )


def _first_day(year: int, month: int) -> date:
    more, index = divmod(month - 1, 12)
    return date(year + more, index + 1, 1)
