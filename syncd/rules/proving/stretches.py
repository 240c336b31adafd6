"""A stretch of a line between two cuts: how wide it is, and how to write it for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from syncd.model.fields import FieldType
from syncd.rules.proving.lines import Cut

_NARROW_SHARE = Decimal("0.01")
_A_DAY = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What lies between two cuts; None is an open end."""

    low: Cut | None
    high: Cut | None

    @property
    def is_point(self) -> bool:
        """Whether it is a single value."""
        return self.low is not None and self.high is not None and self.low[0] == self.high[0]

    def is_worth_telling(self, type_: FieldType) -> bool:
        """Whether a value that people write lies in it: between 199 and 200 employees there is none."""
        if self.low is None or self.high is None:
            return False
        return type_ is FieldType.DATE or self._whole_numbers() > 0

    def is_narrow(self, type_: FieldType) -> bool:
        """Whether it looks like a slip: one whole number, one day, or a hundredth of what it lies at."""
        if self.low is None or self.high is None:
            return False
        bottom, top = self.low[0], self.high[0]
        if isinstance(bottom, datetime) and isinstance(top, datetime):
            return top - bottom <= _A_DAY
        if isinstance(bottom, Decimal) and isinstance(top, Decimal):
            return self._whole_numbers() <= 1 or top - bottom <= abs(top) * _NARROW_SHARE
        return type_ is FieldType.BOOLEAN

    def written(self, type_: FieldType, zone: ZoneInfo) -> str:
        """`1000`, `200 to 299`, or the days of a stretch that has two ends."""
        if self.low is None or self.high is None:
            return "outside"
        bottom, top = self.low[0], self.high[0]
        if isinstance(bottom, datetime) and isinstance(top, datetime):
            first = bottom.astimezone(zone).date()
            last = (top - timedelta(microseconds=1)).astimezone(zone).date()
            return f"{first}" if first == last else f"{first} to {last}"
        first_number, last_number = self._ends()
        if first_number == last_number:
            return f"{first_number:f}"
        return f"{first_number:f} to {last_number:f}" + (" (whole units)" if type_ is FieldType.MONEY else "")

    def _ends(self) -> tuple[Decimal, Decimal]:
        """The first and last whole number inside."""
        if self.low is None or self.high is None:
            return Decimal(0), Decimal(-1)
        bottom, after = self.low
        top, including = self.high
        if not isinstance(bottom, Decimal) or not isinstance(top, Decimal):
            return Decimal(0), Decimal(-1)
        first = bottom.to_integral_value(ROUND_FLOOR) + 1 if after else bottom.to_integral_value(ROUND_CEILING)
        last = top.to_integral_value(ROUND_FLOOR) if including else top.to_integral_value(ROUND_CEILING) - 1
        return first, last

    def _whole_numbers(self) -> Decimal:
        first, last = self._ends()
        return last - first + 1
