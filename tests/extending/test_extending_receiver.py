"""The toy receiver of docs/extending.md does what the port asks of every receiver."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncd.alerts.receivers.delivery import REASONS, DeliveryError, Receiver
from syncd.alerts.receivers.outside import Outside
from syncd.clock import ManualClock
from syncd.settings import ReceiverSettings, SecretReader
from tests.extending.plain_text import LONGEST, PlainTextReceiver
from tests.unit.alerts.receiving import web

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
ALERT = {
    "kind": "alert",
    "reason": "fired",
    "severity": "page",
    "monitor": "RepLeft",
    "subject": "ana@acme.example",
    "labels": {},
    "text": "first: syncd leaver ana@acme.example",
}


def receiver(url: str) -> Receiver:
    settings = ReceiverSettings.model_validate({"name": "wall", "type": "slack", "secret": "env:WALL_URL"})
    return PlainTextReceiver(settings, Outside(ManualClock(NOW), SecretReader({"WALL_URL": url}).read))


def test_it_takes_what_its_settings_ask_for_and_posts_one_line() -> None:
    with web() as wall:
        one = receiver(f"{wall.url}/secret")
        assert one.route.takes(ALERT)
        one.deliver({**ALERT, "subject": "Eve\r\nX-Forged: yes " + "x" * 500})
    ((path, body),) = wall.calls
    text = body.decode()
    assert path == "/secret"
    assert text.startswith("[page] RepLeft Eve X-Forged: yes")
    assert "\n" not in text
    assert len(text) == LONGEST


@pytest.mark.parametrize(("status", "reason"), [(302, "client_error"), (403, "auth_error"), (503, "server_error")])
def test_a_refusal_is_one_of_the_bounded_reasons_and_names_no_secret(status: int, reason: str) -> None:
    with web() as wall:
        wall.status = status
        with pytest.raises(DeliveryError) as caught:
            receiver(f"{wall.url}/secret").deliver(ALERT)
    assert caught.value.reason == reason
    assert caught.value.reason in REASONS
    assert "secret" not in str(caught.value)


def test_an_address_inside_is_refused() -> None:
    with pytest.raises(DeliveryError) as caught:
        receiver("https://10.0.0.7/hook").deliver(ALERT)
    assert caught.value.reason == "refused_address"
