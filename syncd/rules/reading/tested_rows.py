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
        if any(UNTESTED not in numbers for numbers in self.cells.cells):
            return [True] * len(self.rows)
        nothing = (UNTESTED,) * len(self.cells.cells)
        return [numbers != nothing for numbers in zip(*self.cells.cells, strict=True)]

    def written(self) -> list[tuple[list[str], tuple[int, ...]]]:
        """Each column: what its cells test as written (`country: US`), an empty one last, and their numbers by row."""
        columns = zip(self.cells.columns, self.cells.cells, strict=True)
        return [([*[f"{column.field}: {text}" for text in column.texts], ""], cells) for column, cells in columns]
