"""Time as rules speak of it: calendar spans, fiscal periods and the instants at which they move.

`d w mo y` are calendar units in the pack's zone and change at local midnight; `h` and `min` are clock time. Everything
here is a pure function of the instant it is given; nothing asks a clock.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

UTC_ZONE = ZoneInfo("UTC")
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)
TICK = timedelta(microseconds=1)

_DURATION = re.compile(r"([0-9]{1,5}) ?(min|mo|h|d|w|y)")
_CLOCK_UNITS = {"h": timedelta(hours=1), "min": timedelta(minutes=1)}
_PERIOD = re.compile(r"(this|last|next)_(month|quarter|year)")
_PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_PERIOD_STEPS = {"this": 0, "last": -1, "next": 1}


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of calendar time: `90d` is Duration(90, "d"). Units: h min d w mo y."""

    count: int
    unit: str


WON_WINDOW = Duration(12, "mo")
"""How far back won_amount_12m and won_count_12m look."""


@dataclass(frozen=True, slots=True)
class Period:
    """`this_quarter`: `months` is its length, `step` -1 for last, 0 for this, 1 for next."""

    months: int
    step: int


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What a condition may know beside the facts: the run's `now`, the pack's zone and its first fiscal month."""

    now: datetime
    zone: ZoneInfo = UTC_ZONE
    fiscal_year_start: int = 1


def parse_duration(text: str) -> Duration | None:
    """The span that `90d`, `6mo` or `15min` names; None for anything else, a bare `m` included."""
    found = _DURATION.fullmatch(text.strip())
    return Duration(int(found[1]), found[2]) if found else None


def parse_period(text: str) -> Period | None:
    """The fiscal period that `this_quarter` or `last_year` names; None for anything else."""
    found = _PERIOD.fullmatch(text.strip())
    return Period(_PERIOD_MONTHS[found[2]], _PERIOD_STEPS[found[1]]) if found else None


@lru_cache(maxsize=4096)
def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which `day` begins in `zone`, in UTC; clamped at both ends of the calendar."""
    try:
        return datetime.combine(day, time.min, zone).astimezone(UTC)
    except OverflowError:
        return EARLIEST if day.year < 5000 else LATEST


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant in `zone`; clamped at both ends of the calendar."""
    try:
        return instant.astimezone(zone).date()
    except OverflowError:
        return instant.date()


def shifted_day(day: date, count: int, unit: str) -> date:
    """`day` moved by `count` calendar units (d w mo y); months keep the day where it exists, else take the last one."""
    try:
        if unit in ("d", "w"):
            return day + timedelta(days=count * (7 if unit == "w" else 1))
        months = day.year * 12 + day.month - 1 + count * (12 if unit == "y" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    except (OverflowError, ValueError):
        return date.max if count > 0 else date.min


def shifted_instant(instant: datetime, by: timedelta) -> datetime:
    """`instant + by`, clamped at both ends of the calendar."""
    try:
        return instant + by
    except OverflowError:
        return LATEST if by > timedelta(0) else EARLIEST


@lru_cache(maxsize=4096)
def past_edge(duration: Duration, context: EvaluationContext) -> datetime:
    """Where "the last 30 days" begin: 30 calendar days before today's local midnight, or `now` less clock time."""
    unit = _CLOCK_UNITS.get(duration.unit)
    if unit is not None:
        return shifted_instant(context.now, -duration.count * unit)
    today = local_day(context.now, context.zone)
    return local_midnight(shifted_day(today, -duration.count, duration.unit), context.zone)


@lru_cache(maxsize=4096)
def future_edge(duration: Duration, context: EvaluationContext) -> datetime:
    """Where "the next 30 days" end, itself not included: the whole 30th day belongs to them."""
    unit = _CLOCK_UNITS.get(duration.unit)
    if unit is not None:
        return shifted_instant(context.now, duration.count * unit + TICK)
    today = local_day(context.now, context.zone)
    last = shifted_day(today, duration.count, duration.unit)
    return local_midnight(shifted_day(last, 1, "d"), context.zone)


def leaves_past(value: datetime, duration: Duration, context: EvaluationContext) -> datetime | None:
    """The first instant at which `value` lies before the past edge; None if the calendar ends before."""
    unit = _CLOCK_UNITS.get(duration.unit)
    if unit is not None:
        return shifted_instant(value, duration.count * unit + TICK)
    own = local_day(value, context.zone)
    day = shifted_day(shifted_day(own, duration.count, duration.unit), -1, "d")
    for _ in range(7):
        edge = local_midnight(shifted_day(day, -duration.count, duration.unit), context.zone)
        if edge > value:
            return local_midnight(day, context.zone)
        day = shifted_day(day, 1, "d")
    return None


def enters_future(value: datetime, duration: Duration, context: EvaluationContext) -> datetime:
    """The first instant at which `value` lies before the future edge."""
    unit = _CLOCK_UNITS.get(duration.unit)
    if unit is not None:
        return shifted_instant(value, -duration.count * unit)
    own = local_day(value, context.zone)
    day = shifted_day(shifted_day(own, -duration.count, duration.unit), -5, "d")
    for _ in range(12):
        last = shifted_day(day, duration.count, duration.unit)
        if local_midnight(shifted_day(last, 1, "d"), context.zone) > value:
            break
        day = shifted_day(day, 1, "d")
    return local_midnight(day, context.zone)


def period_window(instant: datetime, months: int, step: int, context: EvaluationContext) -> tuple[datetime, datetime]:
    """The fiscal period of `months` months, `step` periods after the one that holds `instant`: start and (open) end."""
    day = local_day(instant, context.zone)
    offset = 0 if months == 1 else context.fiscal_year_start - 1
    index = (day.year * 12 + day.month - 1 - offset) // months + step
    return _month_start(index * months + offset, context.zone), _month_start(
        (index + 1) * months + offset, context.zone
    )


def _month_start(month: int, zone: ZoneInfo) -> datetime:
    year, index = divmod(month, 12)
    if not date.min.year <= year <= date.max.year:
        return EARLIEST if year < date.min.year else LATEST
    return local_midnight(date(year, index + 1, 1), zone)


def earliest(instants: Iterable[datetime | None]) -> datetime | None:
    """The smallest of the instants that are there; None if none is."""
    return min((instant for instant in instants if instant is not None), default=None)
