"""What every receiver outside needs: the clock, its secrets read anew at each use, and the way to a URL."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from syncd import __version__
from syncd.alerts.receivers.delivery import DeliveryError
from syncd.alerts.receivers.posting import TIMEOUT, Reply, accept, check_url, post
from syncd.clock import Clock
from syncd.errors import ConfigError
from syncd.settings import ReceiverSettings, Secret

AGENT = f"syncd/{__version__}"


@dataclass(frozen=True, slots=True)
class Outside:
    """The ports that receivers share."""

    clock: Clock
    read_secret: Callable[[Secret, str], str]
    ca_bundle: str | None = None

    def secret(self, settings: ReceiverSettings, key: str = "secret") -> str:
        """The text of a receiver's secret; DeliveryError `misconfigured` where it cannot be read."""
        secret: Secret | None = getattr(settings, key)
        if secret is None:
            raise DeliveryError("misconfigured", f"a {settings.type} receiver needs {key}")
        try:
            return self.read_secret(secret, f"receivers.{settings.name}.{key}")
        except ConfigError as error:
            raise DeliveryError("misconfigured", str(error)) from error

    def secret_url(self, settings: ReceiverSettings) -> str:
        """A URL that is itself the secret, as the webhooks of Slack are; DeliveryError `misconfigured` for no URL."""
        url = self.secret(settings).strip()
        check_url(url)
        return url

    def post(
        self,
        settings: ReceiverSettings,
        url: str,
        headers: Mapping[str, str],
        payload: bytes,
        *,
        timeout: float = TIMEOUT,
        send: Callable[..., Reply] = post,
    ) -> None:
        """Post and judge the answer; DeliveryError with a bounded reason."""
        accept(send(url, headers, payload, ca_bundle=self.ca_bundle, timeout=timeout, inside=settings.inside))

    def post_json(self, settings: ReceiverSettings, url: str, document: Mapping[str, Any]) -> None:
        """The same with a JSON document."""
        headers = {"Content-Type": "application/json", "User-Agent": AGENT, "Connection": "close"}
        self.post(settings, url, headers, json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode())
