"""Rows of Bulk CSV as records, byte for byte those that the same rows of REST give (reliability.md T29).

In CSV everything is text: what REST says by JSON's types is told here by describe. The common cases take a short way,
since a first load is millions of cells; tests hold them against the long one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from syncd.clock import iso, parse_instant
from syncd.connectors.canonical import CURRENCY, UNKEPT, canonical, types_of
from syncd.connectors.salesforce.mapping import MERGEABLE, PARENT_COLUMN, Columns, id_in, structure_of
from syncd.connectors.shape import UNEXPECTED, read_record
from syncd.model.fields import FieldType
from syncd.model.record_columns import RecordColumns
from syncd.model.refs import System, long_salesforce_id

NO_BULK: Final = frozenset({"address", "location", "base64", "complexvalue", "anytype"})
"""Types of field that Bulk 2.0 cannot select (salesforce.md 2.2)."""

_NUMERIC: Final = frozenset({"int", "long", "double", "currency", "percent"})
_RESPELLED: Final = frozenset({None, FieldType.DATE, FieldType.BOOLEAN, FieldType.NUMBER, FieldType.MONEY})

_NUMBER: Final = r"0|-?[1-9][0-9]*(?:\.[0-9]*[1-9])?|-?0\.[0-9]*[1-9]"
_PLAIN: Final = re.compile(_NUMBER, re.ASCII).fullmatch
_FLAGS: Final[Mapping[str, bool]] = {"true": True, "false": False}

Convert = Callable[[str], "str | None"]
T = TypeVar("T")


def _lines(cell: str) -> re.Pattern[str]:
    """Cells of this form or empty ones, each with a line end behind it."""
    return re.compile(rf"(?>(?>{cell})?\n)*+", re.ASCII)


_NUMBERS: Final = _lines(_NUMBER)
_INSTANTS: Final = _lines(r"[^\n]{10}T[^\n]{8}\.[^\n]{3}Z")
_STAMPS: Final = re.compile(r"(?>\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{3}Z\n)*+", re.ASCII)
_DAYS: Final = _lines(r"[^\n]{4}-[^\n]{5}")
_TRUTHS: Final = _lines(r"true|false")


@dataclass(frozen=True, slots=True)
class Conversion:
    """From the texts of cells to the canonical ones.

    `cell` converts one that is not empty. `plain` matches the lines of a whole column that stands as it is written, but
    for a `.0` behind a number: looking at a column costs a tenth of looking at its cells.
    """

    cell: Convert
    plain: re.Pattern[str] | None = None

    def column(self, cells: Sequence[str]) -> Sequence[str | None]:
        """The canonical texts of a column's cells, empty or None where a cell says nothing."""
        plain = self._as_written(cells)
        return plain if plain is not None else _each(cells, lambda cell: self.cell(cell) if cell else None)

    def _as_written(self, cells: Sequence[str]) -> Sequence[str] | None:
        """The same of a column that stands as it is written; None where a cell wants to be looked at by itself."""
        if self.plain is None:
            return None
        written = text = "\n".join([*cells, ""])
        if self.plain is _NUMBERS and ".0\n" in text and not text.startswith(".0\n") and "\n.0\n" not in text:
            text = text.replace(".0\n", "\n")
        if text.count("\n") != len(cells) or not self.plain.fullmatch(text):
            return None
        return cells if text is written else text.split("\n")[:-1]


def json_value(text: str, type_: str) -> Any:
    """What REST would answer in JSON for a cell of a field of a describe type."""
    if text == "":
        return None
    if type_ == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if type_ in _NUMERIC:
        try:
            return Decimal(text)
        except InvalidOperation:
            return text
    return text


def conversion_of(column: str, type_: str, rule_type: FieldType | None) -> Conversion | None:
    """How the cells of a column become canonical texts; None where those are the cells' own.

    A NUL is no part of any text; the caller sees to it.
    """

    def slow(text: str) -> str | None:
        value = json_value(text, type_)
        if isinstance(value, str) and column.endswith("Id"):
            value = long_salesforce_id(value)
        return canonical(value, rule_type)

    def number(text: str) -> str | None:
        whole = text[:-2] if text.endswith(".0") else text
        return whole if _PLAIN(whole) else slow(text)

    def instant(text: str) -> str | None:
        # the spelling of Bulk is the canonical one; what only looks like it stays as it is on both ways
        return text if len(text) == 24 and text[23] == "Z" and text[19] == "." and text[10] == "T" else slow(text)

    def day(text: str) -> str | None:
        return text if len(text) == 10 and text[4] == "-" else slow(text)

    def flag(text: str) -> str | None:
        return text if text in _FLAGS else slow(text)

    if column.endswith("Id"):
        return Conversion(slow)
    if type_ in _NUMERIC:
        return Conversion(number, _NUMBERS) if rule_type is not FieldType.DATE else Conversion(slow)
    if type_ == "boolean":
        return Conversion(flag, _TRUTHS)
    if type_ in ("datetime", "date") and rule_type in (None, FieldType.DATE):
        return Conversion(instant, _INSTANTS) if type_ == "datetime" else Conversion(day, _DAYS)
    return Conversion(slow) if rule_type in _RESPELLED else None


