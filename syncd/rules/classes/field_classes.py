"""The classes of one field: which terms a value leaves possible, as the bits of a whole number.

Every answer is the plain evaluator's, run on the value itself, or on a representative of its class: "any other value"
for predicates whose constants the value does not touch, the gap between two bounds for comparisons. Knows one field.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from syncd.model.fields import FieldType
from syncd.model.money import ConvertedAmount, MoneyTable
from syncd.rules.classes.identity import matchers_in
from syncd.rules.conditions import Condition, FieldTest, holds
from syncd.rules.facts import Facts, Value
from syncd.rules.matching.matchers import (
    AllElements,
    AnyElement,
    EqualTo,
    Glob,
    InList,
    Interval,
    Matcher,
    Missing,
    NoElement,
    NoneOf,
    PostalRange,
    Present,
    StartsWith,
)
from syncd.rules.matching.time_window import EvaluationContext

MOST_REMEMBERED_BYTES = 64 * 1024 * 1024
"""What one field may remember of values seen; beyond it everything is forgotten, and found again when it is met."""
_MOST_COVERED = 1_000_000
_ENTRY_BYTES = 120
_EXACT_TYPES: Mapping[FieldType, type] = {
    FieldType.NUMBER: Decimal,
    FieldType.MONEY: Decimal,
    FieldType.BOOLEAN: bool,
    FieldType.DATE: datetime,
    FieldType.SEVERAL: frozenset,
}
"""Of what class the values of a type are, where not texts. Others may equal one another (False is 0) and be told apart
by a condition, so that they must not share what is remembered."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """What some terms ask of one field: conditions that all must hold, and the bits of those terms."""

    conditions: tuple[Condition, ...]
    bits: int

    @property
    def matcher(self) -> Matcher | None:
        """The one matcher that it comes to, or None."""
        only = self.conditions[0] if len(self.conditions) == 1 else None
        return only.matcher if isinstance(only, FieldTest) else None

    def holds(self, facts: Facts, context: EvaluationContext) -> bool:
        """The plain evaluator's answer for a company that has one value and nothing else."""
        for condition in self.conditions:  # noqa: SIM110 - a loop costs half of a generator here
            if not holds(condition, facts, context):
                return False
        return True


