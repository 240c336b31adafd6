"""The worlds that the contract suite runs in: each CRM in process, and each behind real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncd.connectors.wire import NetworkWire
from syncd.sandbox.server import serve
from tests.contract.worlds import WORLDS, HubspotWorld, SalesforceWorld, World
from tests.inprocess import InProcessWire


@pytest.fixture(params=list(WORLDS), ids=lambda system: system.value)
def world(request: pytest.FixtureRequest) -> World:
    """Each CRM in process."""
    made: World = WORLDS[request.param]()
    made.wire = InProcessWire.to(made.face)
    return made


@pytest.fixture
def salesforce() -> SalesforceWorld:
    """Salesforce in process."""
    made = SalesforceWorld()
    made.wire = InProcessWire.to(made.face)
    return made


@pytest.fixture
def hubspot() -> HubspotWorld:
    """HubSpot in process."""
    made = HubspotWorld()
    made.wire = InProcessWire.to(made.face)
    return made


@pytest.fixture(params=list(WORLDS), ids=lambda system: system.value)
def served(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each CRM behind real HTTP on loopback."""
    made: World = WORLDS[request.param]()
    wire = NetworkWire()
    with serve(made.face) as server:
        made.face.base_url = server.url
        made.wire = wire
        yield made
        wire.close()
