"""Which clauses of conditions were seen true and which false, for conditions that are asked in order.

A clause counts where its condition is asked. What a clause says of a value it says of it always, so one that saw a
value is not asked about it again; of what reads the clock or an older rate nothing is remembered. Decides nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from syncd.errors import Place
from syncd.model.fields import FieldType
from syncd.rules.conditions import (
    AllOf,
    Always,
    AnyOf,
    Condition,
    EvaluationContext,
    FieldTest,
    InSegment,
    NoneOf,
    Not,
    OpportunityTest,
    Subject,
    holds,
)
from syncd.rules.facts import Facts

Key = tuple[Place | None, str]
"""A clause by its place and text."""


@dataclass(slots=True)
class _Clause:
    """One clause of the condition at `number`, and what was seen of it."""

    number: int
    condition: Condition
    true: bool = False
    false: bool = False

    def see(self, outcome: bool) -> None:
        if outcome:
            self.true = True
        else:
            self.false = True


class AskedClauses:
    """The clauses of conditions that are tried one after the other. Clauses of those in `timed` may be skipped."""

    def __init__(self, conditions: Sequence[Condition], timed: Collection[int] = ()) -> None:
        self._conditions = conditions
        self._known: list[dict[int, _Clause]] = []
        self._inner: dict[int, AskedClauses] = {}
        self._others: list[_Clause] = []
        self._by_field: dict[str, list[_Clause]] = {}
        self._asked: dict[tuple[object, ...], int] = {}
        for number, condition in enumerate(conditions):
            found = {id(each): _Clause(number, each) for each, _ in _clauses(condition, None)}
            self._known.append(found)
            for clause in found.values():
                each = clause.condition
                if isinstance(each, FieldTest) and number not in timed:
                    self._by_field.setdefault(each.field, []).append(clause)
                else:
                    self._others.append(clause)
                if isinstance(each, OpportunityTest) and id(each) not in self._inner:
                    self._inner[id(each)] = AskedClauses((each.condition,))

    def ask(self, count: int, subject: Subject, context: EvaluationContext, skipped: Collection[int] = ()) -> None:
        """Ask the first `count` conditions, without those that are `skipped`."""
        for name, clauses in self._by_field.items():
            self._ask_field(name, clauses, count, subject, context)
        unsettled: list[_Clause] = []
        for clause in self._others:
            if clause.number < count and clause.number not in skipped:
                self._ask(clause, subject, context)
            if not (clause.true and clause.false) or id(clause.condition) in self._inner:
                unsettled.append(clause)
        self._others = unsettled

    def seen(self) -> Iterator[tuple[Key, bool, bool]]:
        """Every clause that was asked, and whether it was seen true, and false."""
        for condition, known in zip(self._conditions, self._known, strict=True):
            for each, place in _clauses(condition, None):
                clause = known[id(each)]
                if clause.true or clause.false:
                    yield (place, each.text), clause.true, clause.false
        for inner in self._inner.values():
            yield from inner.seen()

    def _ask_field(
        self, name: str, clauses: list[_Clause], count: int, subject: Subject, context: EvaluationContext
    ) -> None:
        """Ask the clauses of one field that did not see this value before."""
        value = subject.values.get(name)
        test = clauses[0].condition
        if isinstance(test, FieldTest) and test.type is FieldType.MONEY and subject.rates is not None:
            start = 0
        else:
            dated = isinstance(test, FieldTest) and test.type is FieldType.DATE
            key = (name, value.__class__, value, context.now if dated else None)
            start = self._asked.get(key, 0)
            if start >= count:
                return
            self._asked[key] = count
        first = bisect_left(clauses, start, key=_number)
        last = bisect_left(clauses, count, key=_number)
        settled = False
        for clause in clauses[first:last]:
            clause.see(holds(clause.condition, subject, context))
            settled = settled or (clause.true and clause.false)
        if settled:
            left = [clause for clause in clauses if not (clause.true and clause.false)]
            clauses[:] = left or clauses[:1]

    def _ask(self, clause: _Clause, subject: Subject, context: EvaluationContext) -> None:
        inner = self._inner.get(id(clause.condition))
        if inner is not None and isinstance(subject, Facts):
            for deal in subject.opportunities:
                if deal.is_open:
                    inner.ask(1, deal, context)
        clause.see(holds(clause.condition, subject, context))


def _number(clause: _Clause) -> int:
    return clause.number


def _clauses(condition: Condition, around: Place | None) -> Iterator[tuple[Condition, Place | None]]:
    """The tests that a condition is put together of with their places, segments expanded."""
    place = condition.place or around
    match condition:
        case FieldTest() | OpportunityTest():
            yield condition, place
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions):
            for each in conditions:
                yield from _clauses(each, place)
        case InSegment(_, conditions):
            yield condition, place
            for each in conditions:
                yield from _clauses(each, place)
        case Not(inner):
            yield from _clauses(inner, place)
        case Always():
            return


def all_clauses(condition: Condition) -> Iterator[Key]:
    """Every clause of a condition, with those about opportunities inside."""
    for clause, place in _clauses(condition, None):
        yield place, clause.text
        if isinstance(clause, OpportunityTest):
            yield from all_clauses(clause.condition)
