"""A face behind a real HTTP/1.1 server on loopback: keep-alive, threads, chunked bodies, gzip.

It moves bytes and nothing else: what to answer, what to break and what to write down is the face's own affair.
"""

from __future__ import annotations

import gzip
import socket
import sys
import threading
import zlib
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
        if response.trick == "headers":
            self._send_half_of_headers(response)
            return
        body, headers = response.body, dict(response.headers)
        cut_gzip = response.trick == "gzip"
        if (len(body) >= _WORTH_COMPRESSING or cut_gzip) and self._takes_gzip() and not response.drop:
            body = gzip.compress(body, compresslevel=1) if response.packed is None else response.packed
            headers["Content-Encoding"] = "gzip"
        if cut_gzip:
            body = body[: max(1, len(body) // 2)]
        headers.setdefault("Vary", "Accept-Encoding")
        length = 2 * len(body) if response.drop else len(body)
        trick, _, amount = response.trick.partition(" ")
        if trick == "length":
            length = max(0, length + int(amount))
            self.close_connection = True
        if response.status not in (204, 304):
            headers["Content-Length"] = str(length)
        self.send_response_only(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and response.status not in (204, 304):
            if trick == "drip":
                self._drip(body, float(amount))
            else:
                self.wfile.write(body)
        self.wfile.flush()
        if response.drop:
            self._break()

    def _send_half_of_headers(self, response: Response) -> None:
        """The status and the beginning of a header, then the connection breaks."""
        self.send_response_only(response.status)
        self.flush_headers()
        self.wfile.write(b"Content-Ty")
        self.wfile.flush()
        self._break()

    def _drip(self, body: bytes, seconds: float) -> None:
        """One byte at a time, so slowly that no read ever times out; till the end, or till the server closes."""
        for position in range(len(body)):
            self.wfile.write(body[position : position + 1])
            self.wfile.flush()
            if self.server.stopping.wait(seconds):
                return

    def _break(self) -> None:
        """Close the connection at once, as a crashed server or a cut cable would."""
        self.close_connection = True
        _reset(self.connection)

    def _takes_gzip(self) -> bool:
        """Whether the caller takes a compressed answer: gzip is named, and not with a weight of nought."""
        for item in self.headers.get("Accept-Encoding", "").split(","):
            name, _, weight = item.partition(";")
            if name.strip().lower() in ("gzip", "*"):
                return weight.replace(" ", "").lower() not in ("q=0", "q=0.0")
        return False

    def _read_body(self) -> bytes | None:
        """The request body, chunked or not, compressed or not; None where it cannot be read."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = self._read_chunks()
        else:
            length = self.headers.get("Content-Length", "0")
            body = self.rfile.read(int(length)) if length.isdigit() and int(length) <= _LARGEST_BODY else None
        coding = self.headers.get("Content-Encoding", "identity").strip().lower()
        return body if body is None or coding == "identity" else _unpacked(body, coding)

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


def _unpacked(body: bytes, coding: str) -> bytes | None:
    """A body out of gzip or deflate; None for another coding, for garbage, and for what would be too large."""
    if coding not in ("gzip", "deflate"):
        return None
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = unpacker.decompress(body, _LARGEST_BODY)
    except zlib.error:
        return None
    return plain if unpacker.eof and not unpacker.unconsumed_tail else None


def _reset(connection: socket.socket) -> None:
    """Shut both directions of a socket down; one that is closed already is fine."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
