"""Rows of exports, and what is remarked about them: each problem with the file and the line, fifty of a kind.

Knows columns and cells, not files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from syncd.errors import Place, Severity
from syncd.rules.findings import Findings

MOST_OF_A_KIND = 50
_NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells that are not empty, trimmed, by column, and the line of the file where it starts.

    Rows of Parquet have no lines: theirs is their number, counted through all files of a folder.
    """

    line: int
    cells: Mapping[str, str]


class Remarks:
    """The findings of one file, at most fifty of a kind, so that a broken column of a million rows stays readable."""

    def __init__(self, path: Path, findings: Findings) -> None:
        self._path = str(path)
        self._findings = findings
        self._counts: dict[str, int] = {}
        self._parts: tuple[Path, ...] = ()
        self._starts: tuple[int, ...] = ()

    def take_parts(self, files: tuple[Path, ...], starts: tuple[int, ...]) -> None:
        """From now on rows are told by their number in one of these files; `starts` are the rows before each."""
        self._parts, self._starts = files, starts

    def place(self, line: int) -> Place:
        """Where a line, or a row of many files, stands."""
        if not self._parts:
            return Place(self._path, line)
        part = max(0, bisect_left(self._starts, line) - 1)
        return Place(str(self._parts[part]), line - self._starts[part])

    def where(self, line: int) -> str:
        """The same in words."""
        if not self._parts:
            return f"line {line}"
        place = self.place(line)
        return f"row {place.line}" if len(self._parts) == 1 else f"row {place.line} of {place.path}"

    def add(self, code: str, severity: Severity, message: str, line: int, hint: str | None = None) -> None:
        """Record a finding at a line; past fifty of one code it is only counted."""
        self._counts[code] = self._counts.get(code, 0) + 1
        if self._counts[code] <= MOST_OF_A_KIND:
            self._findings.add(code, severity, message, self.place(line), hint)

    def close(self) -> None:
        """Say how many findings were only counted."""
        for code, count in sorted(self._counts.items()):
            if count > MOST_OF_A_KIND:
                message = f"{count - MOST_OF_A_KIND} more findings {code} in this file"
                self._findings.note(code, message, Place(self._path, 1))


def header_columns(
    cells: list[str], line: int, known: Collection[str], required: Collection[str], remarks: Remarks
) -> tuple[str | None, ...] | None:
    """The column of each position, None for one that is left out; None for a header without a required column."""
    columns: list[str | None] = []
    for cell in cells:
        name = cell.casefold()
        if name in columns:
            remarks.add("SYN304", Severity.ERROR, f"two columns are called `{name}`", line, "Delete or rename one.")
        columns.append(name if name in known else None)
        if name and name not in known:
            _unknown_column(cell, line, known, remarks)
    missing = sorted(set(required) - set(columns))
    for name in missing:
        hint = f"The columns there are: {', '.join(cell for cell in cells if cell)}."
        remarks.add("SYN302", Severity.ERROR, f"the column `{name}` is missing", line, hint)
    return None if missing else tuple(columns)


def _unknown_column(name: str, line: int, known: Collection[str], remarks: Remarks) -> None:
    near = get_close_matches(name.casefold(), sorted(known), n=1, cutoff=_NEAR)
    if near:
        hint = f"Did you mean `{near[0]}`? Rename the column, or leave it out."
        remarks.add("SYN304", Severity.ERROR, f"there is no field `{name}`", line, hint)
    else:
        remarks.add("SYN304", Severity.WARNING, f"there is no field `{name}`; the column is left out", line)
