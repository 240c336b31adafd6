"""Balancing without a solver: the best next move, over and over, then exchanges. A heuristic, labelled so. Pure.

Moves come in the order of what they are worth, so that the first so many are what a smaller budget would buy.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from syncd.planning.aids.balance_problem import STAYS, Kind, Problem, Solution, kind_of

ENGINE = "heuristic: the best next move, then exchanges"
_LEAST = 1e-9
_ASKED = 12
"""Of the holders who might take a unit, so many with the most room are asked."""
_EXCHANGED = 40
"""In problems of up to so many units, exchanges are tried as well."""


class Search:
    """One search: what is held now, which units stay, and what has been moved in which order."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.over = [load - target for load, target in zip(problem.loads, problem.targets, strict=True)]
        self.left = list(problem.limits)
        self.to = [STAYS] * len(problem.units)
        self.order: list[int] = []
        self.moved = 0
        self._kinds: dict[Kind, list[tuple[float, str, int]]] = defaultdict(list)
        for place, unit in enumerate(problem.units):
            if unit.options and unit.weight > 0:
                self._kinds[kind_of(unit)].append((unit.weight, unit.key, place))
        for found in self._kinds.values():
            found.sort()

    def run(self, budget: int) -> None:
        """Move what is worth most for each account moved, until nothing is worth its price or the budget is spent."""
        before = -1
        while before != self.moved:  # a move can give a book surplus again that had none
            before = self.moved
            self._sweep(budget)

    def _sweep(self, budget: int) -> None:
        kinds = list(self._kinds)
        heap = [(-worth, number) for number, kind in enumerate(kinds) if (worth := self._best(kind, budget)[0]) > 0]
        heapify(heap)
        while heap:
            promised, number = heappop(heap)
            worth, place, option = self._best(kinds[number], budget - self.moved)
            if worth <= _LEAST:
                continue
            if worth < -promised - _LEAST and heap and worth < -heap[0][0]:
                heappush(heap, (-worth, number))  # others became better meanwhile
                continue
            self._move(place, option)
            heappush(heap, (-worth, number))

    def _best(self, kind: Kind, budget: int) -> tuple[float, int, int]:
        """The move of a kind that is worth most for each account: its worth, the unit's place, the option's number."""
        owner, options, prices, uses, size = kind
        surplus, units = self.over[owner], self._kinds[kind]
        best = (0.0, -1, -1)
        if surplus <= 0 or not units or size > budget:
            return best
        numbers = sorted(range(len(options)), key=lambda number: (self.over[options[number]], number))[:_ASKED]
        for number in numbers:
            lack = -self.over[options[number]]
            if lack <= 0:
                break
            if any(self.left[limit] < size for limit in uses[number]):
                continue
            at = bisect_left(units, (min(surplus, lack), "", -1))
            below = [units[bisect_left(units, (units[at - 1][0], "", -1))]] if at else []  # the first of equal ones
            for weight, _, place in (*below, *units[at : at + 1]):
                gain = self.gain(owner, options[number], weight) - prices[number]
                if gain / size > best[0] + _LEAST:
                    best = (gain / size, place, number)
        return best

    def gain(self, owner: int, to: int, weight: float) -> float:
        """By how much less distances cost once so much goes from one to another."""
        mine, theirs, hurts = self.over[owner], self.over[to], self.problem.hurts
        return hurts(mine, owner) + hurts(theirs, to) - hurts(mine - weight, owner) - hurts(theirs + weight, to)

    def _move(self, place: int, number: int) -> None:
        unit = self.problem.units[place]
        found = self._kinds[kind_of(unit)]
        found.pop(bisect_left(found, (unit.weight, unit.key, place)))
        self._shift(place, number)
        self.order.append(place)

    def _shift(self, place: int, number: int) -> None:
        """Move a unit that stays to one of its options."""
        unit = self.problem.units[place]
        self.over[unit.owner] -= unit.weight
        self.over[unit.options[number]] += unit.weight
        for limit in unit.uses[number]:
            self.left[limit] -= unit.size
        self.to[place] = unit.options[number]
        self.moved += unit.size

    def _back(self, place: int) -> None:
        """Let a unit that was moved stay after all."""
        unit, to = self.problem.units[place], self.to[place]
        self.over[unit.owner] += unit.weight
        self.over[to] -= unit.weight
        for limit in unit.uses[unit.options.index(to)]:
            self.left[limit] += unit.size
        self.to[place] = STAYS
        self.moved -= unit.size

    def cost(self) -> float:
        """What is to be small."""
        units, to = self.problem.units, self.to
        moved = (place for place, each in enumerate(to) if each != STAYS)
        prices = sum(units[place].prices[units[place].options.index(to[place])] for place in moved)
        return sum(self.problem.hurts(each, holder) for holder, each in enumerate(self.over)) + prices

    def exchange(self, budget: int) -> None:
        """Put single units, and pairs of them, elsewhere while that helps: what the first moves could not see."""
        places = [place for place, unit in enumerate(self.problem.units) if unit.options and unit.weight > 0]
        singles = [(place,) for place in places]
        pairs = [(one, other) for at, one in enumerate(places) for other in places[:at] if self._related(one, other)]
        better = True
        while better:
            better = sum(self._improve(each, budget) for each in (*singles, *pairs)) > 0

    def _related(self, one: int, other: int) -> bool:
        """Whether two units have a holder in common: else exchanging them is two moves that were tried alone."""
        a, b = self.problem.units[one], self.problem.units[other]
        return not {a.owner, *a.options}.isdisjoint({b.owner, *b.options})

    def _improve(self, places: tuple[int, ...], budget: int) -> bool:
        """Put some units where they cost least together; whether that is better than where they are."""
        before = [self.to[place] for place in places]
        found, best = before, self.cost() - _LEAST
        for chosen in self._choices(places):
            self._put(places, chosen)
            if self.moved <= budget and all(left >= 0 for left in self.left) and self.cost() < best:
                found, best = chosen, self.cost()
        self._put(places, found)
        return found != before

    def _choices(self, places: tuple[int, ...]) -> Iterator[list[int]]:
        first, *others = (self.problem.units[place] for place in places)
        for one in (STAYS, *first.options):
            if not others:
                yield [one]
            for other in (STAYS, *others[0].options) if others else ():
                yield [one, other]

    def _put(self, places: tuple[int, ...], chosen: list[int]) -> None:
        for place in places:
            if self.to[place] != STAYS:
                self._back(place)
        for place, to in zip(places, chosen, strict=True):
            if to != STAYS:
                self._shift(place, self.problem.units[place].options.index(to))

    def solution(self) -> Solution:
        """What was found."""
        return Solution(tuple(self.to), ENGINE)


def search(problem: Problem, budget: int) -> Solution:
    """A good solution within a budget of accounts moved; of small problems exchanges are tried too."""
    found = Search(problem)
    found.run(budget)
    if len(problem.units) <= _EXCHANGED:
        found.exchange(budget)
    return found.solution()
