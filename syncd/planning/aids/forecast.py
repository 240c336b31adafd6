"""The forecast of a period: what was won, what the open deals and those to come will bring, with intervals. Pure.

It is made of what was known at an instant alone, so that the same code forecasts quarters that are over, and says how
often it was right.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist

from syncd.planning.aids.chances import Chances, Holder, Seen, known_at, learn
from syncd.planning.aids.deals import Deal
from syncd.planning.aids.stage_chances import StageChances, learn_stages, standing

MEANT = 0.8
"""The share of intervals that are to hold the truth."""
_YEAR = timedelta(days=365)
_DAY = timedelta(days=1)
_DRAWN_DAYS = 30.0
_MOST_CALM = 1.0
Held = Sequence[tuple[Holder, Deal]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A period by its name, from its first instant to the first one after it."""

    name: str
    start: datetime
    end: datetime

    def share(self, now: datetime) -> float:
        """The share of it that is over at an instant."""
        return min(max((now - self.start) / (self.end - self.start), 0.0), 1.0)

    def at(self, share: float) -> datetime:
        """The instant at which so much of it is over."""
        return self.start + (self.end - self.start) * share


@dataclass(frozen=True, slots=True)
class Expected:
    """What a holder comes to in a period: won so far, from open deals and from deals to come, and its variance.

    `wins` is how many deals more are expected to be won: of few, there may well be none.
    """

    won: float = 0.0
    from_open: float = 0.0
    to_come: float = 0.0
    variance: float = 0.0
    open_amount: float = 0.0
    wins: float = 0.0

    def plus(self, other: Expected) -> Expected:
        """Both together; they are independent."""
        return Expected(
            self.won + other.won,
            self.from_open + other.from_open,
            self.to_come + other.to_come,
            self.variance + other.variance,
            self.open_amount + other.open_amount,
            self.wins + other.wins,
        )

    @property
    def mean(self) -> float:
        """What the period is expected to end with."""
        return self.won + self.rest

    @property
    def rest(self) -> float:
        """What is still expected."""
        return self.from_open + self.to_come

    def interval(self, wider: float = 1.0) -> tuple[float, float]:
        """The ends between which the period ends 8 times in 10; `wider` stretches the variance."""
        return self.won + self._quantile((1 - MEANT) / 2, wider), self.won + self._quantile((1 + MEANT) / 2, wider)

    def _some(self, wider: float) -> tuple[float, float, float]:
        """How likely nothing more is won; else the mean, and a ninth of the squared variation, of what is."""
        none = math.exp(-self.wins)
        mean = self.rest / (1 - none)
        variance = max((self.variance * wider + self.rest**2) / (1 - none) - mean**2, (0.05 * mean) ** 2)
        return none, mean, variance / (9 * mean**2)

    def _quantile(self, share: float, wider: float) -> float:
        """Nothing, or by Wilson and Hilferty: the cube root of a gamma variable is near to normal."""
        if self.rest <= 0 or self.wins <= 0:
            return max(self.rest, 0.0)
        none, mean, ninth = self._some(wider)
        if share <= none:
            return 0.0
        z = NormalDist().inv_cdf((share - none) / (1 - none))
        return mean * float(max(1 - ninth + z * math.sqrt(ninth), 0.0)) ** 3

    def chance_of(self, amount: float, wider: float = 1.0) -> float:
        """How likely the period ends with at least so much."""
        needed = amount - self.won
        if needed <= 0:
            return 1.0
        if self.rest <= 0 or self.wins <= 0:
            return 0.0
        none, mean, ninth = self._some(wider)
        z = ((needed / mean) ** (1 / 3) - 1 + ninth) / math.sqrt(ninth)
        return (1 - none) * (1 - NormalDist().cdf(z))


def expect(
    held: Held, period: Stretch, at: datetime, place_of: Callable[[datetime], int], *, staged: bool = False
) -> dict[Holder, Expected]:
    """What each holder comes to in a period, by what was known at an instant; the period may begin after it.

    `staged`: open deals by the stage they stand in and how long, where enough ways are known; else by their age.
    """
    seen = known_at(held, at)
    chances = learn(seen, at, place_of)
    stages = learn_stages(seen, chances.season, place_of) if staged else None
    made = _made(seen, at)
    found: dict[Holder, Expected] = defaultdict(Expected)
    for holder, amount in actual(held, period, at).items():
        found[holder] = Expected(won=amount)
    for each in seen:
        if each.end is None and at < period.end:
            found[each.holder] = found[each.holder].plus(_of_open(each, chances, stages, period, at))
    if at < period.end:
        for holder, (rate, mean, square) in made.items():
            factor = chances.factor(holder)
            count = rate * (chances.made_later(at, period.end, factor) - chances.made_later(at, period.start, factor))
            count = max(count, 0.0)
            found[holder] = found[holder].plus(Expected(to_come=count * mean, variance=count * square, wins=count))
    return dict(found)


