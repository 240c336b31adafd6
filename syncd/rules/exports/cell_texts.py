"""A column of an Arrow batch as the texts that a CSV of the same data would hold: trimmed, null where there is nothing.

Floats that are whole numbers are written as such, for a column of whole numbers with gaps becomes floats in many tools;
not-a-number is nothing. Instants are UTC where the column has a zone. Knows Arrow's types, no fields.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isnan

import pyarrow as pa
import pyarrow.compute as pc

WHITE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
"""Every character that Python's strip takes away."""


def can_be_text(type_: pa.DataType) -> bool:
    """Whether a column of this type holds values that an export may hold."""
    if pa.types.is_dictionary(type_):
        return _is_text(type_.value_type)
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return _is_text(type_.value_type)
    simple = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    dated = (pa.types.is_date, pa.types.is_timestamp, pa.types.is_null)
    return _is_text(type_) or any(fits(type_) for fits in (*simple, *dated))


def can_be_id(type_: pa.DataType) -> bool:
    """Whether a column of this type holds ids that are the same in every engine."""
    return _is_text(type_) or bool(pa.types.is_integer(type_)) or (pa.types.is_dictionary(type_) and can_be_text(type_))


def texts_of(column: pa.Array) -> pa.Array:
    """The cells of a column as strings. Several values of one cell are joined by `;`.

    The column is of a type that `can_be_text`.
    """
    type_ = column.type
    if pa.types.is_null(type_):
        return pa.nulls(len(column), pa.string())
    if pa.types.is_dictionary(type_):
        column = column.dictionary_decode()
    elif pa.types.is_list(type_) or pa.types.is_large_list(type_):
        column = pa.array([_joined(each) for each in column.to_pylist()], type=pa.string())
    elif not _is_text(type_):
        return _told(column, _words_for(type_))
    return _trimmed(column.cast(pa.string()))


def different_texts(column: pa.Array) -> pa.DictionaryArray:
    """The same as `texts_of`, each different text once."""
    if not _is_text(column.type):
        return texts_of(column).dictionary_encode()
    found = column.cast(pa.string()).dictionary_encode()
    trimmed = _trimmed(found.dictionary)
    return found if trimmed.equals(found.dictionary) else trimmed.take(found.indices).dictionary_encode()


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def _trimmed(texts: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring(texts, "\x00")).as_py():
        texts = pc.replace_substring(texts, "\x00", "")
    texts = pc.utf8_trim(texts, characters=WHITE)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _told(column: pa.Array, words: Callable[[object], str | None]) -> pa.Array:
    """Each different value in words."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    found = column.dictionary_encode()
    told = pa.array([None if each is None else words(each) for each in found.dictionary.to_pylist()], type=pa.string())
    return told.take(found.indices)


def _words_for(type_: pa.DataType) -> Callable[[object], str | None]:
    if pa.types.is_boolean(type_):
        return lambda value: "true" if value else "false"
    if pa.types.is_timestamp(type_):
        return _instant
    if pa.types.is_date(type_):
        return lambda value: value.isoformat() if isinstance(value, date) else None
    if pa.types.is_floating(type_):
        return _float
    if pa.types.is_decimal(type_):
        return lambda value: f"{value:f}" if isinstance(value, Decimal) else None
    return str


def _instant(value: object) -> str | None:
    if not isinstance(value, datetime):
        return None
    return value.isoformat() if value.tzinfo is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _float(value: object) -> str | None:
    if not isinstance(value, float) or isnan(value):
        return None
    if value.is_integer():
        return f"{value:.0f}"
    return f"{Decimal(repr(value)):f}" if abs(value) != float("inf") else str(value)


def _joined(values: list[str | None] | None) -> str | None:
    return None if values is None else ";".join(each for each in values if each)
