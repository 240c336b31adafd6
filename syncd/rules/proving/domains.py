"""Domains: all values that one field may have, as variables that a prover can split.

A domain turns the field's matchers into formulas over its variables, and the sets of a box back into example values.
What a field cannot be told exactly about (dates that move with `now`, patterns) is a variable of its own: true or
false, whichever serves the doubt. Knows no conditions, territories or packs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from itertools import islice
from typing import cast

from syncd.model.fields import FieldType
from syncd.model.money import ConvertedAmount
from syncd.rules.facts import Value
from syncd.rules.matching.date_matchers import InSpan, NotInSpans, NotSince, OlderThan
from syncd.rules.matching.matchers import (
    AllElements,
    AllMatchers,
    AnyElement,
    AnyMatcher,
    EqualTo,
    InList,
    Interval,
    Matcher,
    Missing,
    NoElement,
    NoneOf,
    PostalRange,
    Present,
)
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.lines import ZERO_CUT, Cut, DateScale, Line, NumberScale, Point, Scale
from syncd.rules.proving.logic import Box, Either, Formula, Literal, Variables, both, either
from syncd.rules.proving.moments import date_relations, moments_of
from syncd.rules.proving.patterns import MANY, Pattern, common, pattern_of, prefix_of, texts_of
from syncd.rules.proving.spare_values import spare_values
from syncd.rules.proving.texts import Rules, TextClassifier, relations

NO, YES = 1, 2
"""The values of a variable that is true or false."""
MISSING = 1
"""The bit of a missing value, in every field's own variable."""
_MOST_RELATED = 200
_MOST_BEGINNINGS = 20
_SOME_INSTANT = EvaluationContext(datetime(2026, 1, 1, tzinfo=UTC))
NEVER_MISSING = frozenset(
    {
        "open_opportunities",
        "open_pipeline",
        "open_stages",
        "won_amount_12m",
        "won_count_12m",
        "children",
        "family_employees",
        "family_open_pipeline",
        "has_customer_parent",
    }
)
"""Counts, sums and sets that are derived: 0 or the empty set where there is nothing (RULES.md, section 3)."""
COUNTS = frozenset({"open_opportunities", "won_count_12m", "children"})


def identity(matcher: Matcher) -> Hashable:
    """A matcher by what it does, whatever its text."""
    constants = tuple(getattr(matcher, each.name) for each in fields(matcher) if each.compare and each.name != "text")
    return (type(matcher).__name__, *constants)


def atoms(matcher: Matcher) -> Iterator[Matcher]:
    """The matchers that a list or a mapping of several is made of."""
    if isinstance(matcher, AnyMatcher | AllMatchers):
        for item in matcher.items:
            yield from atoms(item)
    else:
        yield matcher


class Domain(ABC):
    """One field's values. `variable` has a bit for missing and one for each class of values."""

    def __init__(self, name: str, variables: Variables, classes: int) -> None:
        full = ((1 << classes) - 1) << 1 | MISSING
        self.name = name
        self.variables = variables
        self.full = full & ~MISSING if name in NEVER_MISSING else full
        self.variable = variables.add(self.full)
        self.doubtful: dict[int, Matcher] = {}
        self._doubts: dict[Hashable, int] = {}

    def formula(self, matcher: Matcher) -> Formula:
        """The matcher over the domain's variables."""
        match matcher:
            case AnyMatcher(_, items):
                return either(self.formula(item) for item in items)
            case AllMatchers(_, items):
                return both(self.formula(item) for item in items)
            case Missing():
                return self.values(MISSING)
            case Present():
                return self.values(~MISSING)
            case NotSince(_, duration):
                return either((self.values(MISSING), self.formula(OlderThan("", duration))))
            case _:
                found = self.exactly(matcher)
                return Literal(self.doubt(matcher), YES) if found is None else found

    def values(self, values: int) -> Formula:
        """The field has one of these values."""
        return Literal(self.variable, values & self.full)

    @abstractmethod
    def exactly(self, matcher: Matcher) -> Formula | None:
        """A matcher over the field's own values; None where they do not tell."""

    @abstractmethod
    def shown(self, box: Box, context: EvaluationContext) -> Iterator[Value]:
        """Values that lie in the box as far as this field goes, presentable ones first."""

    def doubt(self, matcher: Matcher) -> int:
        """The variable of a matcher that is not told exactly; a missing value decides it all the same."""
        key = identity(matcher)
        if key not in self._doubts:
            variable = self._doubts[key] = self.variables.add(NO | YES)
            self.doubtful[variable] = matcher
            if self.full & MISSING:
                truth = YES if matcher.matches(None, _SOME_INSTANT) else NO
                self.variables.imply(self.variable, MISSING, variable, truth)
        return self._doubts[key]

    def allows_missing(self, box: Box) -> bool:
        """Whether the field may be missing in the box."""
        if not box.get(self.variable, self.full) & MISSING:
            return False
        return all(
            box.get(variable, NO | YES) & (YES if matcher.matches(None, _SOME_INSTANT) else NO)
            for variable, matcher in self.doubtful.items()
        )

    def touched(self, box: Box) -> bool:
        """Whether the box says anything of this field."""
        return self.variable in box or any(variable in box for variable in self.doubtful)

    def is_doubtful(self, box: Box) -> bool:
        """Whether the box leans on what is not told exactly, and what the field's own values do not settle."""
        asked = [variable for variable in self.doubtful if variable in box]
        if not asked or self.allows_missing(box):
            return False
        own = box.get(self.variable)
        settled = None if own is None else self.variables.settled({self.variable: own})
        return settled is None or any(settled.get(variable) != box[variable] for variable in asked)

    def _keeps_doubts(self, value: Value, box: Box, context: EvaluationContext) -> bool:
        for variable, matcher in self.doubtful.items():
            wanted = box.get(variable)
            if wanted is not None and wanted != (YES if matcher.matches(value, context) else NO):
                return False
        return True


