"""Receivers: the signed webhook against a real server, the addresses that are refused, files, and retries."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import ssl
import stat
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from alerts_world import World, account, receiver, user
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from syncd.alerts.receivers import posting
from syncd.alerts.receivers.addresses import is_public
from syncd.alerts.receivers.delivery import REASONS, DeliveryError
from syncd.alerts.receivers.file import FileReceiver
from syncd.alerts.receivers.outside import Outside
from syncd.alerts.receivers.posting import post
from syncd.alerts.receivers.webhook import WebhookReceiver
from syncd.clock import ManualClock, SystemClock
from syncd.entropy import SeededEntropy
from syncd.jobs.watching.alerting import send_test
from syncd.settings import ReceiverSettings, SecretReader
from syncd.store.engine import Store
from tests.databases import NOW

BODY = {"event_id": "syncd:f:1:fired", "dedup_key": "syncd:f:1", "reason": "fired", "name": "Zoë"}


@dataclass
class Hook:
    """A server on loopback that keeps what it is sent and answers as it is told."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    reply: bytes = b"ok"
    stall: threading.Event | None = None
    requests: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    broken_off: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        self.requests.append(({name.lower(): value for name, value in handler.headers.items()}, body))
        if self.stall is not None:
            self.stall.wait(10)
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(self.reply)))
        handler.end_headers()
        try:
            handler.wfile.write(self.reply)
        except OSError:
            self.broken_off = True
        finally:
            self.ended.set()


@pytest.fixture
def hook() -> Iterator[Hook]:
    known = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            known.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.url = f"http://127.0.0.1:{server.server_port}/hook?team=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield known
    if known.stall is not None:
        known.stall.set()
    server.shutdown()
    server.server_close()
    thread.join()


def webhook(url: str | None, *, secret: str | None = "env:HOOK_SECRET", **given: Any) -> WebhookReceiver:
    settings = ReceiverSettings.model_validate({"name": "on-call", "type": "webhook", "url": url, "secret": secret})
    reader = SecretReader({"HOOK_SECRET": "s3cret"})
    return WebhookReceiver(settings, Outside(ManualClock(NOW), reader.read), **given)


def failure(of: Any, body: Mapping[str, Any] = BODY) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        of.deliver(body)
    assert caught.value.reason in REASONS
    return caught.value


def test_a_webhook_is_signed_over_timestamp_and_body(hook: Hook) -> None:
    webhook(hook.url).deliver(BODY)
    ((headers, body),) = hook.requests
    timestamp = headers["x-syncd-timestamp"]
    assert timestamp == str(int(NOW.timestamp()))
    expected = hmac.new(b"s3cret", timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-syncd-signature"] == f"v1={expected}"
    assert headers["x-syncd-event-id"] == "syncd:f:1:fired"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == BODY


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (302, "client_error"),
        (400, "client_error"),
        (401, "auth_error"),
        (403, "auth_error"),
        (404, "client_error"),
        (408, "timeout"),
        (429, "rate_limited"),
        (500, "server_error"),
        (503, "server_error"),
    ],
)
def test_every_other_answer_has_a_bounded_reason(hook: Hook, status: int, reason: str) -> None:
    hook.status, hook.headers = status, {"Retry-After": "7", "Location": hook.url}
    error = failure(webhook(hook.url))
    assert error.reason == reason
    assert error.wait == (7 if status in (429, 500, 503) else None)
    assert len(hook.requests) == 1  # a redirect is not followed


def test_a_server_that_does_not_answer_in_time_is_given_up(hook: Hook) -> None:
    hook.stall = threading.Event()
    assert failure(webhook(hook.url, timeout=0.2)).reason == "timeout"


def test_a_closed_port_and_a_name_that_leads_nowhere_are_unreachable(hook: Hook) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    assert failure(webhook(url)).reason == "unreachable"
    with pytest.raises(DeliveryError) as caught:
        post("https://hooks.example/x", {}, b"", resolve=lambda *_: [])
    assert caught.value.reason == "unreachable"


def test_a_huge_reply_is_not_read(hook: Hook) -> None:
    hook.reply = b"x" * 50_000_000
    webhook(hook.url).deliver(BODY)
    assert hook.ended.wait(10)
    assert hook.broken_off, "the receiver hung up instead of taking 50 MB"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "http://10.0.0.1/x",
        "ftp://hooks.example/x",
        "https:///x",
        "https://user@hooks.example/x",
        "http://127.0.0.1.example/x",
        "https://[::1/x",
        "https://hooks.example:99999/x",
    ],
)
def test_a_url_that_is_neither_https_nor_loopback_is_misconfigured(url: str) -> None:
    assert failure(webhook(url)).reason == "misconfigured"


