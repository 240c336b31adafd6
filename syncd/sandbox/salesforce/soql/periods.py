"""The named periods of SOQL (`TODAY`, `LAST_N_DAYS:30`, …) as ranges of instants, in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

Range = tuple[date, date]


def period(name: str, count: int, now: datetime) -> Range | None:
    """First day and the day after the last of a named period; None for a name that is none. Weeks start on Sunday."""
    today = now.astimezone(UTC).date()
    if name in _COUNTED:
        return _COUNTED[name](today, count)
    return _NAMED[name](today) if name in _NAMED else None


def _days(first: int, last: int) -> Callable[[date], Range]:
    """The days from `first` to `last`, counted from today."""
    return lambda today: (today + timedelta(first), today + timedelta(last + 1))


def _weeks(offset: int) -> Callable[[date], Range]:
    """The week `offset` weeks from this one."""

    def of(today: date) -> Range:
        start = today - timedelta((today.weekday() + 1) % 7) + timedelta(weeks=offset)
        return start, start + timedelta(7)

    return of


def _months(offset: int, length: int) -> Callable[[date], Range]:
    """The block of `length` months, `offset` blocks from the present one."""

    def of(today: date) -> Range:
        month = (today.month - 1) // length * length + offset * length
        return _month(today.year, month), _month(today.year, month + length)

    return of


def _month(year: int, months: int) -> date:
    """The first of the month `months` after January of `year`."""
    return date(year + months // 12, months % 12 + 1, 1)


_NAMED: dict[str, Callable[[date], Range]] = {
    "YESTERDAY": _days(-1, -1),
    "TODAY": _days(0, 0),
    "TOMORROW": _days(1, 1),
    "LAST_90_DAYS": _days(-90, 0),
    "NEXT_90_DAYS": _days(1, 90),
    "LAST_WEEK": _weeks(-1),
    "THIS_WEEK": _weeks(0),
    "NEXT_WEEK": _weeks(1),
    "LAST_MONTH": _months(-1, 1),
    "THIS_MONTH": _months(0, 1),
    "NEXT_MONTH": _months(1, 1),
    "LAST_QUARTER": _months(-1, 3),
    "THIS_QUARTER": _months(0, 3),
    "NEXT_QUARTER": _months(1, 3),
    "LAST_YEAR": _months(-1, 12),
    "THIS_YEAR": _months(0, 12),
    "NEXT_YEAR": _months(1, 12),
}
_COUNTED: dict[str, Callable[[date, int], Range]] = {
    "LAST_N_DAYS": lambda today, count: _days(-count, 0)(today),
    "NEXT_N_DAYS": lambda today, count: _days(1, count)(today),
    "N_DAYS_AGO": lambda today, count: _days(-count, -count)(today),
}
