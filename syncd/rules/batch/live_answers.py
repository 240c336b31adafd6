"""A book of facts whose territories are kept from one edit of the pack to the next: what the engine asks of a company.

Equal to a pack's own `TerritoryAnswers`. A company that is not as the book has it (its number moved to an edge, other
rates), and a tree that classes alone cannot answer, are asked as by those. Knows facts and conditions; no people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from syncd.rules.batch.batch_table import Batch
from syncd.rules.batch.columns import MISSING, Column, Columns, columns_of
from syncd.rules.batch.delta import LiveTerritories, Settlement, UndividedError
from syncd.rules.batch.keeping import OWNER
from syncd.rules.classes.identity import Identities
from syncd.rules.classes.terms import Terms
from syncd.rules.classes.territories import PackClasses, TerritoryAnswers
from syncd.rules.deciding.tree_result import TreeResult
from syncd.rules.facts import Facts, Value
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Pack

_MOST_SPLIT = 8
"""Conditions split for earlier packs are forgotten where there are so many times those of this one."""


class LiveBook:
    """The facts of one state of the mirror, and what the last pack asked of them."""

    def __init__(self, facts: Sequence[Facts]) -> None:
        self.facts = facts
        self._rows = {each.key: row for row, each in enumerate(facts) if each.rates is None}
        self._repriced = np.array([each.rates is not None for each in facts], dtype=np.bool_)
        self._last: dict[str, Settlement] = {}
        self._fields = _FieldColumns(facts)
        self._columns = Columns(len(facts), self._fields)
        self._classes: PackClasses | None = None
        self._roles: dict[str, LiveTerritories] = {}
        self._splitter = Terms(Identities())

    def put(self, rows: Sequence[int]) -> None:
        """These rows of the facts are others than before; rows that are new are among them."""
        some = [self.facts[row] for row in rows]
        count, places = len(self.facts), np.array(rows, dtype=np.int64)
        self._repriced = np.append(self._repriced, np.zeros(count - len(self._repriced), dtype=np.bool_))
        for row, facts in zip(rows, some, strict=True):
            self._repriced[row] = facts.rates is not None
            if facts.rates is None:
                self._rows[facts.key] = row
            else:
                self._rows.pop(facts.key, None)
        self._fields.put(rows)
        self._columns = Columns(count, self._fields)
        for role, live in list(self._roles.items()):
            try:
                live.put(places, columns_of(some, self._fields), self._columns)
            except UndividedError:
                del self._roles[role]

    def batch(self) -> Batch:
        """The book as batches take it."""
        return Batch(self._columns, self.facts.__getitem__, np.flatnonzero(self._repriced))

    def settled(self, pack: Pack, context: EvaluationContext) -> tuple[LiveAnswers, Settlement | None]:
        """The same answers with what the owner's tree says of every row; None where classes alone cannot say."""
        answers = self.answers(pack, context)
        known = self._last.get(OWNER) if not self._repriced.any() else None
        return answers, known

    @property
    def classes(self) -> PackClasses:
        """The pack that was asked last, compiled."""
        if self._classes is None:
            raise AssertionError("no pack was asked yet")
        return self._classes

    def answers(self, pack: Pack, context: EvaluationContext) -> LiveAnswers:
        """The pack at one instant; only what it asks otherwise than the last is asked."""
        if self._classes is not None and self._classes.pack is pack:
            return self._at(self._classes, context)
        if self._splitter.count > _MOST_SPLIT * (1 + sum(1 for role in pack.roles for _ in pack.territories(role))):
            self._splitter = Terms(Identities())
        self._classes = PackClasses(pack, self._splitter)
        return self._at(self._classes, context)

    def _at(self, classes: PackClasses, context: EvaluationContext) -> LiveAnswers:
        settled: dict[str, Settlement] = {}
        for role in classes.pack.roles:
            live = self._roles.setdefault(role, LiveTerritories(role, self._columns))
            try:
                settled[role] = live.decide(classes, context)
            except UndividedError:
                del self._roles[role]
        self._last = settled
        return LiveAnswers(classes, context, self, settled)

    def row_of(self, facts: Facts) -> int | None:
        """The row of a company that is as the book has it."""
        row = self._rows.get(facts.key)
        return row if row is not None and self.facts[row].values is facts.values else None


class LiveAnswers(TerritoryAnswers):
    """A pack's answers, those of the book's companies found beforehand."""

    def __init__(
        self, classes: PackClasses, context: EvaluationContext, book: LiveBook, settled: Mapping[str, Settlement]
    ) -> None:
        super().__init__(classes, context)
        self._book = book
        self._winners = {role: each.winners for role, each in settled.items()}
        self._former: dict[int, tuple[Facts, int]] = {}

    def remember(self, rows: Iterable[tuple[int, Facts]]) -> None:
        """Facts that these rows of the book will not hold any more: of them the same is said as before."""
        for row, facts in rows:
            self._former[id(facts)] = (facts, row)

    def choose(self, role: str, facts: Facts) -> TreeResult:
        """What `choose_territory` says of this account."""
        winners = self._winners.get(role)
        former = self._former.get(id(facts))
        row = former[1] if former is not None else self._book.row_of(facts) if facts.rates is None else None
        if winners is None or row is None:
            return super().choose(role, facts)
        place = int(winners[row])
        return self.role(role).at_place(place if place >= 0 else None)


class _FieldColumns(Mapping[str, Column]):
    """The columns of a book, each made when a pack first reads it."""

    def __init__(self, facts: Sequence[Facts]) -> None:
        self._facts = facts
        self._made: dict[str, Column] = {}
        self._values: dict[str, list[Value]] = {}
        self._codes: dict[str, dict[object, int]] = {}

    def __getitem__(self, name: str) -> Column:
        if name not in self._made:
            self._made |= columns_of(self._facts, (name,)).by_field
        return self._made[name]

    def put(self, rows: Sequence[int]) -> None:
        """These rows hold other facts; a value that is new to a column comes after all others."""
        for name, column in self._made.items():
            if name not in self._codes:
                self._values[name] = list(column.values)
                self._codes[name] = {_key(value): code for code, value in enumerate(column.values)}
            values, known, codes = self._values[name], self._codes[name], column.codes
            if len(self._facts) > len(codes):
                codes = np.append(codes, np.full(len(self._facts) - len(codes), MISSING, dtype=np.int32))
            for row in rows:
                value = self._facts[row].values.get(name)
                if value is None:
                    codes[row] = MISSING
                    continue
                code = known.setdefault(_key(value), len(values))
                if code == len(values):
                    values.append(value)
                codes[row] = code
            self._made[name] = Column(values, codes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _key(value: Value) -> object:
    """What tells the values of a column apart: they are distinct by value and type."""
    return value if value.__class__ is str else (value.__class__, value)
