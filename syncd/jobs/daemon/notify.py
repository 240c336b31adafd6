"""Telling systemd how the daemon is: sd_notify's datagrams, without a library (its protocol is one line of text)."""

from __future__ import annotations

import socket
from collections.abc import Mapping


class Notifier:
    """Sends READY, STATUS, WATCHDOG and STOPPING to NOTIFY_SOCKET; does nothing where there is none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        usec = environ.get("WATCHDOG_USEC", "")
        self.watchdog_seconds = int(usec) / 1_000_000 if usec.isdigit() else None

    def ready(self, status: str) -> None:
        """Start-up, or a reload, is through."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self, monotonic_usec: int) -> None:
        """A reload begins; both fields in one datagram, as systemd 253 asks (reliability.md 4.2)."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_usec}")

    def alive(self, status: str) -> None:
        """The scheduler ticks."""
        self._send(f"WATCHDOG=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The daemon is on its way out."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)  # a full queue must not stop the daemon: the next message says the same
            try:
                sock.sendto(text.encode("utf-8"), self._address)
            except OSError:
                return  # systemd is busy, went away or never listened; nothing of ours depends on it
