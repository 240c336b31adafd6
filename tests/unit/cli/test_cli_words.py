"""The words of a command line as they come: in an old encoding, too large, or naming what the system refuses."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path

import pytest

from syncd.cli.main import cli, main
from syncd.errors import ExitCode
from tests.integration.installation import Installation


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of the command as a process would have it."""
    monkeypatch.setattr(sys, "argv", ["syncd", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = Installation.make(tmp_path_factory.mktemp("words"), companies=2)
    made.close()
    return str(made.folder / "config.toml")


def test_a_freeze_with_a_reason_from_an_old_terminal_freezes(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--config", config, "db", "upgrade") == 0
    assert run(monkeypatch, "--config", config, "freeze", "--reason", "gef\udce4hrlich") == 0
    assert "note: an argument is not UTF-8; it is read as 'gef\ufffdhrlich'" in capsys.readouterr().err
    run(monkeypatch, "--config", config, "status", "--format", "json")
    assert "gef\ufffdhrlich" in json.loads(capsys.readouterr().out)["frozen"]


@pytest.mark.parametrize("words", [["explain", "SYN2\udcff"], ["\udcff"], ["check", "\udcff"]])
def test_words_that_are_no_utf_8_are_no_bug(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *words) in (ExitCode.USAGE, ExitCode.INVALID)
    assert "it is read as" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["alerts", "ack"], ["alerts", "show"], ["alerts", "silence", "expire"]])
def test_a_number_that_no_database_has_is_a_slip(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *words, str(2**63)) == ExitCode.USAGE
    assert "is not in the range" in capsys.readouterr().err


def test_a_file_that_the_system_refuses_anywhere_is_told_and_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/root/book.csv")

    monkeypatch.setattr(cli, "main", refused)
    assert run(monkeypatch, "status") == ExitCode.INVALID
    assert "error SYN012: /root/book.csv: Permission denied" in capsys.readouterr().err


def test_a_pack_below_a_folder_that_this_user_may_not_search_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(self: Path, **_: object) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_dir", refused)
    assert run(monkeypatch, "check", str(tmp_path), "--format", "json") == ExitCode.INVALID
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["code"], "Permission denied" in finding["message"]) == ("SYN209", True)
