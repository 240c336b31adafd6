"""One cell as a code: the place of its value among those met so far, or that it has none, or cannot be read."""

from __future__ import annotations

from typing import Final

from syncd.model.fields import FieldType
from syncd.rules.accounts import split_cell
from syncd.rules.batch.columns import MISSING
from syncd.rules.deriving.field_values import ValueReader
from syncd.rules.facts import Value

BAD: Final = -2
"""The code of a cell that cannot be read: whoever reads the account plainly says why."""


def coded(reader: ValueReader, type_: FieldType, cell: str, country: str | None, values: list[Value]) -> int:
    """The code of a cell; its value joins `values`."""
    value, problem = reader.read(type_, split_cell(cell, type_), country)
    if problem is not None:
        return BAD
    if value is None:
        return MISSING
    values.append(value)
    return len(values) - 1
