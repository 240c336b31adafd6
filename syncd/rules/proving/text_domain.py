"""Texts, codes and addresses as a domain: classes of values, and doubt about patterns."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import cast

from syncd.model.fields import FieldType
from syncd.rules.facts import Value
from syncd.rules.matching.matchers import EqualTo, InList, Matcher, NoneOf, PostalRange
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.domains import MISSING, NO, YES, Domain, bits_of, identity, is_constant
from syncd.rules.proving.logic import Box, Formula, Variables
from syncd.rules.proving.patterns import MANY, Pattern, common, pattern_of, prefix_of, texts_of
from syncd.rules.proving.spare_values import spare_values
from syncd.rules.proving.texts import Rules, TextClassifier, relations

_MOST_RELATED = 200
_MOST_BEGINNINGS = 20


class TextDomain(Domain):
    """Texts and codes: listed values, beginnings, ranges of postal codes, and any other value."""

    def __init__(
        self, name: str, type_: FieldType, variables: Variables, matchers: Sequence[Matcher], context: EvaluationContext
    ) -> None:
        self._sets: dict[frozenset[str], int] = {}
        self._beginnings: dict[str, int] = {}
        self._ranges: dict[Hashable, int] = {}
        ranges: list[PostalRange] = []
        patterns: dict[Hashable, tuple[Matcher, Pattern | None]] = {}
        for matcher in matchers:
            listed = _listed(matcher)
            beginning = _beginning(matcher)
            if listed is not None:
                self._sets.setdefault(listed, len(self._sets))
            elif beginning is not None:
                self._beginnings.setdefault(beginning, len(self._beginnings))
            elif isinstance(matcher, PostalRange):
                if identity(matcher) not in self._ranges:
                    self._ranges[identity(matcher)] = len(ranges)
                    ranges.append(matcher)
            elif not is_constant(matcher):
                patterns.setdefault(identity(matcher), (matcher, pattern_of(matcher)))
        rules = Rules(tuple(self._sets), tuple(self._beginnings), ranges, tuple(patterns.values()))
        self._texts = TextClassifier(rules, spare_values(name, type_), context)
        super().__init__(name, variables, len(self._texts.classes.representatives))
        self._relate(patterns.values())

    def _relate(self, patterns: Iterable[tuple[Matcher, Pattern | None]]) -> None:
        """Say what a class knows of a pattern, and what one pattern says of another."""
        known: dict[int, Pattern] = {}
        classes = self._texts.classes
        for position, (matcher, pattern) in enumerate(patterns):
            variable = self.doubt(matcher)
            for values, truth in ((classes.fits[position], YES), (classes.misfits[position], NO)):
                if values:
                    self.variables.imply(self.variable, values << 1 & self.full, variable, truth)
            if pattern is not None:
                known[variable] = pattern
        if len(known) <= _MOST_RELATED:
            for first, second, implied in relations(known):
                self.variables.imply(first, YES, second, YES if implied else NO)

    def exactly(self, matcher: Matcher) -> Formula | None:
        """Lists, beginnings and ranges."""
        classes = self._texts.classes
        listed = _listed(matcher)
        if listed is not None:
            values = classes.sets[self._sets[listed]] << 1
            return self.values(~values & ~MISSING if isinstance(matcher, NoneOf) else values)
        beginning = _beginning(matcher)
        if beginning is not None:
            return self.values(classes.beginnings[self._beginnings[beginning]] << 1)
        if isinstance(matcher, PostalRange):
            return self.values(classes.ranges[self._ranges[identity(matcher)]] << 1)
        return None

    def class_of(self, value: str) -> int:
        """The bit of a value's class; 0 for a value that no class is known for."""
        number = self._texts.class_of(value)
        return 0 if number is None else 2 << number

    def shown(self, box: Box, context: EvaluationContext) -> Iterator[Value]:
        """Representatives of the classes of the box, then texts made to fit its patterns."""
        values = box.get(self.variable, self.full) & ~MISSING
        for number in bits_of(values >> 1):
            for text in self._texts.classes.representatives[number]:
                if self.keeps_doubts(text, box, context):
                    yield text
        for text in self._made(box):
            if self.class_of(text) & values and self.keeps_doubts(text, box, context):
                yield text

    def _made(self, box: Box) -> Iterator[str]:
        wanted = [self.doubtful[variable] for variable in self.doubtful if box.get(variable) == YES]
        patterns = [pattern for matcher in wanted if (pattern := pattern_of(matcher)) is not None]
        begun = [(*text, MANY) for text in islice(self._beginnings, _MOST_BEGINNINGS)]
        for number, one in enumerate(patterns):
            yield from texts_of(one)
            for other in (*patterns[number + 1 :], *begun):
                text = common(one, other)
                if text is not None:
                    yield text


def _listed(matcher: Matcher) -> frozenset[str] | None:
    match matcher:
        case EqualTo(_, value):
            return frozenset((cast("str", value),))
        case InList(_, values) | NoneOf(_, values):
            return cast("frozenset[str]", values)
        case _:
            return None


def _beginning(matcher: Matcher) -> str | None:
    pattern = pattern_of(matcher)
    return None if pattern is None else prefix_of(pattern)
