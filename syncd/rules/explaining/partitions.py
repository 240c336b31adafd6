"""Partitions: values of one field that answer all of some tests in every way in which they can be answered.

The classes are those of `rules/proving`; of each the value nearest to the present one is kept. What a value says is
the matcher's own word. Knows no territories, and no way from one value to another.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import combinations, islice, pairwise, product

from syncd.model.fields import FieldType
from syncd.rules.conditions import FieldTest
from syncd.rules.edges import edges_of
from syncd.rules.facts import Facts, Value
from syncd.rules.matching.date_matchers import InSpan, NotInSpans
from syncd.rules.matching.matchers import (
    AllElements,
    AllMatchers,
    AnyElement,
    AnyMatcher,
    EqualTo,
    InList,
    Matcher,
    NoElement,
    NoneOf,
)
from syncd.rules.matching.repricing import repriced
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.domains import NEVER_MISSING, YES, Domain, atoms, bits_of, identity
from syncd.rules.proving.field_domains import domain_of
from syncd.rules.proving.logic import Variables
from syncd.rules.proving.patterns import MANY, Pattern, Sign, pattern_of

_MOST_SUBSETS = 6
_MOST_DOUBTS = 60
_MOST_PAIRED = 10
_SHOWN = 40
_MOST_PARTS = 8
_ONE = Decimal(1)
_US_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a field may get, None for a missing one, and what each test of the field says of it."""

    value: Value | None
    answers: tuple[bool, ...]


class Partition:
    """The tests of one field, and one value for each way to answer them but the present one.

    Only values that answer the tests at hand otherwise are asked about all the others.
    """

    def __init__(self, name: str, tests: Sequence[FieldTest], facts: Facts, context: EvaluationContext) -> None:
        distinct: dict[Hashable, Matcher] = {}
        self._keys: dict[int, Hashable] = {}
        for test in tests:
            matcher = test.matcher
            if facts.rates is not None and test.type is FieldType.MONEY:
                matcher = repriced(matcher, facts.rates)
            self._keys[id(test)] = _identity(matcher)
            distinct.setdefault(_identity(matcher), matcher)
        self.name = name
        self._numbers = {key: number for number, key in enumerate(distinct)}
        self._matchers = tuple(distinct.values())
        self._context = context
        self._present = facts.values.get(name)
        self.now = self._answers(self._present)
        self._type = tests[0].type
        self._short_codes = facts.values.get("country") not in (None, "US")
        self._ranked: tuple[Value | None, ...] = ()
        self._choices: dict[tuple[int, ...], tuple[Choice, ...]] = {}

    def _answers(self, value: Value | None) -> tuple[bool, ...]:
        return tuple(matcher.matches(value, self._context) for matcher in self._matchers)

    def choices(self, tests: Iterable[FieldTest]) -> tuple[Choice, ...]:
        """One choice for each class that answers any of these tests otherwise than now, the nearest value of each."""
        numbers = tuple(sorted({self._numbers[self._keys[id(test)]] for test in tests}))
        if numbers not in self._choices:
            self._choices[numbers] = tuple(self._nearest(numbers))
        return self._choices[numbers]

    def _nearest(self, numbers: tuple[int, ...]) -> Iterator[Choice]:
        if not self._ranked:
            found: Iterable[Value | None] = self._values(self._type)
            if self._type is FieldType.POSTAL_CODE and not self._short_codes:
                found = _whole_codes(found)
            values = enumerate(dict.fromkeys(found))
            self._ranked = tuple(
                [value for _, value in sorted(values, key=lambda each: (self._distance(each[1]), each[0]))]
            )
        asked = [(self._matchers[number], self.now[number]) for number in numbers]
        best: dict[tuple[bool, ...], Value | None] = {}
        for value in self._ranked:
            if any(matcher.matches(value, self._context) is not now for matcher, now in asked):
                best.setdefault(self._answers(value), value)
        for answers, value in best.items():
            yield Choice(value, answers)

    def _values(self, type_: FieldType) -> Iterator[Value | None]:
        domain = domain_of(self.name, type_, self._matchers, Variables(), self._context)
        known = [each for matcher in self._matchers for each in atoms(matcher)]
        if type_ in (FieldType.NUMBER, FieldType.MONEY):
            yield from _beside(known)
        elif type_ is FieldType.DATE:
            yield from _edges_of_spans(known)
        elif type_ in (FieldType.SEVERAL, FieldType.SYSTEM_ID):
            yield from _sets(known, self._present)
        else:
            yield from _constants(known)
            yield from _joined(known)
        yield from _of_domain(domain, self._context)
        if self.name not in NEVER_MISSING:
            yield None

    def _distance(self, value: Value | None) -> tuple[int, Decimal]:
        """How far a value is from the present one: numbers and dates by their difference, whole ones first."""
        present = self._present
        if value is None:
            return (3, Decimal(0))
        if isinstance(value, Decimal):
            broken = value != value.to_integral_value()
            return (1 if broken else 0, abs(value - present) if isinstance(present, Decimal) else abs(value))
        if isinstance(value, datetime):
            since = present if isinstance(present, datetime) else self._context.now
            return (0, Decimal(abs(int((value - since).total_seconds()))))
        if isinstance(value, frozenset):
            own = present if isinstance(present, frozenset) else frozenset()
            return (0, Decimal(len(value ^ own)))
        return (0, Decimal(0))


