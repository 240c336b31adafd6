"""Options that take a path: an option in the place of the path is a slip, in every command."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from syncd.cli.main import cli
from syncd.cli.manual import commands
from syncd.cli.paths import GivenPath


def test_demo_does_not_keep_its_files_in_a_folder_called_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["demo", "--keep", "--help"])
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "'--help' is an option, no path; for a file of that name write './--help'" in result.output


@pytest.mark.parametrize("words", [["--config", "--verbose", "status"], ["plan", "--out", "--all"]])
def test_an_option_in_the_place_of_a_path_is_refused(words: list[str]) -> None:
    result = CliRunner().invoke(cli, words)
    assert (result.exit_code, "is an option, no path" in result.output) == (2, True)


def test_all_that_takes_a_path_refuses_what_is_none() -> None:
    paths = [
        (name, param)
        for name, command in [("syncd", cli), *commands()]
        for param in command.params
        if isinstance(param.type, click.Path)
    ]
    assert len(paths) > 40
    assert [(name, param.name) for name, param in paths if not isinstance(param.type, GivenPath)] == []


@pytest.mark.parametrize("words", [["check"], ["plan", "--out"], ["db", "restore"], ["--config"]])
@pytest.mark.parametrize("path", ["a" * 300, "a/" * 3000], ids=["a name", "all of it"])
def test_what_is_longer_than_any_path_is_a_slip(words: list[str], path: str) -> None:
    result = CliRunner().invoke(cli, [*words, path])
    assert (result.exit_code, "is too long for a path" in result.output) == (2, True)


def test_a_path_that_begins_with_one_dash_or_a_dot_is_one() -> None:
    path = GivenPath(dir_okay=False)
    assert [path.convert(value, None, None) for value in ("-x", "./--x", "a--b")] == ["-x", "./--x", "a--b"]
