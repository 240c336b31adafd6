"""A toy receiver, the exercise of docs/extending.md: one line of plain text a notice, posted to a secret URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.alerts.receivers.outside import Outside
from syncd.alerts.receivers.routing import route_of
from syncd.alerts.receivers.wording import title
from syncd.settings import ReceiverSettings

LONGEST = 120


class PlainTextReceiver:
    """Posts the title of each notice."""

    def __init__(self, settings: ReceiverSettings, outside: Outside) -> None:
        self.name = settings.name
        self.route = route_of(settings)
        self._settings = settings
        self._outside = outside

    def deliver(self, body: Mapping[str, Any]) -> None:
        """One line; what the other side answers is a reason of the port's, or it took the notice."""
        url = self._outside.secret_url(self._settings)
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        self._outside.post(self._settings, url, headers, title(body, LONGEST).encode())