class BooleanDomain(Domain):
    """True, false, or missing."""

    def __init__(self, name: str, variables: Variables) -> None:
        super().__init__(name, variables, 2)

    def exactly(self, matcher: Matcher) -> Formula | None:
        """Equality."""
        if isinstance(matcher, EqualTo) and isinstance(matcher.value, bool):
            return self.values(4 if matcher.value else 2)
        return None

    def shown(self, box: Box, context: EvaluationContext) -> Iterator[Value]:
        """True and false."""
        for value, bit in ((True, 4), (False, 2)):
            if box.get(self.variable, self.full) & bit and self._keeps_doubts(value, box, context):
                yield value


class LineDomain(Domain):
    """Numbers, amounts or dates: cells between the bounds of the field's matchers."""

    def __init__(self, name: str, variables: Variables, matchers: Sequence[Matcher], scale: Scale) -> None:
        cuts = {cut for matcher in matchers for cut in _cuts(matcher)}
        whole = name in COUNTS
        # Amounts of several currencies stand in an order that the next table of rates may turn around.
        self._mixed = len({currency for matcher in matchers for currency in _currencies(matcher)}) > 1
        self.line = Line.cut_at(cuts | {ZERO_CUT} if whole else cuts)
        self.scale = scale
        super().__init__(name, variables, self.line.cells)
        if whole:
            self._leave_out_what_does_not_count()
        for variable, other, implied in date_relations(
            {self.doubt(each): each for each in matchers if self.exactly(each) is None and not _constant(each)}
        ):
            variables.imply(variable, YES, other, YES if implied else NO)

    def _leave_out_what_does_not_count(self) -> None:
        """A count is a whole number and not below zero."""
        for cell in range(self.line.cells):
            low, high = self.line.ends(cell)
            if (low is None or low < ZERO_CUT) or next(self.scale.between(low, high), None) is None:
                self.full &= ~(2 << cell)
        self.variables.full[self.variable] = self.full

    def exactly(self, matcher: Matcher) -> Formula | None:
        """Comparisons, ranges, equality and fixed days; not what only a rate of money says."""
        if self._mixed and _currencies(matcher) - {None}:
            return None
        match matcher:
            case Interval() | EqualTo() | InSpan():
                return self.values(self._stretch(_span(matcher)))
            case InList(_, values):
                return self.values(self._points(values))
            case NoneOf(_, values):
                return self.values(~self._points(values) & ~MISSING)
            case NotInSpans(_, spans):
                inside = 0
                for start, end in spans:
                    inside |= self._stretch((_before(start), _before(end)))
                return self.values(~inside & ~MISSING)
            case _:
                return None

    def _stretch(self, span: tuple[Cut | None, Cut | None]) -> int:
        return self.line.between(*span) << 1

    def _points(self, values: Iterable[Value]) -> int:
        bits = 0
        for value in values:
            bits |= 2 << self.line.cell_of(cast("Point", value))
        return bits

    def shown(self, box: Box, context: EvaluationContext) -> Iterator[Value]:
        """Values from the cells of the box; of dates that move with `now`, those beside their edges."""
        values = box.get(self.variable, self.full) & ~MISSING
        if self.is_doubtful(box):
            for moment in moments_of(self.doubtful.values(), context):
                inside = values >> (1 + self.line.cell_of(moment)) & 1
                if inside and self._keeps_doubts(moment, box, context):
                    yield moment
        for cell in _bits(values >> 1):
            for value in self.scale.between(*self.line.ends(cell)):
                if self._keeps_doubts(value, box, context):
                    yield value
                    break

    def bounds(self, cells: int) -> tuple[Cut | None, Cut | None]:
        """The ends of a stretch of neighbouring cells, given as bits without the one for missing."""
        first, last = (cells & -cells).bit_length() - 1, cells.bit_length() - 1
        return self.line.ends(first)[0], self.line.ends(last)[1]


def _currencies(matcher: Matcher) -> set[str | None]:
    """The currencies in which a matcher's amounts are written; None for the reporting one, nothing for zero."""
    amounts = [cut[0] for cut in _cuts(matcher)]
    return {amount.written[1] if isinstance(amount, ConvertedAmount) else None for amount in amounts if amount}


