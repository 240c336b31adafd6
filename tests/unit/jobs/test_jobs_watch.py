"""The commands about alerts and status, over a database, files and no network at all."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from syncd.alerts.baseline import NAME as BASELINE_FINDINGS
from syncd.alerts.monitors import MONITORS
from syncd.alerts.options import runbook_of
from syncd.cli.main import cli
from syncd.clock import ManualClock, SystemClock
from syncd.errors import ExitCode, SyncdError, known_codes
from syncd.jobs.watching.status import status
from syncd.model.plans import PlanStatus, SavedPlan, document_hash
from syncd.store import ownership, plans
from syncd.store.engine import Store
from tests.unit.alerts.alerts_world import HS, SF, World, account, user

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "syncd.db"
    Store.open(f"sqlite:///{path}", clock=SystemClock(), create=True).close()
    return path


@pytest.fixture
def world(tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose clock stands at the machine's present, for the commands read that one; its network is cut."""
    shutil.copyfile(empty, tmp_path / "syncd.db")
    clock = ManualClock(SystemClock().now() - timedelta(minutes=2))
    store = Store.open(f"sqlite:///{tmp_path}/syncd.db", clock=clock)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "create_connection", _cut)
    monkeypatch.setattr(socket, "getaddrinfo", _cut)
    config = (
        f'[control]\nsocket = "{tmp_path}/control.sock"\n'
        f'[[receivers]]\nname = "file"\ntype = "file"\npath = "{tmp_path}/alerts.jsonl"\n'
    )
    made = World.make(tmp_path, store, clock, config=config)
    yield made
    store.close()


def _cut(*_: object, **__: object) -> Any:
    raise AssertionError("the network was asked for")


def run(*argv: str) -> Result:
    return CliRunner().invoke(cli, argv)


def document(*argv: str) -> Any:
    result = run(*argv, "--format", "json")
    assert result.exit_code in (0, None), result.output
    found = json.loads(result.stdout)
    assert found["format"] == 1
    return found


def churned(world: World) -> None:
    world.users(user("anna"))
    world.put(account(1), account(2))
    world.pulled()
    world.watch()
    world.put(account(1, type="Former Customer", name="Acme\x1b[31m GmbH"))
    world.later(1)
    world.watch()


def test_alerts_lists_what_is_open_with_who_money_since_and_the_first_command(world: World) -> None:
    assert "no alerts, and no watch has run yet" in run("alerts").stdout
    churned(world)
    text = run("alerts").stdout
    for words in (
        "AccountChurned",
        "0 USD won",
        "anna@example.com",
        "first: syncd explain salesforce:account:1",
        "Z  ",
    ):
        assert words in text
    assert "\x1b" not in text
    (alert,) = document("alerts", "list")["alerts"]
    assert (alert["monitor"], alert["state"], alert["money"]["currency"]) == ("AccountChurned", "firing", "USD")
    assert document("alerts")["alerts"] == [alert]


def test_one_alert_shows_evidence_history_and_runbook(world: World) -> None:
    churned(world)
    shown = document("alerts", "show", "1")
    assert [(each["receiver"], each["state"]) for each in shown["notices"]] == [("log", "sent"), ("file", "sent")]
    text = run("alerts", "show", "1").stdout
    for words in (
        "still firing, last looked at",
        "type is Former Customer",
        "runbook  docs/runbooks",
        "told file about",
    ):
        assert words in text


def test_who_takes_an_alert_is_recorded_and_the_change_is_over(world: World) -> None:
    churned(world)
    assert "it is over" in run("alerts", "ack", "1").stdout
    assert document("alerts", "list")["alerts"] == []
    (alert,) = document("alerts", "list", "--all")["alerts"]
    assert alert["state"] == "resolved"
    assert alert["acknowledged_by"].startswith("uid:")
    assert "over since" in run("alerts", "show", "1").stdout


@pytest.mark.parametrize(
    ("argv", "code", "exit_code"),
    [
        (("alerts", "show", "99"), "SYN803", ExitCode.INVALID),
        (("alerts", "ack", "99"), "SYN803", ExitCode.INVALID),
        (("alerts", "send-test", "nobody"), "SYN805", ExitCode.USAGE),
    ],
)
def test_what_there_is_not_is_an_error_with_a_page(
    world: World, argv: tuple[str, ...], code: str, exit_code: ExitCode
) -> None:
    error = run(*argv).exception
    assert isinstance(error, SyncdError)
    assert (error.code, error.exit_code) == (code, exit_code)
    assert code in known_codes()


def test_an_alert_is_taken_once(world: World) -> None:
    churned(world)
    run("alerts", "ack", "1")
    error = run("alerts", "ack", "1").exception
    assert isinstance(error, SyncdError)
    assert error.code == "SYN804"


def test_send_test_says_which_receiver_took_it(world: World) -> None:
    assert "file: delivered" in run("alerts", "send-test").stdout
    (world.folder / "alerts.jsonl").unlink()
    (world.folder / "alerts.jsonl").mkdir()
    result = run("alerts", "send-test", "file")
    assert "file: not delivered, unwritable" in result.stdout


