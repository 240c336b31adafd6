"""Slack as a receiver: an incoming webhook, whose URL is the secret, and text in blocks of Block Kit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.alerts.receivers.outside import Outside
from syncd.alerts.receivers.routing import route_of
from syncd.alerts.receivers.wording import lines, shortened, title
from syncd.settings import ReceiverSettings

_HEADER, _SECTION, _BLOCKS = 150, 2900, 20
"""Characters that a header and a section may have (Slack: 150 and 3,000), and how many blocks we send (Slack: 50)."""


class SlackReceiver:
    """Posts each notice as one message."""

    def __init__(self, settings: ReceiverSettings, outside: Outside) -> None:
        self.name = settings.name
        self.route = route_of(settings)
        self._settings = settings
        self._outside = outside

    def deliver(self, body: Mapping[str, Any]) -> None:
        """One message; Slack answers 200, 404 for a webhook that was taken back, 429 for more than one a second."""
        self._outside.post_json(self._settings, self._outside.secret_url(self._settings), message(body))


def message(body: Mapping[str, Any]) -> dict[str, Any]:
    """The message of a notice: a fallback for notifications, a header, and the text in sections."""
    head = title(body, _HEADER)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": head, "emoji": False}}]
    for text in _sections(lines(body)):
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}})
    return {"text": _escaped(head), "blocks": blocks[:_BLOCKS]}


def _sections(found: list[str]) -> list[str]:
    """The lines in as few sections as take them."""
    sections: list[str] = []
    for line in found:
        text = _marked(shortened(line, _SECTION // 5))
        if sections and len(sections[-1]) + len(text) < _SECTION:
            sections[-1] += f"\n{text}"
        elif text:
            sections.append(text)
    return sections


def _marked(line: str) -> str:
    """A command as code, so that it can be copied; everything else as it stands, its markup taken away."""
    name, colon, rest = line.partition(": ")
    if colon and name in ("first", "approve") and "`" not in rest:
        return f"{name}: `{_escaped(rest)}`"
    return _escaped(line).replace("`", "'").replace("*", "∗").replace("~", "∼")


def _escaped(text: str) -> str:
    """Slack's own escape; with it no mention, channel or link can be forged."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
