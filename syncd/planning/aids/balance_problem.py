"""Balancing books as a problem in numbers: who may hold which accounts, what is even, what a move costs. Pure.

What lies in the wrong books is to be as little as possible, with few moves, and those that hurt least. Knows no
company's name, no rule and no solver; it is stated exactly, so that a brute search and a solver mean the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

WORTH, LIVE, ACTIVE, FIT = 0.02, 0.25, 0.05, 0.05
"""Prices, as shares of what an account weighs on average: of any move, of one with an open deal, of one whose owner was
active there lately, and what a better fit is worth at most."""
STEPS = ((0.25, 0.4), (0.25, 0.5), (float("inf"), 0.6))
"""What a distance from the fair share costs: by width, as a part of the mean share, and slope. Far is worse than near,
so that of two empty books the emptier one is filled first."""
STAYS = -1
"""An account that is not moved."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What moves together: an account, or a family that follows its parent.

    `owner` and `options` are numbers of holders, `prices` what a move to each option costs, `uses` the limits that it
    takes room of there. `size` counts its accounts. `weight` is not negative.
    """

    key: str
    owner: int
    weight: float
    options: tuple[int, ...]
    prices: tuple[float, ...]
    uses: tuple[tuple[int, ...], ...]
    size: int = 1


@dataclass(frozen=True)
class Problem:
    """Holders with the room that their share is measured by and what they hold now, what may move, and limits.

    `loads` are of the whole books, what may not move included. `limits` are how many accounts more each may take.
    """

    rooms: tuple[float, ...]
    loads: tuple[float, ...]
    units: tuple[Unit, ...]
    limits: tuple[int, ...] = ()

    @cached_property
    def targets(self) -> tuple[float, ...]:
        """What each would hold if all were even: by room, among those whom a chain of moves can reach."""
        found = [0.0] * len(self.rooms)
        for group in self.groups:
            whole, room = sum(self.loads[each] for each in group), sum(self.rooms[each] for each in group)
            for each in group:
                found[each] = whole * (self.rooms[each] / room if room else 1 / len(group))
        return tuple(found)

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The holders among whom accounts can move, directly or by a chain."""
        leader = list(range(len(self.rooms)))

        def top(each: int) -> int:
            while leader[each] != each:
                leader[each] = leader[leader[each]]
                each = leader[each]
            return each

        for owner, options in {(unit.owner, unit.options) for unit in self.units}:
            for option in options:
                leader[top(option)] = top(owner)
        members: dict[int, list[int]] = defaultdict(list)
        for each in range(len(self.rooms)):
            members[top(each)].append(each)
        return tuple(map(tuple, members.values()))

    @cached_property
    def scales(self) -> tuple[float, ...]:
        """By holder the mean share of those whom a chain of moves can reach: what distances are measured by."""
        found = [0.0] * len(self.rooms)
        for group in self.groups:
            mean = sum(self.targets[each] for each in group) / len(group)
            for each in group:
                found[each] = mean
        return tuple(found)

    def hurts(self, distance: float, holder: int) -> float:
        """What a holder's distance from the target costs; it grows faster the farther it is."""
        left, cost = abs(distance), 0.0
        for width, slope in STEPS:
            part = min(left, width * self.scales[holder]) if self.scales[holder] else left
            cost += part * slope
            left -= part
        return cost

    def apart(self, loads: Sequence[float]) -> float:
        """What lies in wrong books: half of all distances from the targets."""
        return sum(abs(load - target) for load, target in zip(loads, self.targets, strict=True)) / 2


@dataclass(frozen=True, slots=True)
class Solution:
    """Where each unit goes: `to` holds a holder or STAYS. `bound` is what no solution can be under, where it is known.

    `engine` says what found it, in words for people.
    """

    to: tuple[int, ...]
    engine: str
    bound: float | None = None

    def loads(self, problem: Problem) -> list[float]:
        """What each holder holds afterwards."""
        loads = list(problem.loads)
        for unit, to in zip(problem.units, self.to, strict=True):
            if to != STAYS:
                loads[unit.owner] -= unit.weight
                loads[to] += unit.weight
        return loads

    def moved(self, problem: Problem) -> int:
        """How many accounts it moves."""
        return sum(unit.size for unit, to in zip(problem.units, self.to, strict=True) if to != STAYS)

    def price(self, problem: Problem) -> float:
        """What its moves cost, in the measure that is balanced."""
        pairs = ((unit, to) for unit, to in zip(problem.units, self.to, strict=True) if to != STAYS)
        return sum(unit.prices[unit.options.index(to)] for unit, to in pairs)

    def cost(self, problem: Problem) -> float:
        """What is to be small: what all distances cost, and the price of the moves."""
        pairs = enumerate(zip(self.loads(problem), problem.targets, strict=True))
        return sum(problem.hurts(load - target, holder) for holder, (load, target) in pairs) + self.price(problem)

    def keeps_limits(self, problem: Problem) -> bool:
        """Whether nobody takes more than they may."""
        taken: dict[int, int] = defaultdict(int)
        for unit, to in zip(problem.units, self.to, strict=True):
            for limit in unit.uses[unit.options.index(to)] if to != STAYS else ():
                taken[limit] += unit.size
        return all(count <= problem.limits[limit] for limit, count in taken.items())


Kind = tuple[int, tuple[int, ...], tuple[float, ...], tuple[tuple[int, ...], ...], int]
"""What makes units alike but for their weight: owner, options, prices, uses, size."""


def kind_of(unit: Unit) -> Kind:
    """What a unit is alike in."""
    return unit.owner, unit.options, unit.prices, unit.uses, unit.size


def alike(units: Iterable[Unit]) -> Mapping[tuple[Kind, float], list[int]]:
    """The units that are equal in everything a solver knows, by their places: it need not tell them apart."""
    found: dict[tuple[Kind, float], list[int]] = defaultdict(list)
    for place, unit in enumerate(units):
        found[kind_of(unit), unit.weight].append(place)
    return found


def spread_out(problem: Problem, chosen: Iterable[tuple[list[int], Mapping[int, int]]]) -> tuple[int, ...]:
    """Where each unit goes, when of each group of equal ones so many go to each holder; the first by key go."""
    to = [STAYS] * len(problem.units)
    for places, counts in chosen:
        ordered = iter(sorted(places, key=lambda place: problem.units[place].key))
        for holder in sorted(counts):
            for _ in range(counts[holder]):
                to[next(ordered)] = holder
    return tuple(to)
