"""The port that every receiver has, and the bounded reasons for which a notice is not delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, get_args

from syncd.alerts.receivers.routing import Route

FailureReason = Literal[
    "client_error",
    "auth_error",
    "rate_limited",
    "server_error",
    "timeout",
    "unreachable",
    "refused_address",
    "misconfigured",
    "unwritable",
    "not_taken",
]
REASONS: frozenset[str] = frozenset(get_args(FailureReason))
"""Every reason; they are few, so that they can be counted."""


class DeliveryError(Exception):
    """A receiver did not take a notice. `reason` is one of REASONS, `wait` the seconds it asked to wait, if it did."""

    def __init__(self, reason: FailureReason, detail: str, *, wait: float | None = None) -> None:
        super().__init__(reason, detail)
        self.reason: FailureReason = reason
        self.detail = detail
        self.wait = wait

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class Receiver(Protocol):
    """Somebody who is told of alerts."""

    @property
    def name(self) -> str:
        """Its name in the settings."""
        ...

    @property
    def route(self) -> Route:
        """What it is told of, and when."""
        ...

    def deliver(self, body: Mapping[str, Any]) -> None:
        """Tell it; DeliveryError where it did not take the notice. The same notice may come again."""
        ...
