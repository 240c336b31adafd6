"""Values packed in an array: many texts or numbers that need not be Python objects until somebody asks for one.

What a column of nearly all distinct values is made of; an index gives the value as rules see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from syncd.rules.arrays import numbers_of, places_of, valid
from syncd.rules.batch.columns import Codes, Column


class Texts(Sequence[str]):
    """Texts in an Arrow array; a null is an empty text."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...

    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return Texts(self.array[place])
        return str(self.array[place].as_py() or "")


class Numbers(Sequence[Decimal]):
    """Numbers as whole multiples of a power of ten: a value is `units` x 10^-`digits`."""

    def __init__(self, units: NDArray[np.int64], digits: int = 0) -> None:
        self.units = units
        self.digits = digits

    def __len__(self) -> int:
        return len(self.units)

    @overload
    def __getitem__(self, place: int) -> Decimal: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Decimal]: ...

    def __getitem__(self, place: int | slice) -> Decimal | Sequence[Decimal]:
        if isinstance(place, slice):
            return Numbers(self.units[place], self.digits)
        return Decimal(int(self.units[place])).scaleb(-self.digits)


def packed_column(array: pa.Array) -> Column:
    """A column of an Arrow array of texts, whole numbers or a dictionary of texts, each account with its own value.

    Raises TypeError for an array of anything else.
    """
    if pa.types.is_dictionary(array.type):
        indices = places_of(array.indices).astype(np.int32)
        return Column(Texts(array.dictionary), indices)
    codes: Codes = np.arange(len(array), dtype=np.int32)
    if array.null_count:
        codes = np.where(valid(array), codes, np.int32(-1))
    if pa.types.is_integer(array.type):
        units = np.where(valid(array), numbers_of(array), 0).astype(np.int64)
        return Column(Numbers(units), codes)
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return Column(Texts(array), codes)
    raise TypeError(f"a column of {array.type} holds no values of rules")
