"""The daemon's look at rights: recorded, told when it changes, and an alert where something lacks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jobs_world import HUBSPOT, NOW, SALESFORCE, World

from syncd.alerts.monitors import job_failing
from syncd.alerts.view import Condition, Signal
from syncd.connectors.wire import WireError
from syncd.entropy import SeededEntropy
from syncd.errors import ExitCode
from syncd.jobs.daemon.due import Every
from syncd.jobs.daemon.duties import OFFERING, duties
from syncd.jobs.doctor.rights import JOB, examine_rights, record_rights
from syncd.jobs.watching.operations import read_operations
from syncd.sandbox.hubspot.tokens import SCOPES
from syncd.store import runs
from syncd.store.runs import Past
from tests.inprocess import InProcessWire, Trouble, always


class Heard:
    """A log that keeps the events about rights."""

    def __init__(self) -> None:
        self.events: list[tuple[str, list[str]]] = []

    def event(self, name: str, /, **facts: Any) -> None:
        if name.startswith("rights."):
            self.events.append((name, facts["found"]))


class Look:
    """Looks at the rights of a world of sandboxes, as the daemon's child does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wires = {
            system: InProcessWire({"": face})
            for system, face in ((SALESFORCE, world.salesforce), (HUBSPOT, world.hubspot))
        }

    def __call__(self) -> tuple[ExitCode, list[tuple[str, list[str]]]]:
        """Look once: the exit code, and the events about rights that lack."""
        self.world.context.log = heard = Heard()
        document, code = examine_rights(
            self.world.context, self.world.environ, wire_of=self.wires.__getitem__, entropy=SeededEntropy(1)
        )
        record_rights(self.world.context, document)
        self.world.clock.advance(timedelta(minutes=15))
        return code, [each for each in heard.events if each[0] == "rights.lacking"]

    def outcome(self) -> str | None:
        with self.world.context.store.read() as conn:
            return runs.runs(conn, 1, job=JOB)[0].outcome

    def signal(self) -> Signal:
        """What the monitor of jobs says of it."""
        with self.world.context.store.read() as conn:
            health = read_operations(self.world.context, conn, None, self.world.clock.now()).jobs[JOB]
        return job_failing._signal(JOB, health, 3)

    def grant(self, *without: str) -> None:
        self.world.hubspot.edit({"scopes": [name for name in sorted(SCOPES) if name not in without]})


@pytest.fixture
def look(world: World) -> Look:
    return Look(world)


DEALS, COMPANIES = "crm.objects.deals.read", "crm.objects.companies.write"


def test_what_lacks_is_told_once_until_it_changes(look: Look) -> None:
    look.grant(DEALS)
    code, ((_, found),) = look()
    assert (code, look.outcome()) == (ExitCode.CRM, "failed")
    assert any(DEALS in each for each in found)
    assert look() == (ExitCode.CRM, []), "the next look finds the same"
    look.grant(DEALS, COMPANIES)
    _, ((_, found),) = look()
    assert any(COMPANIES in each for each in found)
    look.grant()
    assert look() == (ExitCode.OK, [])
    assert look.outcome() == "ok"
    look.grant(DEALS)
    assert len(look()[1]) == 1, "again after it was mended"


def test_what_lacks_is_a_ticket_at_the_first_look_and_over_when_it_is_granted(look: Look) -> None:
    look.grant(DEALS)
    look()
    fired = look.signal()
    assert (fired.condition, fired.severity) == (Condition.FIRING, "ticket")
    assert DEALS in fired.summary
    assert fired.detail["command"] == "syncd doctor --rights"
    look.grant()
    look()
    assert look.signal().condition is Condition.CLEAR


def test_a_crm_that_is_away_says_nothing_of_rights(look: Look) -> None:
    look.wires[HUBSPOT].add(Trouble(always, before=WireError("connect", False), times=None))
    assert look() == (ExitCode.CRM, [])
    assert look.outcome() == "incomplete"
    assert look.signal().condition is Condition.CLEAR


def test_the_daemon_looks_at_its_start_and_once_a_day(world: World) -> None:
    (duty,) = [each for each in duties(world.settings(), (), ZoneInfo("UTC"), started=NOW) if each.name == "rights"]
    assert duty.argv == ("doctor", "--rights")
    assert duty.lane == OFFERING, "what pulls and what watches does not wait for it"
    hour = timedelta(hours=1)
    before = Past(succeeded=NOW - hour, started=NOW - hour, ended="ok")
    since = Past(succeeded=NOW + hour, started=NOW + hour, ended="ok")
    soon = NOW + timedelta(minutes=1)
    assert duty.rule.is_due(before, soon, first=None), "a start asks anew, however short ago it was"
    assert not duty.rule.is_due(before, NOW, first=None), "the first pull and watch go before"
    assert not duty.rule.is_due(Past(None, None, None), NOW, first=None)
    assert duty.rule.is_due(Past(None, None, None), soon, first=None)
    assert not duty.rule.is_due(since, NOW + 2 * hour, first=None)
    assert duty.rule.is_due(since, NOW + 26 * hour, first=None)
    assert not Every(timedelta(days=1)).is_due(before, NOW, first=None)
    without = world.settings().model_copy(update={"salesforce": None, "hubspot": None})
    assert "rights" not in {each.name for each in duties(without, (), ZoneInfo("UTC"))}
