"""What is examined: the installation as its settings say, and each CRM through a connector that does not wait long.

A connection of the doctor's asks once, gives up after seconds, and is not held to the day's share of calls: it is to
find out what is wrong when nothing else works.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from syncd.clock import Clock
from syncd.connectors.budget import RateBudget, hubspot_budget, salesforce_budget
from syncd.connectors.port import Identity, Reader
from syncd.connectors.retry import RetryPolicy
from syncd.connectors.wire import NetworkWire, Wire
from syncd.entropy import Entropy
from syncd.errors import ConfigError, StorageError, SyncdError
from syncd.jobs.connections import Ports, new_reader
from syncd.jobs.context import Context
from syncd.model.refs import System
from syncd.settings import Settings
from syncd.store import mirror

CALL_SECONDS: Final = 5.0
"""After how long one call of the doctor's is given up."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Settings, environment and clock, and the database where it opens; `trouble` says why it does not."""

    settings: Settings
    environ: Mapping[str, str]
    clock: Clock
    context: Context | None
    trouble: StorageError | None

    def statuses(self) -> Mapping[System, mirror.MirrorStatus]:
        """The mirrors' states; none where the database does not open."""
        if self.context is None:
            return {}
        with self.context.store.read() as conn:
            return mirror.mirror_status(conn)


class NotAskedError(Exception):
    """Nothing was asked of a CRM, because signing in to it failed; the check of access tells why."""


@dataclass(slots=True)
class Patient:
    """One CRM. Safe between threads: whoever comes first signs in, and the others wait for it."""

    system: System
    installation: Installation
    entropy: Entropy
    wire_of: Callable[[System], Wire] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reader: Reader | None = None
    _budget: RateBudget | None = None
    _wire: Wire | None = None
    _signed: tuple[Identity, timedelta] | None = None
    _refused: SyncdError | None = None

    def signed_in(self) -> tuple[Reader, Identity, timedelta]:
        """The connector, who we are there, and how far our clock is ahead; the error of the sign-in where it failed."""
        with self._lock:
            if self._refused is None and self._signed is None:
                try:
                    identity = self._connected().identify()
                    self._signed = identity, self.installation.clock.now() - identity.server_now
                except SyncdError as error:
                    self._refused = error
            if self._refused is not None or self._signed is None:
                raise self._refused or AssertionError("neither signed in nor refused")
            return self._connected(), *self._signed

    def reader(self) -> Reader:
        """The connector; NotAskedError where signing in failed."""
        try:
            return self.signed_in()[0]
        except SyncdError:
            raise NotAskedError from None

    @property
    def budget(self) -> RateBudget:
        """What the CRM's headers told of the day's calls; an examination is made of one that is nearly used up, too."""
        if self._budget is None:
            make = salesforce_budget if self.system is System.SALESFORCE else hubspot_budget
            self._budget = make(self.installation.clock, api_share=1.0, floor=0.0)
        return self._budget

    def close(self) -> None:
        """Close the connections that were opened for this examination."""
        if isinstance(self._wire, NetworkWire):
            self._wire.close()

    def _connected(self) -> Reader:
        if self._reader is None:
            home = self.installation
            policy = RetryPolicy(home.clock, self.entropy, attempts=1, patience=0.0, run_budget=0.0)
            self._wire = self.wire_of(self.system) if self.wire_of is not None else hasty_wire(home)
            ports = Ports(self._wire, home.clock, self.entropy, self.budget, policy)
            self._reader = new_reader(home.settings, self.system, home.environ, ports)
        return self._reader


def hasty_wire(home: Installation) -> NetworkWire:
    """A wire that gives up soon; ConfigError SYN714 where the certificates to trust cannot be read."""
    bundle = home.settings.http.ca_bundle
    store = home.context.store if home.context is not None else None
    try:
        return NetworkWire(
            proxy=home.settings.http.proxy,
            ca_bundle=str(bundle) if bundle else None,
            forbidden=lambda: store is not None and store.in_transaction,
            deadline=CALL_SECONDS,
        )
    except OSError as error:
        raise ConfigError(
            "SYN714",
            f"the certificates of {bundle} cannot be read ({error.strerror or type(error).__name__})",
            where="http.ca_bundle",
            hint="name a readable PEM file, or leave the key out to trust the system's authorities",
        ) from error
