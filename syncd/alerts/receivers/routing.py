"""Which notices a receiver gets, by what they are about, and which of them it gets at once.

Knows nothing of how a notice is delivered, nor of calendars: whoever queues it says when working hours begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from syncd.settings import ReceiverSettings

ALERT, APPROVAL, CHANGES, DIGEST, TEST, REPORT = "alert", "approval", "changes", "digest", "test", "report"
FEED = "feed"
"""The kinds of notices, as `kind` of their body."""
ACKNOWLEDGED = "acknowledged"
"""The reason of a notice that somebody has taken an alert; only receivers that keep incidents of their own get it."""
_TELLS = {"alerts": ALERT, "approvals": APPROVAL, "changes": CHANGES, "reports": REPORT, "feed": FEED}
_BY_DEFAULT = ("alerts", "approvals")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Route:
    """What one receiver is told. Without monitors and labels: of all of them. `acknowledgements`: of these too."""

    kinds: frozenset[str] = frozenset({ALERT, APPROVAL})
    severities: frozenset[str] = frozenset({"page", "ticket", "info"})
    monitors: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    working_hours: bool = False
    digest: timedelta | None = None
    acknowledgements: bool = False
    reps: bool = False

    def takes(self, body: Mapping[str, Any]) -> bool:
        """Whether a notice is for this receiver. Severity, monitor and labels are those of alerts alone."""
        kind = body["kind"]
        if kind not in self.kinds:
            return False
        if kind != ALERT:
            return True
        if body["reason"] == ACKNOWLEDGED and not self.acknowledgements:
            return False
        if body["severity"] not in self.severities:
            return False
        if self.monitors and not any(fnmatchcase(body["monitor"], pattern) for pattern in self.monitors):
            return False
        labels: Mapping[str, str] = body["labels"]
        return all(fnmatchcase(labels.get(name, ""), wanted) for name, wanted in self.labels.items())

    def due(self, body: Mapping[str, Any], now: datetime, opening: datetime | None) -> datetime:
        """When to tell it. Pages and approvals at once; else not before `opening`, when the working hours begin
        (None inside them), and for a digest when its period ends, counted from midnight UTC."""
        if body["kind"] != ALERT or body["severity"] == "page":
            return now
        if self.working_hours and opening is not None:
            return opening
        if self.digest is None:
            return now
        return now + self.digest - (now - _EPOCH) % self.digest


def route_of(settings: ReceiverSettings) -> Route:
    """The route that a receiver's settings ask for."""
    tells: tuple[str, ...]
    if settings.tells is not None:
        tells = settings.tells
    else:
        tells = () if settings.type == "heartbeat" else ("alerts",) if settings.type == "pagerduty" else _BY_DEFAULT
    return Route(
        kinds=frozenset(_TELLS[name] for name in tells),
        severities=frozenset(settings.severities),
        monitors=settings.monitors,
        labels=settings.labels,
        working_hours=settings.hours == "working",
        digest=settings.digest,
        acknowledgements=settings.type == "pagerduty",
        reps=settings.reps,
    )
