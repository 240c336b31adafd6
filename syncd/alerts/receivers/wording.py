"""Notices as short texts for people: a title on one line, and a body without anything that obeys or hides.

Names and messages come from CRMs; whoever can name an account must not be able to forge a line or a mention.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from syncd.alerts.receivers.routing import ALERT


def title(body: Mapping[str, Any], longest: int) -> str:
    """What a notice is about, on one line of at most `longest` characters."""
    if body["kind"] == ALERT:
        state = "over" if body["reason"] == "resolved" else body["reason"]
        text = f"[{body['severity']}] {body['monitor']} {body['subject']}: {state}"
    else:
        text = str(body["summary"])
    return shortened(one_line(text), longest)


def lines(body: Mapping[str, Any]) -> list[str]:
    """The text of a notice, line by line."""
    return [one_line(line) for line in str(body["text"]).split("\n")]


def one_line(text: object) -> str:
    """The text without control characters, format characters and line ends."""
    kept = (char if char == " " or _printable(char) else "\ufffd" for char in " ".join(str(text).split()))
    return "".join(kept)


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning and `…`."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _printable(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
