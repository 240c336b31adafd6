"""A wire that counts what goes over it: calls by endpoint and how they ended, how long they took, and repeats.

Labels are of few values whatever a CRM or a URL holds: an endpoint is the first plain word of the path behind its
version, never an id. It knows no CRM.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final
from urllib.parse import urlsplit

from syncd.clock import Clock
from syncd.connectors.wire import HttpRequest, HttpResponse, NetworkWire, Wire, WireError
from syncd.telemetry.tally import Tally

_SKIPPED: Final = frozenset({"services", "data", "crm", "async"})
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_-]{1,31}|oauth2")
_LIMITED: Final = 429


class MeteredWire:
    """A wire around another one, for one system."""

    def __init__(self, wire: Wire, system: str, tally: Tally, clock: Clock) -> None:
        self.inner = wire
        self._system = system
        self._tally = tally
        self._clock = clock
        self._failed: tuple[bytes, str] | None = None

    def send(self, request: HttpRequest) -> HttpResponse:
        """As the inner wire does, counted."""
        self._note_repeat(request)
        started = self._clock.monotonic()
        try:
            answer = self.inner.send(request)
        except WireError as error:
            self._count(request, error.kind, started)
            raise
        self._count(request, _class_of(answer.status), started)
        return answer

    def close(self) -> None:
        """Close the idle connections, where the inner wire keeps any."""
        if isinstance(self.inner, NetworkWire):
            self.inner.close()

    def _note_repeat(self, request: HttpRequest) -> None:
        """Count a request that is equal to one that has just failed."""
        failed, self._failed = self._failed, None
        if failed is not None and failed[0] == _digest(request):
            self._tally.count("http_retries_total", system=self._system, reason=failed[1])

    def _count(self, request: HttpRequest, ended: str, started: float) -> None:
        labels = {"system": self._system, "endpoint": endpoint(request.url)}
        self._tally.count("http_requests_total", **labels, status_class=ended)
        took = self._clock.monotonic() - started
        self._tally.observe("http_request_duration_seconds", took, **labels)
        if ended not in ("2xx", "3xx"):
            self._failed = (_digest(request), ended)


def endpoint(url: str) -> str:
    """The part of an API that a URL is of, such as `query`, `composite`, `objects`, `owners`; `other` for none."""
    for part in urlsplit(url).path.split("/"):
        if part not in _SKIPPED and _WORD.fullmatch(part):
            return part
    return "other"


def _class_of(status: int) -> str:
    return "429" if status == _LIMITED else f"{status // 100}xx"


def _digest(request: HttpRequest) -> bytes:
    whole = f"{request.method} {request.url}\n".encode() + (request.body or b"")
    return hashlib.blake2b(whole, digest_size=16).digest()
