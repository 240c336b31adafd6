"""What the two faces of the sandbox speak: one request in, one response out, with or without sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as a face sees it: `path` without the query, header names in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Request:
        """A request from its target (`/path?query` or a whole URL)."""
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        return cls(
            method.upper(), parts.path or "/", query, {key.lower(): value for key, value in headers.items()}, body
        )

    def json(self) -> Any:
        """The body as JSON; ValueError where it is none."""
        return json.loads(self.body.decode("utf-8"))


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response. `drop` closes the connection instead of answering (a reset, or an answer lost after the work).

    A dropped response with a body breaks off in the middle of it. `stall` is how many seconds the transport waits
    before it answers or drops. `timeout` marks a drop that the client sees as a read timeout: over sockets it is the
    stall; in process the adapter raises the timeout at once. `packed` is the same body under gzip, where it is at hand.
    `refused`: nobody listens. `trick`: `headers`, `gzip`, `length N`, `drip SECONDS`, what the transport gets wrong;
    without sockets the adapter makes of it what a client would see.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    timeout: bool = False
    stall: float = 0.0
    packed: bytes | None = None
    refused: bool = False
    trick: str = ""

    @classmethod
    def of_json(cls, status: int, document: Any, headers: Mapping[str, str] | None = None) -> Response:
        """A JSON response."""
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace")
        return cls(status, {"Content-Type": "application/json;charset=UTF-8", **(headers or {})}, body)


class Face(Protocol):
    """One fake CRM: a state, and an answer to every request, those under /_sandbox/ included."""

    def handle(self, request: Request) -> Response:
        """Answer one request; thread-safe."""
        ...
