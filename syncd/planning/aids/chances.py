"""What becomes of deals with time: how likely one of an age is won until a day, learnt from earlier ones. Pure.

Two clocks: the age of a deal, in steps that grow, and the month of the quarter, for wins crowd at its end. Knows no
stage: what those say is learnt in stage_chances.py, where ways are known.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from syncd.planning.aids.deals import Deal, Way

EDGES = (0, 7, 14, 30, 60, 90, 120, 180, 270, 365, 730)
"""Ages in days at which chances may change."""
_DAY = timedelta(days=1)
_STEP = 7
_DRAWN = 20.0
"""Wins that the whole book's pace counts beside a holder's own."""
_SEASON_DRAWN = 30.0
Holder = str


@dataclass(frozen=True, slots=True)
class Seen:
    """A deal as it was known at some instant: open, or ended by then. `end` is when it ended, None while open.

    `way` holds the stages it had entered by then, before its end.
    """

    holder: Holder
    created: datetime
    end: datetime | None
    won: bool
    amount: float
    known_at: datetime
    way: Way = ()


def known_at(deals: Iterable[tuple[Holder, Deal]], at: datetime) -> list[Seen]:
    """Deals as they were known at an instant: what ended later was open then, what was made later was not there.

    A deal without a day of creation is left out: nobody knows its age. So are stages that it entered later.
    """
    found = []
    for holder, deal in deals:
        if deal.created is None or deal.created > at:
            continue
        ended = deal.won is not None and deal.closed is not None and deal.created <= deal.closed <= at
        if deal.won is not None and deal.closed is not None and deal.closed < deal.created:
            continue
        amount = float(deal.amount) if deal.amount is not None else 0.0
        end = deal.closed if ended else None
        way = tuple(each for each in deal.way if each.at < (end or at))
        found.append(Seen(holder, deal.created, end, bool(deal.won) and ended, amount, at, way))
    return found


@dataclass
class Chances:
    """Rates of wins and losses a day by age, the season of wins by place in the quarter, and how holders differ.

    `place_of` gives the place in the quarter, 0 to 2, of an instant.
    """

    wins: tuple[float, ...]
    losses: tuple[float, ...]
    season: tuple[float, ...]
    factors: Mapping[Holder, float]
    place_of: Callable[[datetime], int]
    _cache: dict[tuple[int, datetime, datetime, float], float] = field(default_factory=dict)

    def factor(self, holder: Holder) -> float:
        """How much more often a holder's deals are won than others."""
        return round(self.factors.get(holder, 1.0), 2)

    def win(self, age: int, since: datetime, until: datetime, factor: float = 1.0) -> float:
        """How likely a deal that has an age in days at `since`, and is open, is won before `until`."""
        asked = (age // _STEP, since, until, factor)
        if asked not in self._cache:
            self._cache[asked] = self._win(asked[0] * _STEP, since, until, factor)
        return self._cache[asked]

    def _win(self, age: int, since: datetime, until: datetime, factor: float) -> float:
        alive, won, at = 1.0, 0.0, since
        while at < until:
            days = min(_STEP, (until - at) / _DAY)
            step = bisect_right(EDGES, age) - 1
            win = self.wins[step] * self.season[self.place_of(at)] * factor
            rate = win + self.losses[step]
            if rate > 0:
                gone = alive * -math.expm1(-rate * days)
                won += gone * win / rate
                alive -= gone
            at, age = at + timedelta(days=days), age + _STEP
        return won

    def made_later(self, since: datetime, until: datetime, factor: float = 1.0) -> float:
        """The days' worth of deals that are made between two instants and won before the second, each made evenly."""
        whole, at = 0.0, since
        while at < until:
            days = min(_STEP, (until - at) / _DAY)
            whole += days * self.win(0, at + timedelta(days=days / 2), until, factor)
            at += timedelta(days=days)
        return whole


def learn(seen: Sequence[Seen], at: datetime, place_of: Callable[[datetime], int]) -> Chances:
    """What the deals known at an instant say of deals to come."""
    days, won, lost = ([0.0] * len(EDGES) for _ in range(3))
    ends, exposed = [0.0] * 3, [0.0] * 3
    spent: dict[Holder, list[float]] = defaultdict(lambda: [0.0] * len(EDGES))
    gained: dict[Holder, int] = defaultdict(int)
    for each in seen:
        age = (each.end or at) - each.created
        total = age / _DAY
        for step, low in enumerate(EDGES):
            if total <= low:
                break
            high = EDGES[step + 1] if step + 1 < len(EDGES) else math.inf
            part = min(total, high) - low
            days[step] += part
            spent[each.holder][step] += part
        _expose(exposed, each, at, place_of)
        if each.end is not None:
            step = bisect_right(EDGES, total) - 1
            (won if each.won else lost)[step] += 1
            if each.won:
                gained[each.holder] += 1
                ends[place_of(each.end)] += 1
    wins = tuple(_rates(won, days))
    factors = {
        holder: (gained[holder] + _DRAWN) / (sum(map(_times, wins, parts)) + _DRAWN) for holder, parts in spent.items()
    }
    return Chances(wins, tuple(_rates(lost, days)), _season(ends, exposed), factors, place_of)


def _times(one: float, other: float) -> float:
    return one * other


def _expose(exposed: list[float], each: Seen, at: datetime, place_of: Callable[[datetime], int]) -> None:
    """Count the days that a deal was open in each place of the quarter, in steps of 15 days."""
    end, day = each.end or at, each.created
    while day < end:
        part = min(15.0, (end - day) / _DAY)
        exposed[place_of(day + timedelta(days=part / 2))] += part
        day += timedelta(days=15)


def _rates(ended: Sequence[float], days: Sequence[float]) -> list[float]:
    """Ends a day by age; an age that few deals came to is drawn towards the mean of all."""
    whole = sum(days)
    mean = sum(ended) / whole if whole else 0.0
    drawn = 2 / mean if mean else 1.0  # as many days as two ends take
    return [(count + mean * drawn) / (spent + drawn) for count, spent in zip(ended, days, strict=True)]


def _season(ends: Sequence[float], exposed: Sequence[float]) -> tuple[float, ...]:
    whole, days = sum(ends), sum(exposed)
    if not whole or not days:
        return (1.0, 1.0, 1.0)
    expected = [whole * part / days for part in exposed]
    return tuple(
        (count + _SEASON_DRAWN) / (wanted + _SEASON_DRAWN) for count, wanted in zip(ends, expected, strict=True)
    )
