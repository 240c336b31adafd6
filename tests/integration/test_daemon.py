"""The daemon as a real process: it tells systemd, runs its jobs, answers requests, reloads, and ends when told to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.clock import SystemClock
from syncd.store import runs
from syncd.store.engine import Store
from tests.integration.installation import Installation

CLOCK = SystemClock()
SCHEDULE = """
[schedule]
pull = "3s"
watch = "3s"
stale_after = "10min"
[report]
folder = "reports"
weekly = "00:00"
quarterly = "00:00"
[[receivers]]
name = "readers"
type = "file"
path = "told.jsonl"
tells = ["reports"]
"""


def wait_for(truth: Callable[[], bool], what: str, seconds: float = 60) -> None:
    until = CLOCK.monotonic() + seconds
    while not truth():
        assert CLOCK.monotonic() < until, f"waited {seconds} s for {what}"
        CLOCK.sleep(0.1)


class Daemon:
    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = installation.folder / "notify.sock"
        self.notify.bind(str(address))
        self.told = ""
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()
        self.process = installation.start("serve", NOTIFY_SOCKET=str(address), WATCHDOG_USEC="4000000")

    def _listen(self) -> None:
        while message := self.notify.recv(4096):
            self.told += message.decode() + "\n"

    def hears(self, text: str) -> bool:
        return text in self.told

    def events(self, name: str) -> list[dict[str, object]]:
        found = []
        for line in self.installation.log().splitlines():
            if line.startswith("{") and json.loads(line).get("event") == name:
                found.append(json.loads(line))
        return found

    def finished(self, job: str) -> int:
        return sum(event["job"] == job for event in self.events("job.finished"))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    installation = Installation.make(tmp_path_factory.mktemp("daemon"), extra=SCHEDULE)
    installation.syncd("db", "upgrade")
    daemon = Daemon(installation)
    try:
        wait_for(lambda: daemon.hears("READY=1"), "READY")
        wait_for(lambda: daemon.finished("sync") > 0, "the first sync")
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
        daemon.process.wait()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(daemon.installation.folder / "notify.sock"))
        daemon.listener.join()
        daemon.notify.close()
        installation.close()


def test_it_feeds_the_watchdog_while_its_scheduler_ticks(daemon: Daemon) -> None:
    wait_for(lambda: daemon.hears("WATCHDOG=1"), "the watchdog")


def test_a_request_goes_through_the_running_daemon_and_says_who_asked(daemon: Daemon) -> None:
    done = daemon.installation.syncd("adopt")
    assert "adopted the owners of" in done.stdout
    received = daemon.events("request.received")
    assert received[-1]["command"] == "adopt"
    assert str(received[-1]["who"]).startswith("uid:")
    history = daemon.installation.syncd("runs", "--job", "adopt", "--format", "json")
    assert json.loads(history.stdout)["runs"][0]["outcome"] == "ok"


def test_whoever_asks_the_daemon_reads_words_and_the_daemons_log_has_the_events(daemon: Daemon) -> None:
    pulled = daemon.installation.syncd("pull")
    assert "records and" in pulled.stdout
    assert '"event"' not in pulled.stdout + pulled.stderr
    (run,) = json.loads(daemon.installation.syncd("runs", "--job", "pull", "--limit", "1", "--format", "json").stdout)[
        "runs"
    ]
    assert run["run"] in {each.get("run_id") for each in daemon.events("pull.finished")}


def test_a_second_daemon_does_not_start(daemon: Daemon) -> None:
    second = daemon.installation.syncd("serve", code=8)
    assert "SYN701" in second.stderr


def test_a_bad_pack_is_refused_at_reload_and_the_last_good_one_stays(daemon: Daemon) -> None:
    pack = daemon.installation.folder / "pack" / "territories.yaml"
    good = pack.read_text()
    finished = daemon.finished("sync")
    pack.write_text(good + "nonsense: [\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: bool(daemon.events("daemon.reload_refused")), "the refusal")
    wait_for(lambda: daemon.finished("sync") > finished + 1, "jobs that go on with the last good pack")
    pack.write_text(good)
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: bool(daemon.events("daemon.reloaded")), "the reload")


def test_editions_of_the_report_go_from_the_schedule_to_their_receivers(daemon: Daemon) -> None:
    folder = daemon.installation.folder
    assert not (folder / "reports").exists()  # nothing ran before the last Monday
    store = Store.open(f"sqlite:///{folder}/syncd.db", clock=CLOCK)
    with store.write() as conn:
        long_ago = CLOCK.now() - timedelta(days=400)
        runs.start_run(conn, "long-ago", "pull", now=long_ago)
        runs.finish_run(conn, "long-ago", "ok", now=long_ago, summary={})
    store.close()
    told = folder / "told.jsonl"
    wait_for(lambda: told.exists() and len(told.read_text().splitlines()) == 2, "two editions", 150)
    notices = [json.loads(line) for line in told.read_text().splitlines()]
    assert {each["subject"].partition("-")[0] for each in notices} == {"weekly", "quarterly"}
    for each in notices:
        page = Path(each["file"]).read_text(encoding="utf-8")
        assert page.startswith("<!DOCTYPE html>")
        assert "companies: " in each["text"]
    wait_for(lambda: daemon.finished("watch") > 2, "more rounds")
    assert len(told.read_text().splitlines()) == 2
    shown = daemon.installation.syncd("runs", "--job", "report", "--format", "json")
    assert [each["outcome"] for each in json.loads(shown.stdout)["runs"]] == ["ok"] * 2


def test_sigterm_ends_it_soon_with_the_lease_given_back(daemon: Daemon) -> None:
    daemon.process.send_signal(signal.SIGTERM)
    try:
        assert daemon.process.wait(timeout=25) == 0
    except subprocess.TimeoutExpired:
        pytest.fail("the daemon did not end within 25 s")
    assert daemon.hears("STOPPING=1")
    assert not Path(daemon.installation.folder / "control.sock").exists()
    assert daemon.events("daemon.stopped")
    assert "error.unhandled" not in daemon.installation.log()
    daemon.installation.syncd("pull")