class FieldIndex:
    """The predicates of one field, and the terms that test it not. Knows no clock and no values seen."""

    def __init__(self, name: str, type_: FieldType, predicates: Iterable[Predicate], width: int) -> None:
        self.name = name
        self.exact_type = _EXACT_TYPES.get(type_, str)
        self.predicates = tuple(predicates)
        self.untested = ((1 << width) - 1) & ~_all_bits(self.predicates)
        self.most_remembered = max(256, MOST_REMEMBERED_BYTES // (_ENTRY_BYTES + width // 8))
        self._ways: PredicateWays | None = None

    def ways(self) -> PredicateWays:
        """The predicates by how a value's class is found; made when first asked for."""
        if self._ways is None:
            self._ways = PredicateWays(self.predicates)
        return self._ways


class PredicateWays:
    """The predicates of one field, sorted by how a value's class is found.

    `priced` says that some compare with an amount of another currency, which older rates would move.

    `touched` predicates look only at the points, beginnings and postal ranges that they name: a value that meets none
    of them is like any other such value. `compared` ones look at numbers: a value's class is its place between the
    bounds. The `rest` is asked about each distinct value.
    """

    def __init__(self, predicates: Sequence[Predicate]) -> None:
        self.priced = any(map(_is_priced, predicates))
        self.touched: list[Predicate] = []
        self.compared: list[Predicate] = []
        self.rest: list[Predicate] = []
        self._points: dict[Value, list[int]] = {}
        self._beginnings: dict[str, list[int]] = {}
        edges: set[Decimal] = set()
        ranges: list[tuple[PostalRange, int]] = []
        for predicate in predicates:
            matchers = [each for condition in predicate.conditions for each in matchers_in(condition)]
            kinds = {_kind(matcher) for matcher in matchers}
            if "other" in kinds or ("interval" in kinds and kinds - {"interval", "point"}):
                self.rest.append(predicate)
            elif "interval" in kinds:
                self.compared.append(predicate)
                edges.update(_edges(matchers))
            else:
                self._touch(matchers, len(self.touched), ranges)
                self.touched.append(predicate)
        self.asked = [(each.matcher.matches, each.bits) for each in self.rest if each.matcher is not None]
        self.detours = [each for each in self.rest if each.matcher is None]
        self.edges = sorted(edges)
        self._lengths = sorted({len(beginning) for beginning in self._beginnings})
        self._ranges = _PostalIndex(ranges)
        self.anything_else = self._anything_else()

    def places(self, value: Value) -> set[int]:
        """The numbers of the `touched` predicates whose constants this value meets."""
        found: set[int] = set(self._points.get(value, ()))
        if isinstance(value, frozenset):
            for element in value:
                found.update(self._points.get(element, ()))
        elif isinstance(value, str):
            for length in self._lengths:
                found.update(self._beginnings.get(value[:length], ()))
            found.update(self._ranges.around(value))
        return found

    def _touch(self, matchers: list[Matcher], number: int, ranges: list[tuple[PostalRange, int]]) -> None:
        for matcher in matchers:
            beginning = _beginning(matcher)
            if isinstance(matcher, PostalRange):
                ranges.append((matcher, number))
            elif beginning is not None:
                self._beginnings.setdefault(beginning, []).append(number)
            else:
                for point in _points(matcher):
                    self._points.setdefault(point, []).append(number)

    def _anything_else(self) -> str:
        """A text that meets no constant of any predicate: the representative of all values that meet none."""
        first = {point[:1] for point in self._points if isinstance(point, str)}
        first |= {beginning[:1] for beginning in self._beginnings}
        return next(char for number in range(0xE000, 0x110000) if (char := chr(number)) not in first)


class FieldClasses:
    """One field at one instant: the bits of every value, each value met or class of values asked about once.

    `rates` is the older table that both sides of a comparison of money use, as in Facts.
    """

    def __init__(self, index: FieldIndex, context: EvaluationContext, rates: MoneyTable | None = None) -> None:
        self.name = index.name
        self.exact_type = index.exact_type
        self.known: dict[object, int] = {}
        self._index = index
        self._ways = ways = index.ways()
        self._context = context
        self._rates = rates
        # Classes are made of the constants as they were read: at other rates each value is asked about.
        self._classed = rates is None or not ways.priced
        self._anything_else = self._true_of(ways.touched, ways.anything_else)
        self._between: dict[tuple[int, bool], int] = {}
        self._same: dict[int, int] = {}

    def bits(self, key: object, value: Value | None) -> int:
        """The terms that a value leaves possible, remembered under `key`; None is a missing value."""
        index = self._index
        found = index.untested
        if value is None or not self._classed:
            found |= self._true_of(index.predicates, value)
        else:
            found |= self._touched(value) | self._compared(value) | self._rest(value)
        if len(self.known) >= index.most_remembered:
            self.known.clear()
            self._same.clear()
        self.known[key] = found = self._same.setdefault(found, found)
        return found

    def _touched(self, value: Value) -> int:
        found = self._anything_else
        places = self._ways.places(value)
        if places:
            touched = [self._ways.touched[place] for place in places]
            found = found & ~_all_bits(touched) | self._true_of(touched, value)
        return found

    def _compared(self, value: Value) -> int:
        ways = self._ways
        if not ways.compared:
            return 0
        if not isinstance(value, Decimal):
            return self._true_of(ways.compared, value)
        place = bisect_left(ways.edges, value)
        gap = (place, place < len(ways.edges) and ways.edges[place] == value)
        found = self._between.get(gap)
        if found is None:
            found = self._between[gap] = self._true_of(ways.compared, value)
        return found

    def _rest(self, value: Value) -> int:
        """What every distinct value is asked: substrings above all, so a single matcher is asked without a detour."""
        found, context = self._true_of(self._ways.detours, value), self._context
        for matches, bits in self._ways.asked:
            if matches(value, context):
                found |= bits
        return found

    def _true_of(self, predicates: Sequence[Predicate], value: Value | None) -> int:
        if not predicates:
            return 0
        facts = Facts("", (), values={} if value is None else {self.name: value}, rates=self._rates)
        return _all_bits(each for each in predicates if each.holds(facts, self._context))


class _PostalIndex:
    """Which postal ranges a code may lie in: those of its length, by the gap between bounds that it falls into."""

    def __init__(self, ranges: list[tuple[PostalRange, int]]) -> None:
        self._always: list[int] = []
        self._edges: dict[int, list[str]] = {}
        self._covering: dict[int, list[list[int]]] = {}
        covered = 0
        for length in sorted({len(each.low) for each, _ in ranges}):
            same = [(each, number) for each, number in ranges if len(each.low) == length]
            edges = self._edges[length] = sorted({end for each, _ in same for end in (each.low, each.high)})
            covering: list[list[int]] = [[] for _ in range(2 * len(edges))]
            self._covering[length] = covering
            for each, number in same:
                low, high = 2 * bisect_left(edges, each.low) + 1, 2 * bisect_left(edges, each.high) + 1
                covered += high - low + 1
                if covered > _MOST_COVERED:
                    self._always.append(number)
                    continue
                for place in range(low, high + 1):
                    covering[place].append(number)

    def around(self, value: str) -> Iterator[int]:
        """The numbers of the predicates with a range that may hold this code."""
        yield from self._always
        edges = self._edges.get(len(value))
        if edges is not None:
            place = bisect_left(edges, value)
            if place < len(edges):
                yield from self._covering[len(value)][2 * place + (edges[place] == value)]


def _all_bits(predicates: Iterable[Predicate]) -> int:
    found = 0
    for predicate in predicates:
        found |= predicate.bits
    return found


def _is_priced(predicate: Predicate) -> bool:
    matchers = (matcher for condition in predicate.conditions for matcher in matchers_in(condition))
    return any(isinstance(constant, ConvertedAmount) for matcher in matchers for constant in _constants(matcher))


def _constants(matcher: Matcher) -> Iterable[Value | None]:
    return (matcher.low, matcher.high) if isinstance(matcher, Interval) else _points(matcher)


def _kind(matcher: Matcher) -> str:
    # By exact type: a matcher that is not known here is asked about each value, whatever it derives from.
    if type(matcher) in (EqualTo, InList, NoneOf, Missing, Present, AnyElement, AllElements, NoElement):
        return "point"
    if type(matcher) is Interval:
        return "interval"
    if type(matcher) is PostalRange or _beginning(matcher) is not None:
        return "text"
    return "other"


def _points(matcher: Matcher) -> Iterable[Value]:
    if isinstance(matcher, EqualTo):
        return (matcher.value,)
    if isinstance(matcher, InList | NoneOf | AnyElement | AllElements | NoElement):
        return matcher.values
    return ()


def _beginning(matcher: Matcher) -> str | None:
    """What a text must begin with for the matcher to be true, where that is all that it asks."""
    if type(matcher) is StartsWith:
        return matcher.part or None
    if type(matcher) is Glob and matcher.pattern.find("*") == len(matcher.pattern) - 1 and "?" not in matcher.pattern:
        return matcher.pattern[:-1] or None
    return None


def _edges(matchers: Iterable[Matcher]) -> Iterator[Decimal]:
    for matcher in matchers:
        if isinstance(matcher, Interval):
            yield from (bound for bound in (matcher.low, matcher.high) if bound is not None)
        else:
            yield from (Decimal(point) for point in _points(matcher) if isinstance(point, Decimal | bool))
