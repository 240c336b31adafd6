"""journald's own protocol: an entry with fields, sent to its socket, without an extension in C.

Used only where stderr, ours or that of the daemon that started us, is the journal's: then `journalctl SYNCD_EVENT=…`
finds an event, and its level is the entry's priority. Knows nothing of what the fields mean.
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

SOCKET: Final = "/run/systemd/journal/socket"
IDENTIFIER: Final = "syncd"
PRIORITIES: Mapping[str, int] = {"debug": 7, "info": 6, "warning": 4, "error": 3}
"""syslog's priorities by level."""
INDEXED: Final = (
    "run_id",
    "job",
    "system",
    "plan_id",
    "record",
    "alert",
    "monitor",
    "severity",
    "subject",
    "receiver",
    "reason",
    "code",
)
"""The facts that become fields of their own, as SYNCD_RUN_ID and so on; all of them are in the message."""
_EVENTS = UUID("0b6f0b5e-6f3e-5d0c-9b4e-7a3f5f1d2c11")
_LONGEST_FIELD = 1000
_SEALS = 0x0F  # no more seals, no shrinking, no growing, no writing
_ADD_SEALS = 1033


def message_id(event: str) -> str:
    """The fixed MESSAGE_ID of an event: the same in every version."""
    return uuid5(_EVENTS, event).hex


def is_journal(environ: Mapping[str, str], *, stderr: int = 2, parent: int | None = None) -> bool:
    """Whether stderr, or that of the process `parent`, is the journal's stream that JOURNAL_STREAM names.

    The variable alone says nothing: a shell inherits it from whatever service started it.
    """
    wanted = environ.get("JOURNAL_STREAM")
    if not wanted:
        return False
    places: list[int | Path] = [stderr]
    if parent is not None:
        places.append(Path(f"/proc/{parent}/fd/{stderr}"))
    return any(_stream(place) == wanted for place in places)


def _stream(place: int | Path) -> str | None:
    try:
        known = os.stat(place)
    except OSError:
        return None
    return f"{known.st_dev}:{known.st_ino}"


class Journal:
    """One connection to journald."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def send(self, level: str, event: str, message: str, facts: Mapping[str, object]) -> None:
        """One entry; OSError where journald does not take it."""
        fields: dict[str, str] = {
            "MESSAGE": message,
            "PRIORITY": str(PRIORITIES[level]),
            "SYSLOG_IDENTIFIER": IDENTIFIER,
            "MESSAGE_ID": message_id(event),
            "SYNCD_EVENT": event,
        }
        for name in INDEXED:
            value = facts.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool):
                fields[f"SYNCD_{name.upper()}"] = str(value)[:_LONGEST_FIELD]
        self._send(b"".join(_field(name, value) for name, value in fields.items()))

    def _send(self, entry: bytes) -> None:
        try:
            self._socket.sendto(entry, self._path)
        except OSError as error:
            if error.errno not in (90, 105):  # EMSGSIZE, ENOBUFS: too large for a datagram
                raise
            self._send_file(entry)

    def _send_file(self, entry: bytes) -> None:
        """The entry as a sealed file in memory, as journald takes what is too large."""
        handle = os.memfd_create("syncd-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with os.fdopen(os.dup(handle), "wb") as file:
                file.write(entry)
            fcntl.fcntl(handle, _ADD_SEALS, _SEALS)
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle]).tobytes())]
            self._socket.sendmsg([b""], rights, 0, self._path)
        finally:
            os.close(handle)


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
