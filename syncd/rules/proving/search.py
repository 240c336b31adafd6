"""Searching a box for a point that lies in none of many others: the one question that every proof asks.

Terms are boxes that stand in order and take points away. Knows no fields, conditions or territories.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from syncd.rules.proving.logic import Box, Budget, Variables

_MOST_PAIRS = 2_000_000


class Terms:
    """Boxes by number, and quickly which of them meet a box. Sets of terms are integers, one bit a term."""

    def __init__(self, boxes: Sequence[Box], variables: Variables) -> None:
        self.boxes = boxes
        self._variables = variables
        self._free: dict[int, int] = {}
        self._testing: dict[int, dict[int, int]] = {}
        self._classes: dict[int, dict[int, int] | None] = {}
        self._known: dict[tuple[int, int], int] = {}
        everything = (1 << len(boxes)) - 1
        numbers: dict[int, dict[int, list[int]]] = {}
        for number, box in enumerate(boxes):
            for variable, values in box.items():
                numbers.setdefault(variable, {}).setdefault(values, []).append(number)
        for variable, by_values in numbers.items():
            sets = self._testing[variable] = {values: _as_bits(found) for values, found in by_values.items()}
            tested = 0
            for terms in sets.values():
                tested |= terms
            self._free[variable] = everything & ~tested
            self._classes[variable] = _by_class(sets)

    def meeting(self, box: Box, among: int) -> int:
        """The terms of `among` that meet the box, variable by variable."""
        for variable, values in box.items():
            if variable in self._testing:
                among &= self._overlap(variable, values)
                if not among:
                    break
        return among

    def _overlap(self, variable: int, values: int) -> int:
        key = (variable, values)
        found = self._known.get(key)
        if found is None:
            found = self._free[variable]
            classes = self._classes[variable]
            if classes is None or values.bit_count() > len(self._testing[variable]):
                for tested, terms in self._testing[variable].items():
                    if tested & values:
                        found |= terms
            else:
                rest = values
                while rest:
                    low = rest & -rest
                    found |= classes.get(low.bit_length(), 0)
                    rest ^= low
            self._known[key] = found
        return found


def _as_bits(numbers: Sequence[int]) -> int:
    """Many single bits as one integer, without building it bit by bit."""
    size = numbers[-1] // 8 + 1
    found = bytearray(size)
    for number in numbers:
        found[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(found, "little")


def _by_class(sets: dict[int, int]) -> dict[int, int] | None:
    """The terms that allow each value; None where the sets are too large to turn around."""
    if sum(values.bit_count() for values in sets) > _MOST_PAIRS:
        return None
    classes: dict[int, int] = {}
    for values, terms in sets.items():
        rest = values
        while rest:
            low = rest & -rest
            classes[low.bit_length()] = classes.get(low.bit_length(), 0) | terms
            rest ^= low
    return classes


class Search:
    """Looks for points of a box outside of terms. `used` gathers the terms that a refutation rests on."""

    def __init__(self, terms: Terms, variables: Variables, budget: Budget) -> None:
        self._terms = terms
        self._variables = variables
        self._budget = budget
        self.used: set[int] = set()

    def outside(self, box: Box, against: int, fresh: Iterable[int] | None = None) -> Box | None:
        """A box within `box` that meets none of the terms `against`; None is a proof that there is no such point.

        `fresh` is as in `Variables.settled`. Raises ExhaustedError where the budget ends first.
        """
        here = self._variables.settled(box, fresh)
        meeting = against
        while here is not None:
            self._budget.spend(2)
            meeting = self._terms.meeting(here, meeting)
            if not meeting:
                return here
            here, split = self._narrowed(here, meeting)
            if here is not None and split is not None:
                return self._branched(here, meeting, split)
        return None

    def _narrowed(self, box: Box, meeting: int) -> tuple[Box | None, int | None]:
        """The box without what single terms take on one side; else the term to split by, the one with fewest sides."""
        fewest, split = 0, None
        narrowed: set[int] = set()
        rest = meeting
        full, boxes = self._variables.full, self._terms.boxes
        here: dict[int, int] = dict(box)
        steps = 0
        while rest:
            low = rest & -rest
            rest ^= low
            number = low.bit_length() - 1
            steps += 1
            sides = 0
            side: tuple[int, int] | None = None
            for variable, values in boxes[number].items():
                has = here.get(variable, full[variable])
                if not has & values:
                    sides = -1
                    break
                if has & ~values:
                    sides += 1
                    side = (variable, has & ~values)
            if sides == 0:
                self._budget.spend(steps)
                self.used.add(number)
                return None, None
            if sides == 1 and side is not None:
                self.used.add(number)
                here[side[0]] = side[1]
                narrowed.add(side[0])
            elif sides > 1 and (split is None or sides < fewest):
                fewest, split = sides, number
        self._budget.spend(steps)
        if narrowed:
            return self._variables.settled(here, narrowed), None
        return box, split

    def _branched(self, box: Box, meeting: int, number: int) -> Box | None:
        """Split the box along one term's sides, so that each part lies outside of it on one side."""
        self.used.add(number)
        full = self._variables.full
        rest: Box | None = box
        for variable, values in self._terms.boxes[number].items():
            if rest is None:
                return None
            has = rest.get(variable, full[variable])
            if has & ~values:
                found = self.outside({**rest, variable: has & ~values}, meeting, (variable,))
                if found is not None:
                    return found
                within = {**rest, variable: has & values}
                rest = self._variables.settled(within, (variable,)) if has & values else None
        return None
