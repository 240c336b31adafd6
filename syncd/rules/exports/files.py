"""Exports, row by row: what a CRM or a spreadsheet saves, read as a stream with every problem named by its line.

Of a CSV, byte-order marks, CRLF, semicolons, tabs and quoted line breaks are fine; Parquet is read by the extra `fast`.
Knows columns and cells, not accounts.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from syncd.errors import InputError, Severity
from syncd.rules.exports.rows import Remarks, Row, header_columns

LARGEST_CELL = 10_000_000
_SEPARATORS = ",;\t"


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
    from syncd.rules.exports.parquet import parquet_rows

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
