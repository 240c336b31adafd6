"""PagerDuty as a receiver: the Events API v2. One incident an episode, told by its `dedup_key`, which may be sent again
without harm; it ends when the alert does, and is acknowledged when somebody takes the alert here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from syncd.alerts.receivers.outside import Outside
from syncd.alerts.receivers.routing import ACKNOWLEDGED, TEST, route_of
from syncd.alerts.receivers.wording import one_line, title
from syncd.settings import ReceiverSettings

ENDPOINT: Final = "https://events.pagerduty.com/v2/enqueue"
_SEVERITIES = {"page": "critical", "ticket": "warning", "info": "info"}
_ACTIONS = {"resolved": "resolve", ACKNOWLEDGED: "acknowledge"}
_LONGEST_KEY, _LONGEST_SUMMARY, _MOST_LISTED = 255, 1024, 50
_DETAILS = ("summary", "since", "money", "first_command", "runbook", "accounts_total", "flapping", "text")


class PagerDutyReceiver:
    """Sends each notice as one event; 202 means that it was taken into the queue."""

    def __init__(self, settings: ReceiverSettings, outside: Outside) -> None:
        self.name = settings.name
        self.route = route_of(settings)
        self._settings = settings
        self._outside = outside

    def deliver(self, body: Mapping[str, Any]) -> None:
        """One event; a test opens an incident and ends it at once. A digest ends the incidents whose end it tells."""
        key, url = self._outside.secret(self._settings).strip(), self._settings.url or ENDPOINT
        self._outside.post_json(self._settings, url, event(body, key))
        for ended in body.get("ended", ()):
            self._outside.post_json(self._settings, url, event({"reason": "resolved", "dedup_key": ended}, key))
        if body["kind"] == TEST:
            self._outside.post_json(self._settings, url, event({**body, "reason": "resolved"}, key))


def event(body: Mapping[str, Any], routing_key: str) -> dict[str, Any]:
    """The event of a notice."""
    action = _ACTIONS.get(body["reason"], "trigger")
    document: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": _dedup_key(str(body["dedup_key"])),
    }
    if action != "trigger":
        return document
    details = {name: body.get(name) for name in _DETAILS} | {"labels": body["labels"]}
    details |= {name: list(body[name])[:_MOST_LISTED] for name in ("who", "evidence", "accounts")}
    document["client"] = "syncd"
    document["payload"] = {
        "summary": title(body, _LONGEST_SUMMARY // 2) + " – " + one_line(body["summary"])[: _LONGEST_SUMMARY // 2 - 3],
        "source": one_line(body["labels"].get("system") or "syncd"),
        "severity": _SEVERITIES[body["severity"]],
        "timestamp": body["at"],
        "component": body["monitor"],
        "class": body["severity"],
        "custom_details": details,
    }
    return document


def _dedup_key(key: str) -> str:
    """The key as PagerDuty takes it: at most 255 characters."""
    return key if len(key) <= _LONGEST_KEY else "syncd:" + hashlib.sha256(key.encode()).hexdigest()
