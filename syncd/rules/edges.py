"""The edges of a condition: where the comparisons and ranges of numbers that it makes begin and end.

Knows conditions and matchers of numbers; what an edge is good for is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from syncd.model.fields import FieldType
from syncd.rules.conditions import AllOf, AnyOf, Condition, FieldTest, InSegment, NoneOf, Not
from syncd.rules.matching.matchers import AllMatchers, AnyMatcher, Interval, Matcher

_NUMBERS = frozenset({FieldType.NUMBER, FieldType.MONEY})


def numbers_tested(condition: Condition) -> Iterator[FieldTest]:
    """The tests of numbers and amounts of the account that a condition makes, segments expanded; not its deals'."""
    match condition:
        case FieldTest(_, type_):
            if type_ in _NUMBERS:
                yield condition
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            for each in conditions:
                yield from numbers_tested(each)
        case Not(inner):
            yield from numbers_tested(inner)


def has_edges(condition: Condition) -> bool:
    """Whether a condition compares any number of the account."""
    return any(any(True for _ in edges_of(test.matcher)) for test in numbers_tested(condition))


def edges_of(matcher: Matcher) -> Iterator[Decimal]:
    """The ends of the comparisons and ranges of a matcher, the open ones left out; an equality has none."""
    if isinstance(matcher, Interval):
        yield from (edge for edge in (matcher.low, matcher.high) if edge is not None)
    elif isinstance(matcher, AnyMatcher | AllMatchers):
        for item in matcher.items:
            yield from edges_of(item)
