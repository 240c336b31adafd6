"""Domains: all values that one field may have, as variables that a prover can split.

A domain turns the field's matchers into formulas over its variables, and the sets of a box back into example values.
What a field cannot be told exactly about (dates that move with `now`, patterns) is a variable of its own: true or
false, whichever serves the doubt. Knows no conditions, territories or packs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache

from syncd.rules.facts import Value
from syncd.rules.matching.date_matchers import NotSince, OlderThan
from syncd.rules.matching.matchers import AllMatchers, AnyMatcher, EqualTo, InList, Matcher, Missing, Present
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.logic import Box, Formula, Literal, Variables, both, either

NO, YES = 1, 2
"""The values of a variable that is true or false."""
MISSING = 1
"""The bit of a missing value, in every field's own variable."""
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
    return (type(matcher).__name__, *[getattr(matcher, name) for name in _constants_of(type(matcher))])


@lru_cache(maxsize=256)
def _constants_of(kind: type[Matcher]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.compare and each.name != "text")


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

    def keeps_doubts(self, value: Value, box: Box, context: EvaluationContext) -> bool:
        """Whether a value answers as the box says what is not told exactly."""
        for variable, wanted in box.items():
            matcher = self.doubtful.get(variable)
            if matcher is not None and wanted != (YES if matcher.matches(value, context) else NO):
                return False
        return True


class BooleanDomain(Domain):
    """True, false, or missing."""

    def __init__(self, name: str, variables: Variables) -> None:
        super().__init__(name, variables, 2)

    def exactly(self, matcher: Matcher) -> Formula | None:
        """Equality and lists."""
        match matcher:
            case EqualTo(_, bool() as value):
                return self.values(4 if value else 2)
            case InList(_, values):
                return self.values((4 if True in values else 0) | (2 if False in values else 0))
            case _:
                return None

    def shown(self, box: Box, context: EvaluationContext) -> Iterator[Value]:
        """True and false."""
        for value, bit in ((True, 4), (False, 2)):
            if box.get(self.variable, self.full) & bit and self.keeps_doubts(value, box, context):
                yield value


def is_constant(matcher: Matcher) -> bool:
    """Whether a matcher asks only whether there is a value, or is made of others that are told."""
    return isinstance(matcher, Missing | Present | NotSince)


def bits_of(values: int) -> Iterator[int]:
    """The positions of a set's bits, lowest first."""
    while values:
        low = values & -values
        yield low.bit_length() - 1
        values ^= low
