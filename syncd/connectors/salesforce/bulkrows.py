"""Rows of Bulk CSV as records, byte for byte those that the same rows of REST give (reliability.md T29).

In CSV everything is text: what REST says by JSON's types is told here by describe. The common cases take a short way,
since a first load is millions of cells; tests hold them against the long one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from syncd.clock import parse_instant
from syncd.connectors.canonical import CURRENCY, canonical, types_of
from syncd.connectors.salesforce.mapping import MERGEABLE, PARENT_COLUMN, Columns, id_in, structure_of
from syncd.connectors.shape import UNEXPECTED, read_record
from syncd.errors import BadDataError
from syncd.model.fields import FieldType
from syncd.model.records import Record
from syncd.model.refs import Ref, System, long_salesforce_id

NO_BULK: Final = frozenset({"address", "location", "base64", "complexvalue", "anytype"})
"""Types of field that Bulk 2.0 cannot select (salesforce.md 2.2)."""

_NUMERIC: Final = frozenset({"int", "long", "double", "currency", "percent"})
_RESPELLED: Final = frozenset({None, FieldType.DATE, FieldType.BOOLEAN, FieldType.NUMBER, FieldType.MONEY})

_PLAIN: Final = re.compile(r"0|-?[1-9][0-9]*(?:\.[0-9]*[1-9])?|-?0\.[0-9]*[1-9]", re.ASCII).fullmatch
_FLAGS: Final[Mapping[str, bool]] = {"true": True, "false": False}

Convert = Callable[[str], "str | None"]


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


def converter(column: str, type_: str, rule_type: FieldType | None) -> Convert | None:
    """From the text of a cell that is not empty to the canonical text; None where that is the cell's own text.

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
        return slow
    if type_ in _NUMERIC:
        return number if rule_type is not FieldType.DATE else slow
    if type_ == "boolean":
        return flag
    if type_ in ("datetime", "date") and rule_type in (None, FieldType.DATE):
        return instant if type_ == "datetime" else day
    if rule_type not in _RESPELLED:
        return None
    return slow


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    index: int
    convert: Convert | None
    money: bool


class BulkRows:
    """How the rows of one kind are read; `columns` is what is selected, in order."""

    def __init__(self, columns: Columns, types: Mapping[str, str]) -> None:
        self.columns: tuple[str, ...] = columns.names
        self._columns = columns
        self._types = types
        place = {name: index for index, name in enumerate(self.columns)}
        rule_types = types_of(columns.kind)
        self._fields = tuple(
            _Field(
                name,
                place[column],
                converter(column, types.get(column.lower(), "string"), rule_types.get(name)),
                rule_types.get(name) is FieldType.MONEY,
            )
            for name, column in columns.fields.items()
        )
        self._cells = tuple((field.name, field.index, field.convert) for field in self._fields)
        self._people: dict[str, str | None] = {"": None}  # owners and authors: few, and in every row
        self._currency = next((field for field in self._fields if field.name == CURRENCY), None)
        parent = PARENT_COLUMN.get(columns.kind)
        self._parent = place[parent] if parent else None
        self._merged = place["MasterRecordId"] if columns.kind in MERGEABLE else None
        self._place = tuple(
            place[name] for name in ("Id", "SystemModstamp", "OwnerId", "IsDeleted", "LastModifiedById")
        )

    def records(self, rows: Iterable[Sequence[str]]) -> Iterator[Record]:
        """The records of rows; BadDataError for one that lacks what every record has."""
        row: Sequence[str] = ()
        try:
            for row in rows:
                yield self._record(row)
        except UNEXPECTED as error:
            raise self._unreadable(row, error) from error

    def _unreadable(self, row: Sequence[str], error: Exception) -> BadDataError:
        """The error that names the record and its field, as that of a row by REST does."""
        cells: dict[str, Any] = {name: cell or None for name, cell in zip(self.columns, row, strict=False)}
        cells["IsDeleted"] = _FLAGS.get(str(cells.get("IsDeleted")))

        def read() -> Record:
            raise error

        try:
            read_record("salesforce", self._columns.object, read, lambda: structure_of(self._columns, cells))
        except BadDataError as named:
            return named
        raise AssertionError("what cannot be read was read")

    def _record(self, row: Sequence[str]) -> Record:
        identity, stamp, owner, deleted, modified_by = self._place
        fields: dict[str, str] = {}
        for name, index, convert in self._cells:
            cell = row[index]
            if not cell:
                continue
            if "\0" in cell:
                cell = cell.replace("\0", "")
            text = convert(cell) if convert is not None and cell else cell
            if text:
                fields[name] = text
        if self._currency is not None:
            self._add_currency(fields)
        return Record(
            Ref(System.SALESFORCE, self._columns.kind, _id(row[identity]) or _no_id(row[identity])),
            _instant(row[stamp]),
            fields,
            self._person(row[owner]),
            None if self._parent is None else _id(row[self._parent]),
            _FLAGS[row[deleted]],
            None if self._merged is None else _id(row[self._merged]),
            (),
            self._person(row[modified_by]),
        )

    def _person(self, text: str) -> str | None:
        if text not in self._people:
            self._people[text] = _id(text)
        return self._people[text]

    def _add_currency(self, fields: dict[str, str]) -> None:
        currency = fields.pop(CURRENCY, None)
        if currency is not None:
            for field in self._fields:
                if field.money and field.name in fields:
                    fields[field.name] += f" {currency}"


def _id(text: str) -> str | None:
    """An id in its long form; None for an empty cell."""
    if len(text) == 18 and text.isascii() and text.isalnum():
        return text
    return None if text == "" else id_in({"Id": text})


def _no_id(text: str) -> str:
    raise ValueError(f"{text!r} is no id")


def _instant(text: str) -> datetime:
    if len(text) == 24 and text[23] == "Z":
        return datetime.fromisoformat(text)
    return parse_instant(text)
