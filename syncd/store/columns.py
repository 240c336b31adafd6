"""Column types that read and write the same on SQLite and PostgreSQL. They know nothing of any table.

Text is cleaned: PostgreSQL cannot hold NUL and neither database can hold half of a surrogate pair, so both become
U+FFFD on both. `Document` columns are ASCII JSON, in which such characters survive as escapes.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import REAL, TEXT, BigInteger, Boolean, Dialect, Double, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from syncd.clock import iso, parse_instant
from syncd.model.refs import Ref

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_REPLACEMENT = "\ufffd"
_JSON = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"))
_BYTE_ORDERED = TEXT(collation="C")
_PLAIN = TEXT()

Serial = BigInteger().with_variant(Integer(), "sqlite")
"""A whole number of 64 bits, also as an automatic key."""

Real: Double[float] = Double().with_variant(REAL(), "sqlite")
"""A number of 64 bits with a fraction."""


def to_json(value: object) -> str:
    """ASCII JSON with sorted keys: any Python text survives, equal values give equal text."""
    return _JSON.encode(value)


def clean(text: str) -> str:
    """The text as a database can hold it: each NUL and each lone surrogate becomes U+FFFD."""
    if text.isascii():
        return text.replace("\x00", _REPLACEMENT) if "\x00" in text else text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = "".join(_REPLACEMENT if "\ud800" <= char <= "\udfff" else char for char in text)
    return text.replace("\x00", _REPLACEMENT)


class _ByteOrdered(TypeDecorator[T]):
    """Text that sorts by code point on both databases, whatever the locale of the PostgreSQL cluster."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The C collation on PostgreSQL; SQLite compares bytes by itself."""
        return _BYTE_ORDERED if dialect.name == "postgresql" else _PLAIN


class Words(_ByteOrdered[str]):
    """Text, cleaned on its way in."""

    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """The cleaned text."""
        return None if value is None else clean(value)


class Instant(_ByteOrdered[datetime]):
    """An aware datetime as fixed-width UTC text of milliseconds, which sorts as time does."""

    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> str | None:
        """The instant as text; ValueError for a naive one."""
        return None if value is None else iso(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """The aware instant."""
        return None if value is None else parse_instant(value)


class Day(_ByteOrdered[date]):
    """A date as ISO text, which sorts as days do."""

    cache_ok = True

    def process_bind_param(self, value: date | None, _dialect: Dialect) -> str | None:
        """The day as text."""
        return None if value is None else value.isoformat()

    def process_result_value(self, value: Any, _dialect: Dialect) -> date | None:
        """The day."""
        return None if value is None else date.fromisoformat(value)


class RefText(_ByteOrdered[Ref]):
    """A ref as `system:kind:id`."""

    cache_ok = True

    def process_bind_param(self, value: Ref | None, _dialect: Dialect) -> str | None:
        """The ref as cleaned text."""
        return None if value is None else clean(str(value))

    def process_result_value(self, value: Any, _dialect: Dialect) -> Ref | None:
        """The ref."""
        return None if value is None else Ref.parse(value)


class Choice(_ByteOrdered[E]):
    """A member of an enumeration, as its text."""

    cache_ok = True

    def __init__(self, enumeration: type[E]) -> None:
        super().__init__()
        self.enumeration = enumeration

    def process_bind_param(self, value: E | None, _dialect: Dialect) -> str | None:
        """The member's text; ValueError for a text that names none."""
        if value is None or isinstance(value, self.enumeration):
            return value and value.value
        return self.enumeration(value).value

    def process_result_value(self, value: Any, _dialect: Dialect) -> E | None:
        """The member."""
        return None if value is None else self.enumeration(value)


class Flag(TypeDecorator[bool]):
    """True or false: BOOLEAN on PostgreSQL, 0 or 1 in SQLite's strict tables."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """INTEGER on SQLite, whose strict tables have no BOOLEAN."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else Boolean())

    def process_result_value(self, value: Any, _dialect: Dialect) -> bool | None:
        """The bool."""
        return None if value is None else bool(value)


class Document(TypeDecorator[Any]):
    """A JSON object or array, as `to_json` writes it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        """The JSON text; TypeError for what JSON has no word for."""
        return None if value is None else to_json(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        """The value."""
        return None if value is None else json.loads(value)
