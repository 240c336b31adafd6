"""Which territories of a role one account misses by one field.

Read from the same bits as the choice itself. Shows nothing and decides nothing; clauses and values are explanation's.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.rules.classes.territories import RoleAnswers
from syncd.rules.facts import Facts
from syncd.rules.pack import Territory


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A territory that one field keeps an account out of, while another that it or its ancestors test is as asked.

    One test alone is no near miss: every account outside a country is one field away from it.
    """

    territory: Territory
    field: str


def near_misses(role: RoleAnswers, facts: Facts) -> tuple[NearMiss, ...]:
    """The near misses of an account at the answers' instant, a territory each, by the field that comes first.

    A leeway, which keeps an account where it was, says nothing here. `once` and `twice` carry like a sum of one bit.
    """
    answers, table = role.answers, role.classes.table
    failing = [(name, table.everything & ~word) for name, word in answers.by_field(facts)]
    once, twice = 0, 0
    for _, terms in failing:
        twice |= once & terms
        once |= terms
    missed = once & ~twice & answers.alive & table.several
    if missed & table.guarded:
        for _, condition_true in answers.unsplit(facts):
            missed &= condition_true
    for item in answers.items(answers.all(facts)):
        missed &= ~table.bits_of[item]
    found = ((item, name) for name, terms in failing for item in answers.items(missed & terms))
    fields: dict[int, str] = {}
    for item, name in sorted(found):
        fields.setdefault(item, name)
    return tuple(NearMiss(role.classes.paths[item][-1], name) for item, name in fields.items())
