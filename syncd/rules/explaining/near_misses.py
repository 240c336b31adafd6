"""Near misses: the territories that fail by one clause, their own or one of those above them.

Says which clause, and whether an earlier territory would take the account all the same. Knows no people or holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.errors import Place
from syncd.rules.conditions import Condition
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.tree_result import in_effect
from syncd.rules.explaining.clauses import Clause, clause_of, failing
from syncd.rules.facts import Facts
from syncd.rules.pack import Territory


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A territory that one clause keeps from the account; `behind` is who would take it before, that clause apart."""

    territory: str
    place: Place
    row: int | None
    clause: Clause
    behind: str | None


def near_misses(
    frame: Frame, facts: Facts, roots: tuple[Territory, ...], path: tuple[Territory, ...]
) -> Iterator[NearMiss]:
    """Every near miss in the order written; what is not in effect, or matches already, is none."""
    yield from _below(frame, facts, roots, path, (), None)


def _below(
    frame: Frame,
    facts: Facts,
    level: tuple[Territory, ...],
    path: tuple[Territory, ...],
    failed: tuple[Condition, ...],
    behind: str | None,
) -> Iterator[NearMiss]:
    """The near misses of one level and below; `failed` are the clauses that fail above it, one at most."""
    entered = next((each for each in level if any(each is step for step in path)), None)
    taker = behind
    for territory in level:
        if not in_effect(territory, frame.today):
            continue
        if territory is entered:
            yield from _below(frame, facts, territory.children, path, failed, behind)
            taker = territory.path
            continue
        missing = failing(territory.when, facts, frame.context)
        told = (*failed, *missing[:2])
        if len(told) == 1:
            clause = clause_of(told[0], facts, frame.context)
            yield NearMiss(territory.path, territory.place, territory.row, clause, taker)
        if len(told) <= 1:
            yield from _below(frame, facts, territory.children, path, told, taker)
        if taker is None and failed and not missing:
            taker = territory.path  # below a near miss, an earlier sibling that matches comes first
