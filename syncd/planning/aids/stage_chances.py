"""What becomes of deals by the stage they stand in and how long they have stood there, learnt from earlier ones. Pure.

A deal leaves its stage by a win, a loss or a move to another stage; how often it does so a day is learnt by stage and
time in it, and the way from there on is added up week by week. Needs the ways of deals; knows nothing of CRMs.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from syncd.planning.aids.chances import Seen
from syncd.planning.aids.deals import Way

EDGES = (0, 14, 28, 56, 112)
"""Days in a stage at which rates may change."""
LEAST_ENDS = 30
"""Fewer deals than this, won or lost with a known way, say too little of stages."""
_DAY = timedelta(days=1)
_WEEK = 7
_OLDEST = EDGES[-1] // _WEEK
_DRAWN = 3.0
"""Ends or moves that the mean of a stage counts beside those of one time in it."""
Stage = str


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay of a deal in a stage: days until it left, and what for: `won`, `lost`, another stage, None while there.

    `whole` is False where the day of entry is not known, so that `days` are the least there were.
    """

    stage: Stage
    days: float
    left_for: Stage | None
    won: bool
    lost: bool
    whole: bool


def stays(each: Seen) -> Iterator[Stay]:
    """The stays of a deal as it was known; nothing for one without a way."""
    for place, entry in enumerate(each.way):
        last = place + 1 == len(each.way)
        until = each.way[place + 1].at if not last else each.end or each.known_at
        yield Stay(
            entry.stage,
            max((until - entry.at) / _DAY, 0.0),
            None if last else each.way[place + 1].stage,
            last and each.end is not None and each.won,
            last and each.end is not None and not each.won,
            place > 0 or entry.at - each.created <= _DAY,
        )


def standing(way: Way, at: datetime) -> tuple[Stage, int] | None:
    """The stage that an open deal stands in, and for how many days as far as is known; None without a way."""
    return (way[-1].stage, max(int((at - way[-1].at) / _DAY), 0)) if way else None


@dataclass(frozen=True, slots=True)
class _Rates:
    """What becomes of deals a day, in one stage and time in it."""

    win: float
    loss: float
    moves: tuple[tuple[Stage, float], ...]


@dataclass
class StageChances:
    """How likely open deals are won, by stage and days in it. `season` is that of wins by place in the quarter."""

    rates: Mapping[Stage, Sequence[_Rates]]
    season: Sequence[float]
    place_of: Callable[[datetime], int]
    _cache: dict[tuple[datetime, datetime, float], Mapping[Stage, Sequence[float]]] = field(default_factory=dict)

    def win(self, stage: Stage, days: int, since: datetime, until: datetime, factor: float = 1.0) -> float | None:
        """How likely a deal that stands in a stage for so many days at `since` is won before `until`.

        None for a stage that is not known.
        """
        if stage not in self.rates:
            return None
        if until <= since:
            return 0.0
        asked = (since, until, round(factor, 1))
        if asked not in self._cache:
            self._cache[asked] = self._wins(*asked)
        return self._cache[asked][stage][min(days // _WEEK, _OLDEST)]

    def _wins(self, since: datetime, until: datetime, factor: float) -> Mapping[Stage, Sequence[float]]:
        """By stage and weeks in it: how likely a win is, worked out from the last week back to the first."""
        later = {stage: [0.0] * (_OLDEST + 1) for stage in self.rates}
        at = until
        while at > since:
            days = min(_WEEK, (at - since) / _DAY)
            at -= timedelta(days=days)
            season = self.season[self.place_of(at)] * factor
            later = {stage: self._week(stage, days, season, later) for stage in self.rates}
        return later

    def _week(self, stage: Stage, days: float, season: float, later: Mapping[Stage, Sequence[float]]) -> list[float]:
        found = []
        for weeks in range(_OLDEST + 1):
            each = self.rates[stage][bisect_right(EDGES, weeks * _WEEK) - 1]
            win = each.win * season
            rate = win + each.loss + sum(share for _, share in each.moves)
            stay = later[stage][min(weeks + 1, _OLDEST)]
            if rate <= 0:
                found.append(stay)
                continue
            gone = -math.expm1(-rate * days)
            then = win + sum(share * later[to][0] for to, share in each.moves)
            found.append(gone * then / rate + (1 - gone) * stay)
        return found


def learn_stages(
    seen: Sequence[Seen], season: Sequence[float], place_of: Callable[[datetime], int]
) -> StageChances | None:
    """What the deals known at an instant say of stages; None where too few have ended whose way is known."""
    if sum(each.end is not None and bool(each.way) for each in seen) < LEAST_ENDS:
        return None
    tallies: dict[Stage, _Tally] = defaultdict(_Tally)
    for each in seen:
        for stay in stays(each):
            tallies[stay.stage].add(stay)
    return StageChances({stage: tally.rates() for stage, tally in tallies.items()}, season, place_of)


class _Tally:
    """Days spent in a stage, and what deals left it for, by time in it."""

    def __init__(self) -> None:
        self._days = [0.0] * len(EDGES)
        self._left: list[dict[tuple[str, Stage], int]] = [defaultdict(int) for _ in EDGES]

    def add(self, stay: Stay) -> None:
        """Count a stay; one whose beginning is not known says nothing of time in the stage."""
        if not stay.whole:
            return
        for step, low in enumerate(EDGES):
            high = EDGES[step + 1] if step + 1 < len(EDGES) else math.inf
            self._days[step] += max(min(stay.days, high) - low, 0.0)
        step = bisect_right(EDGES, stay.days) - 1
        if stay.won or stay.lost:
            self._left[step]["won" if stay.won else "lost", ""] += 1
        elif stay.left_for is not None:
            self._left[step]["moved", stay.left_for] += 1

    def rates(self) -> list[_Rates]:
        """Ends and moves a day by time in the stage; where few were, the mean of the stage counts."""
        days = sum(self._days)
        sums: dict[tuple[str, Stage], int] = defaultdict(int)
        for left in self._left:
            for what, count in left.items():
                sums[what] += count
        means = {what: count / days for what, count in sums.items() if days > 0}
        whole = sum(means.values())
        drawn = _DRAWN / whole if whole else 1.0
        found = []
        for spent, left in zip(self._days, self._left, strict=True):
            rate = {what: (left.get(what, 0) + mean * drawn) / (spent + drawn) for what, mean in means.items()}
            moves = tuple((stage, share) for (kind, stage), share in rate.items() if kind == "moved")
            found.append(_Rates(rate.get(("won", ""), 0.0), rate.get(("lost", ""), 0.0), moves))
        return found
