"""Conditions as alternatives of single-field predicates: the shape that class tables are made of.

A condition becomes terms, of which one must hold; a term is one predicate for each field that it tests, and a rest that
only the plain evaluator can answer (tests of opportunities, and alternatives that would multiply beyond measure).
Nothing is approximated: whatever does not fit goes to the rest as it is. Knows no values and evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.rules.classes.alternatives import UNTESTED, Line, Lines, lines_of, rows_of, united_rows
from syncd.rules.classes.identity import Identities, either
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
    TableRows,
)
from syncd.rules.deciding.frame import reads_clock

MOST_TERMS = 64
"""Terms that alternatives of one condition may multiply to; one list of alternatives, a table's rows, is never cut."""
MOST_INHERITED = 8
"""Terms that a territory takes over from the alternatives of its ancestors, as a factor."""

_MOST_PLACES = 8
"""So many times as many conditions are remembered as are different, before all places are looked up anew."""

Tests = Mapping[str, tuple[Condition, ...]]


@dataclass(frozen=True, slots=True)
class Term:
    """What must hold together: by field the conditions that read it alone, and the rest, for the plain evaluator."""

    tests: Tests = field(default_factory=dict)
    rest: tuple[Condition, ...] = ()


ALWAYS = Term()


class Terms:
    """Splits conditions into terms, once a condition that many items share, or that only moved in its file."""

    def __init__(self, identities: Identities) -> None:
        self.identities = identities
        self._first_of: dict[int, tuple[Condition, Condition]] = {}
        self._alike: dict[Hashable, Condition] = {}
        self._known: dict[int, tuple[Term, ...]] = {}
        self._numbers: dict[int, tuple[tuple[Condition, ...], int]] = {}
        self._clocked: dict[int, bool] = {}

    @property
    def count(self) -> int:
        """How many conditions were split so far, those in other places not counted again."""
        return len(self._alike)

    def number(self, tests: tuple[Condition, ...]) -> int:
        """The number of what a term asks of one field: equal ones ask the same."""
        known = self._numbers.get(id(tests))
        if known is None:
            known = self._numbers[id(tests)] = (tests, self.identities.predicate(tests))
        return known[1]

    def reads_clock(self, condition: Condition) -> bool:
        """Whether time alone can change what a condition says."""
        first = self._first(condition)
        known = self._clocked.get(id(first))
        if known is None:
            known = self._clocked[id(first)] = reads_clock(first)
        return known

    def of(self, conditions: Sequence[Condition]) -> tuple[Term, ...]:
        """The terms of conditions that all must hold, a territory's ancestors first and its own last."""
        known = [(self._of(each), each) for each in conditions]
        *inherited, own = known or [((ALWAYS,), Always())]
        return self._product([own], inherited, MOST_INHERITED)

    def _of(self, condition: Condition) -> tuple[Term, ...]:
        first = self._first(condition)
        found = self._known.get(id(first))
        if found is None:
            found = self._known[id(first)] = self._split(first, False)
        return found

    def _first(self, condition: Condition) -> Condition:
        """The first condition met with the same matchers; both are held, so that their ids are nobody else's."""
        known = self._first_of.get(id(condition))
        if known is None:
            if len(self._first_of) > _MOST_PLACES * len(self._alike):
                self._first_of.clear()
            first = self._alike.setdefault(_matchers_of(condition), condition)
            known = self._first_of[id(condition)] = (condition, first)
        return known[1]

    def _split(self, condition: Condition, negated: bool) -> tuple[Term, ...]:
        name = only_field(condition)
        if name is not None:
            return (Term({name: (_said(condition, negated),)}),)
        match condition:
            case Not(inner):
                return self._split(inner, not negated)
            case AllOf(conditions):
                return self._any(conditions, True) if negated else self._all(conditions, False)
            case AnyOf(conditions) | InSegment(_, conditions):
                return self._all(conditions, True) if negated else self._any(conditions, False)
            case NoneOf(conditions):
                return self._any(conditions, False) if negated else self._all(conditions, True)
            case Always():
                return () if negated else (ALWAYS,)
            case OpportunityTest() | FieldTest():
                return (Term({}, (_said(condition, negated),)),)

    def _all(self, conditions: Sequence[Condition], negated: bool) -> tuple[Term, ...]:
        parts = [(self._split(each, negated), _said(each, negated)) for each in conditions]
        parts.sort(key=lambda part: -len(part[0]))
        return self._product(parts[:1], parts[1:], MOST_TERMS)

    def _any(self, conditions: Sequence[Condition], negated: bool) -> tuple[Term, ...]:
        if isinstance(conditions, TableRows) and not negated:
            united = united_rows(conditions)
            return tuple([Term({name: (test,) for name, test in line.items()}) for line in united])
        rows = None if negated else rows_of(conditions)
        if rows is not None:
            return tuple(self._united(lines_of(rows, self.identities.predicate)))
        found = tuple([term for each in conditions for term in self._split(each, negated)])
        if any(not term.tests and not term.rest for term in found):
            return (ALWAYS,)
        return tuple(self._united(self._lines(found))) if len(found) > 1 else found

    def _product(
        self,
        first: list[tuple[tuple[Term, ...], Condition]],
        others: list[tuple[tuple[Term, ...], Condition]],
        most: int,
    ) -> tuple[Term, ...]:
        """All of these: the first multiplied out in any case, the others as long as few terms come of it."""
        found: tuple[Term, ...] = first[0][0] if first else (ALWAYS,)
        factor = 1
        for terms, condition in sorted(others, key=lambda part: len(part[0])):
            if not terms:
                return ()
            if len(terms) > 1 and (factor * len(terms) > most or len(found) * len(terms) > max(most, len(found))):
                terms = (Term({}, (condition,)),)
            factor *= len(terms)
            found = tuple(_both(one, other) for one in found for other in terms)
        return found

    def _lines(self, terms: tuple[Term, ...]) -> Lines:
        names = sorted(set().union(*[term.tests for term in terms]))
        number = self.identities.predicate
        lines: list[Line] = []
        for term in terms:
            cells = tuple([term.tests.get(name, ()) for name in names])
            lines.append((tuple([number(tests) if tests else UNTESTED for tests in cells]), cells, term.rest))
        return Lines(names, lines)

    def _united(self, table: Lines) -> Iterator[Term]:
        """The same alternatives in fewer terms: those that differ in one field only become one, field by field."""
        names, found = table.names, table.lines
        varied = {place: len({row[place] for row, _, _ in found}) for place in range(len(names))}
        for place in sorted(varied, key=lambda each: (-varied[each], each)):
            groups: dict[object, list[Line]] = {}
            for line in found:
                row, _, rest = line
                kept: object = row if row[place] == UNTESTED else row[:place] + row[place + 1 :]
                groups.setdefault((kept, *map(id, rest)) if rest else kept, []).append(line)
            if len(groups) < len(found):
                found = [self._merged(group, place) for group in groups.values()]
        for _, cells, rest in found:
            yield Term({name: tests for name, tests in zip(names, cells, strict=True) if tests}, rest)

    def _merged(self, group: list[Line], place: int) -> Line:
        row, cells, rest = group[0]
        if len(group) == 1 or row[place] == UNTESTED:
            return group[0]
        alike = {other[place]: tests[place] for other, tests, _ in group}
        tests = (either(list(alike.values())),)
        joined = self.identities.predicate(tests)
        return (*row[:place], joined, *row[place + 1 :]), (*cells[:place], tests, *cells[place + 1 :]), rest


