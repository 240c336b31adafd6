"""Seasons: which share of a year comes in which of its parts, learnt from the years before. Pure.

A year counts where it is known from its first day. Few years say little, so what they say is drawn towards even parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_YEARS = 4
_LEAST_YEARS = 2
_DRAWN = Decimal("0.5")
"""Even parts count as much as half a year that was known."""


@dataclass(frozen=True, slots=True)
class Seasons:
    """The share of a year that each of its parts has, in their order; `years` is from how many that was learnt."""

    shares: tuple[Decimal, ...]
    years: int


def seasons_of(
    daily: Mapping[date, Decimal], parts: Callable[[int], Sequence[tuple[date, date]]], year: int
) -> Seasons:
    """The seasons of a year, from the wins of each day before it.

    `parts` are the days from and until (excluded) of each part of a year, in their order.
    """
    first, count = min(daily, default=None), len(parts(year))
    even = Decimal(1) / count
    shares = [_DRAWN * even] * count
    known = 0
    for past in range(year - 1, year - 1 - _YEARS, -1):
        days = parts(past)
        if first is None or first > days[0][0]:
            break
        sums = [sum((won for day, won in daily.items() if since <= day < until), Decimal(0)) for since, until in days]
        whole = sum(sums, Decimal(0))
        if whole > 0:
            shares = [share + part / whole for share, part in zip(shares, sums, strict=True)]
            known += 1
    if known < _LEAST_YEARS:
        return Seasons((even,) * count, 0)
    return Seasons(tuple(share / (known + _DRAWN) for share in shares), known)


def largest_remainder(amount: Decimal, shares: Sequence[Decimal], step: Decimal) -> list[Decimal]:
    """An amount in parts of whole steps that add up to it exactly, as near to the shares as can be.

    What is no whole step of the amount goes to the largest part. Even parts where all shares are 0; ties go to the
    first. Shares are not negative; an amount without a share is an error of the caller.
    """
    whole = sum(shares, Decimal(0))
    exact = [share / whole if whole else Decimal(1) / len(shares) for share in shares]
    steps = int(amount / step)
    rest = amount - steps * step
    wanted = [part * steps for part in exact]
    given = [int(each) for each in wanted]
    order = sorted(range(len(shares)), key=lambda place: (given[place] - wanted[place], place))
    for place in order[: steps - sum(given)]:
        given[place] += 1
    found = [each * step for each in given]
    if rest:
        found[max(range(len(found)), key=lambda place: (found[place], -place))] += rest
    return found
