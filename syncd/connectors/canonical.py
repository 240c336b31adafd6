"""Canonical text: one spelling for each value, whichever CRM and API it came through (reliability.md T10, T28, T34).

Equal values must give equal records, or every pull would look like a change. Meaning is not touched here: names,
countries and domains are normalised by the rules, not by a connector.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from syncd.clock import iso, parse_instant
from syncd.model.fields import ACCOUNT_FIELDS, LEAD_FIELDS, LEAD_SIGNS, OPPORTUNITY_FIELDS, FieldType
from syncd.model.refs import Kind

CURRENCY: Final = "currency"
"""The reserved name in a mapping whose field says in which currency the record's money is; no rule field of its own."""

UNKEPT: Final = "\ufffd"
"""Stands for a character that a text of a CRM holds and no database of ours keeps: a NUL."""
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
_EPOCH: Final = re.compile(r"-?\d{11,14}(\.0+)?")
_TYPES: Final[Mapping[Kind, Mapping[str, FieldType]]] = {
    Kind.ACCOUNT: ACCOUNT_FIELDS,
    Kind.OPPORTUNITY: OPPORTUNITY_FIELDS,
    Kind.LEAD: {**LEAD_FIELDS, **LEAD_SIGNS},
}
_NUMBERS: Final = frozenset({FieldType.NUMBER, FieldType.MONEY})


def types_of(kind: Kind) -> Mapping[str, FieldType]:
    """The types of a kind's own rule fields; a custom field has none here, and its value says what it is."""
    return _TYPES.get(kind, {})


def canonical_fields(kind: Kind, values: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a record from raw values by rule field name; null and empty ones are left out.

    Where the values have a currency, it follows the number of each amount of money: `5000000 EUR`.
    """
    types = _TYPES.get(kind, {})
    currency = canonical(values.get(CURRENCY))
    fields: dict[str, str] = {}
    for name, value in values.items():
        type_ = types.get(name)
        text = canonical(value, type_)
        if text is None or name == CURRENCY:
            continue
        fields[name] = f"{text} {currency}" if currency and type_ is FieldType.MONEY else text
    return fields


def canonical(value: Any, type_: FieldType | None = None) -> str | None:
    """The text of one value; None for null, empty, and what is no single value.

    JSON booleans and numbers say their type themselves. Text is read by the rule field's type; without one only an
    unmistakable instant is respelled. What cannot be read as its type stays as the CRM wrote it.
    """
    # text and null first: they are nearly all cells of a first load
    if isinstance(value, str):
        return _text(value, type_)
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return plain(Decimal(value)) if type_ is not FieldType.DATE else _date(str(value))
    if isinstance(value, float):
        return plain(Decimal(repr(value)))
    if isinstance(value, list | tuple):
        return ";".join(filter(None, (canonical(item) for item in value))) or None
    return None


def _text(value: str, type_: FieldType | None) -> str | None:
    text = value.replace("\0", UNKEPT) if "\0" in value else value
    if not text:
        return None
    if type_ is None:
        return _instant(text)
    if type_ in _NUMBERS:
        return _number(text)
    if type_ is FieldType.BOOLEAN:
        return text.strip().lower()
    return _date(text) if type_ is FieldType.DATE else text


def plain(number: Decimal) -> str:
    """A number in plain notation, without exponent and needless zeros."""
    if not number.is_finite():
        return str(number)
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _number(text: str) -> str:
    try:
        return plain(Decimal(text.strip()))
    except InvalidOperation:
        return text


def _date(text: str) -> str:
    stripped = text.strip()
    if _EPOCH.fullmatch(stripped):
        return _respelled(stripped.partition(".")[0], text)
    return _instant(text)


def _instant(text: str) -> str:
    return _respelled(text.strip(), text) if _INSTANT.fullmatch(text.strip()) else text


def _respelled(instant: str, text: str) -> str:
    try:
        return iso(parse_instant(instant))
    except (ValueError, OverflowError, OSError):
        return text
