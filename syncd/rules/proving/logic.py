"""Formulas over variables with finitely many values, and boxes: for each variable the values that it may have.

A set of values is an integer, one bit a value. A box holds of a point that has a value of each of its sets; a variable
that a box does not name may have any. Knows no fields, conditions or territories.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

Box = Mapping[int, int]
"""Values allowed, by variable; never empty sets, and never all values of a variable."""


class TooManyBoxesError(Exception):
    """A formula comes to more boxes than were allowed."""


class ExhaustedError(Exception):
    """The budget of steps is used up."""


@dataclass(slots=True)
class Budget:
    """How many steps are left; a step is about a microsecond, and the same input takes the same steps everywhere."""

    left: int

    def spend(self, steps: int = 1) -> None:
        """Take steps; ExhaustedError where there are none left."""
        self.left -= steps
        if self.left < 0:
            raise ExhaustedError

    @contextmanager
    def at_most(self, steps: int) -> Iterator[None]:
        """No more than so many steps inside, so that one hard question does not use up those of all others."""
        kept = max(self.left - steps, 0)
        self.left -= kept
        try:
            yield
        finally:
            self.left += kept


@dataclass(frozen=True, slots=True)
class Literal:
    """The variable has one of these values."""

    variable: int
    values: int


@dataclass(frozen=True, slots=True)
class Both:
    """All parts hold; without parts, always."""

    parts: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """Some part holds; without parts, never."""

    parts: tuple[Formula, ...] = ()


Formula = Literal | Both | Either
ALWAYS: Formula = Both()
NEVER: Formula = Either()


@dataclass(slots=True)
class Variables:
    """All variables with their values, and what the value of one says of another's."""

    full: list[int] = field(default_factory=list)
    _implied: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    _followed: dict[tuple[int, int], tuple[tuple[int, int], ...] | None] = field(default_factory=dict)

    def add(self, values: int) -> int:
        """A new variable that may have the values of this set."""
        self.full.append(values)
        return len(self.full) - 1

    def imply(self, variable: int, values: int, other: int, others: int) -> None:
        """Where `variable` has one of `values`, `other` has one of `others`; the contrapositive is added too."""
        self._followed.clear()
        self._implied.setdefault(variable, []).append((values, other, others & self.full[other]))
        back = self.full[variable] & ~values
        self._implied.setdefault(other, []).append((self.full[other] & ~others, variable, back))

    def negated(self, formula: Formula) -> Formula:
        """What holds where the formula does not."""
        match formula:
            case Literal(variable, values):
                return Literal(variable, self.full[variable] & ~values)
            case Both(parts):
                return either(self.negated(part) for part in parts)
            case Either(parts):
                return both(self.negated(part) for part in parts)

    def settled(self, box: Box, fresh: Iterable[int] | None = None) -> Box | None:
        """The box without the values that its other sets rule out; None where no point is left.

        `fresh` are the variables that differ from a box that was settled; without it all of them may.
        """
        known = dict(box)
        full, implied = self.full, self._implied
        waiting = {each: known[each] for each in (known if fresh is None else fresh) if each in implied}
        while waiting:
            variable, values = waiting.popitem()
            followed = self._following(variable, values)
            if followed is None:
                return None
            for other, others in followed:
                before = known.get(other)
                if before is None:
                    known[other] = others
                    continue
                after = before & others
                if not after:
                    return None
                if after != before:
                    known[other] = after
                    # what follows from `others` alone is known already, and from `before` too
                    if after != others and other in implied:
                        waiting[other] = after
        return {variable: values for variable, values in known.items() if values != full[variable]}

    def _following(self, variable: int, values: int) -> tuple[tuple[int, int], ...] | None:
        """All that follows where one variable has one of some values; None where that cannot be. Looked up by boxes."""
        key = (variable, values)
        if key in self._followed:
            return self._followed[key]
        known, waiting = {variable: values}, [variable]
        while waiting:
            each = waiting.pop()
            has = known[each]
            for tested, other, others in self._implied.get(each, ()):
                if has & ~tested:
                    continue
                before = known.get(other, self.full[other])
                after = before & others
                if not after:
                    self._followed[key] = None
                    return None
                if after != before:
                    known[other] = after
                    waiting.append(other)
        found = tuple(sorted(known.items()))
        self._followed[key] = found
        return found

    def boxes(self, formula: Formula, most: int) -> list[Box]:
        """The boxes that together are the formula; TooManyBoxesError where they are more than `most`."""
        return [box for each in _boxes(formula, most) if (box := self.settled(each)) is not None]


def both(parts: Iterable[Formula]) -> Formula:
    """All parts hold; literals of one variable become one, and what can never hold is said so at once."""
    literals: dict[int, int] = {}
    rest: list[Formula] = []
    for part in parts:
        for each in part.parts if isinstance(part, Both) else (part,):
            if isinstance(each, Literal):
                values = literals.get(each.variable)
                literals[each.variable] = each.values if values is None else values & each.values
            else:
                rest.append(each)
    if not all(literals.values()) or NEVER in rest:
        return NEVER
    return _one_of_many([Literal(*known) for known in literals.items()] + rest, Both)


def either(parts: Iterable[Formula]) -> Formula:
    """Some part holds; literals of one variable become one, and what always holds is said so at once."""
    literals: dict[int, int] = {}
    rest: list[Formula] = []
    for part in parts:
        for each in part.parts if isinstance(part, Either) else (part,):
            if isinstance(each, Literal):
                literals[each.variable] = literals.get(each.variable, 0) | each.values
            else:
                rest.append(each)
    if ALWAYS in rest:
        return ALWAYS
    return _one_of_many([Literal(*known) for known in literals.items() if known[1]] + rest, Either)


def _one_of_many(parts: list[Formula], made: type[Both] | type[Either]) -> Formula:
    return parts[0] if len(parts) == 1 else made(tuple(parts))


def _boxes(formula: Formula, most: int) -> list[Box]:
    match formula:
        case Literal(variable, values):
            return [{variable: values}] if values else []
        case Either(parts):
            found = [box for part in parts for box in _boxes(part, most)]
            _check(len(found), most)
            return found
        case Both(parts):
            return product([_boxes(part, most) for part in parts], most)


def product(factors: Sequence[Sequence[Box]], most: int) -> list[Box]:
    """Every way to take one box of each factor that has a point; TooManyBoxesError where they are more than `most`."""
    made: list[Box] = [{}]
    for factor in sorted(factors, key=len):
        _check(len(made) * len(factor), max(most, 1) * 16)
        made = [met for box in made for other in factor if (met := meet(box, other)) is not None]
        _check(len(made), most)
    return made


def _check(count: int, most: int) -> None:
    if count > most:
        raise TooManyBoxesError


def meet(first: Box, second: Box) -> Box | None:
    """The box of the points that lie in both; None if there is none."""
    if len(first) < len(second):
        first, second = second, first
    met = dict(first)
    for variable, values in second.items():
        has = met.get(variable)
        if has is not None:
            values &= has
            if not values:
                return None
        met[variable] = values
    return met


def within(inner: Box, outer: Box) -> bool:
    """Whether every point of `inner` lies in `outer`."""
    for variable, values in outer.items():
        has = inner.get(variable)
        if has is None or has & ~values:
            return False
    return True
