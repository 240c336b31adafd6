"""A heartbeat: a URL that is called after each watch, so that somebody else notices when syncd is silent.

It is called as Healthchecks has it: the URL itself when all went well, `/fail` behind it when not. It gets no alerts:
a heartbeat that fails is told in the log alone, for the other side tells of its absence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from syncd.alerts.receivers.outside import AGENT, Outside
from syncd.alerts.receivers.routing import route_of
from syncd.settings import ReceiverSettings

_LONGEST = 10_000


class HeartbeatReceiver:
    """Calls one URL, which is the secret."""

    def __init__(self, settings: ReceiverSettings, outside: Outside) -> None:
        self.name = settings.name
        self.route = route_of(settings)
        self._settings = settings
        self._outside = outside

    def deliver(self, body: Mapping[str, Any]) -> None:
        """A test: the same call as after a good watch."""
        self.beat(well=True, words=str(body["text"]))

    def beat(self, *, well: bool, words: str) -> None:
        """Say how the watch went; DeliveryError where nobody took it."""
        parts = urlsplit(self._outside.secret_url(self._settings))
        path = parts.path if well else f"{parts.path.rstrip('/')}/fail"
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": AGENT, "Connection": "close"}
        payload = words.encode("utf-8", "replace")[:_LONGEST]
        self._outside.post(self._settings, urlunsplit(parts._replace(path=path)), headers, payload)
