"""Freezing writes: for good or until an instant; what cannot be understood freezes on."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncd.cli.main import cli
from syncd.errors import RefusedError, UsageError
from syncd.jobs.freezing import check_not_frozen, check_replaceable, freeze, frozen_reason

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=4)


def test_a_freeze_says_who_and_why_and_until_when_and_ends_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "freeze"
    freeze(path, "data\nmigration", who="mei", at=NOW, until=LATER)
    told = frozen_reason(path, NOW)
    assert told == "2026-11-20T10:00:00.000Z mei: data migration; until 2026-11-20T14:00:00.000Z"
    with pytest.raises(RefusedError, match="SYN512"):
        check_not_frozen(path, LATER - timedelta(milliseconds=1))
    check_not_frozen(path, LATER)
    assert [entry.name for entry in tmp_path.iterdir()] == ["freeze"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "by hand",
        "until 2020-01-01T00:00:00Z",  # the reason's line, not the end's
        "mei: x\nuntil tomorrow",
        "mei: x\nuntil 2020-01-01T00:00:00",
        "mei: x\nuntil 2020-01-01T00:00:00Z\nuntil 2020-01-02T00:00:00Z",
    ],
)
def test_a_file_without_an_end_that_can_be_read_freezes_on(tmp_path: Path, text: str) -> None:
    path = tmp_path / "freeze"
    path.write_text(text)
    assert frozen_reason(path, NOW + timedelta(days=9000)) is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_freezes(tmp_path: Path) -> None:
    path = tmp_path / "freeze"
    path.write_text("x\nuntil 2020-01-01T00:00:00Z\n")
    path.chmod(0)
    assert "cannot be read" in str(frozen_reason(path, NOW))


def test_a_reason_cannot_forge_an_end(tmp_path: Path) -> None:
    path = tmp_path / "freeze"
    freeze(path, "x\nuntil 2020-01-01T00:00:00Z", who="mei", at=NOW)
    assert frozen_reason(path, NOW) is not None


def test_a_freeze_for_good_is_not_replaced_by_one_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "freeze"
    freeze(path, "the canary found something", who="syncd", at=NOW)
    with pytest.raises(UsageError, match="SYN842"):
        check_replaceable(path, NOW, LATER)
    check_replaceable(path, NOW, None)
    freeze(path, "short", who="mei", at=NOW, until=LATER)
    check_replaceable(path, NOW, LATER + timedelta(hours=1))
    with pytest.raises(UsageError, match="is past"):
        check_replaceable(path, NOW, NOW)


def test_the_command_freezes_until_a_time_and_lifts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    frozen = runner.invoke(cli, ["freeze", "--reason", "audit", "--until", "4h"], catch_exceptions=False)
    assert "writes are frozen until " in frozen.stdout
    assert "until " in (tmp_path / "syncd.freeze").read_text()
    assert "they were frozen: " in runner.invoke(cli, ["unfreeze"]).stdout
    assert "were not frozen" in runner.invoke(cli, ["unfreeze"]).stdout
