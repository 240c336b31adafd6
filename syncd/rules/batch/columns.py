"""Columns: the rule fields of many accounts, each field as its distinct values and one code an account.

Knows values and rows; no conditions, classes or files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from syncd.rules.facts import Facts, Value

Codes = NDArray[np.int32]
MISSING = -1
"""The code of an account that has no value."""


@dataclass(frozen=True, slots=True)
class Column:
    """One field: `values` are distinct by value and type, `codes` the place of each account's among them, or -1."""

    values: Sequence[Value]
    codes: Codes


@dataclass(frozen=True, slots=True)
class Columns:
    """The fields of `count` accounts; a field without a column has no value in any of them."""

    count: int
    by_field: Mapping[str, Column]


class ColumnMaker:
    """Makes a column value by value, in the order of the accounts."""

    def __init__(self) -> None:
        self._codes: list[int] = []
        self._known: dict[object, int] = {}
        self._values: list[Value] = []

    def add(self, value: Value | None) -> None:
        """The next account's value, None where it is missing."""
        if value is None:
            self._codes.append(MISSING)
            return
        key = value if value.__class__ is str else (value.__class__, value)
        code = self._known.get(key)
        if code is None:
            code = self._known[key] = len(self._values)
            self._values.append(value)
        self._codes.append(code)

    def column(self) -> Column:
        """What was added."""
        return Column(self._values, np.array(self._codes, dtype=np.int32))


def columns_of(book: Sequence[Facts], fields: Iterable[str]) -> Columns:
    """The named fields of a book's facts, in its order."""
    makers = {name: ColumnMaker() for name in fields}
    for name, maker in makers.items():
        add = maker.add
        for facts in book:
            add(facts.values.get(name))
    return Columns(len(book), {name: maker.column() for name, maker in makers.items()})


def numbers_of(values: Sequence[Value]) -> Sequence[Decimal]:
    """The values that are numbers."""
    return [value for value in values if isinstance(value, Decimal)]
