"""The plain values of a pack's options: numbers, shares, days, spans of time, names and e-mails, from text to value.

Each function returns None for text that is none of its kind. Knows nothing of places or findings.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from syncd.clock import read_iso
from syncd.rules.pack import Duration

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
_EMAIL = re.compile(r"[^@\s,;|<>()\"'`]{1,64}@[^@\s,;|<>()\"'`.]+(?:\.[^@\s,;|<>()\"'`.]+)+\Z")
_NUMBER = re.compile(r"([+-]?\d{1,30}(?:_\d+)*(?:\.\d{1,30})?)\s?(k|M|B)?\Z", re.ASCII)
_SPAN = re.compile(r"(\d{1,6})\s?(min|mo|h|d|w|y)\Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_FACTORS = {"": 1, "k": 1_000, "M": 1_000_000, "B": 1_000_000_000}
_DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DAY_SPAN = rf"{_DAYS}(?:-{_DAYS})?(?:,\s?{_DAYS}(?:-{_DAYS})?)*"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_END = rf"(?:{_TIME}|24:00)"
_WINDOW = re.compile(rf"(?:{_DAY_SPAN} )?{_TIME}-{_END}\Z")
_PLAN_TIME = re.compile(rf"(?:{_DAY_SPAN} )?{_TIME}\Z")
_HOURS = re.compile(rf"((?:{_DAY_SPAN} )?{_TIME}-{_END})(?: (\S+))?\Z")
SEAT = "seat:"


def name(text: str) -> str | None:
    """A name of the pack's own: lower-case letters, digits and hyphens."""
    return text if _NAME.match(text) and len(text) <= 100 else None


def email(text: str) -> str | None:
    """An e-mail in lower case, if it is formed like one."""
    return text.lower() if len(text) <= 254 and _EMAIL.match(text) else None


def rep(text: str) -> str | None:
    """An e-mail in lower case, or `seat:name`."""
    if text.startswith(SEAT):
        return text if name(text.removeprefix(SEAT)) else None
    return email(text)


def number(text: str) -> Decimal | None:
    """A number: digits with `_`, a decimal point, and k, M or B for thousands, millions and billions."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    try:
        return Decimal(found[1].replace("_", "")) * _FACTORS[found[2] or ""]
    except InvalidOperation:
        return None


def whole(text: str) -> int | None:
    """A whole number, written like any number."""
    found = number(text)
    return int(found) if found is not None and found == found.to_integral_value() else None


def share(text: str) -> Decimal | None:
    """A share such as `5%`, as a fraction from 0 to 1."""
    found = number(text.removesuffix("%").rstrip()) if text.endswith("%") else None
    return found / 100 if found is not None and 0 <= found <= 100 else None


def flag(text: str) -> bool | None:
    """`true` or `false`, as YAML 1.2 writes them."""
    return {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}.get(text)


def day(text: str) -> date | None:
    """A day: `2026-12-31`."""
    try:
        return date.fromisoformat(text) if _DAY.match(text) else None
    except ValueError:
        return None


def instant(text: str, zone: ZoneInfo) -> datetime | None:
    """An instant in UTC: `2026-12-01T10:00:00Z`; without an offset, and a day alone, in the pack's zone."""
    try:
        found = read_iso(text)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def span(text: str) -> Duration | None:
    """A span of time such as `90d`; the units are min, h, d, w, mo and y."""
    found = _SPAN.match(text)
    return Duration(int(found[1]), found[2]) if found else None


def window(text: str) -> str | None:
    """Hours of days: `Mon-Thu 06:00-20:00`."""
    return text if _WINDOW.match(text) else None


def plan_time(text: str) -> str | None:
    """A time of days: `Mon-Fri 10:00`."""
    return text if _PLAN_TIME.match(text) else None


def hours(text: str) -> str | None:
    """Working hours with their time zone: `09:00-17:00 Europe/Berlin`."""
    found = _HOURS.match(text)
    return text if found and (found[2] is None or zone(found[2])) else None


def zone(text: str) -> ZoneInfo | None:
    """A time zone by its name in the IANA database."""
    try:
        return ZoneInfo(text) if text else None
    except (OSError, ValueError):  # a name with strange characters or a folder; ZoneInfoNotFoundError is a KeyError
        return None
    except KeyError:
        return None
