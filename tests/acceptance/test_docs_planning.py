"""The page about planning is true: its packs are valid and its output is what syncd prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncd.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "planning.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's packs and files, written out as they stand there."""
    for block in BLOCK.findall(PAGE):
        first, _, rest = block.partition("\n")
        if found := re.fullmatch(r"# pack: (\S+)", first):
            (tmp_path / found[1]).mkdir()
            (tmp_path / found[1] / "pack.yaml").write_text(block, encoding="utf-8")
        elif found := re.fullmatch(r"# file: (\S+)", first):
            (tmp_path / found[1]).write_text(rest, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_pages_comparison_is_what_syncd_prints(folder: Path) -> None:
    for pack in ("one-team", "by-size"):
        assert "valid" in CliRunner().invoke(cli, ["check", pack, "--strict"]).stdout
    (shown,) = [block for block in BLOCK.findall(PAGE) if block.startswith("$ syncd")]
    command, _, output = shown.partition("\n")
    result = CliRunner().invoke(cli, command.removeprefix("$ syncd ").split())
    assert result.stdout == output


def test_the_commands_of_the_page_are_commands() -> None:
    for words in re.findall(r"^    syncd (.+)$", PAGE, re.MULTILINE):
        name, *options = words.split()
        help_ = CliRunner().invoke(cli, [name, "--help"]).output
        assert all(option in help_ for option in options if option.startswith("--")), words
