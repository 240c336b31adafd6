"""A webhook as a receiver: signed JSON by POST.

The signature is HMAC-SHA256 over `timestamp.body`, in hexadecimal, behind `v1=`. A receiver checks it, refuses
timestamps that are more than five minutes off, and knows a repeated notice by its event id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from syncd import __version__
from syncd.alerts.receivers.delivery import DeliveryError
from syncd.alerts.receivers.posting import TIMEOUT, Reply, check_url, post
from syncd.clock import Clock
from syncd.errors import ConfigError
from syncd.settings import ReceiverSettings, Secret

_LONGEST_WAIT = 3600.0


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The text of the signature header: `v1=` and the digest."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


class WebhookReceiver:
    """Posts each notice to one URL; the secret is read anew for each, so that it can be rotated."""

    def __init__(
        self,
        settings: ReceiverSettings,
        *,
        clock: Clock,
        read_secret: Callable[[Secret, str], str],
        ca_bundle: str | None = None,
        timeout: float = TIMEOUT,
        send: Callable[..., Reply] = post,
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._clock = clock
        self._read_secret = read_secret
        self._ca_bundle = ca_bundle
        self._timeout = timeout
        self._send = send

    def takes(self, severity: str) -> bool:
        """The severities of its settings."""
        return severity in self._settings.severities

    def deliver(self, body: Mapping[str, Any]) -> None:
        """Post one notice; DeliveryError with a bounded reason for any answer but 2xx, and for none."""
        url, secret = self._settings.url, self._settings.secret
        if url is None or secret is None:
            raise DeliveryError("misconfigured", "a webhook needs a url and a secret")
        check_url(url)
        try:
            key = self._read_secret(secret, f"receivers.{self.name}.secret")
        except ConfigError as error:
            raise DeliveryError("misconfigured", str(error)) from error
        payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"syncd/{__version__}",
            "X-Syncd-Timestamp": timestamp,
            "X-Syncd-Signature": signature(key, timestamp, payload),
            "X-Syncd-Event-Id": str(body["event_id"]),
            "Connection": "close",
        }
        reply = self._send(url, headers, payload, ca_bundle=self._ca_bundle, timeout=self._timeout)
        _judge(reply)


def _judge(reply: Reply) -> None:
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
