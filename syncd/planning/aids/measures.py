"""Measures of spread and of doubt: how even books are, and how far a share can be trusted. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_Z = 1.959964
"""The normal quantile of intervals that hold the truth 19 times in 20."""
_SHOWN = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Spread:
    """How evenly something lies over several holders.

    `cv` is the standard deviation over the mean, `gini` 0 for all alike and towards 1 where one has everything,
    `ratio` the largest over the smallest (None where the smallest has nothing).
    """

    holders: int
    total: Decimal
    mean: Decimal
    least: Decimal
    most: Decimal
    cv: Decimal
    gini: Decimal
    ratio: Decimal | None

    def document(self) -> dict[str, Any]:
        """The spread as JSON values."""
        return {
            "holders": self.holders,
            "total": f"{self.total:f}",
            "mean": f"{self.mean.quantize(_SHOWN):f}",
            "least": f"{self.least:f}",
            "most": f"{self.most:f}",
            "cv": f"{self.cv:f}",
            "gini": f"{self.gini:f}",
            "ratio": f"{self.ratio:f}" if self.ratio is not None else None,
        }


def spread_of(loads: Sequence[Decimal]) -> Spread:
    """The spread of loads that are not negative; all zero for nobody."""
    ordered = sorted(loads)
    count, total = len(ordered), sum(ordered, Decimal(0))
    if not ordered or not total:
        zero = Decimal(0)
        return Spread(count, total, zero, zero, zero, zero.quantize(_SHOWN), zero.quantize(_SHOWN), None)
    mean = total / count
    variance = sum(((load - mean) ** 2 for load in ordered), Decimal(0)) / count
    ranked = sum((place * load for place, load in enumerate(ordered, start=1)), Decimal(0))
    gini = 2 * ranked / (count * total) - Decimal(count + 1) / count
    ratio = (ordered[-1] / ordered[0]).quantize(_SHOWN) if ordered[0] > 0 else None
    cv = (variance.sqrt() / mean).quantize(_SHOWN)
    return Spread(count, total, mean, ordered[0], ordered[-1], cv, abs(gini.quantize(_SHOWN)), ratio)


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`, with the interval (Wilson, 95 %) in which the true share lies; None where there is nothing."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share itself."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The lower and upper end; it never leaves 0 to 1, and is wide for few cases."""
        if not self.of:
            return None
        share, square = self.hits / self.of, _Z * _Z
        below = 1 + square / self.of
        middle = (share + square / (2 * self.of)) / below
        half = _Z * math.sqrt(share * (1 - share) / self.of + square / (4 * self.of**2)) / below
        return max(0.0, middle - half), min(1.0, middle + half)

    def document(self) -> dict[str, Any]:
        """The share as JSON values, to thousandths."""
        ends = self.interval
        return {
            "hits": self.hits,
            "of": self.of,
            "share": None if self.value is None else round(self.value, 3),
            "low": None if ends is None else round(ends[0], 3),
            "high": None if ends is None else round(ends[1], 3),
        }


@dataclass(frozen=True, slots=True)
class Middle:
    """The median of some numbers, and the interval (95 %, by order statistics) in which the true median lies."""

    count: int
    median: Decimal | None
    low: Decimal | None
    high: Decimal | None

    def document(self, places: str = "0.1") -> dict[str, Any]:
        """The median as JSON values."""

        def told(value: Decimal | None) -> str | None:
            return None if value is None else f"{value.quantize(Decimal(places)):f}"

        return {"count": self.count, "median": told(self.median), "low": told(self.low), "high": told(self.high)}


def middle_of(numbers: Sequence[Decimal]) -> Middle:
    """The median; fewer than 6 numbers say nothing of where the true one lies, so their interval is all of them."""
    ordered = sorted(numbers)
    count = len(ordered)
    if not count:
        return Middle(0, None, None, None)
    half = count // 2
    median = ordered[half] if count % 2 else (ordered[half - 1] + ordered[half]) / 2
    reach = _Z * math.sqrt(count) / 2
    first, last = max(0, math.floor(count / 2 - reach)), min(count - 1, math.ceil(count / 2 + reach))
    return Middle(count, median, ordered[first], ordered[last])
