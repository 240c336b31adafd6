"""Where the conformance suite runs: on both sandboxes over HTTP always, on real test accounts where they are named."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.connectors.wire import NetworkWire
from syncd.entropy import SystemEntropy
from syncd.model.refs import Kind, System
from syncd.sandbox.server import serve
from tests.contract.live.organizations import (
    VARIABLES,
    Facts,
    HubspotOrganization,
    Organization,
    SalesforceOrganization,
    real_organization,
)
from tests.contract.worlds import HubspotWorld, SalesforceWorld

MOST_ACCOUNTS = 2_000
"""An account with more is taken for somebody's production, which the suite keeps its hands off."""
_FACTS = Facts()


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the runs against real accounts may leave the machine."""
    if "real" in request.node.name:
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(params=[f"{place}-{system.value}" for system in System for place in ("sandbox", "real")])
def organization(request: pytest.FixtureRequest) -> Iterator[Organization]:
    """An account with nothing of ours in it, and nothing of ours left in it afterwards."""
    place, _, name = request.param.partition("-")
    system, prefix, wire = System(name), f"syncd-contract-{SystemEntropy().token(6)}", NetworkWire()
    if place == "real":
        missing = [variable for variable in VARIABLES[system] if not os.environ.get(variable)]
        if missing:
            pytest.skip(f"NOT TESTED ON A REAL {name.upper()}: set {', '.join(missing)} (docs/connectors.md)")
        made = real_organization(system, os.environ, wire, prefix)
        count = made.reader().count(Kind.ACCOUNT).seen
        if count > MOST_ACCOUNTS:
            wire.close()
            pytest.skip(f"NOT TESTED ON A REAL {name.upper()}: {count:,} accounts are more than a test account has")
        yield from _cleaned(made, wire)
        return
    world = HubspotWorld() if system is System.HUBSPOT else SalesforceWorld()
    with serve(world.face) as server:
        world.face.base_url = server.url
        access = world.access()
        if isinstance(world, HubspotWorld):
            yield from _cleaned(HubspotOrganization(wire, prefix, access), wire)
        else:
            yield from _cleaned(SalesforceOrganization(wire, prefix, access), wire)


def _cleaned(made: Organization, wire: NetworkWire) -> Iterator[Organization]:
    try:
        yield made
    finally:
        made.clean()
        wire.close()


@pytest.fixture
def facts(request: pytest.FixtureRequest) -> Iterator[Facts]:
    """Where a test tells what the references say and what it saw; on a sandbox all of it must hold."""
    here = Facts()
    yield here
    if "real" in request.node.name:
        _FACTS.rows += here.rows
    else:
        assert [row for row in here.rows if not row[3]] == [], "the sandbox is untrue to the references"


@pytest.fixture(scope="session", autouse=True)
def _report() -> Iterator[None]:
    yield
    if _FACTS.rows:
        _FACTS.write(Path(os.environ.get("SYNCD_CONTRACT_REPORT", "build/contract-report.md")))