def test_without_a_secret_nothing_is_sent(hook: Hook) -> None:
    error = failure(webhook(hook.url, secret="env:NOT_SET"))
    assert (error.reason, hook.requests) == ("misconfigured", [])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a9fe:a9fe::1",
        "::a00:1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    ],
)
def test_an_address_inside_is_refused_whatever_the_name(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(DeliveryError) as caught:
        post("https://hooks.example/x", {}, b"", resolve=lambda *_: [address])
    assert caught.value.reason == "refused_address"


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"]
)
def test_an_address_of_the_open_internet_is_taken(address: str) -> None:
    assert is_public(address)


def test_one_inside_address_among_public_ones_is_refused() -> None:
    with pytest.raises(DeliveryError) as caught:
        post("https://hooks.example/x", {}, b"", resolve=lambda *_: ["8.8.8.8", "10.0.0.1"])
    assert caught.value.reason == "refused_address"


def test_https_to_this_machine_is_refused_and_so_is_http_that_leads_away() -> None:
    with pytest.raises(DeliveryError) as caught:
        post("https://127.0.0.1/x", {}, b"")
    assert caught.value.reason == "refused_address"
    with pytest.raises(DeliveryError) as caught:
        post("http://localhost/x", {}, b"", resolve=lambda *_: ["8.8.8.8"])
    assert caught.value.reason == "refused_address"


def file_receiver(path: Path | None) -> FileReceiver:
    return FileReceiver(ReceiverSettings(name="file", type="file", path=path))


def test_a_file_gets_one_line_a_notice_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    before = os.umask(0)
    try:
        file_receiver(path).deliver(BODY)
    finally:
        os.umask(before)
    file_receiver(path).deliver(BODY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [json.loads(line) for line in path.read_text().splitlines()] == [BODY, BODY]


def test_a_line_that_was_cut_short_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"cut":')
    file_receiver(path).deliver(BODY)
    assert json.loads(path.read_text().splitlines()[1]) == BODY


def test_a_file_that_cannot_be_written_and_a_link_are_refused(tmp_path: Path) -> None:
    assert failure(file_receiver(tmp_path / "none" / "x")).reason == "unwritable"
    (tmp_path / "target").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert failure(file_receiver(tmp_path / "link")).reason == "unwritable"


def webhook_settings(name: str, url: str) -> str:
    return f'[[receivers]]\nname = "{name}"\ntype = "webhook"\nurl = "{url}"\nsecret = "env:HOOK_SECRET"\n'


def churn(world: World, *numbers: int) -> None:
    world.put(*(account(number, type="Former Customer") for number in numbers))
    world.later(5)


def begin(world: World) -> None:
    world.users(user("anna"))
    world.put(*(account(number) for number in range(5)))
    world.pulled()
    world.watch()


def test_a_receiver_that_is_down_keeps_nobody_waiting_and_is_tried_again_later(
    tmp_path: Path, store: Store, clock: ManualClock, hook: Hook
) -> None:
    config = webhook_settings("hook", hook.url) + receiver("file", tmp_path / "file.jsonl")
    world = World.make(tmp_path, store, clock, config=config)
    begin(world)
    hook.status = 500
    churn(world, 1, 2, 3)
    report = world.watch()
    assert (report.sent.delivered, report.sent.failed) == (3, 3)
    assert "3 not delivered yet" in report.line()
    assert len(hook.requests) == 1  # the rest of its notices is put off untried
    world.clock.advance(timedelta(seconds=29))
    world.watch()
    assert len(hook.requests) == 1
    hook.status = 200
    world.clock.advance(timedelta(seconds=2))
    assert world.watch().sent.delivered == 3
    ids = [headers["x-syncd-event-id"] for headers, _ in hook.requests]
    assert len(ids) == 4
    assert len(set(ids)) == 3
    assert {event["reason"] for event in world.log.named("notice.failed")} == {"server_error"}


def test_after_three_days_a_notice_is_given_up(tmp_path: Path, store: Store, clock: ManualClock, hook: Hook) -> None:
    world = World.make(tmp_path, store, clock, config=webhook_settings("hook", hook.url))
    begin(world)
    hook.status = 404
    churn(world, 1)
    world.watch()
    for _ in range(5):
        world.clock.advance(timedelta(hours=20))
        world.pulled()
        world.watch()
    tried = [body for _, body in hook.requests if b'"AccountChurned"' in body]
    assert len(tried) == 5
    world.clock.advance(timedelta(hours=20))
    world.pulled()
    world.watch()
    assert [body for _, body in hook.requests if b'"AccountChurned"' in body] == tried
    assert world.firing("NotificationsFailing") == ["NotificationsFailing hook"]


def test_a_receiver_that_is_gone_from_the_settings_is_not_waited_for(
    tmp_path: Path, store: Store, clock: ManualClock, hook: Hook
) -> None:
    world = World.make(tmp_path, store, clock, config=webhook_settings("hook", hook.url))
    begin(world)
    hook.status = 500
    churn(world, 1)
    world.watch()
    without = World.make(tmp_path, store, clock)
    without.context.entropy = SeededEntropy(2)
    clock.advance(timedelta(minutes=1))
    assert without.watch().sent.failed == 1
    clock.advance(timedelta(minutes=5))
    assert without.watch().sent.failed == 0


def test_a_test_notice_goes_to_every_receiver_and_says_how_each_took_it(
    tmp_path: Path, store: Store, clock: ManualClock, hook: Hook
) -> None:
    config = webhook_settings("hook", hook.url) + receiver("file", tmp_path / "none" / "file.jsonl")
    world = World.make(tmp_path, store, clock, config=config)
    results = send_test(world.context, None)
    assert [(each["receiver"], each["delivered"], each["reason"]) for each in results] == [
        ("log", True, None),
        ("hook", True, None),
        ("file", False, "unwritable"),
    ]
    assert json.loads(hook.requests[0][1])["reason"] == "test"


def authority(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that signs itself for a host name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    unencrypted = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted))
    return pem, key_file


