"""The real HTTP server: keep-alive, chunked bodies, gzip, and connections that break as told."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from syncd.clock import SystemClock
from syncd.sandbox.server import RunningServer, serve
from syncd.sandbox.wire import Request, Response


class Mirror:
    """A face that answers what it was sent, or a response set for the path."""

    def __init__(self) -> None:
        self.responses: dict[str, Response] = {}
        self.base_url = ""

    def handle(self, request: Request) -> Response:
        if request.path in self.responses:
            return self.responses[request.path]
        document = {"method": request.method, "path": request.path, "body": request.body.decode(), **request.headers}
        return Response.of_json(200, document)


@pytest.fixture
def face() -> Mirror:
    return Mirror()


@pytest.fixture
def server(face: Mirror) -> Iterator[RunningServer]:
    with serve(face) as running:
        yield running


@pytest.fixture
def connection(server: RunningServer) -> Iterator[http.client.HTTPConnection]:
    client = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=5)
    yield client
    client.close()


def test_connection_is_kept_alive(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/one")
    assert json.loads(connection.getresponse().read())["path"] == "/one"
    first = connection.sock
    connection.request("PATCH", "/two", body=b"x")
    assert json.loads(connection.getresponse().read())["body"] == "x"
    assert connection.sock is first


def test_calls_do_not_stall_on_the_socket(connection: http.client.HTTPConnection) -> None:
    clock = SystemClock()
    start = clock.monotonic()
    for _ in range(50):
        connection.request("POST", "/", body=b"{}")
        connection.getresponse().read()
    assert clock.monotonic() - start < 1.0  # 40 ms a call, as with delayed acknowledgements, would be two seconds


def test_chunked_body_is_accepted(connection: http.client.HTTPConnection) -> None:
    connection.request(
        "POST", "/", body=iter([b"ab", b"cd"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
    )
    assert json.loads(connection.getresponse().read())["body"] == "abcd"
    connection.request("GET", "/next")
    assert connection.getresponse().read()


def test_large_answer_is_compressed_only_if_asked(connection: http.client.HTTPConnection, face: Mirror) -> None:
    face.responses["/big"] = Response.of_json(200, {"text": "x" * 5_000})
    connection.request("GET", "/big", headers={"Accept-Encoding": "gzip"})
    response = connection.getresponse()
    assert response.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(response.read()))["text"] == "x" * 5_000
    connection.request("GET", "/big", headers={"Accept-Encoding": "identity"})
    response = connection.getresponse()
    assert response.headers["Content-Encoding"] is None
    assert len(response.read()) > 5_000


def test_dropped_response_breaks_the_connection(connection: http.client.HTTPConnection, face: Mirror) -> None:
    face.responses["/drop"] = Response(0, drop=True)
    connection.request("GET", "/drop")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()


def test_cut_response_breaks_in_mid_body(connection: http.client.HTTPConnection, face: Mirror) -> None:
    face.responses["/cut"] = Response(200, {}, b"half", drop=True)
    connection.request("GET", "/cut")
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()


def test_204_has_no_body_and_the_connection_lives(connection: http.client.HTTPConnection, face: Mirror) -> None:
    face.responses["/none"] = Response(204)
    connection.request("PATCH", "/none", body=b"{}")
    response = connection.getresponse()
    assert (response.status, response.read(), response.headers["Content-Length"]) == (204, b"", None)
    connection.request("GET", "/after")
    assert connection.getresponse().status == 200


def test_stalled_call_times_out_and_close_does_not_wait_for_it(face: Mirror) -> None:
    face.responses["/slow"] = Response(0, drop=True, timeout=True, stall=60.0)
    server = serve(face)
    client = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=0.2)
    client.request("GET", "/slow")
    with pytest.raises(TimeoutError):
        client.getresponse()
    client.close()
    closer = threading.Thread(target=server.close)
    closer.start()
    closer.join(timeout=5)
    assert not closer.is_alive()


def test_many_clients_at_once(server: RunningServer) -> None:
    host = server.url.removeprefix("http://")

    def call(number: int) -> str:
        client = http.client.HTTPConnection(host, timeout=5)
        try:
            client.request("GET", f"/{number}")
            return str(json.loads(client.getresponse().read())["path"])
        finally:
            client.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(40))) == [f"/{number}" for number in range(40)]


def test_nonsense_length_is_refused(server: RunningServer) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")


def test_face_learns_its_address_once(face: Mirror) -> None:
    with serve(face) as server:
        assert face.base_url == server.url
    with serve(face) as other:
        assert face.base_url != other.url


def test_closing_twice_is_fine_and_frees_the_port(face: Mirror) -> None:
    server = serve(face)
    port = int(server.url.rpartition(":")[2])
    server.close()
    server.close()
    with serve(face, port) as again:
        assert again.url.endswith(str(port))