def only_field(condition: Condition) -> str | None:
    """The one field of a company that a condition reads, None if it reads none, several, or opportunities."""
    match condition:
        case FieldTest(name):
            return name
        case Not(inner):
            return only_field(inner)
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            first = only_field(conditions[0]) if conditions else None
            return first if first is not None and all(only_field(each) == first for each in conditions) else None
        case Always() | OpportunityTest():
            return None


def _matchers_of(condition: Condition) -> Hashable:
    """What tells a condition from those with other matchers, whatever its place: a copy in other lines keeps them."""
    match condition:
        case FieldTest(name, type_, matcher):
            return (name, type_, id(matcher))
        case Not(inner):
            return ("not", _matchers_of(inner))
        case OpportunityTest(mode, inner):
            return (mode, _matchers_of(inner))
        case Always():
            return "always"
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            if isinstance(conditions, TableRows):
                return (type(condition), id(conditions))
            return (type(condition), *map(_matchers_of, conditions))


def _said(condition: Condition, negated: bool) -> Condition:
    return Not(condition) if negated else condition


def _both(one: Term, other: Term) -> Term:
    if one is ALWAYS or other is ALWAYS:
        return other if one is ALWAYS else one
    tests = dict(one.tests)
    for name, conditions in other.tests.items():
        tests[name] = (*tests.get(name, ()), *conditions)
    return Term(tests, (*one.rest, *other.rest))


def rest_of(terms: Iterable[Term]) -> tuple[Condition, ...]:
    """Every condition that some term leaves to the plain evaluator, each object once."""
    return tuple({id(each): each for term in terms for each in term.rest}.values())
