"""The HTTP port: one request out, one answer back, and what is known when there is none.

Every byte that a connector sends goes through a Wire, those of the vendors' SDKs included; the simulation and the
contract tests put the sandbox behind it. It knows nothing of CRMs, retries, tokens or budgets.
"""

from __future__ import annotations

import _thread
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions as faults
from urllib3.connection import HTTPConnection, HTTPSConnection

from syncd.clock import Clock, SystemClock
from syncd.errors import ConfigError, SyncdError

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 60.0
CALL_DEADLINE: Final = 120.0
BODY_CAP: Final = 32 * 1024 * 1024
OVERSIZE: Final = "Oversize"
"""The detail of a WireError for an answer over the body cap."""
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; timeouts in seconds. Its text form shows no header and no body, which may hold secrets."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float = READ_TIMEOUT


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One whole answer, its body decoded from any transfer or content coding."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        """A header by name, whatever its case; None where it is absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), None)


class WireError(Exception):
    """No whole answer came.

    `kind`: `connect` (nothing reached the server), `timeout`, `reset`, or `broken` (an answer came and is cut, garbled
    or too large). `sent` says whether the request may have reached the server: only then can a write have been done.
    """

    def __init__(self, kind: str, sent: bool, detail: str = "") -> None:
        super().__init__(kind, sent, detail)
        self.kind = kind
        self.sent = sent
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.kind}{': ' + self.detail if self.detail else ''}"


class Wire(Protocol):
    """Something that carries requests to a CRM."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status; WireError where none came whole."""
        ...


_call = threading.local()
"""What this thread's call under way has done: `sent`, and the `limit` in seconds that its headers must come within."""


class _Watched:
    """A connection that notes when the first byte of a request leaves, and is cut when an answer takes too long.

    That is so for the headers, and for what comes before a request: a proxy's answer to CONNECT, and the TLS handshake.
    A timeout of the socket alone would let a server drip one byte a minute for ever (reliability.md T45).
    """

    sock: Any
    _line: Any = None

    def connect(self) -> None:
        late, done = threading.Event(), threading.Event()
        _thread.start_new_thread(self._cut, (getattr(_call, "limit", CALL_DEADLINE), done, late))
        try:
            super().connect()  # type: ignore[misc]
        finally:
            done.set()
            if self._line is not None:
                self._line.close()
                self._line = None
            _call.sent = False  # a proxy's CONNECT is not our request
        if late.is_set():
            raise TimeoutError  # the parser of a tunnel takes a cut in the middle of the headers for their end

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        self._line = sock.dup()  # TLS takes the socket itself over before its handshake; this one can still cut it
        return sock

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _call.sent = True
        super().send(data)  # type: ignore[misc]

    def getresponse(self) -> Any:
        late, done = threading.Event(), threading.Event()
        # a threading.Thread that finds no memory for its first step leaves whoever started it waiting for ever (F33)
        _thread.start_new_thread(self._cut, (getattr(_call, "limit", CALL_DEADLINE), done, late))
        try:
            answer = super().getresponse()  # type: ignore[misc]
        finally:
            done.set()
        if late.is_set():
            answer.close()
            raise TimeoutError  # the parser takes a cut in the middle of the headers for their end
        return answer

    def _cut(self, limit: float, done: threading.Event, late: threading.Event) -> None:
        if done.wait(limit):
            return
        late.set()
        sock = self._line or self.sock
        if sock is not None:
            try:
                sock.shutdown(2)
            except OSError:
                return  # it ended by itself meanwhile


class _HttpConnection(_Watched, HTTPConnection):
    """A watched connection to loopback."""


class _HttpsConnection(_Watched, HTTPSConnection):
    """A watched connection under TLS."""


