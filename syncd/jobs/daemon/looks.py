"""Looks: what the daemon tells at once, by itself, from what it has loaded and open already.

`syncd status` and `syncd alerts` ask for them first: a process of their own takes longer to import the database's
library than the daemon takes to answer. Nothing waits for work under way, and nothing is changed.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

LOOK: Final = "look"
"""The first word of such a request; the second is the settings file of who asks, the third what is asked."""
PATIENCE: Final = 2.0
"""Seconds that who asks waits for the answer, before looking for itself: on a machine in trouble that takes longer."""
_LARGEST = 16 * 1024 * 1024
Looks = Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]
"""What can be asked, and what answers: arguments to document."""


def answer(looks: Looks, config: Path | None, argv: Sequence[str]) -> str | None:
    """The answer to a request as JSON; None for one of another settings file, or about what is not known here.

    A machine may hold more settings than the daemon's: whoever names other ones is not told of these.
    """
    asked = dict(zip(("word", "config", "name", "arguments"), argv, strict=False))
    if asked.get("name") not in looks or asked["config"] != named(config):
        return None
    return json.dumps(looks[asked["name"]](json.loads(asked.get("arguments", "{}"))), ensure_ascii=False)


def named(config: Path | None) -> str:
    """A settings file as both sides write it."""
    return str(config.resolve()) if config is not None else ""


def ask(path: Path, config: Path | None, name: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """The daemon's answer, or None where none listens, or has none for us: who asks looks for itself.

    TimeoutError where one listens and does not answer within PATIENCE seconds.
    """
    argv = [LOOK, named(config), name, json.dumps(arguments)]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(PATIENCE)
            client.connect(str(path))
            client.sendall(json.dumps({"argv": argv}).encode() + b"\n")
            return _document(_received(client))
    except (TimeoutError, BlockingIOError) as error:  # the latter where others wait for an answer before us
        raise TimeoutError from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _received(client: socket.socket) -> bytes:
    data = b""
    while (chunk := client.recv(65536)) and len(data) < _LARGEST:
        data += chunk
    return data


def _document(data: bytes) -> dict[str, Any] | None:
    frames = [json.loads(line) for line in data.splitlines()]
    if len(frames) != 2 or frames[1]["exit"] != 0:
        return None
    document = json.loads(frames[0]["text"])
    return document if isinstance(document, dict) else None
