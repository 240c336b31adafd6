"""The page about alerts is true: its pack passes its tests, its output is what syncd prints, its tables are whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncd.alerts.baseline import NAME as BASELINE_FINDINGS
from syncd.alerts.monitors import MONITORS
from syncd.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's pack, written out as it stands there."""
    name = ""
    for block in BLOCK.findall(PAGE):
        first, _, rest = block.partition("\n")
        if found := re.fullmatch(r"# pack: (\S+)", first):
            name = found[1]
            (tmp_path / name).mkdir()
            (tmp_path / name / "pack.yaml").write_text(block, encoding="utf-8")
        elif found := re.fullmatch(r"# file: (\S+)", first):
            (tmp_path / name / found[1]).write_text(rest, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_pages_pack_is_valid_and_its_output_is_what_syncd_prints(folder: Path) -> None:
    assert "valid" in CliRunner().invoke(cli, ["check", "watched", "--strict"]).stdout
    (shown,) = [block for block in BLOCK.findall(PAGE) if block.startswith("$ syncd")]
    command, _, output = shown.partition("\n")
    result = CliRunner().invoke(cli, command.removeprefix("$ syncd ").split())
    assert result.stdout == output


def test_a_test_of_monitors_that_does_not_pass_says_what_came_out(folder: Path) -> None:
    path = folder / "watched" / "pack.yaml"
    path.write_text(path.read_text().replace("expect: [AccountChurned Acme]", "expect: [AccountChurned Beta]", 1))
    result = CliRunner().invoke(cli, ["alerts", "test", "watched"])
    assert result.return_value == 3 or "1 failed" in result.stdout
    assert "AccountChurned Beta: expected firing, got no such alert" in result.stdout
    assert "AccountChurned Acme: not expected, got firing" in result.stdout
    document = CliRunner().invoke(cli, ["alerts", "test", "watched", "--format", "json"])
    assert '"failed": 1' in document.stdout


def test_the_table_names_every_monitor_with_its_severity_and_options() -> None:
    rows = {
        cells[1].strip("` "): cells
        for line in PAGE.splitlines()
        if line.startswith("| `") and len(cells := line.split("|")) == 6
    }
    assert set(rows) == {monitor.name for monitor in MONITORS} | {BASELINE_FINDINGS}
    for monitor in MONITORS:
        _, _, _, severity, options, _ = rows[monitor.name]
        assert monitor.severity in severity
        if "as before" not in options:
            assert {name.strip("`") for name in re.findall(r"`\w+`", options)} == monitor.options
