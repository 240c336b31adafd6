"""A class table asked about many accounts at once; what classes cannot say is asked of the plain path, row by row.

Equal to `Answers.first` and `Answers.all` for each account. Knows items and terms, no territories.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syncd.rules.batch.columns import Codes, Columns
from syncd.rules.batch.field_codes import MANY, FieldCoder, FieldRows, words_of
from syncd.rules.batch.reduction import NOTHING, THREADS, Folded, first_bits, fold
from syncd.rules.classes.class_table import Answers, ClassTable
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Accounts to be asked about: their columns, the facts of one by its row, and the rows held to older rates."""

    columns: Columns
    facts_at: Callable[[int], Facts]
    repriced: Rows


class BatchAnswers:
    """A class table at one instant, for whole batches; it remembers the classes of values met."""

    def __init__(self, table: ClassTable, context: EvaluationContext, alive: int | None = None) -> None:
        self.table = table
        self._plain: Answers = table.at(context, alive)
        self._width = len(table.terms)
        self._coders = [FieldCoder(index, context, self._width) for index in table.fields]
        self._alive = words_of([self._plain.alive], self._width)[0]
        self._guarded = _bits_set(table.guarded, self._width)
        self._item_of = np.array([*table.item_of, NOTHING], dtype=np.int32)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the conditions read: the columns that a batch needs."""
        return tuple(index.name for index in self.table.fields)

    def coded(self, columns: Columns) -> Folded | None:
        """The batch by its classes: what `first` works on. None where the tables of a field would be too large."""

        def rows_of(coder: FieldCoder) -> FieldRows | None:
            return coder.rows(columns.by_field.get(coder.index.name), columns.count)

        if columns.count < MANY:
            found = [rows_of(coder) for coder in self._coders]
        else:
            with ThreadPoolExecutor(THREADS) as pool:
                found = list(pool.map(rows_of, self._coders))
        rows = [each for each in found if each is not None]
        return fold(rows, columns.count, self._width, self._alive) if len(rows) == len(found) else None

    def first(self, batch: Batch) -> Codes:
        """For each account the number of the first item that holds, or -1."""
        coded = self.coded(batch.columns)
        if coded is None:
            items: Codes = np.empty(batch.columns.count, dtype=np.int32)
            unsure = np.arange(batch.columns.count)
        else:
            terms = first_bits(coded)
            items, unsure = self._item_of[terms], self._unsure(terms, batch)
        for row in unsure.tolist():
            found = self._plain.first(batch.facts_at(row))
            items[row] = NOTHING if found is None else found
        return items

    def some(self, batch: Batch) -> NDArray[np.bool_]:
        """For each account whether any item holds."""
        return np.asarray(self.first(batch) != NOTHING)

    def _unsure(self, terms: Codes, batch: Batch) -> Rows:
        """The rows whose first term needs more than classes, and those at other rates."""
        unsure = self._guarded[terms] if self.table.guarded else np.zeros(len(terms), dtype=np.bool_)
        unsure[batch.repriced] = True
        return np.flatnonzero(unsure)


def _bits_set(bits: int, width: int) -> NDArray[np.bool_]:
    """Each bit as a boolean, and one more for "no term": -1 finds it."""
    data = np.frombuffer(bits.to_bytes(width // 8 + 1, "little"), dtype=np.uint8)
    found = np.unpackbits(data, bitorder="little")[:width].astype(np.bool_)
    return np.append(found, False)
