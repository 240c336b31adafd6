"""Every example pack that ships: clean under --strict, its cases pass, its own accounts are planned, init copies it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from syncd.cli.commands.init import EXAMPLES, STARTER
from syncd.cli.main import cli
from syncd.errors import UsageError
from syncd.rules.loader import load_pack

ROOT = Path(__file__).parents[2] / "examples"
PACKS = sorted(set(EXAMPLES) - {STARTER})
NOW = "2026-12-01T10:00:00Z"


def syncd(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def planned(name: str, *more: str) -> Result:
    pack = ROOT / name
    deals = pack / "opportunities.csv"
    options = ["--accounts", pack / "accounts.csv", *(["--opportunities", deals] if deals.exists() else [])]
    return syncd("plan", pack, *options, "--as-of", NOW, *more)


def test_every_folder_of_examples_is_one_that_can_be_copied() -> None:
    assert {folder.name for folder in ROOT.iterdir() if (folder / "pack.yaml").exists()} == {*EXAMPLES, "demo"}
    assert len(PACKS) == 7


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_is_clean_under_strict(name: str) -> None:
    done = syncd("check", "--strict", ROOT / name)
    assert (done.exit_code, "warning" in done.output) == (0, False), done.output


@pytest.mark.parametrize("name", PACKS)
def test_its_cases_pass_and_reach_every_territory(name: str) -> None:
    done = syncd("test", ROOT / name, "--coverage", "--format", "json")
    document = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert document["failed"] == 0
    assert [case["name"] for case in document["cases"] if case.get("notes")] == []
    expected = {value for case in load_pack(ROOT / name).tests for value in case.expect.get("territory", ())}
    named = {part for value in expected for part in (value, value.rpartition("/")[2])}
    missing = {each.name for role in load_pack(ROOT / name).roles for each in load_pack(ROOT / name).territories(role)}
    assert missing - named <= {"los-angeles", "chicago"}, missing - named


@pytest.mark.parametrize("name", PACKS)
def test_its_accounts_can_be_planned_and_something_changes(name: str) -> None:
    done = planned(name, "--format", "json", "--all")
    document = json.loads(done.stdout)
    assert done.exit_code == 0
    rows = (ROOT / name / "accounts.csv").read_text("utf-8").strip().count("\n")
    assert len({each["company"] for each in document["decisions"]}) == rows
    assert document["summary"]["changes"] >= 2
    assert document["summary"]["unassigned"] >= 1


@pytest.mark.parametrize("name", PACKS)
def test_its_readme_says_how_to_try_it_and_links_to_what_is_there(name: str) -> None:
    text = (ROOT / name / "README.md").read_text("utf-8")
    for command in ("syncd check --strict .", "syncd test .", "syncd plan . --accounts accounts.csv"):
        assert command in text
    assert all((ROOT / name / target).exists() for target in re.findall(r"\]\(([^)]+)\)", text))


@pytest.mark.parametrize("name", PACKS)
def test_init_copies_it_whole(name: str, tmp_path: Path) -> None:
    done = syncd("init", tmp_path / "new", "--example", name)
    assert done.exit_code == 0, done.output
    copied = tmp_path / "new" / "pack"
    names = {str(path.relative_to(ROOT / name)) for path in (ROOT / name).rglob("*") if path.is_file()}
    assert {str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file()} == names
    assert load_pack(copied).revision == load_pack(ROOT / name).revision


def test_init_lists_the_examples_and_refuses_others(tmp_path: Path) -> None:
    listed = syncd("init", "--list")
    assert all(name in listed.output for name in EXAMPLES)
    refused = syncd("init", tmp_path / "new", "--example", "geografic")
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.code == "SYN022"
    assert not (tmp_path / "new").exists()
