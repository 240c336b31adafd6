"""Logs: structured lines with stable event names, secrets taken out before anything is rendered.

Knows nothing of what happens in syncd but the names of the events, in `events`.
"""

from __future__ import annotations

from syncd.telemetry.log import Log, configure, get_log, own_journal
from syncd.telemetry.redaction import redacted, redacted_text

__all__ = ["Log", "configure", "get_log", "own_journal", "redacted", "redacted_text"]