def test_status_is_one_screen_without_any_network(world: World) -> None:
    churned(world)
    text = run("status").stdout
    assert len(text.splitlines()) <= 24
    for words in (
        "mode     observe",
        "not frozen",
        "daemon   not running",
        ", valid (",
        "adopted  no",
        "2 accounts",
        "watch ",
        "no plan is open",
        "alerts: 1 firing (1 ticket)",
    ):
        assert words in text


def test_status_says_what_is_wrong(world: World) -> None:
    churned(world)
    (world.folder / "syncd.freeze").write_text("2026-11-20 mei: quarter close\n")
    world.pack("territories: [\n")
    world.pulled(HS, outcome="failed")
    world.clock.advance(timedelta(minutes=-60))
    world.pulled(SF)
    text = run("status").stdout
    assert "FROZEN: 2026-11-20 mei: quarter close" in text
    assert "INVALID: " in text
    assert "salesforce  STALE, 61 min old" in text
    assert "last pull failed: cut" in text
    found = document("status")
    assert found["pack"]["valid"] is False
    assert found["systems"]["salesforce"]["stale"] is True
    assert found["systems"]["hubspot"]["stale"] is False


def test_status_before_anything_was_done(world: World) -> None:
    text = run("status").stdout
    assert "nothing has run yet" in text
    assert "never complete; no records" in text
    assert ", valid (" in text  # checked now, for no watch has


def test_status_shows_the_plans_that_wait_for_somebody(world: World) -> None:
    now = world.clock.now()
    for name, hours in (("offered", 24), ("approved", 24), ("expired", 0)):
        content = {"format": 1, "plan_id": name, "changes": []}
        saved = SavedPlan(
            name, document_hash(content), "plan", PlanStatus.OFFERED, "r", now, now + timedelta(hours=hours), content
        )
        with world.store.write() as conn:
            plans.save_plan(conn, saved)
            if name == "approved":
                plans.approve(conn, name, plan_hash=saved.hash, who="mei", why="fine", limits=(), now=now)
    with world.store.write() as conn:
        ownership.adopt_all(conn, now=now, run_id=None)
    found = document("status")
    assert {plan["plan_id"]: plan["approved_by"] for plan in found["plans"]} == {"offered": None, "approved": "mei"}
    text = run("status").stdout
    assert "plan offered: waits for `syncd approve`" in text
    assert "plan approved: approved by mei" in text
    assert "adopted  20" in text


def test_status_knows_whether_a_daemon_listens(world: World) -> None:
    path = world.context.settings.control.socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        assert status(world.context.settings, world.store, clock=world.clock)["daemon"]["listening"] is True
    assert status(world.context.settings, world.store, clock=world.clock)["daemon"]["listening"] is False


def test_every_monitor_has_a_runbook_with_the_six_parts() -> None:
    for name in [*(monitor.name for monitor in MONITORS), BASELINE_FINDINGS]:
        text = (ROOT / runbook_of(name)).read_text(encoding="utf-8")
        assert text.startswith(f"# {name}\n")
        headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
        assert headings == ["Symptom", "Impact", "Check", "Fix", "Verify", "Escalate"]


def test_a_silence_is_made_listed_and_ended_by_command(world: World) -> None:
    churned(world)
    made = run("alerts", "silence", "add", "monitor=AccountChurned", "--until", "4h", "--comment", "known\x1b[31m")
    assert "silence 1: monitor=AccountChurned until" in made.stdout
    text = run("alerts", "silence", "list").stdout
    assert "active" in text
    assert "uid:" in text
    assert "\x1b" not in text
    (silence,) = document("alerts", "silence", "list")["silences"]
    assert silence["matchers"] == {"monitor": "AccountChurned"}
    assert run("alerts", "silence", "expire", "1").stdout == "silence 1 is over\n"
    assert run("alerts", "silence", "list").stdout == "no silences\n"
    run("alerts", "silence", "add", "--alert", "1", "--until", "2d", "--comment", "x")
    (other,) = document("alerts", "silence", "list")["silences"]
    assert other["matchers"] == {"account": "salesforce:account:1", "monitor": "AccountChurned"}


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("add", "--until", "4h", "--comment", "x"), "SYN806"),
        (("add", "RepLeft", "--until", "4h", "--comment", "x"), "SYN806"),
        (("add", "rep=a", "--until", "tomorrow", "--comment", "x"), "SYN807"),
        (("expire", "9"), "SYN808"),
    ],
)
def test_a_silence_that_cannot_be_is_an_error_with_a_page(world: World, argv: tuple[str, ...], code: str) -> None:
    error = run("alerts", "silence", *argv).exception
    assert isinstance(error, SyncdError)
    assert error.code == code
    assert code in known_codes()


def test_a_silenced_and_a_waiting_alert_say_so_in_the_list(world: World) -> None:
    churned(world)
    run("alerts", "silence", "add", "monitor=*", "--until", "4h", "--comment", "x")
    world.clock.set(SystemClock().now())
    world.watch()
    assert "firing, silenced" in run("alerts").stdout
    assert "suppressed by silence 1" in run("alerts", "show", "1").stdout


def test_status_needs_no_crm_and_little_time(world: World) -> None:
    churned(world)
    clock = SystemClock()
    run("status")
    before = clock.monotonic()
    assert run("status").exit_code in (0, None)
    assert clock.monotonic() - before < 1.0