class BulkRows:
    """How the rows of one kind are read; `columns` is what is selected, in order."""

    def __init__(self, columns: Columns, types: Mapping[str, str]) -> None:
        self.columns: tuple[str, ...] = columns.names
        self._columns = columns
        place = {name: index for index, name in enumerate(self.columns)}
        rule_types = types_of(columns.kind)
        self._cells = {
            name: (place[column], conversion_of(column, types.get(column.lower(), "string"), rule_types.get(name)))
            for name, column in columns.fields.items()
        }
        self._money = tuple(name for name in columns.fields if rule_types.get(name) is FieldType.MONEY)
        self._people: dict[str, str | None] = {"": None}  # owners and authors: few, and in every row
        self._parent = place.get(PARENT_COLUMN.get(columns.kind, ""))
        self._merged = place["MasterRecordId"] if columns.kind in MERGEABLE else None
        self._place = tuple(
            place[name] for name in ("Id", "SystemModstamp", "OwnerId", "IsDeleted", "LastModifiedById")
        )

    def records(self, rows: Sequence[Sequence[str]]) -> RecordColumns:
        """The records of rows that are as wide as `columns`; BadDataError for one that lacks what every record has."""
        try:
            return self._read(rows)
        except UNEXPECTED:
            for row in rows:
                self._read_alone(row)
            raise

    def _read_alone(self, row: Sequence[str]) -> None:
        """BadDataError that names the record and its field, as that of a row by REST does, where it cannot be read."""
        cells: dict[str, Any] = {name: cell or None for name, cell in zip(self.columns, row, strict=False)}
        cells["IsDeleted"] = _FLAGS.get(str(cells.get("IsDeleted")))
        read_record(
            "salesforce", self._columns.object, lambda: self._read([row])[0], lambda: structure_of(self._columns, cells)
        )

    def _read(self, rows: Sequence[Sequence[str]]) -> RecordColumns:
        """Column by column: what a value costs is then little more than what is done to it."""
        columns = [*zip(*rows, strict=True)] or [()] * len(self.columns)
        identity, stamp, owner, deleted, modified_by = (columns[index] for index in self._place)
        nothing: Sequence[str | None] = (None,) * len(rows)
        return RecordColumns(
            System.SALESFORCE,
            self._columns.kind,
            _required(_ids(identity)),
            _instants(stamp),
            self._persons(owner),
            nothing if self._parent is None else _ids(columns[self._parent]),
            _each(deleted, _FLAGS.__getitem__),
            nothing if self._merged is None else _ids(columns[self._merged]),
            self._persons(modified_by),
            self._fields(columns),
        )

    def _fields(self, columns: Sequence[Sequence[str]]) -> dict[str, Sequence[str | None]]:
        texts = {name: _texts(columns[index], conversion) for name, (index, conversion) in self._cells.items()}
        currencies = texts.pop(CURRENCY, None)
        if currencies is not None:
            for name in self._money:
                texts[name] = [
                    f"{text} {currency}" if text and currency else text
                    for text, currency in zip(texts[name], currencies, strict=True)
                ]
        return texts

    def _persons(self, column: Sequence[str]) -> list[str | None]:
        known = self._people
        for cell in {*column} - known.keys():
            known[cell] = _id(cell)
        return [known[cell] for cell in column]


def _texts(column: Sequence[str], conversion: Conversion | None) -> Sequence[str | None]:
    """The canonical texts of a column's cells, empty or None where a cell says nothing."""
    if "\0" in "".join(column):
        column = [cell.replace("\0", UNKEPT) for cell in column]
    return column if conversion is None else conversion.column(column)


def _each(column: Sequence[str], read: Callable[[str], T]) -> Sequence[T]:
    """What is read of each cell; where few are different, each different one is read once."""
    different = {*column}
    if 2 * len(different) > len(column):
        return [*map(read, column)]
    known = {cell: read(cell) for cell in different}
    return [known[cell] for cell in column]


def _ids(column: Sequence[str]) -> Sequence[str | None]:
    """The ids in a column in their long form, None for empty cells; ValueError for what is none."""
    said = "".join(column)
    if not said:
        return (None,) * len(column)
    if said.isascii() and said.isalnum() and {*map(len, column)} <= {0, 18}:
        return column if all(column) else [cell or None for cell in column]
    return [*map(_id, column)]


def _required(ids: Sequence[str | None]) -> Sequence[str]:
    """The same ids; ValueError where one is missing."""
    found = [each for each in ids if each is not None]
    if len(found) < len(ids):
        raise ValueError("no id")
    return found


def _id(text: str) -> str | None:
    """An id in its long form; None for an empty cell."""
    return None if text == "" else id_in({"Id": text})


def _instants(column: Sequence[str]) -> Sequence[str]:
    """The instants in a column as canonical text, which is Bulk's own spelling of them; ValueError for what is none."""
    if not _STAMPS.fullmatch("\n".join([*column, ""])):
        return _each(column, lambda cell: iso(parse_instant(cell)))
    # a day that there is not looks like one that there is
    for _ in map(datetime.fromisoformat, column):
        pass
    return column
