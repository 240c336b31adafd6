"""The journal of a sandbox: every request a face was sent, what it answered and what that changed.

Secrets never enter it: headers that authenticate and form or JSON fields that hold credentials are masked on the way
in. It knows nothing of either CRM.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from syncd.clock import iso
from syncd.sandbox.wire import Request

MASK = "***"
SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization", "x-hubspot-signature-v3"})
SECRET_FIELDS = frozenset(
    {
        "access_token",
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "hapikey",
        "password",
        "refresh_token",
        "token",
    }
)
_XML_SECRET = re.compile(r"(<(?:\w+:)?(?:password|sessionId)(?:\s[^>]*)?>)[^<]*(<)")
_DEFAULT_CAPACITY = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and its outcome. `status` is 0 where no answer was sent; `source`: `api`, `person`, `native-sync`.

    `effects` say in words what changed, one line a record; `fault` is the fault that was injected, as written.
    """

    number: int
    at: datetime
    source: str
    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    body: str
    status: int
    effects: tuple[str, ...]
    fault: str | None

    def to_json(self) -> dict[str, Any]:
        """The entry as `GET /_sandbox/log` shows it."""
        return {
            "number": self.number,
            "at": iso(self.at),
            "source": self.source,
            "method": self.method,
            "path": self.path,
            "query": {key: list(values) for key, values in self.query.items()},
            "headers": dict(self.headers),
            "body": self.body,
            "status": self.status,
            "effects": list(self.effects),
            "fault": self.fault,
        }


class Journal:
    """The log of one face, numbered from 1; the oldest entries go when it is full. Safe between threads."""

    def __init__(self, capacity: int = _DEFAULT_CAPACITY) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._last = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries still held, oldest first."""
        return self.since(0)

    @property
    def last(self) -> int:
        """The number of the newest entry; 0 before the first."""
        with self._lock:
            return self._last

    def since(self, number: int) -> tuple[Entry, ...]:
        """The entries after entry `number`, oldest first."""
        with self._lock:
            return tuple(entry for entry in self._entries if entry.number > number)

    def record(
        self,
        request: Request,
        status: int,
        *,
        at: datetime,
        effects: tuple[str, ...] = (),
        fault: str | None = None,
        source: str = "api",
    ) -> Entry:
        """Write one request down, masked."""
        query = {
            key: tuple(MASK if key.lower() in SECRET_FIELDS else value for value in values)
            for key, values in request.query.items()
        }
        headers = {key: MASK if key in SECRET_HEADERS else value for key, value in request.headers.items()}
        body = masked_body(request.body, request.headers.get("content-type", ""))
        with self._lock:
            self._last += 1
            entry = Entry(
                self._last,
                at,
                source,
                request.method,
                _masked_path(request.path),
                query,
                headers,
                body,
                status,
                effects,
                fault,
            )
            self._entries.append(entry)
        return entry


def masked_body(body: bytes, content_type: str) -> str:
    """A body as text with the values of secret fields masked; form, JSON and XML bodies alike."""
    text = body.decode("utf-8", errors="replace")
    if "xml" in content_type or text.lstrip()[:1] == "<":
        return _XML_SECRET.sub(rf"\1{MASK}\2", text)
    if not any(name in text for name in SECRET_FIELDS):
        return text
    if "form" in content_type:
        fields = parse_qsl(text, keep_blank_values=True)
        return urlencode([(key, MASK if key.lower() in SECRET_FIELDS else value) for key, value in fields], safe="*:/")
    try:
        document = json.loads(text)
    except ValueError:
        return MASK
    return json.dumps(_masked(document), ensure_ascii=False, separators=(",", ":"))


def _masked(document: Any) -> Any:
    """A JSON document without the values of its secret fields."""
    if isinstance(document, dict):
        return {
            key: MASK if str(key).lower() in SECRET_FIELDS and isinstance(value, str) else _masked(value)
            for key, value in document.items()
        }
    return [_masked(item) for item in document] if isinstance(document, list) else document


def _masked_path(path: str) -> str:
    """A path without the token that HubSpot's token endpoints carry in it."""
    head, separator, tail = path.partition("-tokens/")
    return f"{head}{separator}{MASK}" if separator and tail else path
