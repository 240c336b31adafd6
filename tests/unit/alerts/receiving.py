"""Fakes of what receivers send to: an HTTP server that remembers, and a mail server with STARTTLS and a login."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Web:
    """A server on loopback: what came to which path, and what it answers."""

    port: int = 0
    status: int = 200
    calls: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def web() -> Iterator[Web]:
    known = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            known.calls.append((self.path, self.rfile.read(int(self.headers.get("Content-Length", "0")))))
            self.send_response(known.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.port = server.server_port
    with _serving(server):
        yield known


@dataclass
class Mail:
    """A mail server on loopback. `refuses` are answers by command, such as `{"RCPT": "550 no"}`."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    refuses: dict[str, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


@contextmanager
def mail(tls: ssl.SSLContext | None = None) -> Iterator[Mail]:
    known = Mail(tls=tls)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            session = _Session(known, self)
            try:
                session.converse()
            except OSError:
                return
            finally:
                session.lines.close()
                session.sock.close()

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.port = server.server_address[1]
    with _serving(server):
        yield known


class _Session:
    def __init__(self, known: Mail, handler: socketserver.StreamRequestHandler) -> None:
        self.known = known
        self.sock = handler.connection
        self.lines = handler.rfile
        self.secure = False

    def say(self, text: str) -> None:
        self.sock.sendall(text.encode() + b"\r\n")

    def converse(self) -> None:
        self.say("220 mail.example ready")
        while line := self.lines.readline().decode().rstrip("\r\n"):
            command = line.partition(" ")[0].upper()
            self.known.commands.append(command)
            if refusal := self.known.refuses.get(command):
                self.say(refusal)
            elif command == "QUIT":
                self.say("221 bye")
                return
            else:
                self.answers().get(command, lambda _: self.say("250 ok"))(line)

    def answers(self) -> dict[str, Callable[[str], None]]:
        return {"EHLO": self.ehlo, "STARTTLS": self.starttls, "AUTH": self.auth, "RCPT": self.rcpt, "DATA": self.data}

    def ehlo(self, _: str) -> None:
        offers = [] if self.known.tls is None or self.secure else ["STARTTLS"]
        offers += ["AUTH PLAIN"] if self.secure else []
        found = ["mail.example", *offers]
        self.sock.sendall("".join(f"250-{each}\r\n" for each in found).encode() + b"250 SIZE 1000000\r\n")

    def starttls(self, _: str) -> None:
        assert self.known.tls is not None
        self.say("220 go")
        self.sock = self.known.tls.wrap_socket(self.sock, server_side=True)
        self.lines = self.sock.makefile("rb")  # type: ignore[assignment]
        self.secure = True

    def auth(self, line: str) -> None:
        self.known.logins.append(base64.b64decode(line.split()[2]).decode())
        self.say("235 in")

    def rcpt(self, line: str) -> None:
        self.known.recipients.append(line.partition("<")[2].rstrip(">"))
        self.say("250 ok")

    def data(self, _: str) -> None:
        self.say("354 go on")
        body = b""
        while (line := self.lines.readline()) not in (b".\r\n", b""):
            body += line[1:] if line.startswith(b"..") else line
        self.known.messages.append(message_from_bytes(body))
        self.say("250 taken")


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
