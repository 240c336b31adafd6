"""The real wire against a server on loopback that misbehaves in every way that reliability.md 6.3 lists."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from syncd.clock import SystemClock
from syncd.connectors.wire import HttpRequest, NetworkWire, WireError, is_loopback
from syncd.errors import ConfigError, CrmError, SyncdError
from tests.contract.worlds import HubspotWorld, SalesforceWorld, World

Script = Callable[[socket.socket], None]


class Misbehaving:
    """Accepts connections and hands each request to a script, which writes what it likes and leaves."""

    def __init__(self, script: Script) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/x"
        self.requests: list[bytes] = []
        self._script = script
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self.requests.append(_request(connection))
                self._script(connection)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def misbehave() -> Iterator[Callable[[Script], Misbehaving]]:
    servers: list[Misbehaving] = []

    def make(script: Script) -> Misbehaving:
        servers.append(Misbehaving(script))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def _request(connection: socket.socket) -> bytes:
    """One request, its body included: it comes in a packet of its own."""
    raw = b""
    while part := connection.recv(65536):
        raw += part
        head, end, body = raw.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:")), 0)
        if (end and len(body) >= length) or raw[:1] == b"\x16":
            break
    return raw


def says(raw: bytes) -> Script:
    return lambda connection: connection.sendall(raw)


def ok(body: bytes, *headers: str) -> bytes:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


def failure(wire: NetworkWire, request: HttpRequest) -> WireError:
    with pytest.raises(WireError) as caught:
        wire.send(request)
    wire.close()
    return caught.value


def test_an_answer_comes_back_whole_with_its_headers(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(ok(b'{"a":1}', "Sforce-Limit-Info: api-usage=1/2", "Connection: close")))
    wire = NetworkWire()
    answer = wire.send(HttpRequest("POST", server.url, {"X-Own": "y"}, b"body"))
    wire.close()
    assert (answer.status, answer.body) == (200, b'{"a":1}')
    assert answer.header("sforce-limit-INFO") == "api-usage=1/2"
    assert answer.header("absent") is None
    assert b"X-Own: y" in server.requests[0]
    assert server.requests[0].endswith(b"body")


def test_a_compressed_answer_is_decoded(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(ok(gzip.compress(b"text" * 1000), "Content-Encoding: gzip", "Connection: close")))
    wire = NetworkWire()
    assert wire.send(HttpRequest("GET", server.url)).body == b"text" * 1000
    wire.close()


def test_errors_and_redirects_are_answers_and_are_not_followed(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"))
    wire = NetworkWire()
    assert wire.send(HttpRequest("GET", server.url)).status == 302
    wire.close()
    assert len(server.requests) == 1


def test_a_busy_answer_with_retry_after_is_not_retried_in_secret(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(
        # a second is enough to see a hidden retry, and a test that waits for a day fails for nobody
        says(b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    )
    wire = NetworkWire()
    assert wire.send(HttpRequest("GET", server.url)).status == 429
    wire.close()
    assert len(server.requests) == 1


def test_a_refused_connection_was_never_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = failure(NetworkWire(), HttpRequest("PATCH", f"http://127.0.0.1:{port}/x", {}, b"{}"))
    assert (error.kind, error.sent) == ("connect", False)


def test_a_name_that_does_not_resolve_was_never_sent() -> None:
    error = failure(NetworkWire(), HttpRequest("GET", "https://no-such-host.invalid/x"))
    assert (error.kind, error.sent) == ("connect", False)


def test_a_failed_tls_handshake_was_never_sent(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(b"this is not TLS"))
    error = failure(NetworkWire(), HttpRequest("PATCH", server.url.replace("http:", "https:"), {}, b"{}"))
    assert (error.kind, error.sent) == ("connect", False)


def test_a_proxy_that_refuses_the_tunnel_was_never_sent(misbehave: Callable[[Script], Misbehaving]) -> None:
    proxy = misbehave(says(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
    wire = NetworkWire(proxy=proxy.url.removesuffix("/x"))
    error = failure(wire, HttpRequest("PATCH", "https://crm.invalid/x", {}, b"{}"))
    assert (error.kind, error.sent) == ("connect", False)
    assert proxy.requests[0].startswith(b"CONNECT crm.invalid:443")


def drips(before: bytes, drop: bytes) -> Script:
    """Says something, then a drop now and then for ever: each alone is in time for the socket's own timeout."""

    def script(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(drop)
            time.sleep(0.02)  # noqa: TID251 - a server of the test, in its own thread

    return script


def is_silent(connection: socket.socket) -> None:
    """Takes what comes and never says a word, until the other side leaves."""
    while connection.recv(65536):
        pass


def is_silent_after(said: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(said)
        is_silent(connection)

    return script


TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
HANGING: dict[str, Script] = {
    "never answers CONNECT": is_silent,
    "drips its answer to CONNECT": drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "drips within one line": drips(b"HTTP/1.1 200 ", b"O"),
    "opens a tunnel in which nobody speaks": is_silent_after(TUNNEL),
    "drips a TLS handshake": drips(TUNNEL + b"\x16\x03\x03\x3f\xff", b"\x02"),
}


@pytest.mark.parametrize("what", HANGING)
def test_a_proxy_that_hangs_is_given_up_at_the_deadline_and_nothing_was_sent(
    misbehave: Callable[[Script], Misbehaving], what: str
) -> None:
    wire = NetworkWire(proxy=misbehave(HANGING[what]).url.removesuffix("/x"), deadline=0.3)
    started = SystemClock().monotonic()
    error = failure(wire, HttpRequest("PATCH", "https://crm.invalid/x", {}, b"{}"))
    assert (error.kind, error.sent) == ("connect", False)
    assert SystemClock().monotonic() - started < 3


@pytest.mark.parametrize("what", ["never answers CONNECT", "drips its answer to CONNECT"])
@pytest.mark.parametrize("system", ["salesforce", "hubspot"])
def test_both_connectors_say_that_nothing_was_reached_behind_a_proxy_that_hangs(
    misbehave: Callable[[Script], Misbehaving], what: str, system: str
) -> None:
    world: World = SalesforceWorld() if system == "salesforce" else HubspotWorld()
    wire = NetworkWire(proxy=misbehave(HANGING[what]).url.removesuffix("/x"), deadline=0.1)
    world.wire = wire
    with pytest.raises(CrmError) as caught:
        world.reader().identify()
    wire.close()
    assert caught.value.code == "SYN410"
    assert str(caught.value.where).startswith(system)


def test_the_sandbox_on_loopback_is_not_asked_through_the_proxy(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(ok(b"{}", "Connection: close")))
    wire = NetworkWire(proxy="http://127.0.0.1:9")
    assert wire.send(HttpRequest("GET", server.url)).status == 200
    wire.close()


def test_a_reset_before_the_headers_may_have_been_applied(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(lambda connection: None)
    error = failure(NetworkWire(), HttpRequest("PATCH", server.url, {}, b"{}"))
    assert (error.kind, error.sent) == ("reset", True)


def test_a_body_shorter_than_promised_is_broken(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
    error = failure(NetworkWire(), HttpRequest("GET", server.url))
    assert (error.kind, error.sent) == ("broken", True)


def test_a_chunked_body_that_stops_is_broken(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"))
    assert failure(NetworkWire(), HttpRequest("GET", server.url)).kind == "broken"


def test_garbled_compression_is_broken(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(ok(b"not gzip at all", "Content-Encoding: gzip", "Connection: close")))
    assert failure(NetworkWire(), HttpRequest("GET", server.url)).kind == "broken"


def test_a_body_over_the_cap_is_broken(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(ok(gzip.compress(b"0" * 500_000), "Content-Encoding: gzip", "Connection: close")))
    error = failure(NetworkWire(body_cap=100_000), HttpRequest("GET", server.url))
    assert error.kind == "broken"


def test_silence_is_a_timeout_that_may_have_been_applied(misbehave: Callable[[Script], Misbehaving]) -> None:
    gate = threading.Event()
    server = misbehave(lambda connection: gate.wait(5) and None)
    error = failure(NetworkWire(), HttpRequest("PATCH", server.url, {}, b"{}", read_timeout=0.2))
    gate.set()
    assert (error.kind, error.sent) == ("timeout", True)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: "])
def test_a_slow_drip_is_cut_by_the_deadline(misbehave: Callable[[Script], Misbehaving], head: bytes) -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        while not stop.wait(0.05):
            connection.sendall(b"x")

    server = misbehave(drip)
    error = failure(NetworkWire(deadline=0.4), HttpRequest("GET", server.url, read_timeout=5.0))
    stop.set()
    assert (error.kind, error.sent) == ("timeout", True)


@pytest.mark.parametrize("url", ["http://crm.example/x", "ftp://127.0.0.1/x", "//crm.example/x"])
def test_only_https_and_loopback_are_spoken_to(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        NetworkWire().send(HttpRequest("GET", url))
    assert caught.value.code == "SYN431"


def test_sending_inside_a_transaction_is_a_bug_and_sends_nothing(misbehave: Callable[[Script], Misbehaving]) -> None:
    server = misbehave(says(ok(b"{}")))
    with pytest.raises(SyncdError) as caught:
        NetworkWire(forbidden=lambda: True).send(HttpRequest("GET", server.url))
    assert (caught.value.code, caught.value.exit_code.value) == ("SYN430", 1)
    assert server.requests == []


def test_a_request_shows_neither_headers_nor_body() -> None:
    request = HttpRequest(
        "POST", "https://crm.example/token", {"Authorization": "Bearer canary"}, b"client_secret=canary"
    )
    assert "canary" not in repr(request)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("crm.example", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
