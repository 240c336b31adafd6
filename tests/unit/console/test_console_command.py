"""`syncd console` as a process: it serves, it ends on SIGTERM, and it says why it cannot serve."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncd.cli.main import cli
from syncd.clock import ManualClock, SystemClock
from syncd.store.engine import Store
from tests.unit.jobs.jobs_world import NOW


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_in(folder: Path, port: int) -> Path:
    (folder / "people").touch(mode=0o600)
    path = folder / "config.toml"
    path.write_text(f'[console]\nlisten = "127.0.0.1:{port}"\ntokens = "file:{folder}/people"\n')
    return path


def test_it_serves_its_pages_and_ends_when_told_to(tmp_path: Path) -> None:
    port = free_port()
    config = settings_in(tmp_path, port)
    Store.open(f"sqlite:///{tmp_path}/syncd.db", clock=ManualClock(NOW), create=True).close()
    made = CliRunner().invoke(cli, ["console", "token", "ruth@acme.example", "--role", "approve"])
    (tmp_path / "people").write_text(made.stdout)
    assert "shown once" in made.stderr
    command = [sys.executable, "-m", "syncd", "--config", str(config), "console"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)) as process:
        try:
            assert "Your token" in page_of(f"http://127.0.0.1:{port}/sign-in")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def page_of(url: str) -> str:
    for _ in range(150):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            SystemClock().sleep(0.1)
    raise AssertionError("the console does not answer")


def test_without_people_or_a_port_of_its_own_it_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = settings_in(tmp_path, taken.getsockname()[1])
        refused = CliRunner().invoke(cli, ["--config", str(config), "console"], standalone_mode=False)
        assert "SYN812" in str(refused.exception)
        (tmp_path / "people").write_text(CliRunner().invoke(cli, ["console", "token", "vera@acme.example"]).stdout)
        refused = CliRunner().invoke(cli, ["--config", str(config), "console"], standalone_mode=False)
        assert "SYN814" in str(refused.exception)


def test_without_the_extra_it_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused = CliRunner().invoke(cli, ["--config", str(settings_in(tmp_path, 9)), "console"], standalone_mode=False)
    assert "SYN810" in str(refused.exception)
