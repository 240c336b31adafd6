"""When two tests of one field are the same test, whatever their text and place; and several tests as one.

What a test means stays with the matchers: this module compares their constants and joins lists, nothing more.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import fields
from functools import lru_cache

from syncd.model.fields import FieldType
from syncd.model.money import ConvertedAmount
from syncd.rules.conditions import (
    AllOf,
    Always,
    AnyOf,
    Condition,
    FieldTest,
    InSegment,
    NoneOf,
    Not,
    OpportunityTest,
)
from syncd.rules.facts import Value
from syncd.rules.matching.matchers import AllMatchers, AnyElement, AnyMatcher, EqualTo, InList, Matcher


class Identities:
    """Numbers for predicates: equal numbers are equal tests. Rows that share a matcher have it looked into once."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._matchers: dict[int, int] = {}
        self._tests: dict[tuple[int, str], int] = {}
        self._kept: list[Matcher] = []

    def predicate(self, conditions: Iterable[Condition]) -> int:
        """The number of a conjunction of conditions."""
        found = tuple(map(self._condition, conditions))
        return found[0] if len(found) == 1 else self._number(frozenset(found))

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _condition(self, condition: Condition) -> int:
        match condition:
            case FieldTest(field, type_, matcher):
                known = (id(matcher), field)
                found = self._tests.get(known)
                if found is None:
                    found = self._tests[known] = self._number((field, type_.value, self._matcher(matcher)))
                return found
            case Not(inner):
                return self._number(("not", self._condition(inner)))
            case OpportunityTest(mode, inner):
                return self._number((mode, "opportunity", self._condition(inner)))
            case Always():
                return self._number("always")
            case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
                kind = AnyOf if isinstance(condition, InSegment) else type(condition)
                return self._number((kind.__name__, *map(self._condition, conditions)))

    def _matcher(self, matcher: Matcher) -> int:
        found = self._matchers.get(id(matcher))
        if found is None:
            constants = [self._constant(getattr(matcher, name)) for name in _constant_names(type(matcher))]
            found = self._matchers[id(matcher)] = self._number((type(matcher).__name__, *constants))
            self._kept.append(matcher)  # so that its id is nobody else's
        return found

    def _constant(self, constant: Hashable) -> Hashable:
        if isinstance(constant, tuple) and constant and isinstance(constant[0], Matcher):
            return tuple(self._matcher(item) for item in constant)
        if isinstance(constant, frozenset):
            return ("set", frozenset(map(_exactly, constant)) if any(map(_priced, constant)) else constant)
        return _exactly(constant)


def _priced(constant: object) -> bool:
    return isinstance(constant, ConvertedAmount)


def _exactly(constant: Hashable) -> Hashable:
    """A constant that equals nothing but itself: True is not 1, and amounts in two currencies meet only by chance."""
    written = constant.written if isinstance(constant, ConvertedAmount) else None
    return (type(constant).__name__, constant, written)


@lru_cache(maxsize=256)
def _constant_names(kind: type[Matcher]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.compare and each.name not in ("text", "list_name"))


def either(alternatives: list[tuple[Condition, ...]]) -> Condition:
    """One condition for alternatives that all read the same one field: lists of values become one list."""
    if len(alternatives) == 1 and len(alternatives[0]) == 1:
        return alternatives[0][0]
    tests = [each[0] for each in alternatives if len(each) == 1 and isinstance(each[0], FieldTest)]
    single = [each for each in tests if isinstance(each, FieldTest)]
    # Amounts stay apart: they are repriced one by one for a company that is held to older rates.
    if len(single) == len(alternatives) and single[0].type is not FieldType.MONEY:
        matcher = _joined([each.matcher for each in single])
        return FieldTest(single[0].field, single[0].type, matcher, single[0].place, single[0].text)
    return AnyOf(tuple(each[0] if len(each) == 1 else AllOf(each) for each in alternatives))


def _joined(matchers: list[Matcher]) -> Matcher:
    points: set[Value] = set()
    elements: set[Value] = set()
    rest: list[Matcher] = []
    waiting = list(reversed(matchers))
    while waiting:
        matcher = waiting.pop()
        match matcher:
            case EqualTo(_, value):
                points.add(value)
            case InList(_, values):
                points |= values
            case AnyElement(_, values):
                elements |= values
            case AnyMatcher(_, items):
                waiting.extend(reversed(items))
            case _:
                rest.append(matcher)
    joined: list[Matcher] = [InList("", frozenset(points))] if points else []
    joined += [AnyElement("", frozenset(elements))] if elements else []
    joined += rest
    return joined[0] if len(joined) == 1 else AnyMatcher("", tuple(joined))


def matchers_in(condition: Condition) -> Iterable[Matcher]:
    """The matchers of a condition that reads one field, lists and mappings of matchers taken apart."""
    match condition:
        case FieldTest(_, _, matcher):
            yield from _parts(matcher)
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            for each in conditions:
                yield from matchers_in(each)
        case Not(inner):
            yield from matchers_in(inner)
        case Always() | OpportunityTest():
            return


def _parts(matcher: Matcher) -> Iterable[Matcher]:
    if isinstance(matcher, AnyMatcher | AllMatchers):
        for item in matcher.items:
            yield from _parts(item)
    else:
        yield matcher
