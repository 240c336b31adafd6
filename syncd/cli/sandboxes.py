"""Both fake CRMs, loaded and listening: what `syncd sandbox` serves and `syncd demo` shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syncd.clock import Clock, SystemClock
from syncd.sandbox.dataset import AS_OF, Dataset, generate, load_folder
from syncd.sandbox.hubspot import HubspotPortal, RateLimits
from syncd.sandbox.native_sync import NativeSync
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import RunningServer, serve


@dataclass(frozen=True, slots=True)
class RunningSandboxes:
    """A fake Salesforce and a fake HubSpot, listening on loopback."""

    salesforce: SalesforceOrg
    hubspot: HubspotPortal
    servers: tuple[RunningServer, RunningServer]
    native_sync: NativeSync

    def ready_line(self) -> dict[str, object]:
        """Where they are and how to sign in: the one line of JSON that `syncd sandbox` prints."""
        return {"salesforce": self.salesforce.credentials(), "hubspot": self.hubspot.credentials()}

    def close(self) -> None:
        """Stop listening."""
        for server in self.servers:
            server.close()


def load_sandboxes(
    dataset: Dataset, *, clock: Clock, seed: int = 0, limits: RateLimits | None = None
) -> tuple[SalesforceOrg, HubspotPortal]:
    """Both faces with the rows of a dataset, not listening."""
    salesforce = SalesforceOrg(clock=clock, seed=seed)
    hubspot = HubspotPortal(clock=clock, seed=seed, limits=limits)
    for name, rows in dataset.salesforce.items():
        salesforce.load(name, rows)
    for name, rows in dataset.hubspot.items():
        hubspot.load(name, rows)
    return salesforce, hubspot


def open_sandboxes(
    *,
    salesforce_port: int = 0,
    hubspot_port: int = 0,
    data: Path | None = None,
    companies: int = 600,
    seed: int = 7,
    leads: int | None = None,
    faults: Path | None = None,
    as_of: datetime | None = None,
    native_sync: bool = False,
) -> RunningSandboxes:
    """Load and serve both; ValueError for data or faults that cannot be used, OSError for a port that is taken.

    `leads` gives made-up companies contacts, tasks and so many leads in each CRM; without it there are none.
    `native_sync` turns HubSpot's own Salesforce sync on; without it the control call still can.

    `as_of` is the instant that made-up dates lie around; without it a fixed one, so that a seed gives the same bytes.
    """
    clock = SystemClock()
    dataset = load_folder(data) if data else generate(companies, seed, as_of=as_of or AS_OF, leads=leads)
    salesforce, hubspot = load_sandboxes(dataset, clock=clock, seed=seed)
    if faults is not None:
        script = _faults(faults)
        salesforce.faults.install(script.get("salesforce", []))
        hubspot.faults.install(script.get("hubspot", []))
    connector = NativeSync(salesforce, hubspot)
    if native_sync:
        connector.switch(on=True)
    servers = (serve(salesforce, salesforce_port), serve(hubspot, hubspot_port))
    hubspot.base_url = servers[1].url
    return RunningSandboxes(salesforce, hubspot, servers, connector)


def _faults(path: Path) -> dict[str, list[dict[str, object]]]:
    """`{"salesforce": [entry, …], "hubspot": [entry, …]}`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not a file of faults: {error}") from error
    if not isinstance(document, dict) or not set(document) <= {"salesforce", "hubspot"}:
        raise ValueError(f"{path}: the faults are an object with the keys salesforce and hubspot")
    return document