class NetworkWire:
    """The wire to the real network, over pooled keep-alive connections. Safe between threads.

    TLS is always verified, against `ca_bundle` where one is given; plain HTTP goes to loopback only. There are no
    retries and no redirects here, and an answer over `body_cap` bytes or later than `deadline` seconds is none.
    `forbidden` is asked before each send: while it says True (a database transaction is open) sending is a bug.
    """

    def __init__(
        self,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        *,
        forbidden: Callable[[], bool] = lambda: False,
        clock: Clock | None = None,
        deadline: float = CALL_DEADLINE,
        body_cap: int = BODY_CAP,
    ) -> None:
        self._forbidden = forbidden
        self._clock = clock or SystemClock()
        self._deadline = deadline
        self._body_cap = body_cap
        context = ssl.create_default_context(cafile=ca_bundle)
        self._direct = _watched(urllib3.PoolManager(num_pools=8, maxsize=8, ssl_context=context))
        self._outside = self._direct
        if proxy is not None:
            self._outside = _watched(urllib3.ProxyManager(proxy, num_pools=8, maxsize=8, ssl_context=context))

    def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status; WireError where none came whole, ConfigError for plain HTTP to outside."""
        if self._forbidden():
            raise SyncdError("SYN430", f"{request.method} was about to be sent while a database transaction is open")
        local = _require_safe(request.url)
        pool = self._direct if local else self._outside
        started = self._clock.monotonic()
        _call.sent, _call.limit = False, self._deadline
        try:
            with pool.request(
                request.method,
                request.url,
                body=request.body,
                headers={"Accept-Encoding": "gzip", **request.headers},
                timeout=urllib3.Timeout(connect=request.connect_timeout, read=request.read_timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            ) as answer:
                body = self._body(answer, started)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return HttpResponse(answer.status, headers, body)
        except (faults.HTTPError, OSError) as error:
            raise self._explained(error, started) from None

    def close(self) -> None:
        """Close the idle connections."""
        self._direct.clear()
        self._outside.clear()

    def _body(self, answer: urllib3.BaseHTTPResponse, started: float) -> bytes:
        parts = bytearray()
        for part in _parts(answer):
            parts += part
            if len(parts) > self._body_cap:
                raise _Oversize(f"the answer is over {self._body_cap} bytes")
            if self._clock.monotonic() - started > self._deadline:
                raise TimeoutError
        return bytes(parts)

    def _explained(self, error: Exception, started: float) -> WireError:
        sent = bool(getattr(_call, "sent", False))
        detail = OVERSIZE if isinstance(error, _Oversize) else type(error).__name__
        if not sent:
            return WireError("connect", False, detail)
        late = self._clock.monotonic() - started >= self._deadline
        if late or isinstance(error, (faults.TimeoutError, TimeoutError)):
            return WireError("timeout", True, detail)
        cut = isinstance(error, (faults.DecodeError, faults.IncompleteRead, faults.InvalidChunkLength, _Oversize))
        cut = cut or (isinstance(error, faults.ProtocolError) and "IncompleteRead" in str(error))
        return WireError("broken" if cut else "reset", True, detail)


def is_networked(wire: Wire) -> bool:
    """Whether requests leave this process: then time passes until an answer comes, and several may be under way."""
    return isinstance(getattr(wire, "inner", wire), NetworkWire)


class _Oversize(faults.HTTPError):
    """An answer larger than anything that a CRM sends."""


def _watched(pool: urllib3.PoolManager) -> urllib3.PoolManager:
    """The pool manager with connections that note what was sent."""
    http = type("WatchedHttpPool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": _HttpConnection})
    https = type("WatchedHttpsPool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": _HttpsConnection})
    pool.pool_classes_by_scheme = {"http": http, "https": https}
    return pool


def _parts(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The decoded body piece by piece, each as soon as the socket has it, so that a slow drip meets the deadline."""
    while part := answer.read1(_CHUNK, decode_content=True):
        yield part


def _require_safe(url: str) -> bool:
    """Whether the URL leads to loopback; ConfigError for plain HTTP, or anything else, to another place."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    local = is_loopback(host)
    if parts.scheme == "https" or (parts.scheme == "http" and local):
        return local
    raise ConfigError(
        "SYN431",
        f"{parts.scheme or 'no scheme'}://{host} is not https",
        hint="use https; plain http is for the sandbox on loopback only",
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
