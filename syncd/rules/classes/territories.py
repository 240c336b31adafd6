"""A pack's trees and protect rules as class tables: for each account the same territories as the plain evaluator.

A tree is flattened to a list, each node after all below it, whose conditions are its own and its ancestors': the first
that holds takes the account. Knows conditions and windows, no people, holds or picks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from syncd.rules.classes.class_table import Answers, ClassTable
from syncd.rules.classes.identity import Identities
from syncd.rules.classes.terms import Terms
from syncd.rules.collector import without_collector
from syncd.rules.deciding.tree_result import TreeResult, in_effect
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext, local_day
from syncd.rules.pack import Pack, Protect, Territory

Path = tuple[Territory, ...]


class PackClasses:
    """A pack compiled once; each role and the protect rules when they are first asked about.

    `splitter` has split earlier packs: conditions that are the very objects of those cost nothing any more.
    """

    def __init__(self, pack: Pack, splitter: Terms | None = None) -> None:
        self.pack = pack
        self._splitter = splitter
        self._roles: dict[str, RoleClasses] = {}
        self._protect: ClassTable | None = None

    def role(self, role: str) -> RoleClasses:
        """The tree of one role."""
        if role not in self._roles:
            with without_collector():
                self._roles[role] = RoleClasses(self.pack.roles.get(role, ()), self._splitter)
        return self._roles[role]

    def protect(self) -> ClassTable:
        """The conditions of the protect rules, in the order of their names."""
        if self._protect is None:
            self._protect = ClassTable([(rule.when,) for rule in protect_rules(self.pack)])
        return self._protect

    def at(self, context: EvaluationContext) -> TerritoryAnswers:
        """The pack at one instant."""
        return TerritoryAnswers(self, context)


def protect_rules(pack: Pack) -> list[Protect]:
    """The protect rules by name."""
    return sorted(pack.protect, key=lambda rule: rule.name)


class TerritoryAnswers:
    """A compiled pack at one instant: asks for one account after the other, and remembers the values met."""

    def __init__(self, classes: PackClasses, context: EvaluationContext) -> None:
        self._classes = classes
        self._context = context
        self._roles: dict[str, RoleAnswers] = {}
        self._rules = protect_rules(classes.pack)
        self._protect: Answers | None = None

    def role(self, role: str) -> RoleAnswers:
        """The tree of one role at this instant."""
        found = self._roles.get(role)
        if found is None:
            found = self._roles[role] = RoleAnswers(self._classes.role(role), self._context)
        return found

    def choose(self, role: str, facts: Facts) -> TreeResult:
        """What `choose_territory` says of this account."""
        return self.role(role).choose(facts)

    def protecting(self, facts: Facts) -> tuple[Protect, ...]:
        """The protect rules whose condition holds, by name, whatever their dates and roles."""
        if not self._rules:
            return ()
        if self._protect is None:
            self._protect = self._classes.protect().at(self._context)
        answers = self._protect
        return tuple(self._rules[item] for item in answers.items(answers.all(facts)))


class RoleClasses:
    """One tree as an ordered list of paths, each node after all below it."""

    def __init__(self, roots: Path, splitter: Terms | None = None) -> None:
        splitter = Terms(Identities()) if splitter is None else splitter
        self.roots = roots
        self.paths = list(_flattened(roots, ()))
        nodes = [path[-1] for path in self.paths]
        self.timed = {id(each) for each in nodes if each.effective is not None or splitter.reads_clock(each.when)}
        self.clocked = any(splitter.reads_clock(each.when) for each in nodes)
        self.table = ClassTable([[each.when for each in path] for path in self.paths], splitter)

    def alive(self, today: date) -> int:
        """The terms of the paths that are in effect on a day."""
        found = self.table.everything
        for place, path in enumerate(self.paths):
            for each in path:
                if each.effective is not None and not in_effect(each, today):
                    found &= ~self.table.bits_of[place]
        return found


class RoleAnswers:
    """One tree at one instant."""

    def __init__(self, classes: RoleClasses, context: EvaluationContext) -> None:
        self.classes = classes
        self.today = local_day(context.now, context.zone)
        self.alive = classes.alive(self.today)
        self._context = context
        self._answers: Answers | None = None
        self._results: dict[int | None, TreeResult] = {}

    @property
    def answers(self) -> Answers:
        """What holds of one account after the other; made when the first is asked about."""
        if self._answers is None:
            self._answers = self.classes.table.at(self._context, self.alive)
        return self._answers

    def choose(self, facts: Facts) -> TreeResult:
        """What `choose_territory` says; accounts of one territory share one result."""
        return self.at_place(self.answers.first(facts))

    def at_place(self, place: int | None) -> TreeResult:
        """The same for an account that the path of this number takes, or no path."""
        found = self._results.get(place)
        if found is None:
            found = self._results[place] = self._result(() if place is None else self.classes.paths[place])
        return found

    def _result(self, path: Path) -> TreeResult:
        plain = TreeResult(path, self.classes.roots, self.today)
        if not self.classes.timed:
            return replace(plain, waiting=())
        waiting = (each for each in plain.passed if id(each[0]) in self.classes.timed)
        return replace(plain, waiting=tuple(waiting))


def _flattened(level: Path, above: Path) -> Iterator[Path]:
    for territory in level:
        path = (*above, territory)
        yield from _flattened(territory.children, path)
        yield path
