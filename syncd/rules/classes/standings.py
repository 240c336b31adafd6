"""Where one account stands with every territory of a role: who took it, who would be next, who missed it by one field.

Read from the same bits as the choice itself. Shows nothing and decides nothing; clauses and values are explanation's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.rules.classes.class_table import Answers, ClassTable
from syncd.rules.classes.territories import RoleAnswers
from syncd.rules.deciding.tree_result import Cause, TreeResult, in_effect
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Territory


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A territory that one field keeps an account out of, while another that it or its ancestors test is as asked.

    One test alone is no near miss: every account outside a country is one field away from it.
    """

    territory: Territory
    field: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account ends, the territories that would take it if those before them did not, and the near misses.

    Both in the order in which territories are asked: those below a territory before it.
    """

    tree: TreeResult
    runners_up: tuple[Territory, ...]
    near_misses: tuple[NearMiss, ...]


class Standings:
    """One role's tree at one instant, asked about one account after the other."""

    def __init__(self, answers: RoleAnswers, context: EvaluationContext) -> None:
        self._role = answers
        self._context = context
        self._number = {id(path[-1]): place for place, path in enumerate(answers.classes.paths)}
        self._own: Answers | None = None

    def standing(self, facts: Facts) -> Standing:
        """Where the account ends and what is next to it."""
        answers, paths = self._role.answers, self._role.classes.paths
        tree = self._role.choose(facts)
        winner = tree.territory
        true = answers.all(facts)
        runners_up = tuple(paths[item][-1] for item in answers.items(true) if paths[item][-1] is not winner)
        return Standing(tree, runners_up, tuple(self._near(facts, true)))

    def causes(self, facts: Facts) -> tuple[tuple[Territory, Cause, Territory | None], ...]:
        """Why each territory that was not entered did not take the account, and who is to blame, in the order written.

        `by` is the ancestor that sleeps or does not hold, or the earlier territory that took it.
        """
        tree = self._role.choose(facts)
        own = self._own_conditions()
        true = set(own.items(own.all(facts)))
        found: list[tuple[Territory, Cause, Territory | None]] = []
        waiting: list[tuple[Territory, tuple[Territory, ...]]] = [
            (root, (root,)) for root in reversed(self._role.classes.roots)
        ]
        while waiting:
            territory, line = waiting.pop()
            if not any(territory is entered for entered in tree.path):
                found.append((territory, *self._cause(line, true, tree)))
            waiting += [(child, (*line, child)) for child in reversed(territory.children)]
        return tuple(found)

    def _cause(self, line: tuple[Territory, ...], true: set[int], tree: TreeResult) -> tuple[Cause, Territory | None]:
        asleep = next((each for each in line if not in_effect(each, self._role.today)), None)
        if asleep is not None:
            return Cause.NOT_IN_EFFECT, asleep if asleep is not line[-1] else None
        if self._number[id(line[-1])] not in true:
            return Cause.OWN_CONDITION, None
        failing = next((each for each in line[:-1] if self._number[id(each)] not in true), None)
        if failing is not None:
            return Cause.ANCESTOR, failing
        shared = sum(1 for each, entered in zip(line, tree.path, strict=False) if each is entered)
        return Cause.EARLIER, tree.path[shared]

    def _own_conditions(self) -> Answers:
        """Each territory's own condition, numbered like the paths: compiled when it is first asked for."""
        if self._own is None:
            nodes = [path[-1] for path in self._role.classes.paths]
            self._own = ClassTable([(node.when,) for node in nodes]).at(self._context)
        return self._own

    def _near(self, facts: Facts, true: int) -> Iterator[NearMiss]:
        """Terms that exactly one field fails: `once` and `twice` carry like a sum of one bit."""
        answers, table = self._role.answers, self._role.classes.table
        failing = [(name, table.everything & ~word) for name, word in answers.by_field(facts)]
        once, twice = 0, 0
        for _, terms in failing:
            twice |= once & terms
            once |= terms
        missed = once & ~twice & answers.alive & table.several
        if missed & table.guarded:
            for _, condition_true in answers.unsplit(facts):
                missed &= condition_true
        for item in answers.items(true):
            missed &= ~table.bits_of[item]
        found = ((item, name) for name, terms in failing for item in answers.items(missed & terms))
        fields: dict[int, str] = {}
        for item, name in sorted(found):
            fields.setdefault(item, name)
        for item, name in fields.items():
            yield NearMiss(self._role.classes.paths[item][-1], name)
