"""Field values of the fake Salesforce: how a value of each describe type is stored, read from text and compared.

Stored values are what JSON shows: text, bool, int, float or None. Instants are text of fixed width, so they sort as
time does. It knows nothing of objects.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

from syncd.clock import parse_instant, read_iso
from syncd.sandbox.salesforce.identifiers import canonical

TEXT_TYPES = frozenset(
    {"string", "textarea", "picklist", "multipicklist", "email", "phone", "url", "combobox", "encryptedstring"}
)
ID_TYPES = frozenset({"id", "reference"})
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})
KNOWN_TYPES = TEXT_TYPES | ID_TYPES | NUMBER_TYPES | {"boolean", "date", "datetime"}
"""The types that an administrator can give a field."""
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})


def stamp(instant: datetime) -> str:
    """An instant as REST writes it: `2026-11-20T10:00:00.000+0000`, whole seconds (salesforce.md 2.1)."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def instant_of(text: str) -> datetime:
    """The instant a stored stamp names."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def stored(value: object, kind: str) -> Any:
    """A value as it is kept for a field of this describe type; empty text is None. ValueError for what fits not."""
    if value is None or value == "":
        return None
    if isinstance(value, list | dict):
        raise ValueError(f"{value!r} is not one value")
    if kind == "anyType":
        return value
    if kind == "boolean":
        return _boolean(value)
    if kind in NUMBER_TYPES:
        return _number(str(value), whole=kind == "int")
    if kind == "datetime":
        return stamp(value if isinstance(value, datetime) else _instant(str(value)))
    if kind == "date":
        return value.isoformat()[:10] if isinstance(value, date) else date.fromisoformat(str(value)[:10]).isoformat()
    if kind in ID_TYPES:
        return canonical(str(value)) or str(value)
    return str(value)


def _number(text: str, *, whole: bool) -> float:
    """A number from JSON or CSV; whole ones lose their fraction."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a number that can be kept")
    return int(number) if whole else number


def _boolean(value: object) -> bool:
    """A boolean from JSON or CSV."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(f"{value!r} is not a boolean")
    return text in _TRUE


def _instant(text: str) -> datetime:
    """An instant from text; one without a zone, as exports have them, is UTC."""
    try:
        return parse_instant(text)
    except ValueError:
        return read_iso(text).replace(tzinfo=UTC)


def guessed(values: list[object]) -> str:
    """The describe type of a custom field from the values it first comes with; text where nothing else fits all."""
    present = [value for value in values if value not in (None, "")]
    if not present:
        return "string"
    if all(isinstance(value, bool) or str(value).lower() in ("true", "false") for value in present):
        return "boolean"
    if all(isinstance(value, int | float) for value in present):
        return "double"
    if all(isinstance(value, datetime) for value in present):
        return "datetime"
    texts = [str(value) for value in present]
    if all(_is_date(text) for text in texts):
        return "date"
    if all("T" in text and _is_instant(text) for text in texts):
        return "datetime"
    return "string"


def _is_date(text: str) -> bool:
    """Whether the text is `YYYY-MM-DD`."""
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_instant(text: str) -> bool:
    """Whether the text is an instant with a zone."""
    try:
        return bool(parse_instant(text))
    except ValueError:
        return False
