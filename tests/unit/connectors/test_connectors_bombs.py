"""Answers that unpack to more than memory holds: given up at the cap, without ever being held."""

from __future__ import annotations

import gzip
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from syncd.connectors.wire import BODY_CAP, OVERSIZE, HttpRequest, NetworkWire, WireError

MEGABYTE = 1024 * 1024
UNPACKED = 400 * MEGABYTE


def bomb() -> bytes:
    """400 MB of zeros as gzip: 400 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\0" * MEGABYTE
    return b"".join([*(packer.compress(block) for _ in range(UNPACKED // MEGABYTE)), packer.flush()])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    once = bomb()
    bodies = {"/gzip": ("gzip", once), "/twice": ("gzip, gzip", gzip.compress(once))}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            coding, body = bodies[self.path]
            self.send_response(200)
            self.send_header("Content-Encoding", coding)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.mark.parametrize("path", ["/gzip", "/twice"])
def test_an_answer_that_unpacks_to_400_megabytes_is_given_up_at_the_cap(server: str, path: str) -> None:
    wire = NetworkWire()
    tracemalloc.start()
    try:
        with pytest.raises(WireError) as failure:
            wire.send(HttpRequest("GET", server + path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        wire.close()
    assert failure.value.kind == "broken"
    assert failure.value.detail == OVERSIZE
    assert peak < 4 * BODY_CAP
