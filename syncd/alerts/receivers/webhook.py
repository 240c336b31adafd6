"""A webhook as a receiver: signed JSON by POST.

The signature is HMAC-SHA256 over `timestamp.body`, in hexadecimal, behind `v1=`; while keys are rotated there are two,
with a comma between. A receiver checks it, refuses timestamps that are more than five minutes off, and knows a repeated
notice by its event id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from syncd.alerts.receivers.delivery import DeliveryError
from syncd.alerts.receivers.outside import AGENT, Outside
from syncd.alerts.receivers.posting import TIMEOUT, Reply, check_url, post
from syncd.alerts.receivers.routing import route_of
from syncd.settings import ReceiverSettings


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The text of the signature header: `v1=` and the digest."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


class WebhookReceiver:
    """Posts each notice to one URL; the keys are read anew for each, so that they can be rotated."""

    def __init__(
        self,
        settings: ReceiverSettings,
        outside: Outside,
        *,
        timeout: float = TIMEOUT,
        send: Callable[..., Reply] = post,
    ) -> None:
        self.name = settings.name
        self.route = route_of(settings)
        self._settings = settings
        self._outside = outside
        self._timeout = timeout
        self._send = send

    def deliver(self, body: Mapping[str, Any]) -> None:
        """Post one notice; DeliveryError with a bounded reason for any answer but 2xx, and for none."""
        url = self._settings.url
        if url is None:
            raise DeliveryError("misconfigured", "a webhook needs a url and a secret")
        check_url(url)
        payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        timestamp = str(int(self._outside.clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "X-Syncd-Timestamp": timestamp,
            "X-Syncd-Signature": ",".join(signature(key, timestamp, payload) for key in self._keys()),
            "X-Syncd-Event-Id": str(body["event_id"]),
            "Connection": "close",
        }
        self._outside.post(self._settings, url, headers, payload, timeout=self._timeout, send=self._send)

    def _keys(self) -> list[str]:
        """The key, and during a rotation the one before it."""
        keys = [self._outside.secret(self._settings)]
        if self._settings.secret_before is not None:
            keys.append(self._outside.secret(self._settings, "secret_before"))
        return keys
