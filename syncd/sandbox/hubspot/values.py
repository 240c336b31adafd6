"""Property values: everything travels as text; instants are kept in milliseconds of the epoch beside it."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from syncd.clock import iso, parse_instant
from syncd.sandbox.hubspot.definitions import Property

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE = frozenset({"true", "1", "yes"})


def milliseconds(instant: datetime) -> int:
    """An instant as milliseconds of the epoch, what is below cut off (HubSpot keeps no more)."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def instant_of(stamp: int) -> datetime:
    """The instant of milliseconds of the epoch."""
    return EPOCH + timedelta(milliseconds=stamp)


@lru_cache(maxsize=1 << 16)
def stamp_text(stamp: int) -> str:
    """Milliseconds of the epoch as HubSpot writes an instant: `2026-11-20T10:11:12.345Z`."""
    return iso(instant_of(stamp))


def read_stamp(text: str) -> int:
    """Milliseconds of the epoch from an instant (ISO or milliseconds) or a date, its midnight in UTC; ValueError."""
    stripped = text.strip()
    if len(stripped) == 10 and stripped[4:5] == "-":
        day = date.fromisoformat(stripped)
        return milliseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
    if stripped.lstrip("-").isdigit():
        return int(stripped)
    return milliseconds(parse_instant(stripped))


def truth(value: object) -> bool:
    """A boolean from text or JSON."""
    return value is True or str(value).strip().lower() in _TRUE


def text_of(value: object) -> str:
    """A loaded value as text: booleans in small letters, None as empty text, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def canonical(definition: Property, text: str) -> str:
    """A value in the form HubSpot stores it in; ValueError for a number, date or boolean that is none."""
    if not text:
        return ""
    match definition.type:
        case "datetime":
            return stamp_text(read_stamp(text))
        case "date":
            return stamp_text(read_stamp(text))[:10]
        case "number":
            if not _is_number(text):
                raise ValueError(f"{text!r} is not a number")
            return text.strip()
        case "bool":
            if text.strip().lower() not in _TRUE | {"false", "0", "no"}:
                raise ValueError(f"{text} is not a valid boolean")
            return "true" if truth(text) else "false"
        case _:
            return text
