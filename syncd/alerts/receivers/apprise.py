"""Teams and all the others, through apprise: the extra `receivers` installs it, and nothing else imports it.

The secret is one of apprise's URLs. apprise says only whether a service took a message, and tells its own log why:
that log is kept shut, for it can hold the URL.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from syncd.alerts.receivers.delivery import DeliveryError
from syncd.alerts.receivers.outside import Outside
from syncd.alerts.receivers.routing import route_of
from syncd.alerts.receivers.wording import lines, title
from syncd.settings import ReceiverSettings

_TITLE, _TEXT = 200, 8000
_OURS: dict[str, Any] = {
    "app_id": "syncd",
    "app_desc": "syncd",
    "app_url": "",
    "image_url_mask": None,
    "image_url_logo": None,
}
"""Whose message it is. No picture: apprise's own has whoever reads an alert call a web address of somebody else's."""
_TYPES = {"page": "failure", "ticket": "warning", "info": "info"}


class AppriseReceiver:
    """Hands each notice to apprise as a title and plain text."""

    def __init__(self, settings: ReceiverSettings, outside: Outside) -> None:
        self.name = settings.name
        self.route = route_of(settings)
        self._settings = settings
        self._outside = outside

    def deliver(self, body: Mapping[str, Any]) -> None:
        """One message; DeliveryError `misconfigured` without apprise or for a URL that it does not know."""
        url = self._outside.secret(self._settings).strip()
        try:
            import apprise
        except ImportError as error:
            raise DeliveryError("misconfigured", "apprise is not installed: pip install 'syncd[receivers]'") from error
        logging.getLogger("apprise").disabled = True
        service = apprise.Apprise(asset=apprise.AppriseAsset(**_OURS))
        if not service.add(url):
            raise DeliveryError("misconfigured", "apprise does not know what the secret's URL means")
        kind = "success" if body["reason"] == "resolved" else _TYPES[body["severity"]]
        text = "\n".join(lines(body))[:_TEXT]
        taken = service.notify(
            title=title(body, _TITLE), body=text, notify_type=apprise.NotifyType(kind), body_format="text"
        )
        if not taken:
            raise DeliveryError("not_taken", "the service did not take it; `apprise -vv` says why")
