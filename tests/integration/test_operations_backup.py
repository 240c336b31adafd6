"""Backup, restore, rebind, housekeeping and the end of an installation, as an administrator does them."""

from __future__ import annotations

import json
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.clock import SystemClock
from tests.integration.installation import Installation

CLOCK = SystemClock()
LEFT = 12_000
"""Bytes that the log of transactions may have: less than two pages."""


def adopted(folder: Path) -> Installation:
    made = Installation.make(folder, companies=40)
    made.syncd("db", "upgrade")
    made.syncd("pull")
    made.syncd("adopt")
    return made


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = adopted(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for what leaves it usable, in the order of the file; the last test ends it."""
    made = adopted(tmp_path_factory.mktemp("standing"))
    yield made
    made.close()


def planned(installation: Installation) -> dict[str, object]:
    found: dict[str, object] = json.loads(installation.syncd("plan", "--format", "json").stdout)
    return found


def states(installation: Installation) -> dict[str, int]:
    """The rows of the outbox by their state."""
    with sqlite3.connect(installation.folder / "syncd.db") as conn:
        found = dict(conn.execute("SELECT state, count(*) FROM outbox GROUP BY state"))
    conn.close()
    return found


def approve(installation: Installation) -> str:
    plan = planned(installation)
    assert plan["changes"]
    tripped = plan["guard"]["tripped"]  # type: ignore[index]
    limits = [word for trip in tripped for word in ("--limit", trip["limit"])]
    installation.syncd("approve", str(plan["plan_id"]), "--why", "test", *limits)
    return str(plan["plan_id"])


def writes(installation: Installation) -> int:
    faces = (installation.sandboxes.salesforce, installation.sandboxes.hubspot)
    return sum(1 for face in faces for entry in face.journal.entries if entry.source == "api" and entry.effects)


def owners(installation: Installation) -> str:
    """Every owner as the CRMs have it."""
    book = {}
    for system, face in (("sf", installation.sandboxes.salesforce), ("hs", installation.sandboxes.hubspot)):
        name, field = ("Account", "OwnerId") if system == "sf" else ("companies", "hubspot_owner_id")
        for row in face.records(name):
            properties = row.get("properties", row)
            book[f"{system}:{row.get('Id') or row.get('id')}"] = properties.get(field)
    return json.dumps(book, sort_keys=True)


def test_a_restored_backup_doubles_nothing(installation: Installation) -> None:
    """Backup with an approved plan, the plan is applied, the backup comes back: nothing of it is written again."""
    plan = approve(installation)
    backup = installation.folder / "backup.db"
    assert "whole and checked" in installation.syncd("db", "backup", str(backup)).stdout
    installation.syncd("apply", plan)
    written, standing = writes(installation), owners(installation)
    assert written > 0

    done = installation.syncd("db", "restore", str(backup))
    assert "1 plans closed" in done.stdout or "plans closed" in done.stdout
    kept = list(installation.folder.glob("syncd.db.before-restore-*"))
    assert len(kept) == 1
    assert "SYN" in installation.syncd("apply", plan, code=4).stderr
    refused = installation.syncd("plan", code=4)
    assert "SYN550" in refused.stderr, "nothing is planned before everything was pulled again"
    installation.syncd("pull")
    installation.syncd("sync")
    assert writes(installation) == written, "before the baseline is taken anew nothing is written"
    installation.syncd("adopt")
    again = planned(installation)
    assert again["changes"] == [], "the CRMs hold what the plan wrote"
    installation.syncd("sync")
    assert writes(installation) == written
    assert owners(installation) == standing
    assert json.loads(installation.syncd("db", "verify", "--format", "json").stdout)["ok"]


def test_rows_in_flight_at_the_backup_are_read_before_anything_is_sent(installation: Installation) -> None:
    """The backup was made in the middle of an apply: rows approved, a row being sent. A person then moved one back."""
    plan = approve(installation)
    for face in (installation.sandboxes.salesforce, installation.sandboxes.hubspot):
        face.faults.install([{"match": {"method": "*", "path": "*"}, "fault": "stall 1"}])
    applying = installation.start("apply", plan)
    until = CLOCK.monotonic() + 60
    while not states(installation).get("sending"):
        assert CLOCK.monotonic() < until, installation.log()
        CLOCK.sleep(0.05)
    applying.kill()
    applying.wait()
    assert states(installation)["sending"] > 0
    backup = installation.folder / "backup.db"
    installation.syncd("db", "backup", str(backup))
    for face in (installation.sandboxes.salesforce, installation.sandboxes.hubspot):
        face.faults.clear()
    installation.syncd("db", "restore", str(backup))
    before = writes(installation)
    installation.syncd("pull")
    installation.syncd("sync")
    assert not {"approved", "sending"} & set(states(installation)), "every row was read and settled"
    assert writes(installation) == before, "none was sent"


def test_housekeeping_on_a_young_database_drops_nothing(standing: Installation) -> None:
    assert "nothing is past its retention" in standing.syncd("db", "housekeeping").stdout
    runs = json.loads(standing.syncd("runs", "--job", "housekeeping", "--format", "json").stdout)["runs"]
    assert runs[0]["outcome"] == "ok"


def test_restore_refuses_what_is_no_backup_and_touches_nothing(standing: Installation, tmp_path: Path) -> None:
    assert "SYN620" in standing.syncd("db", "restore", "nowhere.db", code=3).stderr
    (tmp_path / "text.db").write_text("not a database at all, but long enough to look like one " * 40)
    assert "SYN605" in standing.syncd("db", "restore", str(tmp_path / "text.db"), code=3).stderr
    with sqlite3.connect(tmp_path / "other.db") as conn:
        conn.execute("CREATE TABLE recipes (name TEXT)")
    conn.close()
    assert "SYN605" in standing.syncd("db", "restore", str(tmp_path / "other.db"), code=3).stderr
    assert "SYN005" in standing.syncd("db", "restore", code=2).stderr
    assert not list(standing.folder.glob("*before-restore*"))
    standing.syncd("status")


def test_a_disk_that_fills_up_is_told_in_words_and_survived(standing: Installation) -> None:
    """Files that may not grow past a size are what a full disk is; SIGXFSZ is ignored by Python."""

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LEFT, LEFT))

    done = subprocess.run(
        standing.command("pull", "--full"),
        capture_output=True,
        text=True,
        env={**standing.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        preexec_fn=full,
    )
    assert (done.returncode, "SYN607" in done.stderr) == (3, True), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "free space" in done.stderr
    standing.syncd("pull")
    assert json.loads(standing.syncd("db", "verify", "--format", "json").stdout)["ok"]


def test_moving_to_another_host_is_a_backup_and_a_restore(standing: Installation, tmp_path: Path) -> None:
    standing.syncd("db", "backup", str(tmp_path / "moved.db"))
    other = Installation(tmp_path / "host", standing.sandboxes, standing.environ)
    other.folder.mkdir()
    for name in ("config.toml", "sf", "hs"):
        shutil.copy(standing.folder / name, other.folder / name)
    text = (other.folder / "config.toml").read_text().replace(str(standing.folder), str(other.folder))
    (other.folder / "config.toml").write_text(text)
    shutil.copytree(standing.folder / "pack", other.folder / "pack")
    other.syncd("db", "restore", str(tmp_path / "moved.db"))
    assert "SYN550" in other.syncd("plan", code=4).stderr, "a restored database plans nothing before a full pull"
    other.syncd("pull")
    other.syncd("adopt")
    moved = json.loads(other.syncd("plan", "--format", "json").stdout)
    here = json.loads(standing.syncd("plan", "--format", "json").stdout)
    assert moved["summary"] == here["summary"]
    assert [row["ref"] for row in moved["changes"]] == [row["ref"] for row in here["changes"]]


def test_a_database_restored_by_another_tool_is_marked_in_place(standing: Installation) -> None:
    plan = approve(standing)
    standing.syncd("db", "restore", "--in-place")
    standing.syncd("apply", plan, code=4)
    assert "SYN550" in standing.syncd("plan", code=4).stderr


def test_rebinding_forgets_one_system_and_needs_a_new_baseline(standing: Installation) -> None:
    standing.syncd("pull")
    done = standing.syncd("system", "rebind", "hubspot", "--reason", "another portal")
    assert "records forgotten" in done.stdout
    status = json.loads(standing.syncd("status", "--format", "json").stdout)
    assert status["adopted_at"] is None
    assert not status["systems"]["hubspot"]["complete"]
    assert status["systems"]["salesforce"]["records"]
    assert "SYN550" in standing.syncd("plan", code=4).stderr
    standing.syncd("pull")
    standing.syncd("adopt")
    planned(standing)
    assert "system.rebound" in _ledger(standing)


def test_decommission_leaves_nothing_that_could_still_be_sent(standing: Installation) -> None:
    plan = approve(standing)
    before = writes(standing)
    done = standing.syncd("decommission", "--reason", "replaced", "--forget")
    assert "left to do: " in done.stdout
    assert "SYN" in standing.syncd("apply", plan, code=4).stderr
    assert writes(standing) == before
    status = json.loads(standing.syncd("status", "--format", "json").stdout)
    assert "out of service: replaced" in status["frozen"]
    with sqlite3.connect(standing.folder / "syncd.db") as conn:
        assert conn.execute("SELECT count(*) FROM records").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM users").fetchone() == (0,)
    conn.close()
    assert json.loads(standing.syncd("db", "verify", "--format", "json").stdout)["ok"]
    assert "installation.decommissioned" in _ledger(standing)


def _ledger(installation: Installation) -> str:
    with sqlite3.connect(installation.folder / "syncd.db") as conn:
        rows = conn.execute("SELECT event FROM ledger").fetchall()
    conn.close()
    return " ".join(str(row[0]) for row in rows)
