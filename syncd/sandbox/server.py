"""A face behind a real HTTP/1.1 server on loopback: keep-alive, threads, chunked bodies, gzip.

It moves bytes and nothing else: what to answer, what to break and what to write down is the face's own affair.
"""

from __future__ import annotations

import gzip
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, runtime_checkable

from syncd.sandbox.wire import Face, Request, Response

_LOOPBACK = "127.0.0.1"
_IDLE_SECONDS = 120.0
_LARGEST_BODY = 64 * 1024 * 1024
_WORTH_COMPRESSING = 1024


@runtime_checkable
class Addressed(Protocol):
    """A face whose answers name its own address."""

    base_url: str


class RunningServer:
    """A face that listens. `url` has no trailing slash; use it as a context manager or call `close`."""

    def __init__(self, face: Face, port: int = 0) -> None:
        self._server = _Server((_LOOPBACK, port), face)
        self.url = f"http://{_LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, break open connections and stalls, and wait for the threads to end. Safe to call twice."""
        self._server.stopping.set()
        self._server.shutdown()
        self._server.break_connections()
        self._server.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(face: Face, port: int = 0) -> RunningServer:
    """Serve a face on loopback; port 0 takes a free one. OSError where the port is taken.

    A face that names its own address in answers and was given none yet is told this one.
    """
    server = RunningServer(face, port)
    if isinstance(face, Addressed) and not face.base_url:
        face.base_url = server.url
    return server


class _Server(ThreadingHTTPServer):
    """The listening socket, the face, and the connections that are open."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], face: Face) -> None:
        self.face = face
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then hand it to a thread."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def break_connections(self) -> None:
        """Wake every thread that waits on a socket."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            _reset(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event; anything else is a bug of ours, and is shown."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection. Answers in one write, or stalls to no end other than 40 ms per call (stack.md 5.9)."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: _Server

    def _serve(self) -> None:
        """Read one request, ask the face, send what it says."""
        body = self._read_body()
        if body is None:
            self.close_connection = True
            self._send(Response.of_json(400, {"message": "the request body cannot be read"}))
            return
        request = Request.of(self.command, self.path, dict(self.headers.items()), body)
        self._send(self.server.face.handle(request))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def _send(self, response: Response) -> None:
        """Put a response on the wire, or break the connection as it says."""
        if response.stall:
            self.server.stopping.wait(response.stall)
        if response.drop and not response.body:
            self._break()
            return
        body, headers = response.body, dict(response.headers)
        if len(body) >= _WORTH_COMPRESSING and "gzip" in self.headers.get("Accept-Encoding", "") and not response.drop:
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        headers.setdefault("Vary", "Accept-Encoding")
        length = 2 * len(body) if response.drop else len(body)
        if response.status not in (204, 304):
            headers["Content-Length"] = str(length)
        self.send_response_only(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and response.status not in (204, 304):
            self.wfile.write(body)
        self.wfile.flush()
        if response.drop:
            self._break()

    def _break(self) -> None:
        """Close the connection at once, as a crashed server or a cut cable would."""
        self.close_connection = True
        _reset(self.connection)

    def _read_body(self) -> bytes | None:
        """The request body, chunked or not; None where its length is nonsense."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            return None
        return self.rfile.read(int(length))

    def _read_chunks(self) -> bytes | None:
        """A chunked body, its trailers skipped."""
        parts: list[bytes] = []
        total = 0
        while True:
            try:
                size = int(self.rfile.readline(1024).split(b";")[0].strip(), 16)
            except ValueError:
                return None
            total += size
            if size < 0 or total > _LARGEST_BODY:
                return None
            if size == 0:
                break
            parts.append(self.rfile.read(size))
            self.rfile.readline(1024)
        while self.rfile.readline(1024).strip():
            pass
        return b"".join(parts)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the journal is the log."""


def _reset(connection: socket.socket) -> None:
    """Shut both directions of a socket down; one that is closed already is fine."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
