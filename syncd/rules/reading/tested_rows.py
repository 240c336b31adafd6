"""The rows of a table that could be read: which territory each names, and what it tests.

Knows columns of numbers, not what the numbers mean.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.rules.conditions import UNTESTED, TableCells
from syncd.rules.reading.csv_reader import Row


@dataclass(frozen=True, slots=True)
class TestedRows:
    """Rows side by side: the territory each names, the row of the file, and the tests as columns."""

    __test__ = False

    territories: tuple[str, ...]
    rows: list[Row]
    cells: TableCells

    @property
    def is_tested(self) -> list[bool]:
        """Of each row whether it tests anything."""
        if not self.cells.cells:
            return [False] * len(self.rows)
        nothing = (UNTESTED,) * len(self.cells.cells)
        return [numbers != nothing for numbers in zip(*self.cells.cells, strict=True)]

    def texts(self) -> list[str]:
        """Each row as written: `country: US, postal_code: 94105`, or `always`."""
        columns = [
            [*[f"{column.field}: {text}" for text in column.texts], ""] for column in self.cells.columns
        ]  # an empty cell is number -1, the last
        if not columns:
            return ["always"] * len(self.rows)
        written = [map(texts.__getitem__, numbers) for texts, numbers in zip(columns, self.cells.cells, strict=True)]
        return [", ".join(filter(None, parts)) or "always" for parts in zip(*written, strict=True)]
