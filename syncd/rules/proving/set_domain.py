"""Fields with several values, and ids of which a company may have several, as a domain."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import cast

from syncd.model.fields import FieldType
from syncd.rules.facts import Value
from syncd.rules.matching.matchers import AllElements, AnyElement, Matcher, NoElement
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.domains import MISSING, NO, YES, Domain, identity
from syncd.rules.proving.logic import Box, Either, Formula, Literal, Variables, both, either
from syncd.rules.proving.spare_values import spare_values


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
        if self.keeps_doubts(value, box, context):
            yield value


def _elements(matcher: Matcher) -> Iterator[str]:
    if isinstance(matcher, AnyElement | AllElements | NoElement):
        for value in matcher.values:
            yield cast("str", value)
