"""Runbooks hold at three in the morning: one a monitor, of one shape, and every command in them is one that runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from syncd.alerts.baseline import NAME as BASELINE_FINDINGS
from syncd.alerts.monitors import MONITORS
from syncd.cli.main import cli
from syncd.jobs.daemon.emergency import NAME as STORAGE_FAILING
from tests.integration.installation import Installation

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
PARTS = ("Symptom", "Impact", "Check", "Fix", "Verify", "Escalate")
COMMANDS = re.compile(r"`(syncd [a-z][^`]*)`|^    ((?:syncd|systemctl) .*)$", re.MULTILINE)
WRITERS = ("freeze", "unfreeze", "sync", "pull", "undo", "approve", "apply", "adopt", "db restore")
"""What a check may not do: it looks."""
VALUES = {
    "RECEIVER": "log",
    "SYSTEM": "salesforce",
    "JOB": "pull",
    "SYNnnn": "SYN607",
    "SYN4nn": "SYN401",
    "DAY": "2026-11-01",
    "…": "why",
}


def commands(text: str) -> list[str]:
    """Every syncd command that a page names, one by one, without comments and results."""
    lines = [quoted or block for quoted, block in COMMANDS.findall(text)]
    return [
        part.partition("#")[0].partition("   ")[0].strip()
        for line in lines
        for part in line.split(" && ")
        if part.startswith("syncd ")
    ]


def part(text: str, name: str) -> str:
    return text.split(f"## {name}\n")[1].split("\n## ")[0]


def parsed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a command line as the real program does, without doing it; click's UsageError where it cannot be."""
    monkeypatch.setattr(click.Command, "invoke", lambda *_: None)
    cli.main(words, standalone_mode=False)


def test_every_monitor_has_its_page_and_every_page_its_monitor() -> None:
    wanted = {monitor.name for monitor in MONITORS} | {BASELINE_FINDINGS, STORAGE_FAILING}
    titles = {page.read_text().splitlines()[0].removeprefix("# "): page.stem for page in PAGES}
    assert wanted <= set(titles)
    for title, stem in titles.items():
        assert re.sub(r"(?<!^)([A-Z])", r"-\1", title).lower() == stem


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_its_parts_in_order_and_begins_with_looking(page: Path) -> None:
    text = page.read_text()
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == PARTS
    assert all(part(text, name).strip() for name in PARTS)
    first = commands(part(text, "Check"))[0].removeprefix("syncd ")
    assert not first.startswith(WRITERS), f"the first command of a check changes something: {first}"
    assert "syncd alerts" in part(text, "Verify") or "db verify" in part(text, "Verify")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A small installation that was adopted, planned and watched."""
    made = Installation.make(tmp_path_factory.mktemp("runbooks"), companies=40)
    for words in (["db", "upgrade"], ["pull"], ["adopt"], ["plan"], ["watch"]):
        done = CliRunner().invoke(cli, ["--config", str(made.folder / "config.toml"), *words])
        assert done.exit_code == 0, (words, done.output)
    yield made
    made.close()


def first_commands() -> list[str]:
    found = {commands(part(page.read_text(), "Check"))[0] for page in PAGES}
    return sorted(found)


@pytest.mark.parametrize("line", first_commands())
def test_the_first_command_of_every_page_runs(line: str, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.folder)
    record = home.sandboxes.salesforce.records("Account")[0]["Id"]
    values = VALUES | {"REF": f"salesforce:account:{record}", "ID": "1"}
    words = [values.get(word, word) for word in shlex.split(line)]
    done = CliRunner().invoke(cli, ["--config", "config.toml", *words[1:]])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    assert done.exit_code == 0 or (words[1] == "doctor" and done.exit_code == 3), done.output
    assert done.output.strip()


@pytest.mark.parametrize(
    "page", [*PAGES, *(ROOT / "docs" / f"{name}.md" for name in ("alerts", "operations", "logs", "metrics"))]
)
def test_every_command_of_a_page_is_one_that_syncd_takes(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "examples")
    for line in commands(page.read_text()):
        typed = line.partition(" > ")[0].replace("$(date +%F)", "2026-11-22")
        words = [VALUES.get(word, word) for word in shlex.split(typed)][1:]
        words = ["7" if word == "ID" else "README.md" if word.endswith(".csv") else word for word in words]
        try:
            parsed(words, monkeypatch)
        except click.MissingParameter:
            assert len(words) < 3, f"{page.name}: {line}"  # a command that is only named, such as `syncd approve`
        except click.UsageError as error:
            pytest.fail(f"{page.name}: {line}: {error.format_message()}")


def test_first_commands_of_the_prometheus_rules_are_ones_that_syncd_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "deploy" / "prometheus" / "syncd.rules.yaml").read_text()
    found = re.findall(r"First: (syncd [a-z -]+?)(?:[.;,]| says)", text)
    assert len(found) > 5
    for line in found:
        parsed(line.split()[1:], monkeypatch)
