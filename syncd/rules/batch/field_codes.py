"""The classes of one field for a whole column: which of a few rows of bits each account's value leaves possible.

Every distinct value is asked of the field's classes, or stands for others that no condition tells from it; the answers
that differ become the rows of a small table. Knows one field at one instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from syncd.rules.arrays import texts_array
from syncd.rules.batch.columns import Codes, Column
from syncd.rules.batch.likeness import Likeness
from syncd.rules.batch.packed import Numbers, Texts
from syncd.rules.classes.field_classes import FieldClasses, FieldIndex
from syncd.rules.facts import Value
from syncd.rules.matching.time_window import EvaluationContext

Words = NDArray[np.uint64]
MANY = 4_096
"""From so many distinct values on, finding those that are alike costs less than asking each."""
MOST_TABLE_BYTES = 128 * 1024 * 1024
"""What the table of one field may take; with more the accounts are asked about one by one, and memory stays bounded."""


@dataclass(frozen=True, slots=True)
class FieldRows:
    """`table` has one row of words for each class that occurs, `places` the row of each account."""

    table: Words
    places: Codes


class FieldCoder:
    """One field of a class table at one instant, for one column after the other."""

    def __init__(self, index: FieldIndex, context: EvaluationContext, width: int) -> None:
        self.index = index
        self._context = context
        self._classes = FieldClasses(index, context)
        self._likeness: Likeness | None = None
        self._width = width
        self._numbers: dict[int, int] = {}
        self._rows: list[int] = []
        self._missing: int | None = None

    def rows(self, column: Column | None, count: int) -> FieldRows | None:
        """The rows of bits of `count` accounts; a column of None has no value. None where the table would be too large.

        The rows met by earlier columns stay in the table.
        """
        if column is None:
            places = np.full(count, self._of_missing(), dtype=np.int32)
        else:
            of_value = self._of_values(column.values)
            # the row of a missing value stands last, where its code -1 finds it
            places = np.append(of_value, np.int32(self._of_missing()))[column.codes]
        if len(self._rows) * self._width > MOST_TABLE_BYTES * 8:
            return None
        return FieldRows(words_of(self._rows, self._width), places)

    @property
    def bits(self) -> Sequence[int]:
        """The rows of bits so far, in the order of the table, each a whole number."""
        return self._rows

    def _of_values(self, values: Sequence[Value]) -> Codes:
        if isinstance(values, Texts | Numbers):
            return self._of_packed(values)
        texts = [value for value in values if isinstance(value, str)]
        packed = _packed(texts) if len(texts) >= MANY else None
        if packed is None:
            return self._asked(values)
        found = np.empty(len(values), dtype=np.int32)
        others = [place for place, value in enumerate(values) if not isinstance(value, str)]
        is_text = np.ones(len(values), dtype=np.bool_)
        is_text[others] = False
        found[is_text] = self._of_packed(packed)
        found[others] = self._asked([values[place] for place in others])
        return found

    def _asked(self, values: Sequence[Value]) -> Codes:
        exact, ask = self.index.exact_type, self._classes.bits
        known = self._classes.known
        found = np.empty(len(values), dtype=np.int32)
        for place, value in enumerate(values):
            key = value if value.__class__ is exact else (value.__class__, value)
            bits = known.get(key)
            found[place] = self._number(ask(key, value) if bits is None else bits)
        return found

    def _of_packed(self, values: Texts | Numbers) -> Codes:
        """The same for values in arrays: one of each group that no condition tells apart is asked."""
        if self._likeness is None:
            self._likeness = Likeness(self.index, self._context)
        alike = self._likeness
        groups = alike.of_texts(values) if isinstance(values, Texts) else alike.of_numbers(values)
        first, places = groups.firsts()
        asked: list[Value] = [values[row] for row in first.tolist()]
        return self._asked(asked)[places]

    def _of_missing(self) -> int:
        if self._missing is None:
            self._missing = self._number(self._classes.bits(None, None))
        return self._missing

    def _number(self, bits: int) -> int:
        found = self._numbers.get(bits)
        if found is None:
            found = self._numbers[bits] = len(self._rows)
            self._rows.append(bits)
        return found


def _packed(texts: list[str]) -> Texts | None:
    """Texts in an array; None where Arrow cannot hold them."""
    array = texts_array(texts)
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:  # half of a surrogate pair is a text in Python and none in Arrow
        return None
    return Texts(array)


def words_of(rows: Sequence[int], width: int) -> Words:
    """Rows of bits as rows of 64-bit words, the lowest bit of the first word first."""
    count = max(1, -(-width // 64))
    data = b"".join(row.to_bytes(count * 8, "little") for row in rows)
    return np.frombuffer(data, dtype="<u8").astype(np.uint64, copy=False).reshape(len(rows), count)
