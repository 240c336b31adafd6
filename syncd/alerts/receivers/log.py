"""The log as a receiver: every alert and every plan that waits for a person, whatever else the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.alerts.receivers.routing import APPROVAL, Route
from syncd.telemetry import Log

LOG_NAME = "log"
_TOLD = ("monitor", "severity", "subject", "summary", "since", "money", "first_command", "runbook", "dedup_key")


@dataclass(frozen=True, slots=True)
class LogReceiver:
    """Tells every alert as one structured event; in a journal its level is the entry's priority."""

    log: Log
    name: str = LOG_NAME
    route: Route = field(default_factory=Route)

    def deliver(self, body: Mapping[str, Any]) -> None:
        """One event; the log takes everything."""
        if body["kind"] == APPROVAL:
            plan = body["plan"]
            self.log.event(
                "approval.asked", plan_id=plan["plan_id"], summary=body["summary"], first=body["first_command"]
            )
            return
        event = "alert.resolved" if body["reason"] == "resolved" else "alert.fired"
        self.log.event(event, alert=body["id"], **{key: body[key] for key in _TOLD})
