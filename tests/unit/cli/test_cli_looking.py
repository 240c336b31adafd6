"""What somebody who was just woken asks is answered by the running daemon, and by nobody where that would be wrong."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from syncd.cli.looking import FREEZE_FILE, SOCKET, control_path
from syncd.cli.main import cli
from syncd.errors import StorageError
from syncd.jobs.daemon.control import ControlServer
from syncd.jobs.daemon.looks import Looks, answer, ask
from syncd.settings import load_settings

STATUS: Mapping[str, Any] = {
    "mode": "apply",
    "daemon": {"listening": True, "leader": None},
    "pack": {"valid": True, "revision": "r1", "path": "pack"},
    "frozen": None,
    "adopted_at": None,
    "systems": {},
    "leads": None,
    "runs": {},
    "plans": [],
    "unready": ["nobody holds the lease"],
    "alerts": {"firing": 0, "by_severity": {}, "newest": []},
}


def refuse(*_: object) -> int:
    raise AssertionError("a look is no request")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A settings file whose database does not exist: whatever answers has not opened it."""
    path = tmp_path / "config.toml"
    path.write_text('[control]\nsocket = "c.sock"\n[database]\nurl = "sqlite:///none.db"\n')
    return path


@pytest.fixture
def daemon(home: Path) -> Iterator[list[Sequence[str]]]:
    """A daemon of those settings that answers, and what it was asked."""
    asked: list[Sequence[str]] = []

    def alerts(arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments["limit"] == 9:
            raise StorageError("SYN606", "busy")
        return {"checked_at": None, "alerts": [], "asked": dict(arguments)}

    looks: Looks = {"status": lambda _: dict(STATUS), "alerts": alerts}

    def look(argv: Sequence[str]) -> str | None:
        asked.append(argv)
        return answer(looks, home, argv)

    server = ControlServer(home.parent / "c.sock", refuse, look)
    server.start()
    yield asked
    server.close()


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(home), *words], standalone_mode=False)


def test_the_running_daemon_answers_and_the_database_is_not_opened(home: Path, daemon: list[Sequence[str]]) -> None:
    told = run(home, "status")
    assert (told.exit_code, told.stdout.splitlines()[0]) == (0, "mode     apply: writes plans inside the guard")
    assert run(home, "status", "--exit-code").return_value == 3
    listed = run(home, "alerts", "list", "--all", "--limit", "7", "--format", "json")
    assert json.loads(listed.stdout)["asked"] == {"everything": True, "limit": 7}
    assert [argv[2] for argv in daemon] == ["status", "status", "alerts"]


def test_a_daemon_of_other_settings_is_not_believed(home: Path, daemon: list[Sequence[str]], tmp_path: Path) -> None:
    """Who tries settings of their own on the machine of the service must not be shown the service's alerts."""
    other = tmp_path / "mine.toml"
    other.write_text(home.read_text())
    assert run(other, "status").exception is not None  # it looked for its own database, which is not there
    assert daemon


def test_what_the_daemon_cannot_answer_is_looked_up(home: Path, daemon: list[Sequence[str]]) -> None:
    failed = run(home, "alerts", "list", "--limit", "9")
    assert getattr(failed.exception, "code", None) == "SYN601", "there is no database"
    assert daemon


def test_a_daemon_that_stands_still_holds_nobody_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.jobs.daemon.looks.PATIENCE", 0.05)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(home.parent / "c.sock"))
        listener.listen(1)
        with pytest.raises(TimeoutError):
            ask(home.parent / "c.sock", home, "status", {})
        made = CliRunner().invoke(cli, ["--config", str(home), "db", "upgrade"])
        assert made.exception is None
        told = run(home, "status")
    assert told.exception is None
    assert "daemon   running, but DOES NOT ANSWER" in told.stdout


@pytest.mark.parametrize(
    "lines",
    [b"", b"\xff\n", b"[]\n{}\n", b'{"stream": "stdout", "text": "{}"}\n', b'{"text": "[1]"}\n{"exit": 0}\n'],
)
def test_what_is_no_answer_is_none(home: Path, lines: bytes) -> None:
    """Whatever listens there, and whatever it says."""
    place = home.parent / "c.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place))
        listener.listen(1)

        def say() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(lines)

        thread = threading.Thread(target=say)
        thread.start()
        assert ask(place, home, "status", {}) is None
        thread.join()


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("", {}),
        ('[control]\nsocket = "run/c.sock"\nfreeze_file = "stop"\n', {}),
        ('[control]\nsocket = "/run/other.sock"\n', {"SYNCD_CONTROL__FREEZE_FILE": "/etc/stop"}),
        ('[control]\nsocket = "a"\n', {"SYNCD_CONTROL__SOCKET": "b", "SYNCD_CONFIG_FOLDER": "/srv"}),
    ],
)
def test_paths_of_control_are_those_of_the_settings(tmp_path: Path, text: str, environ: dict[str, str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    control = load_settings(path, environ).control
    assert control_path(path, environ, SOCKET) == control.socket
    assert control_path(path, environ, FREEZE_FILE) == control.freeze_file


def test_writes_are_stopped_though_the_settings_are_invalid(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('mode = "nonsense"\n[control]\nfreeze_file = "stop"\n')
    assert run(path, "freeze", "--reason", "bad push", "--until", "4h").exception is None
    assert "bad push" in (tmp_path / "stop").read_text()
    assert run(path, "unfreeze").exception is None
    path.write_text("mode = \n")
    assert getattr(run(path, "freeze", "--reason", "bad push").exception, "code", None) == "SYN100"


def test_asking_imports_neither_database_nor_settings(home: Path, daemon: list[Sequence[str]]) -> None:
    """What is imported does not depend on the machine; docs/performance.md has the time."""
    for words in (["status"], ["alerts"], ["freeze", "--reason", "x"], ["unfreeze"]):
        argv = [sys.executable, "-X", "importtime", "-m", "syncd", "--config", str(home), *words]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
        assert imported & {"sqlalchemy", "pydantic", "structlog", "yaml", "urllib3", "numpy"} == set(), words


def test_the_answer_is_of_what_is_known_and_of_the_same_file_alone(home: Path) -> None:
    told = partial(answer, {"status": lambda _: {"a": 1}}, home)
    assert told(["look", str(home.resolve()), "status"]) == '{"a": 1}'
    assert told(["look", str(home.resolve()), "secrets"]) is None
    assert told(["look", "", "status"]) is None
    assert told(["look"]) is None
