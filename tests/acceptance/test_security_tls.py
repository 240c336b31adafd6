"""The wire to the CRMs over real TLS: whoever has no certificate that is trusted for the very name hears nothing."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from syncd.clock import SystemClock
from syncd.connectors.wire import HttpRequest, NetworkWire, WireError

NOW = SystemClock().now()  # certificates are judged by the machine's own clock


Serve = Callable[[Path], tuple[int, list[str]]]


def certificate(folder: Path, name: str, *, days: int = 2) -> Path:
    """A certificate that vouches for itself, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=3))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}{days}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves with a certificate; the port, and the tokens that reached the server."""
    running: list[tuple[HTTPServer, threading.Thread]] = []

    def start(pem: Path) -> tuple[int, list[str]]:
        heard: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append(self.headers["Authorization"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Quiet(HTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                pass

        server = Quiet(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return server.server_port, heard

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(port: int, **options: str) -> int:
    wire = NetworkWire(**options)  # type: ignore[arg-type]
    try:
        request = HttpRequest("GET", f"https://localhost:{port}/", {"Authorization": "Bearer canary"})
        return wire.send(request).status
    finally:
        wire.close()


def test_a_certificate_that_is_trusted_for_the_name_is_spoken_to(serve: Serve, tmp_path: Path) -> None:
    pem = certificate(tmp_path, "localhost")
    port, heard = serve(pem)
    assert ask(port, ca_bundle=str(pem)) == 204
    assert heard == ["Bearer canary"]


def test_a_certificate_that_is_not_trusted_gets_nothing(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("PYTHONHTTPSVERIFY", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(variable, "0" if variable == "PYTHONHTTPSVERIFY" else "")
    port, heard = serve(certificate(tmp_path, "localhost"))
    with pytest.raises(WireError) as refused:
        ask(port)
    assert (refused.value.kind, refused.value.sent) == ("connect", False)
    assert heard == []


@pytest.mark.parametrize(("name", "days"), [("elsewhere.example", 2), ("localhost", -1)])
def test_a_certificate_of_another_name_gets_nothing(serve: Serve, tmp_path: Path, name: str, days: int) -> None:
    """Nor one that has expired."""
    pem = certificate(tmp_path, name, days=days)
    port, heard = serve(pem)
    with pytest.raises(WireError) as refused:
        ask(port, ca_bundle=str(pem))
    assert (refused.value.kind, refused.value.sent) == ("connect", False)
    assert heard == []
