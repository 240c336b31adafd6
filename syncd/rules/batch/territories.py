"""A pack's trees and protect rules asked about a whole batch: for each account its path, as `choose_territory` says.

Knows conditions and windows; no people, holds or picks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from syncd.rules.batch.batch_table import Batch, BatchAnswers
from syncd.rules.batch.columns import Codes, Columns, columns_of
from syncd.rules.batch.reduction import Folded
from syncd.rules.classes.territories import PackClasses, Path, RoleAnswers, TerritoryAnswers, protect_rules
from syncd.rules.deciding.tree_result import TreeResult
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext


class BatchTerritories:
    """A compiled pack at one instant, for batches."""

    def __init__(self, classes: PackClasses, context: EvaluationContext) -> None:
        self._classes = classes
        self._context = context
        self._batches: dict[str, BatchAnswers] = {}
        rules = protect_rules(classes.pack)
        self._protect = BatchAnswers(classes.protect(), context) if rules else None

    def _role(self, role: str) -> BatchAnswers:
        """A role's tree; made when it is first asked."""
        if role not in self._batches:
            plain = RoleAnswers(self._classes.role(role), self._context)
            self._batches[role] = BatchAnswers(plain.classes.table, self._context, plain.alive)
        return self._batches[role]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that a batch needs columns of."""
        tables = [self._classes.role(role).table for role in self._classes.pack.roles]
        tables += [self._protect.table] if self._protect is not None else []
        return frozenset(index.name for table in tables for index in table.fields)

    def paths(self, role: str) -> Sequence[Path]:
        """The paths of a role's tree that the numbers of `places` stand for: each node after all below it."""
        return self._classes.role(role).paths

    def coded(self, role: str, columns: Columns) -> Folded | None:
        """A batch by its classes in a role's tree, good as long as neither changes; None where they are too many."""
        return self._role(role).coded(columns)

    def places(self, role: str, batch: Batch) -> Codes:
        """For each account the number of the path that takes it, or -1."""
        return self._role(role).first(batch)

    def protected(self, batch: Batch) -> NDArray[np.bool_]:
        """For each account whether the condition of some protect rule holds, whatever its dates and roles."""
        if self._protect is None:
            return np.zeros(batch.columns.count, dtype=np.bool_)
        return self._protect.some(batch)


class KnownTerritories(TerritoryAnswers):
    """A compiled pack at one instant, where a batch has told the territory of some companies for one role already.

    `places` are the numbers of their paths by key, -1 for no path.
    """

    def __init__(self, classes: PackClasses, context: EvaluationContext, role: str, places: Mapping[str, int]) -> None:
        super().__init__(classes, context)
        self._known_role = role
        self._places = places

    def choose(self, role: str, facts: Facts) -> TreeResult:
        """What `choose_territory` says of this account; one that is known is not asked about again."""
        place = self._places.get(facts.key) if role == self._known_role else None
        if place is None:
            return super().choose(role, facts)
        return self.role(role).at_place(place if place >= 0 else None)


def batch_of(book: Sequence[Facts], fields: frozenset[str]) -> Batch:
    """Facts that are there already, as a batch."""
    held = [row for row, facts in enumerate(book) if facts.rates is not None]
    return Batch(columns_of(book, sorted(fields)), book.__getitem__, np.array(held, dtype=np.int64))
