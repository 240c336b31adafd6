"""`syncd status` is asked first, on a machine in trouble: it needs no CRM, and imports and reads only what it shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncd.cli.main import cli
from syncd.jobs.packs.footprint import footprint
from tests.integration.installation import Installation


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation that was watched once, and whose two CRMs are down."""
    made = Installation.make(tmp_path_factory.mktemp("status"), companies=2)
    made.close()
    for words in (["db", "upgrade"], ["watch"]):
        assert CliRunner().invoke(cli, ["--config", str(made.folder / "config.toml"), *words]).exit_code == 0
    return made


def document(home: Installation) -> dict[str, dict[str, object]]:
    told = CliRunner().invoke(cli, ["--config", str(home.folder / "config.toml"), "status", "--format", "json"])
    found: dict[str, dict[str, object]] = json.loads(told.stdout)
    return found


def test_it_imports_no_connector_no_rules_and_no_log(home: Installation) -> None:
    """Measured by what is imported, which does not depend on the machine: see docs/performance.md for the time."""
    words = [sys.executable, "-X", "importtime", "-m", "syncd", "--config", str(home.folder / "config.toml"), "status"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    heavy = {
        "yaml",
        "structlog",
        "urllib3",
        "requests",
        "hubspot",
        "apscheduler",
        "alembic",
        "numpy",
        "psycopg",
        "jinja2",
    }
    rooms = {
        "syncd.connectors",
        "syncd.rules",
        "syncd.alerts.monitors",
        "syncd.planning",
        "syncd.telemetry",
        "syncd.identity",
    }
    assert imported & (heavy | rooms) == set()
    assert "valid" in done.stdout


def test_a_pack_that_was_edited_since_the_last_watch_is_checked_anew(home: Installation) -> None:
    before = document(home)["pack"]
    assert before["valid"]
    extra = home.folder / "pack" / "zz.yaml"
    extra.write_text("territories: [\n")
    try:
        broken = document(home)["pack"]
        assert not broken["valid"]
        assert broken["revision"] != before["revision"]
    finally:
        extra.unlink()
    assert document(home)["pack"] == before


def test_a_footprint_is_of_names_and_bytes_and_of_no_hidden_file(tmp_path: Path) -> None:
    assert footprint(tmp_path / "none") == ""
    (tmp_path / "a.yaml").write_text("x")
    first = footprint(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").write_text("noise")
    assert footprint(tmp_path) == first
    (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")
    renamed = footprint(tmp_path)
    (tmp_path / "b.yaml").write_text("y")
    assert len({first, renamed, footprint(tmp_path)}) == 3
