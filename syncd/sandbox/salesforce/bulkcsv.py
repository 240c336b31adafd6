"""Rows as the CSV of Bulk 2.0, column by column, and parts of it kept so that serving them again costs nothing.

Every value is quoted, null is empty, instants end in Z (salesforce.md 2.2 and 8.9). It knows no jobs.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syncd.sandbox.salesforce.soql.execution import Column, Result
from syncd.sandbox.salesforce.tables import Row

DELIMITERS = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_KEPT_BYTES = 512 * 1024 * 1024
_FASTEST = 1


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a job wants its CSV: names out of DELIMITERS and LINE_ENDINGS."""

    delimiter: str = "COMMA"
    line_ending: str = "LF"


@dataclass(slots=True)
class Part:
    """One part of a result, header row included; packed with gzip when somebody first asks for that."""

    body: bytes
    rows: int
    _packed: bytes | None = None

    def packed(self) -> bytes:
        """The body compressed."""
        if self._packed is None:
            self._packed = gzip.compress(self.body, compresslevel=_FASTEST, mtime=0)
        return self._packed


class PartStore:
    """Rendered parts, the least recently used thrown away when there are too many bytes of them."""

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._parts: OrderedDict[tuple[int, int, int, Dialect], Part] = OrderedDict()
        self._bytes = 0

    def part(self, key: int, result: Result, start: int, end: int, dialect: Dialect) -> Part:
        """The rows from `start` to `end` of a result that `key` stands for."""
        name = (key, start, end, dialect)
        known = self._parts.get(name)
        if known is not None:
            self._parts.move_to_end(name)
            return known
        rows = result.rows[start:end]
        part = Part(csv_of(result.columns, rows, dialect).encode("utf-8", errors="replace"), len(rows))
        self._parts[name] = part
        self._bytes += len(part.body)
        while self._bytes > self._kept_bytes and len(self._parts) > 1:
            _, gone = self._parts.popitem(last=False)
            self._bytes -= len(gone.body)
        return part


def csv_of(columns: Sequence[Column], rows: Sequence[Row], dialect: Dialect) -> str:
    """A header row and the rows."""
    between = f'"{DELIMITERS[dialect.delimiter]}"'
    cells = [_cells(column, rows) for column in columns]
    lines = [between.join(column.name for column in columns)]
    lines += [between.join(line) for line in zip(*cells, strict=True)]
    ending = LINE_ENDINGS[dialect.line_ending]
    return '"' + f'"{ending}"'.join(lines) + f'"{ending}'


def _cells(column: Column, rows: Sequence[Row]) -> list[str]:
    """The values of one column as text."""
    if column.plain is not None:
        name = column.plain
        values: list[Any] = [row.get(name) for row in rows]
    else:
        values = [column.read(row) for row in rows]
    if column.type == "boolean":
        return ["" if value is None else "true" if value else "false" for value in values]
    if column.type == "datetime":
        return ["" if value is None else f"{value[:-5]}Z" for value in values]
    if column.type in ("id", "reference", "date"):
        return ["" if value is None else value for value in values]
    return ["" if value is None else _quoted(value) for value in values]


def _quoted(value: Any) -> str:
    """Any other value, its quotes doubled."""
    text = value if isinstance(value, str) else str(value)
    return text.replace('"', '""') if '"' in text else text