def _constant(matcher: Matcher) -> bool:
    return isinstance(matcher, Missing | Present | NotSince)


def _before(instant: datetime | None) -> Cut | None:
    return None if instant is None else (instant, 0)


def _span(matcher: Interval | EqualTo | InSpan) -> tuple[Cut | None, Cut | None]:
    match matcher:
        case EqualTo(_, value):
            return (cast("Point", value), 0), (cast("Point", value), 1)
        case InSpan(_, (start, end)):
            return _before(start), _before(end)
        case Interval(_, low, high, low_included, high_included):
            return (
                None if low is None else (low, 0 if low_included else 1),
                None if high is None else (high, 1 if high_included else 0),
            )


def _cuts(matcher: Matcher) -> Iterator[Cut]:
    spans: Iterable[tuple[Cut | None, Cut | None]]
    match matcher:
        case EqualTo() | Interval() | InSpan():
            spans = (_span(matcher),)
        case InList(_, values) | NoneOf(_, values):
            spans = (((cast("Point", value), 0), (cast("Point", value), 1)) for value in values)
        case NotInSpans(_, days):
            spans = ((_before(start), _before(end)) for start, end in days)
        case _:
            spans = ()
    for span in spans:
        yield from (cut for cut in span if cut is not None)


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
            elif not _constant(matcher):
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
        for number in _bits(values >> 1):
            for text in self._texts.classes.representatives[number]:
                if self._keeps_doubts(text, box, context):
                    yield text
        for text in self._made(box):
            if self.class_of(text) & values and self._keeps_doubts(text, box, context):
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


class SetDomain(Domain):
    """Several values: present or missing, and for each group of elements that rules name alike whether one is in."""

    def __init__(self, name: str, type_: FieldType, variables: Variables, matchers: Sequence[Matcher]) -> None:
        super().__init__(name, variables, 1)
        named: dict[str, set[Hashable]] = {}
        for matcher in matchers:
            for value in _elements(matcher):
                single: Hashable = (identity(matcher), value) if isinstance(matcher, AllElements) else identity(matcher)
                named.setdefault(value, set()).add(single)
        groups: dict[frozenset[Hashable], int] = {}
        self._group: dict[str, int] = {}
        self._members: dict[int, list[str]] = {}
        for value in sorted(named):
            alike = frozenset(named[value])
            if alike not in groups:
                groups[alike] = variables.add(NO | YES)
                variables.imply(groups[alike], YES, self.variable, ~MISSING)
            self._group[value] = groups[alike]
            self._members.setdefault(groups[alike], []).append(value)
        self._spare = spare_values(name, type_)

    def exactly(self, matcher: Matcher) -> Formula | None:
        """Any of, all of, none of."""
        groups = sorted({self._group[value] for value in _elements(matcher)})
        match matcher:
            case AnyElement():
                return either(Literal(group, YES) for group in groups) if groups else Either()
            case AllElements():
                return both((self.values(~MISSING), *(Literal(group, YES) for group in groups)))
            case NoElement():
                return both((self.values(~MISSING), *(Literal(group, NO) for group in groups)))
            case _:
                return None

    def touched(self, box: Box) -> bool:
        """Whether the box says anything of this field."""
        return super().touched(box) or any(group in box for group in self._members)

    def allows_missing(self, box: Box) -> bool:
        """Whether the field may be missing in the box."""
        return super().allows_missing(box) and all(box.get(group, NO) & NO for group in self._members)

    def shown(self, box: Box, context: EvaluationContext) -> Iterator[Value]:
        """One set: an element of each group that must be in, else another element."""
        elements = [self._members[group][0] for group in self._members if box.get(group) == YES]
        value = frozenset(elements or [next(each for each in self._spare if each not in self._group)])
        if self._keeps_doubts(value, box, context):
            yield value


def _elements(matcher: Matcher) -> Iterator[str]:
    if isinstance(matcher, AnyElement | AllElements | NoElement):
        for value in matcher.values:
            yield cast("str", value)


def _bits(values: int) -> Iterator[int]:
    while values:
        low = values & -values
        yield low.bit_length() - 1
        values ^= low


def domain_of(
    name: str, type_: FieldType, matchers: Sequence[Matcher], variables: Variables, context: EvaluationContext
) -> Domain:
    """The domain of a field, cut by all matchers that stand against it."""
    distinct: Mapping[Hashable, Matcher] = {identity(each): each for matcher in matchers for each in atoms(matcher)}
    known = list(distinct.values())
    known += [OlderThan("", each.duration) for each in known if isinstance(each, NotSince)]
    if type_ is FieldType.BOOLEAN:
        return BooleanDomain(name, variables)
    if type_ in (FieldType.NUMBER, FieldType.MONEY):
        return LineDomain(name, variables, known, NumberScale(whole=name in COUNTS))
    if type_ is FieldType.DATE:
        return LineDomain(name, variables, known, DateScale(context.zone, context.now))
    if type_ in (FieldType.SEVERAL, FieldType.SYSTEM_ID):
        return SetDomain(name, type_, variables, known)
    return TextDomain(name, type_, variables, known, context)