def test_https_verifies_the_name_on_the_address_that_was_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, key = authority(tmp_path, "hooks.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.headers["Host"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.setattr(posting, "is_public", lambda address: address == "127.0.0.1")

    def reach(host: str, bundle: str | None) -> int:
        url = f"https://{host}:{server.server_port}/x"
        return post(url, {}, b"{}", ca_bundle=bundle, resolve=lambda *_: ["127.0.0.1"]).status

    try:
        assert reach("hooks.example", str(pem)) == 204
        for host, bundle in (("hooks.example", None), ("other.example", str(pem))):
            with pytest.raises(DeliveryError, match="TLS") as caught:
                reach(host, bundle)
            assert caught.value.reason == "unreachable"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert seen == [f"hooks.example:{server.server_port}"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_door_inside_is_not_followed(hook: Hook, status: int) -> None:
    """A server outside that is taken over could else make syncd knock anywhere, with the notice in its hands."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0.1)
        hook.status, hook.headers = status, {"Location": f"http://127.0.0.1:{inside.getsockname()[1]}/admin"}
        error = failure(webhook(hook.url))
        assert error.reason == "client_error"
        assert "redirects are not followed" in error.detail
        with pytest.raises(TimeoutError):
            inside.accept()


def test_a_name_is_looked_up_once_and_the_judged_address_is_the_one_that_is_reached(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it is judged, inside when it is asked again. Both addresses really listen here."""
    port = int(hook.url.rpartition(":")[2].partition("/")[0])
    real, asked = socket.getaddrinfo, []

    def rebound(host: Any, *rest: Any, **more: Any) -> Any:
        """The system's own look-up; the second answer for the name is another one than the first."""
        if host != "localhost":
            return real(host, *rest, **more)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    monkeypatch.setattr(posting, "is_loopback_address", lambda address: address == "127.0.0.1")
    with socket.create_server(("127.0.0.2", port)) as inside:
        inside.settimeout(0.1)
        webhook(f"http://localhost:{port}/hook").deliver(BODY)
        assert len(hook.requests) == 1
        assert asked == ["localhost"]
        with pytest.raises(TimeoutError):
            inside.accept()


def test_a_server_that_drips_its_answer_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        stop = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        before = SystemClock().monotonic()
        with pytest.raises(DeliveryError) as caught:
            post(f"http://127.0.0.1:{port}/", {}, b"{}", timeout=0.3)
        assert caught.value.reason == "timeout"
        assert SystemClock().monotonic() - before < 3
        thread.join(3)
        assert not thread.is_alive()  # the connection was cut, not left behind
        stop.set()


def test_an_answer_that_drips_behind_its_headers_is_cut_at_the_deadline() -> None:
    cut = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            sock, _ = listening.accept()
            with sock:
                sock.recv(65_536)
                sock.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                for _ in range(400):
                    try:
                        sock.sendall(b".")
                    except OSError:
                        cut.set()
                        return
                    threading.Event().wait(0.02)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(DeliveryError, match="no whole answer"):
            post(f"http://127.0.0.1:{listening.getsockname()[1]}/x", {}, b"{}", timeout=0.3)
        thread.join(5)
    assert cut.is_set()
