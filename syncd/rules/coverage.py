"""What a pack's tests cover: which territories take a case, and which clauses are seen true and which false.

A clause counts where its condition is asked: a territory's when the tree gets to it, a protect rule's for every case.
Pure; it watches the cases as they run (`rules.cases`) and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.errors import Place
from syncd.model.decisions import Decision
from syncd.rules.asked_clauses import AskedClauses, Key, all_clauses
from syncd.rules.classes.territories import PackClasses, TerritoryAnswers
from syncd.rules.conditions import Always, Condition, EvaluationContext
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.deciding.tree_result import TreeResult, in_effect
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack, Territory


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


class Watch:
    """Sees every case of a run; `coverage` is what they came to. `classes` are the pack's, where it has many cases."""

    def __init__(self, pack: Pack, classes: PackClasses | None = None) -> None:
        self._pack = pack
        self._classes = classes
        self._answers: dict[EvaluationContext, TerritoryAnswers] = {}
        self._ended: dict[tuple[str, str], int] = {}
        self._levels: dict[int, AskedClauses] = {}
        self._protect = AskedClauses([rule.when for rule in pack.protect])

    def see(self, facts: Facts, now: datetime, decisions: Sequence[Decision]) -> None:
        """Take the facts of one case and what was decided about them."""
        context = EvaluationContext(now, self._pack.zone, self._pack.fiscal_year_start)
        for decision in decisions:
            if decision.territory is not None:
                self._count(decision.role, decision.territory)
            self._count("protect", decision.reason)
            for reason, _ in decision.outranked:
                self._count("protect", reason)
            self._walk(decision.role, facts, context)
        self._protect.ask(len(self._pack.protect), facts, context)

    def coverage(self) -> Coverage:
        """What the cases seen so far cover."""
        true: set[Key] = set()
        false: set[Key] = set()
        for asked in (*self._levels.values(), self._protect):
            for key, seen_true, seen_false in asked.seen():
                if seen_true:
                    true.add(key)
                if seen_false:
                    false.add(key)
        told: set[Key] = set()
        rules = [
            self._territory(each, role, _told(each.when, told, true, false))
            for role in self._pack.roles
            for each in self._pack.territories(role)
        ]
        rules += [
            RuleCoverage(
                rule.name,
                None,
                rule.place,
                self._ended.get(("protect", rule.name), 0),
                True,
                _told(rule.when, told, true, false),
            )
            for rule in self._pack.protect
        ]
        return Coverage(tuple(rules))

    def _count(self, role: str, name: str) -> None:
        self._ended[role, name] = self._ended.get((role, name), 0) + 1

    def _walk(self, role: str, facts: Facts, context: EvaluationContext) -> None:
        """Ask the territories that the tree asks: on each level those in effect, up to the one that is entered."""
        chosen = self._choose(role, facts, context)
        level = chosen.roots
        for entered in (*chosen.path, None):
            if not level:
                return
            asked = self._levels.get(id(level))
            timed = [number for number, each in enumerate(level) if each.effective is not None]
            if asked is None:
                asked = self._levels[id(level)] = AskedClauses([each.when for each in level], timed)
            places = (number for number, each in enumerate(level, start=1) if each is entered)
            skipped = [number for number in timed if not in_effect(level[number], chosen.today)]
            asked.ask(next(places, len(level)), facts, context, skipped)
            level = entered.children if entered is not None else ()

    def _choose(self, role: str, facts: Facts, context: EvaluationContext) -> TreeResult:
        if self._classes is None:
            return choose_territory(self._pack, role, facts, context)
        if context not in self._answers:
            self._answers[context] = self._classes.at(context)
        return self._answers[context].choose(role, facts)

    def _territory(self, territory: Territory, role: str, clauses: tuple[ClauseCoverage, ...]) -> RuleCoverage:
        ended = self._ended.get((role, territory.path), 0)
        catches = bool(territory.children) and isinstance(territory.children[-1].when, Always)
        return RuleCoverage(territory.path, role, territory.place, ended, not catches, clauses)


def _told(condition: Condition, told: set[Key], true: set[Key], false: set[Key]) -> tuple[ClauseCoverage, ...]:
    """The clauses of a condition that have a place and were not told before."""
    found: list[ClauseCoverage] = []
    for key in all_clauses(condition):
        place, text = key
        if place is not None and key not in told:
            told.add(key)
            found.append(ClauseCoverage(text, place, key in true, key in false))
    return tuple(found)
