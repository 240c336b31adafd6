"""Two daemons on one PostgreSQL: who leads, who stands by, and that a leader who was stopped writes nothing more."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from syncd.clock import SystemClock, parse_instant
from syncd.store.lease import SETTLE
from tests.databases import PostgresServer, postgres_server
from tests.forks import descendants
from tests.integration.installation import Installation

pytestmark = pytest.mark.postgres
CLOCK = SystemClock()
SCHEDULE = """
[schedule]
pull = "5s"
watch = "5s"
stale_after = "10min"
[database]
url = "{url}"
"""


def wait_for(truth: Callable[[], bool], what: str, seconds: float = 60) -> float:
    began = CLOCK.monotonic()
    while not truth():
        assert CLOCK.monotonic() - began < seconds, f"waited {seconds} s for {what}"
        CLOCK.sleep(0.1)
    return CLOCK.monotonic() - began


@dataclass
class Machine:
    """One host of the pair: a folder of its own with settings and pack, the same CRMs and the same database."""

    installation: Installation
    process: subprocess.Popen[str] | None = None

    def serve(self) -> None:
        self.process = self.installation.start("serve")

    def events(self, name: str) -> list[dict[str, object]]:
        lines = self.installation.log().splitlines()
        return [found for line in lines if line.startswith("{") and (found := json.loads(line))["event"] == name]

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def family(self) -> list[int]:
        """The daemon and its children, which are sessions of their own."""
        return [self.pid, *descendants(self.pid)]

    def signal(self, number: signal.Signals) -> None:
        for pid in self.family():
            with suppress(ProcessLookupError):  # a child may end just now
                os.kill(pid, number)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
            self.process.wait()


@dataclass
class Pair:
    one: Machine
    two: Machine
    server: PostgresServer
    database: str
    applying: subprocess.Popen[str] | None = None

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.url(self.database)) as conn:
            return conn.execute(query).fetchall()

    def epoch(self) -> int:
        return int(str(self.ask("SELECT epoch FROM leases")[0][0]))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    server = postgres_server()
    database = server.fresh()
    url = server.url(database)
    (tmp_path / "one").mkdir()
    first = Installation.make(tmp_path / "one", mode="approve", companies=40, extra=SCHEDULE.format(url=url))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    second = Installation(tmp_path / "two", first.sandboxes, first.environ)
    first.syncd("db", "upgrade")
    made = Pair(Machine(first), Machine(second), server, database)
    try:
        yield made
    finally:
        made.one.stop()
        made.two.stop()
        if made.applying is not None:
            with made.applying:
                made.applying.kill()
        first.close()
        server.drop(database)


def test_a_standby_takes_over_within_seconds_when_the_leader_dies(pair: Pair) -> None:
    pair.one.serve()
    wait_for(lambda: bool(pair.one.events("daemon.started")), "the leader")
    pair.two.serve()
    wait_for(lambda: bool(pair.two.events("daemon.standing_by")), "the standby")
    assert not pair.two.events("job.started")
    wait_for(lambda: bool(pair.one.events("pull.finished")), "a pull")
    pair.one.stop()
    took = wait_for(lambda: bool(pair.two.events("pull.finished")), "a pull by the standby", 30)
    assert took < 30
    assert pair.epoch() == 2


def test_a_leader_that_ends_hands_over_and_nothing_waits(pair: Pair) -> None:
    pair.one.serve()
    wait_for(lambda: bool(pair.one.events("daemon.started")), "the leader")
    pair.two.serve()
    wait_for(lambda: bool(pair.two.events("daemon.standing_by")), "the standby")
    assert pair.one.process is not None
    pair.one.process.send_signal(signal.SIGTERM)
    assert pair.one.process.wait(timeout=30) == 0
    wait_for(lambda: bool(pair.two.events("daemon.started")), "the next leader", 15)
    assert pair.ask("SELECT writes_from FROM leases") == [(None,)]


def test_a_leader_that_was_stopped_writes_nothing_when_it_wakes(pair: Pair) -> None:
    """SIGSTOP of the leader and its children in the middle of an apply; the other takes over; SIGCONT."""
    installation = pair.one.installation
    installation.syncd("pull")
    installation.syncd("adopt")
    plan = json.loads(installation.syncd("plan", "--format", "json").stdout)
    assert len(plan["changes"]) > 10
    limits = [word for trip in plan["guard"]["tripped"] for word in ("--limit", trip["limit"])]
    installation.syncd("approve", plan["plan_id"], "--why", "test", *limits)
    _slow_down(installation)
    pair.one.serve()
    wait_for(lambda: bool(pair.one.events("daemon.started")), "the leader")
    pair.two.serve()
    wait_for(lambda: bool(pair.two.events("daemon.standing_by")), "the standby")
    applying = pair.applying = subprocess.Popen(
        installation.command("apply", plan["plan_id"]),
        env=installation.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(lambda: pair.ask("SELECT count(*) FROM outbox WHERE state <> 'approved'") != [(0,)], "the first write")
    pair.one.signal(signal.SIGSTOP)
    stopped_at = CLOCK.now()
    written = _writes(installation)
    wait_for(lambda: bool(pair.two.events("pull.finished")), "reading by the other")
    held = pair.ask("SELECT holder, epoch, writes_from FROM leases")[0]
    assert str(held[0]).split(":")[2] == str(pair.two.pid)
    from_ = parse_instant(str(held[2]))
    assert from_ - stopped_at >= SETTLE, "the lease ran out, and a call may have been under way"
    assert from_ - SETTLE - stopped_at < timedelta(seconds=30), "another leads, and reads, within 30 s"
    in_flight = _writes(installation)
    pair.one.signal(signal.SIGCONT)
    assert pair.one.process is not None
    assert pair.one.process.wait(timeout=40) == 8, "the old leader sees that it lost the lease"
    out, _ = applying.communicate(timeout=40)
    assert _writes(installation) == in_flight, f"the old leader wrote after it woke up: {out}"
    assert len(in_flight) - len(written) <= 1, "one call may have been on the wire when it was stopped"
    wait_for(lambda: not pair.ask("SELECT 1 FROM outbox WHERE state = 'sending'"), "the rows in doubt read", 60)
    states = {str(row[0]) for row in pair.ask("SELECT state FROM outbox")}
    assert "sending" not in states
    assert CLOCK.now() >= from_ or not [write for write in _writes(installation) if write not in in_flight]


def _slow_down(installation: Installation) -> None:
    """Let every call that writes take a moment, so that an apply can be caught in the middle."""
    for face in (installation.sandboxes.salesforce, installation.sandboxes.hubspot):
        for method in ("PATCH", "POST"):
            face.faults.install([{"match": {"method": method, "path": "*"}, "fault": "stall 0.5"}])


def _writes(installation: Installation) -> list[tuple[str, int]]:
    """Every request that changed something, by the sandboxes' own journals."""
    found = []
    for name, face in (("salesforce", installation.sandboxes.salesforce), ("hubspot", installation.sandboxes.hubspot)):
        found += [(name, entry.number) for entry in face.journal.entries if entry.source == "api" and entry.effects]
    return found
