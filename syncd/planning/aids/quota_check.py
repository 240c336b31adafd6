"""A quota from below: won, what open deals and untouched accounts bring, and whether history ever won so much. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.planning.aids.deals import Deal
from syncd.planning.aids.forecast import Expected, Stretch
from syncd.planning.aids.quota_split import ancestry

_YEAR = timedelta(days=365)
_DAY = timedelta(days=1)
_FEW = 10
"""Below so many closed deals a territory's own conversion says too little: that of the whole book stands for it."""
_USUAL_CYCLE = 90.0


@dataclass(frozen=True, slots=True)
class Below:
    """What a territory brings by itself in a period, in the reporting currency, and what it converts.

    `available` is the pipeline that can close in it: what is open, and what is usually made in time. `closed` and
    `closed_won` are amounts of the last 12 months, `deals` their number.
    """

    won: float = 0.0
    from_open: float = 0.0
    whitespace: float = 0.0
    available: float = 0.0
    closed: float = 0.0
    closed_won: float = 0.0
    deals: int = 0
    made: float = 0.0

    @property
    def whole(self) -> float:
        """What comes from below in all."""
        return self.won + self.from_open + self.whitespace

    def plus(self, other: Below) -> Below:
        """Both together."""
        return Below(
            self.won + other.won,
            self.from_open + other.from_open,
            self.whitespace + other.whitespace,
            self.available + other.available,
            self.closed + other.closed,
            self.closed_won + other.closed_won,
            self.deals + other.deals,
            self.made + other.made,
        )


def below(
    expected: Mapping[str, Expected],
    deals: Mapping[str, Sequence[Deal]],
    territory_of: Mapping[str, str],
    yearly: Mapping[str, Decimal],
    period: Stretch,
    now: datetime,
) -> dict[str, Below]:
    """What each territory with accounts brings in a period; `expected` is the forecast by territory."""
    cycle = timedelta(days=cycle_of(deal for each in deals.values() for deal in each))
    found: dict[str, Below] = defaultdict(Below)
    for company, path in territory_of.items():
        mine = deals.get(company, ())
        made, closed, won, count = _last_year(mine, now)
        waits = cycle if any(deal.won is None for deal in mine) else timedelta(0)
        left = max(period.end - max(period.start, now + waits), timedelta(0)) / _YEAR
        found[path] = found[path].plus(
            Below(
                whitespace=float(yearly.get(company, Decimal(0))) * left,
                closed=closed,
                closed_won=won,
                deals=count,
                made=made,
            )
        )
    horizon = max(period.end - max(period.start - cycle, now) - cycle, timedelta(0)) / _YEAR
    for path, each in found.items():
        mean = expected.get(path, Expected())
        found[path] = replace(
            each, won=mean.won, from_open=mean.from_open, available=mean.open_amount + each.made * horizon
        )
    return dict(found)


def summed(found: Mapping[str, Below]) -> dict[str, Below]:
    """The same with the sums of the territories above; `""` is all of them."""
    sums: dict[str, Below] = defaultdict(Below)
    for path, each in found.items():
        for above in ("", *ancestry(path)):
            sums[above] = sums[above].plus(each)
    return dict(sums)


def conversion_document(quota: Decimal, each: Below, everything: Below, limit: Decimal) -> dict[str, Any]:
    """What has to be won of the pipeline for a quota, beside what was won of it in the last 12 months.

    `over` is True where more is required than was ever usual, by more than `limit`; None where nothing is known.
    """
    own = each.deals >= _FEW and each.closed > 0
    basis = each if own else everything
    trailing = basis.closed_won / basis.closed if basis.closed else None
    needed = max(float(quota) - each.won, 0.0)
    required = needed / each.available if each.available > 0 else (0.0 if needed == 0 else None)
    over: bool | None = None
    if trailing is not None:
        over = required is None or required > trailing * (1 + float(limit))
    return {
        "required": None if required is None else round(required, 4),
        "trailing": None if trailing is None else round(trailing, 4),
        "of": "own deals" if own else "all deals",
        "deals": basis.deals,
        "available": round(each.available, 2),
        "over": over,
    }


def cycle_of(deals: Iterable[Deal]) -> float:
    """The mean days from making a deal to winning it; 90 where nothing was won."""
    days = [float(deal.days) for deal in deals if deal.won and deal.days is not None]
    return sum(days) / len(days) if days else _USUAL_CYCLE


def _last_year(deals: Sequence[Deal], now: datetime) -> tuple[float, float, float, int]:
    """What was made, closed and won in the last 12 months, as amounts, and how many deals were closed."""
    made = closed = won = 0.0
    count = 0
    for deal in deals:
        amount = float(deal.amount) if deal.amount is not None else 0.0
        if deal.created is not None and now - _YEAR < deal.created <= now:
            made += amount
        if deal.won is not None and deal.closed is not None and now - _YEAR < deal.closed <= now:
            closed += amount
            won += amount if deal.won else 0.0
            count += 1
    return made, closed, won, count
