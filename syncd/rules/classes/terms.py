"""Conditions as alternatives of single-field predicates: the shape that class tables are made of.

A condition becomes terms, of which one must hold; a term is one predicate for each field that it tests, and a rest that
only the plain evaluator can answer (tests of opportunities, and alternatives that would multiply beyond measure).
Nothing is approximated: whatever does not fit goes to the rest as it is. Knows no values and evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
)

MOST_TERMS = 64
"""Terms that alternatives of one condition may multiply to; one list of alternatives, a table's rows, is never cut."""
MOST_INHERITED = 8
"""Terms that a territory takes over from the alternatives of its ancestors, as a factor."""

Tests = Mapping[str, tuple[Condition, ...]]
Row = tuple[int, ...]
"""The numbers of a term's predicates, one for each field that some alternative tests."""
_UNTESTED = -1


@dataclass(frozen=True, slots=True)
class Term:
    """What must hold together: by field the conditions that read it alone, and the rest, for the plain evaluator."""

    tests: Tests = field(default_factory=dict)
    rest: tuple[Condition, ...] = ()


ALWAYS = Term()


class Terms:
    """Splits conditions into terms; a condition that many items share is split once."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._known: dict[int, tuple[Term, ...]] = {}
        self._kept: list[Condition] = []

    def of(self, conditions: Sequence[Condition]) -> tuple[Term, ...]:
        """The terms of conditions that all must hold, a territory's ancestors first and its own last."""
        known = [(self._of(each), each) for each in conditions]
        *inherited, own = known or [((ALWAYS,), Always())]
        return self._product([own], inherited, MOST_INHERITED)

    def _of(self, condition: Condition) -> tuple[Term, ...]:
        found = self._known.get(id(condition))
        if found is None:
            found = self._known[id(condition)] = self._split(condition, False)
            self._kept.append(condition)  # so that its id is nobody else's
        return found

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

    def _all(self, conditions: tuple[Condition, ...], negated: bool) -> tuple[Term, ...]:
        parts = [(self._split(each, negated), _said(each, negated)) for each in conditions]
        parts.sort(key=lambda part: -len(part[0]))
        return self._product(parts[:1], parts[1:], MOST_TERMS)

    def _any(self, conditions: tuple[Condition, ...], negated: bool) -> tuple[Term, ...]:
        found: list[Term] = []
        known: dict[int, tuple[Condition, ...]] = {}
        for each in conditions:
            row = None if negated else _row(each, known)
            found += self._split(each, negated) if row is None else (row,)
        return self._united(found)

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

    def _united(self, terms: list[Term]) -> tuple[Term, ...]:
        """The same alternatives in fewer terms: those that differ in one field only become one, field by field."""
        if any(not term.tests and not term.rest for term in terms):
            return (ALWAYS,)
        if len(terms) < 2:
            return tuple(terms)
        names = sorted(set().union(*[term.tests for term in terms]))
        found = self._numbered(terms, names)
        varied = {place: len({row[place] for row, _ in found}) for place in range(len(names))}
        for place in sorted(varied, key=lambda each: (-varied[each], each)):
            groups: dict[object, list[tuple[Row, Term]]] = {}
            for row, term in found:
                kept = row if row[place] == _UNTESTED else row[:place] + row[place + 1 :]
                groups.setdefault((kept, tuple(map(id, term.rest)) if term.rest else ()), []).append((row, term))
            if len(groups) < len(found):
                found = [self._merged(group, place, names[place]) for group in groups.values()]
        return tuple([term for _, term in found])

    def _numbered(self, terms: list[Term], names: list[str]) -> list[tuple[Row, Term]]:
        """Each term with the numbers of its predicates. Rows of a table share theirs, which are looked into once."""
        known: dict[int, int] = {}
        found: list[tuple[Row, Term]] = []
        for term in terms:
            row: list[int] = []
            for name in names:
                tests = term.tests.get(name)
                if tests is None:
                    row.append(_UNTESTED)
                    continue
                number = known.get(id(tests))
                if number is None:
                    number = known[id(tests)] = self._identities.predicate(tests)
                row.append(number)
            found.append((tuple(row), term))
        return found

    def _merged(self, group: list[tuple[Row, Term]], place: int, name: str) -> tuple[Row, Term]:
        row, first = group[0]
        if len(group) == 1 or row[place] == _UNTESTED:
            return group[0]
        alike = {other[place]: term.tests[name] for other, term in group}
        tests = (either(list(alike.values())),)
        joined = self._identities.predicate(tests)
        return (*row[:place], joined, *row[place + 1 :]), Term({**first.tests, name: tests}, first.rest)


def _row(condition: Condition, known: dict[int, tuple[Condition, ...]]) -> Term | None:
    """The term of one row of a table: tests of different fields, side by side. None for anything else.

    `known` are the tests met before, each as a predicate of its own: rows share them.
    """
    if isinstance(condition, FieldTest):
        return Term({condition.field: (condition,)})
    if not isinstance(condition, AllOf):
        return None
    tests: dict[str, tuple[Condition, ...]] = {}
    for each in condition.conditions:
        if not isinstance(each, FieldTest) or each.field in tests:
            return None
        tests[each.field] = known.get(id(each)) or known.setdefault(id(each), (each,))
    return Term(tests)


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
