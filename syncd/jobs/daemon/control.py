"""The control socket: how a command asks a running daemon to do something, and who asked.

One JSON line in, JSON lines out: `{"argv": ["approve", "ab12"]}`, then `{"stream": "stdout", "text": "…"}` and, last,
`{"exit": 0}`. A look (looks.py) is answered at once and changes nothing. The kernel says who asks (SO_PEERCRED);
nothing in the request can. The console, which runs as the daemon's own user, says with `"for"` in whose name it asks;
it stands beside what the kernel says.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from syncd.errors import ConfigError, LeaseHeldError, SyncdError
from syncd.errors.exhaustion import exhaustion
from syncd.jobs.daemon.looks import LOOK

Tell = Callable[[str, str], None]
Perform = Callable[[Sequence[str], str, Tell], int]
"""Does a request: its argv, who asks, where its output goes; returns the exit code."""

REQUESTS = frozenset(
    {
        "pull",
        "adopt",
        "approve",
        "apply",
        "undo",
        "sync",
        "leads",
        "alerts",
        "drift",
        "link",
        "erase",
        "pack",
        "system",
        "db",
    }
)
"""The commands that a daemon does for others."""
_LONGEST_REQUEST = 64 * 1024
_NAME = re.compile(r"[\w.@+-]{1,120}")
_PATIENCE = 10.0
"""Seconds that a client has to send its request, and to take a line of the answer."""
_PAUSE = 0.5
"""Seconds between two tries to take a request up while the machine gives no open file for it."""


class ControlServer:
    """Listens on a unix socket, mode 0660, one thread a request."""

    def __init__(
        self, path: Path, perform: Perform, look: Callable[[Sequence[str]], str | None] = lambda _: None
    ) -> None:
        """`look` answers a look at once (looks.py), in the thread of whoever asks; None refuses it."""
        self._path = path
        self._perform = perform
        self._look = look
        self._socket: socket.socket | None = None
        self._pause = threading.Event()

    def start(self) -> None:
        """Bind and listen; a socket that a dead daemon left behind is replaced.

        ConfigError SYN112 where there can be no socket.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            _bind(listener, self._path)
        except OSError as error:
            listener.close()
            hint = "name a place in a folder that syncd may write, of at most 100 characters, with control.socket"
            text = f"there can be no control socket here: {os.strerror(error.errno) if error.errno else error}"
            raise ConfigError("SYN112", text, where=str(self._path), hint=hint) from error
        listener.listen(8)
        self._socket = listener
        threading.Thread(target=self._accept, args=(listener,), name="control", daemon=True).start()

    def close(self) -> None:
        """Stop listening and take the socket away."""
        if self._socket is not None:
            self._pause.set()
            self._socket.close()
            self._path.unlink(missing_ok=True)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if exhaustion(error) is None:
                    return  # closed
                self._pause.wait(_PAUSE)  # who asks waits meanwhile
                continue
            try:
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()
            except (RuntimeError, MemoryError):
                connection.close()  # who asked learns that there is no answer, and may ask again

    def _answer(self, connection: socket.socket) -> None:
        lock = threading.Lock()
        connection.settimeout(_PATIENCE)

        def send(frame: dict[str, object]) -> None:
            """A client that went away, or is stopped and takes nothing, must not stop the work: it gets no more."""
            try:
                with lock:
                    connection.sendall(json.dumps(frame).encode() + b"\n")
            except OSError:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

        with connection:
            argv, name, problem = _request(connection)
            uid, who = _peer(connection)
            if name is not None:
                who = f"{who} for {name}"
                if uid not in (0, os.getuid()):
                    problem = "only the daemon's own user may ask in the name of others"
            if problem:
                send({"stream": "stderr", "text": problem})
                send({"exit": 2})
                return
            if argv[0] == LOOK:
                told = self._looked(argv)
                send({"stream": "stdout", "text": told or ""})
                send({"exit": 0 if told is not None else 2})
                return
            code = self._perform(argv, who, lambda stream, text: send({"stream": stream, "text": text}))
            send({"exit": code})

    def _looked(self, argv: Sequence[str]) -> str | None:
        """The answer to a look; None where there is none, of which who asks learns by looking for itself."""
        try:
            return self._look(argv)
        except (SyncdError, ValueError, TypeError, KeyError, RecursionError):
            return None


def _bind(listener: socket.socket, path: Path) -> None:
    previous = os.umask(0o117)
    try:
        listener.bind(str(path))
    finally:
        os.umask(previous)


def _request(connection: socket.socket) -> tuple[list[str], str | None, str | None]:
    """The words of a request, in whose name it is asked, and why it is none."""
    data = b""
    try:
        while not data.endswith(b"\n") and len(data) < _LONGEST_REQUEST:
            chunk = connection.recv(4096)
            if not chunk:
                break
            data += chunk
        document = json.loads(data)
        argv, name = document["argv"], document.get("for")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [], None, "the control socket takes one line of JSON with the key argv"
    if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
        return [], None, "argv is a list of words"
    if argv[0] not in REQUESTS and argv[0] != LOOK:
        said = f"{argv[0]!r} is no request of a running daemon: stop it first (systemctl stop syncd); it does: "
        return [], None, said + ", ".join(sorted(REQUESTS))
    if name is not None and (not isinstance(name, str) or _NAME.fullmatch(name) is None):
        return [], None, "`for` is a name"
    return argv, name, None


def _peer(connection: socket.socket) -> tuple[int, str]:
    """The uid of whoever is at the other end, and how it stands in the ledger."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", raw)
    try:
        return uid, f"uid:{uid} ({pwd.getpwuid(uid).pw_name})"
    except KeyError:
        return uid, f"uid:{uid}"


def ask_daemon(path: Path, argv: Sequence[str], tell: Tell, *, on_behalf_of: str | None = None) -> int | None:
    """Have a running daemon do `argv`; its exit code, or None where no daemon listens.

    `on_behalf_of` names the person whom the daemon's own user asks for.
    Raises LeaseHeldError SYN704 where the daemon goes away before it has answered, or answers what none says.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(path))
            asked = {"argv": list(argv)} | ({"for": on_behalf_of} if on_behalf_of is not None else {})
            client.sendall(json.dumps(asked).encode() + b"\n")
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return None
        except PermissionError as error:
            hint = "run the command as a member of the socket's group"
            raise LeaseHeldError(
                "SYN704", "the daemon's control socket is not open to you", where=str(path), hint=hint
            ) from error
        with client.makefile("rb") as lines, contextlib.suppress(ConnectionError):
            for line in lines:
                frame = _frame(line, path)
                if "exit" in frame:
                    return int(frame["exit"])
                tell(str(frame["stream"]), str(frame["text"]))
    raise LeaseHeldError(
        "SYN704",
        "the daemon went away before it answered",
        where=str(path),
        hint="see `syncd runs` for what became of the request; it may still have been done",
    )


def _frame(line: bytes, path: Path) -> dict[str, str | int]:
    """One line of an answer; LeaseHeldError SYN704 where no daemon of ours says such a thing."""
    try:
        frame = json.loads(line)
        if isinstance(frame["exit"], int) if "exit" in frame else {"stream", "text"} <= frame.keys():
            return dict(frame)
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    hint = "see what listens there; a daemon of another version may have to be started anew"
    raise LeaseHeldError("SYN704", "what answers there is no daemon of this version", where=str(path), hint=hint)
