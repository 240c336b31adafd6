"""Dates and instants as CRMs, exports and rules write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from syncd.clock import parse_instant, read_iso

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day(text: str) -> date | None:
    """The calendar day that `2026-11-22` names; None for anything else, a day that does not exist included."""
    stripped = text.strip()
    if not _DAY.fullmatch(stripped):
        return None
    try:
        return date.fromisoformat(stripped)
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def instant_or_date(text: str, zone: ZoneInfo) -> datetime | None:
    """The instant that a text names, in UTC: a day is its midnight in `zone`, a time without a zone is local there.

    None for what is neither, and for instants beyond the calendar.
    """
    stripped = text.strip()
    try:
        found = day(stripped)
        if found is not None:
            return datetime.combine(found, time.min, zone).astimezone(UTC)
        try:
            return parse_instant(stripped)
        except ValueError:
            local = read_iso(stripped)
            return local.replace(tzinfo=zone).astimezone(UTC) if local.tzinfo is None else None
    except (ValueError, OverflowError, OSError):
        return None