def _of_open(each: Seen, chances: Chances, stages: StageChances | None, period: Stretch, at: datetime) -> Expected:
    """What an open deal adds: it is won in the period, not before it."""
    chance = _won_by(each, chances, stages, at, period.end)
    if period.start > at:
        chance -= _won_by(each, chances, stages, at, period.start)
    chance = min(max(chance, 0.0), 1.0)
    variance = chance * (1 - chance) * each.amount**2
    return Expected(from_open=chance * each.amount, variance=variance, open_amount=each.amount, wins=chance)


def _won_by(each: Seen, chances: Chances, stages: StageChances | None, at: datetime, until: datetime) -> float:
    """How likely an open deal is won by then: by its stage where that says something, else by its age."""
    factor, stands = chances.factor(each.holder), standing(each.way, at)
    if stages is not None and stands is not None:
        chance = stages.win(*stands, at, until, factor)
        if chance is not None:
            return chance
    return chances.win(int((at - each.created) / _DAY), at, until, factor)


def _made(seen: Iterable[Seen], at: datetime) -> dict[Holder, tuple[float, float, float]]:
    """By holder: deals made a day over the last year, their mean amount, and the mean of its square."""
    recent: dict[Holder, list[float]] = defaultdict(list)
    everything: list[float] = []
    first = at
    for each in seen:
        if each.created > at - _YEAR:
            recent[each.holder].append(each.amount)
            everything.append(each.amount)
            first = min(first, each.created)
    days = max((at - first) / _DAY, _DRAWN_DAYS)
    if not everything:
        return {}
    mean, square = _moments(everything)
    found = {}
    for holder, amounts in recent.items():
        own, own_square = _moments(amounts)
        weight = len(amounts) / (len(amounts) + 10)  # few amounts say little of the next one
        found[holder] = (
            len(amounts) / days,
            weight * own + (1 - weight) * mean,
            weight * own_square + (1 - weight) * square,
        )
    return found


def _moments(amounts: Sequence[float]) -> tuple[float, float]:
    return sum(amounts) / len(amounts), sum(each * each for each in amounts) / len(amounts)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """How forecasts of periods that are over turned out: how many intervals held the truth, and by how much sums erred.

    `wider` is what the variance has to be stretched by, learnt from the older half; `hits` of `tested` are of the
    newer half, with that. `error` is by how much forecasts of single holders erred, as a share of what was won;
    `staged` says that stages were used.
    """

    periods: int
    tested: int
    hits: int
    bias: float | None
    wider: float
    error: float | None = None
    staged: bool = False

    @property
    def share(self) -> float | None:
        """The share of intervals that held the truth."""
        return self.hits / self.tested if self.tested else None


def check(
    held: Held,
    periods: Sequence[Stretch],
    share: float,
    place_of: Callable[[datetime], int],
    now: datetime,
    *,
    staged: bool = False,
) -> HeldBack:
    """Forecast periods that are over, the newest first, when as much of each was over as of the one that is asked."""
    first = min((deal.created for _, deal in held if deal.created is not None), default=now)
    results: list[list[tuple[Expected, float]]] = []
    for period in periods:
        at = period.at(min(max(share, 0.0), 0.9))
        if period.end > now or at - first < _YEAR / 2:
            continue
        expected = expect(held, period, at, place_of, staged=staged)
        truth = actual(held, period)
        results.append([(expected.get(holder, Expected()), truth.get(holder, 0.0)) for holder in expected])
    half = len(results) // 2
    newer, older = results[:half] or results, results[half:]
    wider = _wider(each for result in older for each in result)
    tested = [each for result in newer for each in result if each[0].rest > 0]
    hits = sum(_holds(expected, true, wider) for expected, true in tested)
    sums = [(sum(e.mean for e, _ in result), sum(true for _, true in result)) for result in newer]
    whole = sum(true for _, true in sums)
    bias = (sum(mean for mean, _ in sums) - whole) / whole if whole else None
    missed = sum(abs(e.mean - true) for result in newer for e, true in result)
    error = missed / whole if whole else None
    return HeldBack(len(results), len(tested), hits, bias, wider, error, staged)


def better(by_age: HeldBack, by_stage: HeldBack | None) -> HeldBack:
    """The way of forecasting that erred less in the periods held back; where they are alike, by age: it needs less."""
    if by_stage is None or by_stage.error is None or by_age.error is None:
        return by_age
    return by_stage if by_stage.error < by_age.error else by_age


def actual(held: Held, period: Stretch, until: datetime | None = None) -> Mapping[Holder, float]:
    """What each holder really won in a period, up to an instant; deals whose day of creation is odd count too."""
    found: dict[Holder, float] = defaultdict(float)
    for holder, deal in held:
        if not deal.won or deal.amount is None or deal.closed is None or (until is not None and deal.closed > until):
            continue
        if period.start <= deal.closed < period.end:
            found[holder] += float(deal.amount)
    return found


def _holds(expected: Expected, true: float, wider: float) -> bool:
    low, high = expected.interval(wider)
    return low - 0.005 <= true <= high + 0.005


def _wider(pairs: Iterable[tuple[Expected, float]]) -> float:
    """By how much squares of errors were larger than their variance said; never less than 1."""
    squares = [min((true - e.mean) ** 2 / e.variance, 25.0) for e, true in pairs if e.variance > 0]
    return max(sum(squares) / len(squares), _MOST_CALM) if squares else _MOST_CALM
