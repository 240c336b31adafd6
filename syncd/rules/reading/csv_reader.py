"""CSV files of a pack, as spreadsheets save them: lists, look-ups, tables, exceptions and quotas all read them here.

A byte-order mark, CRLF, semicolons, tabs and quoted line breaks are fine. Knows cells and places, not rules.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from syncd.errors import Place
from syncd.rules.findings import Findings, lines_of
from syncd.rules.reading.odd_characters import report_curly_cells
from syncd.rules.reading.text_files import decode

_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_MOST_BROKEN_ROWS = 50
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=([,;\t])\"?\r?\n", re.IGNORECASE)


class Row(NamedTuple):
    """One row: its cells, trimmed, in the order of the columns, and the line of the file where it starts."""

    cells: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file: its columns as the header names them, and its rows; rows with nothing in them are left out."""

    path: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    lines: tuple[str, ...]
    separator: str = ","
    _distinct: dict[int, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def column(self, name: str) -> int | None:
        """The position of a column, or None."""
        return self.columns.index(name) if name in self.columns else None

    def require(self, name: str, place: Place, findings: Findings) -> int | None:
        """The position of a column; None after an error (SYN261) at `place` that names those there are."""
        found = self.column(name)
        if found is None:
            known = ", ".join(f"`{column}`" for column in self.columns) or "none"
            findings.error("SYN261", f"`{self.path}` has no column `{name}`", place, f"its columns are {known}")
        return found

    def values(self, column: int) -> Iterator[tuple[str, Row]]:
        """The cells of one column that are not empty, with their rows."""
        for row in self.rows:
            if row.cells[column]:
                yield row.cells[column], row

    def distinct(self, column: int) -> tuple[str, ...]:
        """The cells of one column that are not empty, each once, in the order of the rows."""
        if column not in self._distinct:
            self._distinct[column] = tuple(dict.fromkeys([row.cells[column] for row in self.rows if row.cells[column]]))
        return self._distinct[column]

    def place(self, row: Row, column: int = 0) -> Place:
        """The place of a cell; of a cell in a row with quotes or several lines, the place of its row."""
        line = self.lines[row.line - 1] if column else ""
        if not line or '"' in line or line.count(self.separator) < column:
            return Place(self.path, row.line)
        before = line.split(self.separator)[:column]
        after = line.split(self.separator)[column]
        start = sum(len(cell) + 1 for cell in before) + len(after) - len(after.lstrip())
        return Place(self.path, row.line, start + 1)


def read_csv(data: bytes, path: str, findings: Findings) -> Sheet | None:
    """A CSV file as a sheet, None after an error. Never raises.

    SYN202 for bytes that are no text, SYN260 for broken quotes and rows of the wrong length, SYN262 a note on a
    separator other than a comma, SYN267 for a file without a header, or with two columns of one name.
    """
    text = decode(data, path, findings)
    if text is None:
        return None
    said = _SEPARATOR_LINE.match(text)  # Excel's own line, which is no row
    separator = said[1] if said else _separator(text)
    if said:
        text = "\n" * said[0].count("\n") + text[said.end() :]
    if separator != ",":
        findings.note("SYN262", f"columns are separated by {_SEPARATORS[separator]}", Place(path, 1))
    before = findings.error_count
    lines = lines_of(text)
    rows = _plain_rows(text, lines, separator) or list(_rows(text, separator, path, findings))
    if not rows:
        findings.error("SYN267", "the file has no header row", Place(path, 1), "its first row names the columns")
        return None
    header = rows[0].cells
    while header and not header[-1]:
        header = header[:-1]
    _check_header(header, rows[0].line, path, findings)
    report_curly_cells(text, ((cell, row.line) for row in rows for cell in row.cells), path, findings)
    width = len(header)
    body = tuple([row if len(row.cells) == width else _fitted(row, width, path, findings) for row in rows[1:]])
    return Sheet(path, header, body, tuple(lines), separator) if findings.error_count == before else None


def _separator(text: str) -> str:
    header = next((line for line in text.split("\n", 20) if line.strip()), "")
    return max(_SEPARATORS, key=header.count)


def _plain_rows(text: str, lines: list[str], separator: str) -> list[Row]:
    """The rows of a file where no cell has quotes or white space around it, each line cut; nothing of any other file.

    Most large tables are such files, and are read in half of the time.
    """
    around = (f"{separator} ", f" {separator}", "\n ", " \n", "\r ", " \r", '"', *({"\t"} - {separator}))
    if not text.isascii() or text[:1] == " " or text[-1:] == " " or any(each in text for each in around):
        return []
    if max(map(len, lines)) > csv.field_size_limit():
        return []
    row = tuple.__new__  # half of what the constructor of a named tuple takes
    return [row(Row, (tuple(line.split(separator)), at)) for at, line in enumerate(lines, 1) if line.strip(separator)]


def _rows(text: str, separator: str, path: str, findings: Findings) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            stripped = tuple(map(str.strip, cells))
            if any(stripped):
                yield Row(stripped, line)
            line = reader.line_num + 1
    except csv.Error:
        findings.error(
            "SYN260",
            "the quotes in this row cannot be read",
            Place(path, line),
            'a cell is quoted as a whole: "Acme, Inc."; a quote inside it is written twice: "the ""big"" one"',
        )


def _check_header(header: tuple[str, ...], line: int, path: str, findings: Findings) -> None:
    for position, name in enumerate(header):
        if not name:
            message = f"column {position + 1} has no name"
            findings.error("SYN267", message, Place(path, line), "name it, or delete it")
        elif name in header[:position]:
            findings.error("SYN267", f"two columns are called `{name}`", Place(path, line), "delete or rename one")


def _fitted(row: Row, width: int, path: str, findings: Findings) -> Row:
    """A row of another length than the header: without empty cells at its end, or after an error (SYN260)."""
    if len(row.cells) > width and not any(row.cells[width:]):
        return Row(row.cells[:width], row.line)
    if findings.error_count <= _MOST_BROKEN_ROWS:
        findings.error(
            "SYN260",
            f"this row has {len(row.cells)} cells, the header has {width}",
            Place(path, row.line),
            "a cell that holds the separator needs quotes; an empty cell at the end needs its separator",
        )
    return Row((row.cells + ("",) * width)[:width], row.line)
