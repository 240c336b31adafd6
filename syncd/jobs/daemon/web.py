"""The daemon's page on loopback: `/-/healthy`, `/-/ready`, `/metrics` and `/status`. Reads only, and asks no CRM.

Only this machine may ask, and only by a name of this machine: else a web page that somebody has open could read it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from syncd.errors import ConfigError, SyncdError
from syncd.report.exposition import CONTENT_TYPE

_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_TIMEOUT = 5.0
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows: whether the scheduler ticks, why syncd is not ready, metrics as text, and its status."""

    ticks: Callable[[], bool]
    unready: Callable[[], tuple[str, ...]]
    metrics: Callable[[], str]
    status: Callable[[], dict[str, Any]]


class WebServer:
    """Serves the page from a thread of its own until it is closed."""

    def __init__(self, listen: str, view: View) -> None:
        """Listen at `127.0.0.1:9464`; ConfigError SYN843 where that cannot be had."""
        host, _, port = listen.rpartition(":")

        class Handler(_Handler):
            """A handler that knows the view."""

        Handler.view = view
        try:
            self._server = _Server((host, int(port)), Handler)
        except OSError as error:
            hint = "name another port with metrics.listen, or leave it out"
            raise ConfigError("SYN843", f"{listen}: {error.strerror}", where="metrics.listen", hint=hint) from error
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="web")
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened at."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=_TIMEOUT)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16


class _Handler(BaseHTTPRequestHandler):
    view: View
    timeout = _TIMEOUT
    server_version = "syncd"
    sys_version = ""

    def do_GET(self) -> None:
        host = self.headers.get("Host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        pages = {
            "/-/healthy": self._healthy,
            "/-/ready": self._ready,
            "/metrics": self._metrics,
            "/status": self._status,
        }
        page = pages.get(self.path.partition("?")[0])
        if name not in _NAMES:
            self._answer(421, _TEXT, "ask for localhost\n")
        elif page is None:
            self._answer(404, _TEXT, "there are /-/healthy, /-/ready, /metrics and /status\n")
        else:
            try:
                page()
            except SyncdError as error:
                self._answer(503, _TEXT, f"{error.code}: {error.summary}\n")

    def _healthy(self) -> None:
        well = self.view.ticks()
        self._answer(200 if well else 503, _TEXT, "healthy\n" if well else "the scheduler does not tick\n")

    def _ready(self) -> None:
        problems = self.view.unready()
        self._answer(503 if problems else 200, _TEXT, "".join(f"{line}\n" for line in problems) or "ready\n")

    def _metrics(self) -> None:
        self._answer(200, CONTENT_TYPE, self.view.metrics())

    def _status(self) -> None:
        self._answer(200, "application/json", json.dumps(self.view.status(), ensure_ascii=False) + "\n")

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Nothing: who asks how we are is no event."""
