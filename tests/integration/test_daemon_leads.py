"""The daemon's lane of leads as real processes: a lead that comes in is given to somebody, by itself, within a look."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from syncd.clock import SystemClock
from tests.integration.installation import Installation

CLOCK = SystemClock()
SETTINGS = """
[schedule]
pull = "10min"
watch = "10min"
leads = "2s"
[leads]
read = true
auto = true
"""


def wait_for(truth: Callable[[], bool], what: str, seconds: float = 60) -> None:
    until = CLOCK.monotonic() + seconds
    while not truth():
        assert CLOCK.monotonic() < until, f"waited {seconds} s for {what}"
        CLOCK.sleep(0.2)


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation.make(tmp_path_factory.mktemp("leads"), companies=20, extra=SETTINGS)
    yield made
    made.close()


def test_a_lead_is_given_to_somebody_by_the_daemon_itself(installation: Installation) -> None:
    salesforce = installation.sandboxes.salesforce
    (queue,) = salesforce.load("Group", [{"Name": "Inbound", "Type": "Queue"}])
    installation.syncd("db", "upgrade")
    installation.syncd("pull")
    installation.syncd("adopt")
    daemon = installation.start("serve")
    try:
        wait_for(
            lambda: '"daemon.started"' in installation.log() or "daemon.started" in installation.log(), "the start"
        )
        now = CLOCK.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), now)
        (lead,) = salesforce.load("Lead", [{"LastName": "Fox", "Company": "New Labs", "OwnerId": queue, **stamps}])
        wait_for(lambda: salesforce.record("Lead", lead)["OwnerId"] != queue, "the lead's owner")  # type: ignore[index]
    finally:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=30) == 0
    assert "error.unhandled" not in installation.log()
