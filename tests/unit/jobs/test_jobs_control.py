from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from syncd.cli import commands
from syncd.errors import LeaseHeldError
from syncd.jobs.daemon.control import REQUESTS, ControlServer, Tell, ask_daemon
from syncd.jobs.daemon.notify import Notifier


def perform(argv: Sequence[str], who: str, tell: Tell) -> int:
    tell("stdout", f"{' '.join(argv)} for {who}")
    tell("stderr", "a remark")
    return 7


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def test_a_request_is_done_with_its_output_exit_code_and_who_asked(place: Path) -> None:
    server = ControlServer(place, perform)
    server.start()
    told: list[tuple[str, str]] = []
    code = ask_daemon(place, ["apply", "3f9a"], lambda stream, text: told.append((stream, text)))
    server.close()
    assert code == 7
    assert told[0][0] == "stdout"
    assert told[0][1].startswith(f"apply 3f9a for uid:{os.getuid()}")
    assert told[1] == ("stderr", "a remark")


def test_the_socket_is_open_to_its_group_only_and_goes_with_the_server(place: Path) -> None:
    server = ControlServer(place, perform)
    server.start()
    assert place.stat().st_mode & 0o777 == 0o660
    server.close()
    assert not place.exists()


def test_a_socket_that_a_dead_daemon_left_is_replaced(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
    assert ask_daemon(place, ["apply", "x"], lambda *_: None) is None
    server = ControlServer(place, perform)
    server.start()
    assert ask_daemon(place, ["apply", "x"], lambda *_: None) == 7
    server.close()


def test_without_a_daemon_nobody_is_asked(place: Path) -> None:
    assert ask_daemon(place, ["apply", "x"], lambda *_: None) is None


@pytest.mark.parametrize(
    "sent",
    [
        b"not json\n",
        b'{"argv": "apply"}\n',
        b'{"argv": []}\n',
        b'{"argv": ["serve"]}\n',
        b'{"argv": ["apply", 3]}\n',
        b"[]\n",
    ],
)
def test_what_is_no_request_is_refused_and_not_done(place: Path, sent: bytes) -> None:
    done: list[Sequence[str]] = []

    def remember(argv: Sequence[str], who: str, tell: Tell) -> int:
        done.append(argv)
        return 0

    server = ControlServer(place, remember)
    server.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))
        client.sendall(sent)
        frames = [json.loads(line) for line in client.makefile()]
    server.close()
    assert frames[-1] == {"exit": 2}
    assert done == []


def test_every_command_that_needs_the_lease_is_done_by_a_running_daemon_but_the_end_of_it_all() -> None:
    folder = Path(commands.__file__).parent
    leading = {path.stem for path in folder.glob("*.py") if "lead(ctx, " in path.read_text(encoding="utf-8")}
    assert "leads" in leading
    assert leading - REQUESTS == {"decommission"}


def test_a_daemon_that_goes_away_is_an_error_not_a_success(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(LeaseHeldError, match="SYN704"):
            ask_daemon(place, ["apply", "x"], lambda *_: None)
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [b"garbage\n", b"\xff\n", b"[]\n", b"{}\n", b'{"exit": "soon"}\n', b"[" * 2000 + b"\n", b'{"exit": 0', b""],
)
def test_an_answer_that_no_daemon_gives_is_an_error_in_words(place: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        def reply() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(LeaseHeldError, match="SYN704"):
            ask_daemon(place, ["apply", "x"], lambda *_: None)
        thread.join()


def test_the_notifier_tells_systemd_and_is_silent_without_it(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000000"})
        notifier.ready("serving")
        notifier.reloading(5)
        notifier.alive("fine")
        notifier.stopping()
        told = [systemd.recv(1000) for _ in range(4)]
    assert told == [
        b"READY=1\nSTATUS=serving",
        b"RELOADING=1\nMONOTONIC_USEC=5",
        b"WATCHDOG=1\nSTATUS=fine",
        b"STOPPING=1",
    ]
    assert notifier.watchdog_seconds == 60
    Notifier({}).ready("nobody listens")
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("nobody listens")


def test_a_full_queue_does_not_stop_the_daemon(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        notifier = Notifier({"NOTIFY_SOCKET": address})
        for _ in range(5000):
            notifier.alive("nobody reads this")
        assert systemd.recv(1000).startswith(b"WATCHDOG=1")
