"""Who is told: the receiver of a simulation, which may be down, may take a notice without saying so, and remembers all.

It is the receivers' side of the truth: what arrived, in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.alerts.receivers.delivery import DeliveryError, FailureReason
from syncd.alerts.receivers.routing import Route, route_of
from syncd.settings import ReceiverSettings
from tests.simulation.dice import Dice
from tests.simulation.violation import ViolationError

_BEFORE: tuple[FailureReason, ...] = ("client_error", "rate_limited", "server_error", "unreachable")


@dataclass(slots=True)
class Bells:
    """What arrived, and how often a delivery fails (F39): `trouble` is the share of deliveries that do."""

    dice: Dice
    in_transaction: Callable[[], bool]
    trouble: float = 0.0
    inbox: list[Mapping[str, Any]] = field(default_factory=list)

    def receiver(self, settings: ReceiverSettings) -> Desk:
        """A receiver that ends here."""
        return Desk(settings.name, route_of(settings), self)

    def unique(self) -> list[Mapping[str, Any]]:
        """The notices of alerts as a receiver sees them that drops what it has by its key, in the order of arrival."""
        first: dict[str, Mapping[str, Any]] = {}
        for body in self.inbox:
            if body["kind"] == "alert":
                first.setdefault(str(body["event_id"]), body)
        return list(first.values())

    def ended(self) -> list[str]:
        """The keys of the alerts that digests which arrived call over: after a long stop all is told once."""
        return [str(key) for body in self.unique() for key in body.get("ended", ())]


@dataclass(frozen=True, slots=True)
class Desk:
    """One receiver."""

    name: str
    route: Route
    bells: Bells

    def deliver(self, body: Mapping[str, Any]) -> None:
        """Take a notice, or fail: before it, or after it (a timeout whose notice arrived)."""
        if self.bells.in_transaction():
            raise ViolationError("I26 no call in a transaction", f"{self.name} is told of {body['event_id']}")
        fails = self.bells.dice.chance(self.bells.trouble)
        if fails and self.bells.dice.chance(0.6):
            raise DeliveryError(self.bells.dice.one_of(_BEFORE), "it is down")
        self.bells.inbox.append(body)
        if fails:
            raise DeliveryError("timeout", "nothing came back")
