"""What a pack's tests cover: which territories take a case, and which clauses are seen true and which false.

A clause counts where its condition is asked: a territory's when the tree gets to it, a protect rule's for every case.
Pure; it watches the cases as they run (`rules.cases`) and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from syncd.errors import Place
from syncd.model.decisions import Decision
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
from syncd.rules.deciding.tree import in_effect
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import Pack, Territory

_Key = tuple[Place | None, str]
_Seen = tuple[set[_Key], set[_Key]]
"""The clauses seen true, and those seen false."""


@dataclass(frozen=True, slots=True)
class ClauseCoverage:
    """One clause as written, its place, and whether a case has seen it true, and false."""

    text: str
    place: Place
    seen_true: bool
    seen_false: bool

    @property
    def missing(self) -> str | None:
        """What no case has seen: `never true`, `never false`, `never asked`; None where both were seen."""
        if self.seen_true and self.seen_false:
            return None
        if not self.seen_true and not self.seen_false:
            return "never asked"
        return "never false" if self.seen_true else "never true"


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """A territory, or a protect rule (`role` None): how many cases end in it, and the clauses of its own condition.

    `needed` is false of a group: every account goes on to one of its children.
    """

    name: str
    role: str | None
    place: Place
    cases: int
    needed: bool
    clauses: tuple[ClauseCoverage, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The rules in the order written. A clause of a segment stands at the first rule that uses it."""

    rules: tuple[RuleCoverage, ...]

    @property
    def reached(self) -> tuple[int, int]:
        """How many rules some case ends in, of how many."""
        needed = [rule for rule in self.rules if rule.needed]
        return sum(rule.cases > 0 for rule in needed), len(needed)

    @property
    def clauses(self) -> tuple[int, int]:
        """How many clauses were seen both ways, of how many."""
        found = [clause for rule in self.rules for clause in rule.clauses]
        return sum(clause.missing is None for clause in found), len(found)


@dataclass(slots=True)
class Watch:
    """Sees every case of a run; `coverage` is what they came to."""

    pack: Pack
    _true: set[int] = field(default_factory=set)
    _false: set[int] = field(default_factory=set)
    _keys: dict[int, _Key] = field(default_factory=dict)
    _ended: dict[tuple[str, str], int] = field(default_factory=dict)
    _open: dict[int, list[Condition]] = field(default_factory=dict)

    def see(self, facts: Facts, now: datetime, decisions: Sequence[Decision]) -> None:
        """Take the facts of one case and what was decided about them."""
        context = EvaluationContext(now, self.pack.zone, self.pack.fiscal_year_start)
        for decision in decisions:
            if decision.territory is not None:
                self._count(decision.role, decision.territory)
            self._count("protect", decision.reason)
            for reason, _ in decision.outranked:
                self._count("protect", reason)
            self._walk(self.pack.roles.get(decision.role, ()), facts, context)
        for rule in self.pack.protect:
            self._ask(rule.when, facts, context)

    def coverage(self) -> Coverage:
        """What the cases seen so far cover."""
        told: set[_Key] = set()
        seen = ({self._keys[each] for each in self._true}, {self._keys[each] for each in self._false})
        rules = [
            self._territory(each, role, told, seen) for role in self.pack.roles for each in self.pack.territories(role)
        ]
        rules += [
            RuleCoverage(
                rule.name,
                None,
                rule.place,
                self._ended.get(("protect", rule.name), 0),
                True,
                self._told(rule.when, told, seen),
            )
            for rule in self.pack.protect
        ]
        return Coverage(tuple(rules))

    def _count(self, role: str, name: str) -> None:
        self._ended[role, name] = self._ended.get((role, name), 0) + 1

    def _walk(self, level: Sequence[Territory], facts: Facts, context: EvaluationContext) -> None:
        """The way down the tree, each condition asked in turn, as the engine does."""
        today = local_day(context.now, context.zone)
        while level:
            for territory in level:
                if in_effect(territory, today) and self._ask(territory.when, facts, context):
                    level = territory.children
                    break
            else:
                return

    def _ask(self, condition: Condition, subject: Subject, context: EvaluationContext) -> bool:
        """Whether a condition holds; every clause in it is asked and what it says is remembered.

        By the identity of the clauses, which are the pack's own: their places and texts are long to compare.
        """
        clauses = self._open.get(id(condition))
        if clauses is None:
            clauses = self._open[id(condition)] = list(_clauses(condition))
            self._keys.update((id(clause), (clause.place, clause.text)) for clause in clauses)
        held: bool | None = None
        settled = False
        for clause in clauses:
            if isinstance(clause, OpportunityTest) and isinstance(subject, Facts):
                for deal in subject.opportunities:
                    if deal.is_open:
                        self._ask(clause.condition, deal, context)
            outcome = holds(clause, subject, context)
            (self._true if outcome else self._false).add(id(clause))
            settled = settled or self._settled(clause)
            if clause is condition:
                held = outcome
        if settled:  # what was seen both ways need not be asked again: tables have fifty thousand rows
            clauses[:] = [clause for clause in clauses if not self._settled(clause)]
        return holds(condition, subject, context) if held is None else held

    def _settled(self, clause: Condition) -> bool:
        return id(clause) in self._true and id(clause) in self._false and not isinstance(clause, OpportunityTest)

    def _territory(self, territory: Territory, role: str, told: set[_Key], seen: _Seen) -> RuleCoverage:
        ended = self._ended.get((role, territory.path), 0)
        catches = bool(territory.children) and isinstance(territory.children[-1].when, Always)
        clauses = self._told(territory.when, told, seen)
        return RuleCoverage(territory.path, role, territory.place, ended, not catches, clauses)

    @staticmethod
    def _told(condition: Condition, told: set[_Key], seen: _Seen) -> tuple[ClauseCoverage, ...]:
        """The clauses of a condition that have a place of their own and were not told before."""
        true, false = seen
        found: list[ClauseCoverage] = []
        for clause in _all_clauses(condition):
            key = (clause.place, clause.text)
            if clause.place is not None and key not in told:
                told.add(key)
                found.append(ClauseCoverage(clause.text, clause.place, key in true, key in false))
        return tuple(found)


def _clauses(condition: Condition) -> Iterator[Condition]:
    """The tests that a condition is put together of, segments expanded."""
    match condition:
        case FieldTest() | OpportunityTest():
            yield condition
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions):
            for each in conditions:
                yield from _clauses(each)
        case InSegment(_, conditions):
            yield condition
            for each in conditions:
                yield from _clauses(each)
        case Not(inner):
            yield from _clauses(inner)
        case Always():
            return


def _all_clauses(condition: Condition) -> Iterator[Condition]:
    """The same, with the tests of opportunities inside."""
    for clause in _clauses(condition):
        yield clause
        if isinstance(clause, OpportunityTest):
            yield from _all_clauses(clause.condition)
