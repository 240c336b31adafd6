"""Column types that read and write the same on SQLite and PostgreSQL. They know nothing of any table.

Text is cleaned: PostgreSQL cannot hold NUL and neither database can hold half of a surrogate pair, so both become
U+FFFD on both. `Document` columns are ASCII JSON, in which such characters survive as escapes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import REAL, TEXT, BigInteger, Boolean, Dialect, Double, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from syncd.clock import iso, parse_instant
from syncd.model.refs import Ref

Read = Callable[[Any], Any]
"""What makes a value of what the driver gives. It is called for each field of each row, so it is a plain function:
SQLAlchemy's own `process_result_value` costs two calls more."""
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

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Read:
        """What reads the aware instant."""
        return _instant


class Day(_ByteOrdered[date]):
    """A date as ISO text, which sorts as days do."""

    cache_ok = True

    def process_bind_param(self, value: date | None, _dialect: Dialect) -> str | None:
        """The day as text."""
        return None if value is None else value.isoformat()

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Read:
        """What reads the day."""
        return _day


class RefText(_ByteOrdered[Ref]):
    """A ref as `system:kind:id`."""

    cache_ok = True

    def process_bind_param(self, value: Ref | None, _dialect: Dialect) -> str | None:
        """The ref as cleaned text."""
        return None if value is None else clean(str(value))

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Read:
        """What reads the ref."""
        return _ref


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

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Read:
        """What reads the member; it raises ValueError for a text that names none."""
        enumeration = self.enumeration
        members: dict[str | None, E | None] = {None: None} | {one.value: one for one in enumeration}

        def member(value: Any) -> Any:
            return members[value] if value in members else enumeration(value)

        return member


class Flag(TypeDecorator[bool]):
    """True or false: BOOLEAN on PostgreSQL, 0 or 1 in SQLite's strict tables."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """INTEGER on SQLite, whose strict tables have no BOOLEAN."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else Boolean())

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Read:
        """What reads the bool."""
        return _flag


class Document(TypeDecorator[Any]):
    """A JSON object or array, as `to_json` writes it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        """The JSON text; TypeError for what JSON has no word for."""
        return None if value is None else to_json(value)

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Read:
        """What reads the value."""
        return _document


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    # what `iso` wrote needs none of the leniency that texts of CRMs do
    return datetime.fromisoformat(value) if value[-1:] == "Z" else parse_instant(value)


def _day(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _ref(value: Any) -> Ref | None:
    return None if value is None else Ref.parse(value)


def _flag(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _document(value: Any) -> Any:
    return None if value is None else json.loads(value)
