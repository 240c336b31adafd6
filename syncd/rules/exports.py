"""Exports, row by row: what a CRM or a spreadsheet saves, read as a stream with every problem named by its line.

Of a CSV, byte-order marks, CRLF, semicolons, tabs and quoted line breaks are fine; Parquet is read by the extra `fast`.
Knows columns and cells, not accounts.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from syncd.errors import InputError, Place, Severity
from syncd.rules.findings import Findings

LARGEST_CELL = 10_000_000
MOST_OF_A_KIND = 50
_SEPARATORS = ",;\t"
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


def read_rows(path: Path, known: Collection[str], required: Collection[str], remarks: Remarks) -> Iterator[Row]:
    """Stream the rows of an export. What is wrong goes to `remarks`; InputError SYN567 for Parquet without pyarrow.

    SYN310 the file cannot be opened or has no header; SYN302 a required column is missing; SYN304 an unknown column
    (an error where it looks like a known one misspelled, else a warning, and it is left out) or one named twice;
    SYN305 rows of the wrong length and broken quotes; SYN306 bytes that are no UTF-8 text, and NUL characters; SYN560
    to SYN562 what cannot be read as Parquet.
    """
    if is_parquet(path):
        yield from _parquet_rows(path, known, required, remarks)
        return
    csv.field_size_limit(LARGEST_CELL)
    try:
        with path.open("r", encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield from _rows_of(file, known, required, remarks)
    except OSError as error:
        remarks.add("SYN310", Severity.ERROR, f"the file cannot be opened: {error.strerror}", 1)


def is_parquet(path: Path) -> bool:
    """Whether an export is Parquet: by the ending of its name, or a folder, which holds such files."""
    return path.suffix.lower() in (".parquet", ".pq") or path.is_dir()


def require_parquet_reader(path: Path) -> None:
    """Raises InputError SYN567 where the library that reads Parquet is not installed."""
    if find_spec("pyarrow") is None:
        hint = "install syncd[fast], or save the export as CSV"
        raise InputError("SYN567", "reading Parquet needs pyarrow", where=str(path), hint=hint)


def _parquet_rows(path: Path, known: Collection[str], required: Collection[str], remarks: Remarks) -> Iterator[Row]:
    require_parquet_reader(path)
    from syncd.rules.arrow.parquet import parquet_rows

    yield from parquet_rows(path, known, required, remarks)


def _rows_of(file: TextIO, known: Collection[str], required: Collection[str], remarks: Remarks) -> Iterator[Row]:
    separator = _separator(file.readline(), remarks)
    file.seek(0)
    header: tuple[str | None, ...] | None = None
    for line, cells in _lines(file, separator, remarks):
        if header is None:
            header = header_columns(cells, line, known, required, remarks)
            if header is None:
                return
            continue
        if len(cells) > len(header) and any(cells[len(header) :]):
            message = f"this row has {len(cells)} cells, the header has {len(header)}"
            remarks.add("SYN305", Severity.ERROR, message, line, "A cell that holds the separator needs quotes.")
            continue
        if len(cells) < len(header):
            message = f"this row has {len(cells)} cells, the header has {len(header)}; the rest counts as empty"
            remarks.add("SYN305", Severity.WARNING, message, line)
        named = zip(header, cells, strict=False)
        yield Row(line, {column: cell for column, cell in named if column is not None and cell})
    if header is None:
        remarks.add("SYN310", Severity.ERROR, "the file is empty", 1, "Its first row names the columns.")


def _lines(file: TextIO, separator: str, remarks: Remarks) -> Iterator[tuple[int, list[str]]]:
    """Rows with anything in them, with the line each starts on, their bytes checked."""
    reader = csv.reader(file, delimiter=separator, strict=True)
    line = 1
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            if any(cells):
                yield line, _checked(cells, line, remarks)
            line = reader.line_num + 1
    except csv.Error as error:
        hint = 'A cell is quoted as a whole ("Acme, Inc."); a quote inside it is written twice.'
        remarks.add("SYN305", Severity.ERROR, f"the row cannot be read from here on: {error}", line, hint)


def _checked(cells: list[str], line: int, remarks: Remarks) -> list[str]:
    text = "".join(cells)
    if "\x00" in text:
        remarks.add("SYN306", Severity.WARNING, "NUL characters were left out", line)
        cells = [cell.replace("\x00", "") for cell in cells]
    if not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text):
        byte = next(ord(char) - 0xDC00 for char in text if "\udc80" <= char <= "\udcff")
        hint = "It looks like Latin-1 or UTF-16; save the file as UTF-8 (in Excel: CSV UTF-8)."
        remarks.add("SYN306", Severity.ERROR, f"the file is not UTF-8: byte 0x{byte:02X} is no character", line, hint)
    return cells


def _separator(header: str, remarks: Remarks) -> str:
    found = max(_SEPARATORS, key=header.count)
    if found != "," and header.count(found):
        name = "a semicolon" if found == ";" else "a tab"
        remarks.add("SYN305", Severity.NOTE, f"columns are separated by {name}", 1)
        return found
    return ","


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
