"""The log as a receiver: `alert.fired` and `alert.resolved`, always, whatever else the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncd.telemetry import Log

LOG_NAME = "log"
_TOLD = ("monitor", "severity", "subject", "summary", "since", "money", "first_command", "runbook", "dedup_key")


@dataclass(frozen=True, slots=True)
class LogReceiver:
    """Tells every alert as one structured event."""

    log: Log
    name: str = LOG_NAME

    def takes(self, severity: str) -> bool:
        """Every alert."""
        return bool(severity)

    def deliver(self, body: Mapping[str, Any]) -> None:
        """One event; the log takes everything."""
        event = "alert.resolved" if body["reason"] == "resolved" else "alert.fired"
        self.log.event(event, alert=body["id"], **{key: body[key] for key in _TOLD})
