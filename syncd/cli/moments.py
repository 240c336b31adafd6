"""Times as people give them to commands: an instant, or a span from now on."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from syncd.errors import UsageError

_SPAN = re.compile(r"(\d{1,4})(min|h|d|w)")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def moment_from(text: str, now: datetime) -> datetime:
    """The instant `2026-12-01T10:00:00Z`, or `4h` from `now` on; UsageError SYN807 for anything else."""
    span = _SPAN.fullmatch(text.strip())
    if span is not None:
        return now + int(span[1]) * _UNITS[span[2]]
    from syncd.rules.matching.time_window import UTC_ZONE  # a freeze for some hours does not wait for these
    from syncd.rules.reading.plain_values import instant

    found = instant(text.strip(), UTC_ZONE)
    if found is None:
        raise UsageError("SYN807", f"`{text[:40]}` is no time", hint="write 30min, 4h, 2d or 2026-12-01T10:00:00Z")
    return found
