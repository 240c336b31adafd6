"""Where the conformance suite runs: on both sandboxes over HTTP always, on real test accounts where they are named."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.clock import SystemClock
from syncd.connectors.wire import NetworkWire
from syncd.entropy import SystemEntropy
from syncd.errors import SyncdError
from syncd.model.refs import Kind, System
from syncd.sandbox.server import serve
from tests.contract.live.conformance_report import ConformanceReport, Facts
from tests.contract.live.organizations import (
    VARIABLES,
    HubspotOrganization,
    Organization,
    SalesforceOrganization,
    real_organization,
)
from tests.contract.worlds import HubspotWorld, SalesforceWorld

MOST_ACCOUNTS = 2_000
"""An account with more is taken for somebody's production, which the suite keeps its hands off."""
_REPORT = ConformanceReport(
    {system: tuple(name for name in VARIABLES[system] if not os.environ.get(name)) for system in System}
)


def _place(place: str, system: System) -> Any:
    """Where a test runs; a real account of which a variable is missing is none, which is said once and not a test."""
    name, missing = f"{place}-{system.value}", _REPORT.missing[system] if place == "real" else ()
    if not missing:
        return pytest.param(name, id=name)
    reason = f"NOT TESTED ON A REAL {system.value.upper()}: set {', '.join(missing)} (docs/connectors.md)"
    return pytest.param(name, id=name, marks=pytest.mark.skip(reason=reason))


def _of_real(name: str) -> System | None:
    """The system whose real account a test of this name runs on."""
    return next((system for system in System if f"real-{system.value}" in name), None)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the runs against real accounts may leave the machine."""
    if _of_real(request.node.name):
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(params=[_place(place, system) for system in System for place in ("sandbox", "real")])
def organization(request: pytest.FixtureRequest) -> Iterator[Organization]:
    """An account with nothing of ours in it, and nothing of ours left in it afterwards."""
    place, _, name = request.param.partition("-")
    system, prefix, wire = System(name), f"syncd-contract-{SystemEntropy().token(6)}", NetworkWire()
    if place == "real":
        yield from _cleaned(_admitted(system, wire, prefix), wire)
        return
    world = HubspotWorld() if system is System.HUBSPOT else SalesforceWorld()
    with serve(world.face) as server:
        world.face.base_url = server.url
        access = world.access()
        if isinstance(world, HubspotWorld):
            yield from _cleaned(HubspotOrganization(wire, prefix, access), wire)
        else:
            yield from _cleaned(SalesforceOrganization(wire, prefix, access), wire)


def _admitted(system: System, wire: NetworkWire, prefix: str) -> Organization:
    """The real account, if it lets us in and is no production; why not is told once, and by each test in a word."""
    if system in _REPORT.refused:
        wire.close()
        pytest.fail(f"not tested: {system.value} did not let us in; the first test says why", pytrace=False)
    made = real_organization(system, os.environ, wire, prefix)
    refused: SyncdError | None = None
    count, account = 0, ""
    try:
        count, account = made.reader().count(Kind.ACCOUNT).seen, made.reader().identify().account_id
    except SyncdError as error:
        refused = error
    if refused is not None:
        wire.close()
        _REPORT.refused[system] = str(refused)
        pytest.fail(f"{refused}\n  {refused.hint or ''}", pytrace=False)
    if count > MOST_ACCOUNTS:
        wire.close()
        _REPORT.refused[system] = f"{account} has {count:,} accounts, more than a test account has"
        pytest.fail(f"NOT TESTED ON A REAL {system.value.upper()}: {_REPORT.refused[system]}", pytrace=False)
    _REPORT.accounts[system] = account
    return made


def _cleaned(made: Organization, wire: NetworkWire) -> Iterator[Organization]:
    try:
        yield made
    finally:
        made.clean()
        wire.close()


@pytest.fixture
def facts(request: pytest.FixtureRequest) -> Iterator[Facts]:
    """Where a test tells what the references say and what it saw; on a sandbox all of it must hold."""
    real = _of_real(request.node.name)
    here = Facts(real or next(system for system in System if system.value in request.node.name))
    yield here
    if real:
        _REPORT.rows += here.rows
    else:
        assert [row for row in here.rows if not row[4]] == [], "the sandbox is untrue to the references"


@pytest.fixture(scope="session", autouse=True)
def _report() -> Iterator[None]:
    yield
    if _REPORT.worth_telling:
        path = Path(os.environ.get("SYNCD_CONTRACT_REPORT", "build/contract-report.md"))
        _REPORT.write(path, SystemClock().now())


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep how each test on a real account ended."""
    system = _of_real(report.nodeid) if "contract/live" in report.nodeid else None
    if system is not None and (report.when == "call" or report.outcome != "passed"):
        _REPORT.outcome(system, report.nodeid.rpartition("::")[2].partition("[")[0], report.outcome)
