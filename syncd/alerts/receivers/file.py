"""A file as a receiver: one JSON line a notice, appended and on disk before it counts as delivered. Readable by the
owner alone, for alerts name people and money."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncd.alerts.receivers.delivery import DeliveryError
from syncd.alerts.receivers.routing import route_of
from syncd.settings import ReceiverSettings

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class FileReceiver:
    """Appends to one file; a line that a crash or a full disk cut short is closed off first."""

    def __init__(self, settings: ReceiverSettings) -> None:
        self.name = settings.name
        self._path = settings.path
        self.route = route_of(settings)

    def deliver(self, body: Mapping[str, Any]) -> None:
        """Append one line; DeliveryError `misconfigured` without a path, `unwritable` where it cannot be written."""
        if self._path is None:
            raise DeliveryError("misconfigured", "a file receiver needs a path")
        line = json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        try:
            _append(self._path, line)
        except OSError as error:
            raise DeliveryError("unwritable", f"{self._path}: {error.strerror}") from error


def _append(path: Path, line: bytes) -> None:
    handle = os.open(path, _FLAGS, 0o600)
    try:
        rest = line if _ends_a_line(path) else b"\n" + line
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
