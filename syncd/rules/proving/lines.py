"""Numbers, amounts, dates: a line cut where rules compare; between two cuts no rule tells values apart.

Knows the bounds of matchers and which example values lie between two cuts; no fields, no conditions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from syncd.rules.matching.time_window import local_day, local_midnight, shifted_day

Point = Decimal | datetime
Cut = tuple[Point, int]
"""Just before a point (0) or just after it (1)."""

ZERO_CUT: Cut = (Decimal(0), 0)
_ONE = Decimal(1)


class Scale(Protocol):
    """How to find a presentable value between two cuts."""

    def between(self, low: Cut | None, high: Cut | None) -> Iterator[Point]:
        """Values between the cuts, presentable ones first; None is an open end."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """The cells between sorted cuts; cell 0 lies before the first cut, cell n after the last."""

    cuts: tuple[Cut, ...]

    @classmethod
    def cut_at(cls, cuts: Iterable[Cut]) -> Line:
        """A line with these cuts, in any order."""
        return cls(tuple(sorted(set(cuts))))

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.cuts) + 1

    def between(self, low: Cut | None, high: Cut | None) -> int:
        """The cells from one cut of the line to another, as bits; None is an open end."""
        first = 0 if low is None else bisect_left(self.cuts, low) + 1
        last = len(self.cuts) if high is None else bisect_left(self.cuts, high)
        return ((1 << (last - first + 1)) - 1) << first if last >= first else 0

    def cell_of(self, value: Point) -> int:
        """The cell that a value lies in."""
        return bisect_left(self.cuts, (value, 1))

    def ends(self, cell: int) -> tuple[Cut | None, Cut | None]:
        """The cuts on both sides of a cell; None is an open end."""
        return (self.cuts[cell - 1] if cell else None, self.cuts[cell] if cell < len(self.cuts) else None)


@dataclass(frozen=True, slots=True)
class NumberScale:
    """Numbers; `whole` ones where the field counts something."""

    whole: bool = False

    def between(self, low: Cut | None, high: Cut | None) -> Iterator[Point]:
        """Whole numbers first, then the middle."""
        for value in self._candidates(low, high):
            if _inside(value, low, high) and not (self.whole and value != value.to_integral_value()):
                yield value

    def _candidates(self, low: Cut | None, high: Cut | None) -> Iterator[Decimal]:
        bottom = low[0] if low is not None else None
        top = high[0] if high is not None else None
        if isinstance(bottom, Decimal):
            yield bottom
            yield bottom.to_integral_value(ROUND_FLOOR) + _ONE
        if isinstance(top, Decimal):
            yield top
            yield -((-top).to_integral_value(ROUND_FLOOR) + _ONE)
        if isinstance(bottom, Decimal) and isinstance(top, Decimal):
            yield ((bottom + top) / 2).to_integral_value(ROUND_FLOOR)
            yield (bottom + top) / 2
        yield _ONE
        yield Decimal(0)


@dataclass(frozen=True, slots=True)
class DateScale:
    """Instants; whole days of a zone where there are some."""

    zone: ZoneInfo
    now: datetime

    def between(self, low: Cut | None, high: Cut | None) -> Iterator[Point]:
        """The midnight at or after the lower end first, then what lies between."""
        for value in self._candidates(low, high):
            if _inside(value, low, high):
                yield value

    def _candidates(self, low: Cut | None, high: Cut | None) -> Iterator[datetime]:
        bottom = low[0] if low is not None else None
        top = high[0] if high is not None else None
        if isinstance(bottom, datetime):
            yield bottom
            yield local_midnight(shifted_day(local_day(bottom, self.zone), 1, "d"), self.zone)
        if isinstance(top, datetime):
            yield local_midnight(shifted_day(local_day(top, self.zone), -1, "d"), self.zone)
            if isinstance(bottom, datetime):
                yield bottom + (top - bottom) / 2
            elif top.year > 1:
                yield top - timedelta(seconds=1)
        yield local_midnight(local_day(self.now, self.zone), self.zone)


def _inside(value: Point, low: Cut | None, high: Cut | None) -> bool:
    return (low is None or low <= (value, 0)) and (high is None or (value, 1) <= high)