def _whole_codes(values: Iterable[Value | None]) -> Iterator[Value | None]:
    """Before each beginning of a US code a whole code: `606` in a CRM is read as 00606."""
    for value in values:
        if isinstance(value, str) and value.isdigit() and len(value) < _US_DIGITS:
            yield value.ljust(_US_DIGITS, "0")
        yield value


def _identity(matcher: Matcher) -> Hashable:
    """A matcher by what it does: a list and its items too, whatever their texts."""
    if isinstance(matcher, AnyMatcher | AllMatchers):
        return (type(matcher).__name__, *(_identity(item) for item in matcher.items))
    return identity(matcher)


def _of_domain(domain: Domain, context: EvaluationContext) -> Iterator[Value | None]:
    """Values of every class of the domain, and values that fit each pattern, and each two of them."""
    boxes: list[dict[int, int]] = [{domain.variable: 1 << bit} for bit in bits_of(domain.full & ~1)]
    doubts = list(islice(domain.doubtful, _MOST_DOUBTS))
    boxes += [{doubt: YES} for doubt in doubts]
    boxes += [{one: YES, other: YES} for one, other in combinations(doubts[:_MOST_PAIRED], 2)]
    for box in boxes:
        yield from islice(domain.shown(box, context), _SHOWN)


def _beside(matchers: Iterable[Matcher]) -> Iterator[Value]:
    """Every number that is named or bounds something, what lies beside it, and between it and the next one."""
    edges = sorted({edge for matcher in matchers for edge in (*edges_of(matcher), *_numbers(matcher))})
    for edge in edges:
        yield from (edge, edge + _ONE, edge - _ONE)
    for low, high in pairwise(edges):
        yield (low + high) / 2


def _numbers(matcher: Matcher) -> Iterator[Decimal]:
    yield from (value for value in _named(matcher) if isinstance(value, Decimal))


def _edges_of_spans(matchers: Iterable[Matcher]) -> Iterator[Value]:
    for matcher in matchers:
        if isinstance(matcher, InSpan):
            yield from (edge for edge in matcher.span if edge is not None)
        elif isinstance(matcher, NotInSpans):
            yield from (edge for span in matcher.spans for edge in span if edge is not None)


def _constants(matchers: Iterable[Matcher]) -> Iterator[Value]:
    for matcher in matchers:
        yield from sorted(_named(matcher), key=str)


def _joined(matchers: Iterable[Matcher]) -> Iterator[Value]:
    """Texts made of the beginnings, middles and ends that patterns ask for: what fits several patterns at once."""
    begins, middles, ends = {""}, {""}, {""}
    for pattern in (found for matcher in matchers if (found := pattern_of(matcher)) is not None):
        parts = ["".join(group) for group in _runs(pattern)]
        begins.update(parts[:1])
        ends.update(parts[-1:])
        middles.update(parts[1:-1])
    cut = (sorted(each, key=lambda part: (len(part), part))[:_MOST_PARTS] for each in (begins, middles, ends))
    yield from ("".join(parts) for parts in product(*cut) if any(parts))


def _runs(pattern: Pattern) -> list[list[str]]:
    """What stands before, between and after the stars of a pattern, with a filling for any one character."""
    runs: list[list[str]] = [[]]
    for sign in pattern:
        if sign is MANY:
            runs.append([])
        else:
            runs[-1].append("x" if isinstance(sign, Sign) else sign)
    return runs


def _sets(matchers: Iterable[Matcher], present: Value | None) -> Iterator[Value]:
    """Sets of the elements that are named: all of them where they are few, else those one or two steps away."""
    own: frozenset[str] = present if isinstance(present, frozenset) else frozenset()
    named = sorted({str(value) for matcher in matchers for value in _named(matcher)})
    if len(named) <= _MOST_SUBSETS:
        rest = own - set(named)
        for count in range(len(named) + 1):
            for chosen in combinations(named, count):
                yield rest | frozenset(chosen)
                yield frozenset(chosen)
        return
    whole = [matcher.values for matcher in matchers if isinstance(matcher, AllElements)]
    for added in (*(frozenset((name,)) for name in named), *whole):
        texts = frozenset(str(value) for value in added)
        yield own | texts
        yield own - texts
        yield texts
    yield own - set(named)
    yield frozenset()


def _named(matcher: Matcher) -> Iterable[Value]:
    match matcher:
        case EqualTo(_, value):
            return (value,)
        case InList() | NoneOf() | AnyElement() | AllElements() | NoElement():
            return matcher.values
        case _:
            return ()


def tests_by_field(tests: Iterable[FieldTest]) -> Mapping[str, tuple[FieldTest, ...]]:
    """Tests of companies by the field that they read, in one order."""
    found: dict[str, list[FieldTest]] = {}
    for test in tests:
        found.setdefault(test.field, []).append(test)
    return {name: tuple(found[name]) for name in sorted(found)}
