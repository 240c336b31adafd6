"""Asking in the name of others: for the daemon's own user alone, and by names alone."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from syncd.jobs.daemon import control
from syncd.jobs.daemon.control import ControlServer, Tell, ask_daemon


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    def perform(argv: Sequence[str], who: str, tell: Tell) -> int:
        tell("stdout", who)
        return 0

    server = ControlServer(tmp_path / "control.sock", perform)
    server.start()
    yield tmp_path / "control.sock"
    server.close()


def asked(place: Path, name: str) -> tuple[int | None, list[str]]:
    told: list[str] = []
    return ask_daemon(place, ["approve", "3f9a"], lambda _, text: told.append(text), on_behalf_of=name), told


def test_the_name_stands_behind_what_the_kernel_says(place: Path) -> None:
    code, (who,) = asked(place, "ruth@acme.example")
    assert code == 0
    assert who.startswith(f"uid:{os.getuid()}")
    assert who.endswith(" for ruth@acme.example")


@pytest.mark.parametrize("name", ["", "ruth (uid:0)", "a\nb", "x" * 121])
def test_a_name_that_could_be_taken_for_something_else_is_refused(place: Path, name: str) -> None:
    assert asked(place, name) == (2, ["`for` is a name"])


def test_another_user_cannot_ask_in_the_name_of_others(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_peer", lambda _: (4711, "uid:4711 (eve)"))
    code, (said,) = asked(place, "ruth@acme.example")
    assert code == 2
    assert "daemon's own user" in said
    assert ask_daemon(place, ["approve", "3f9a"], lambda *_: None) == 0


@pytest.mark.parametrize("request_", [[], {"argv": ["approve"], "for": 7}, {"argv": ["approve"], "for": ["a"]}])
def test_what_is_no_request_is_refused(place: Path, request_: Any) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))
        client.sendall(json.dumps(request_).encode() + b"\n")
        with client.makefile("r") as lines:
            assert [json.loads(line) for line in lines][-1] == {"exit": 2}
