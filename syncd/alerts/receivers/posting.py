"""Posting to a host outside: one connection to one judged address, no redirect, an end after ten seconds in all.

The connectors' wire does not fit: it trusts its host, keeps connections and follows a proxy. Knows nothing of alerts.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urlsplit

from syncd.alerts.receivers.addresses import is_inside, is_loopback_address, is_public
from syncd.alerts.receivers.delivery import DeliveryError

TIMEOUT: Final = 10.0
"""Seconds that a whole call may take, the look-up of the name included."""
REPLY_CAP: Final = 64 * 1024
_LONGEST_WAIT = 3600.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: the status and the headers, names in lower case; what its body says does not matter."""

    status: int
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Call:
    """One call under way in its own thread."""

    reply: Reply | None = None
    failure: DeliveryError | None = None
    connection: HTTPConnection | None = None
    sock: socket.socket | None = None
    late: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def cut(self) -> None:
        """Give the call up: whatever it waits for ends."""
        self.late = True
        sock = self.sock  # a connection lets go of it with the headers of an answer that ends it
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it ended by itself meanwhile


def check_url(url: str) -> SplitResult:
    """The parts of a URL that may be posted to; DeliveryError `misconfigured` for any other.

    That is https without a user's name in it, or plain http to this machine itself.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise DeliveryError("misconfigured", f"the URL cannot be read: {error}") from error
    plain = parts.scheme == "http" and host in _LOOPBACK
    if not host or not (plain or parts.scheme == "https") or parts.username or port == 0:
        raise DeliveryError("misconfigured", "the URL is not https://host/…, nor http:// on loopback")
    return parts


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    ca_bundle: str | None = None,
    timeout: float = TIMEOUT,
    resolve: Callable[[str, int], list[str]] | None = None,
    inside: bool = False,
) -> Reply:
    """Post `body` and return the answer, whatever its status.

    `inside` lets an https URL lead to private addresses too, never to this machine or a cloud's own services.
    Raises DeliveryError: `misconfigured` for a URL that is not taken, `refused_address` where the name leads to an
    address that is not public, `timeout`, or `unreachable` for everything that goes wrong on the way.
    """
    parts = check_url(url)
    call = _Call()
    allowed = is_loopback_address if parts.scheme == "http" else is_inside if inside else is_public
    wanted = _Wanted(parts, headers, body, ca_bundle, timeout, resolve or addresses_of, allowed)
    threading.Thread(target=_perform, args=(call, wanted), daemon=True).start()
    if not call.done.wait(timeout):
        call.cut()
        raise DeliveryError("timeout", f"no whole answer within {timeout:g} s")
    if call.failure is not None:
        raise call.failure
    if call.reply is None:
        raise AssertionError("a call that is done has an answer or a failure")
    return call.reply


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses that a name leads to, in the order the system prefers them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def accept(reply: Reply) -> None:
    """Nothing for an answer that took the notice; DeliveryError with a bounded reason for every other."""
    status = reply.status
    if 200 <= status < 300:
        return
    text = f"the answer was HTTP {status}"
    if status in (401, 403):
        raise DeliveryError("auth_error", text)
    if status == 429:
        raise DeliveryError("rate_limited", text, wait=_asked_wait(reply))
    if status == 408:
        raise DeliveryError("timeout", text)
    if status >= 500:
        raise DeliveryError("server_error", text, wait=_asked_wait(reply))
    raise DeliveryError("client_error", text + (", and redirects are not followed" if 300 <= status < 400 else ""))


def _asked_wait(reply: Reply) -> float | None:
    asked = reply.headers.get("retry-after", "").strip()
    return min(float(asked), _LONGEST_WAIT) if asked.isascii() and asked.isdigit() else None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be sent, where, and to which addresses it may go."""

    parts: SplitResult
    headers: Mapping[str, str]
    body: bytes
    ca_bundle: str | None
    timeout: float
    resolve: Callable[[str, int], list[str]]
    allowed: Callable[[str], bool]


def _perform(call: _Call, wanted: _Wanted) -> None:
    try:
        call.reply = _exchange(call, wanted)
    except DeliveryError as error:
        call.failure = error
    except TimeoutError:
        call.failure = DeliveryError("timeout", f"no whole answer within {wanted.timeout:g} s")
    except (OSError, HTTPException, UnicodeError) as error:
        call.failure = DeliveryError("unreachable", words_of(error))
    finally:
        if call.connection is not None:
            call.connection.close()
        call.done.set()


def words_of(error: Exception) -> str:
    """What went wrong on the way, without anything that the other side said."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or type(error).__name__}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _exchange(call: _Call, wanted: _Wanted) -> Reply:
    parts, timeout = wanted.parts, wanted.timeout
    host, secure = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    sock = _connected(wanted.resolve(host, port), port, timeout, allowed=wanted.allowed)
    if secure:
        connection: HTTPConnection = HTTPSConnection(host, port, timeout=timeout)
    else:
        connection = HTTPConnection(host, port, timeout=timeout)
    call.connection = connection
    connection.sock = call.sock = sock
    if call.late:
        raise TimeoutError
    if secure:
        context = ssl.create_default_context(cafile=wanted.ca_bundle)
        connection.sock = call.sock = context.wrap_socket(sock, server_hostname=host)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", target, body=wanted.body, headers=dict(wanted.headers))
    return _read(connection.getresponse())


def _connected(addresses: list[str], port: int, timeout: float, *, allowed: Callable[[str], bool]) -> socket.socket:
    """A connection to the first address that answers; none is tried where any of them is not allowed."""
    refused = next((address for address in addresses if not allowed(address)), None)
    if refused is not None:
        raise DeliveryError("refused_address", f"{refused} is not an address that webhooks are sent to")
    failure: OSError = OSError("the name leads to no address")
    for address in addresses:
        try:
            sock = socket.create_connection((address, port), timeout=timeout)
        except OSError as error:
            failure = error
            continue
        return sock
    raise failure


def _read(answer: HTTPResponse) -> Reply:
    """The answer, its body read and thrown away up to the cap: the status is all that counts."""
    with answer:  # it owns the socket where the other side ends the connection
        answer.read(REPLY_CAP)
    return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()})
