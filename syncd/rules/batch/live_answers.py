"""A book of facts whose territories are kept from one edit of the pack to the next: what the engine asks of a company.

Equal to a pack's own `TerritoryAnswers`. A company that is not as the book has it (its number moved to an edge, other
rates), and a tree that classes alone cannot answer, are asked as by those. Knows facts and conditions; no people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from syncd.rules.batch.batch_table import Batch
from syncd.rules.batch.columns import Column, Columns, columns_of
from syncd.rules.batch.delta import LiveTerritories, Settlement, UndividedError
from syncd.rules.batch.keeping import OWNER
from syncd.rules.classes.territories import PackClasses, TerritoryAnswers
from syncd.rules.deciding.tree import TreeResult
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Pack


class LiveBook:
    """The facts of one state of the mirror, and what the last pack asked of them."""

    def __init__(self, facts: Sequence[Facts]) -> None:
        self.facts = facts
        self._rows = {each.key: row for row, each in enumerate(facts) if each.rates is None}
        self._repriced = np.array([each.rates is not None for each in facts], dtype=np.bool_)
        self._last: dict[str, Settlement] = {}
        self._columns = Columns(len(facts), _FieldColumns(facts))
        self._roles: dict[str, LiveTerritories] = {}

    def batch(self) -> Batch:
        """The book as batches take it."""
        return Batch(self._columns, self.facts.__getitem__, np.flatnonzero(self._repriced))

    def settled(self, pack: Pack, context: EvaluationContext) -> tuple[TerritoryAnswers, Settlement | None]:
        """The same answers with what the owner's tree says of every row; None where classes alone cannot say."""
        answers = self.answers(pack, context)
        known = self._last.get(OWNER) if not self._repriced.any() else None
        return answers, known

    def answers(self, pack: Pack, context: EvaluationContext) -> TerritoryAnswers:
        """The pack at one instant; only what it asks otherwise than the last is asked."""
        classes = PackClasses(pack)
        settled: dict[str, Settlement] = {}
        for role in pack.roles:
            live = self._roles.setdefault(role, LiveTerritories(role, self._columns))
            try:
                settled[role] = live.decide(classes, context)
            except UndividedError:
                del self._roles[role]
        self._last = settled
        return _LiveAnswers(classes, context, self, settled)

    def row_of(self, facts: Facts) -> int | None:
        """The row of a company that is as the book has it."""
        row = self._rows.get(facts.key)
        return row if row is not None and self.facts[row].values is facts.values else None


class _LiveAnswers(TerritoryAnswers):
    """A pack's answers, those of the book's companies found beforehand."""

    def __init__(
        self, classes: PackClasses, context: EvaluationContext, book: LiveBook, settled: Mapping[str, Settlement]
    ) -> None:
        super().__init__(classes, context)
        self._book = book
        self._winners = {role: each.winners.tolist() for role, each in settled.items()}

    def choose(self, role: str, facts: Facts) -> TreeResult:
        """What `choose_territory` says of this account."""
        winners = self._winners.get(role)
        row = self._book.row_of(facts) if winners is not None and facts.rates is None else None
        if winners is None or row is None:
            return super().choose(role, facts)
        place = winners[row]
        return self.role(role).at_place(place if place >= 0 else None)


class _FieldColumns(Mapping[str, Column]):
    """The columns of a book, each made when a pack first reads it."""

    def __init__(self, facts: Sequence[Facts]) -> None:
        self._facts = facts
        self._made: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        if name not in self._made:
            self._made |= columns_of(self._facts, (name,)).by_field
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)
