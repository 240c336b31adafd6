"""Wording: the small pieces that every rendering is made of. CRM text is cleaned here before anybody prints it.

Names and messages come from CRMs, and a terminal obeys control characters in them.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

WIDTH = 80


def plain(text: object) -> str:
    """A value on one line, without control characters, format characters or halves of surrogate pairs."""
    kept = (char if _printable(char) else "\ufffd" for char in " ".join(str(text).split()))
    return "".join(kept)


def wrapped(text: str, *, indent: int, hanging: int | None = None, width: int = WIDTH) -> str:
    """A text folded at `width`, its first line indented by `indent` and the others by `hanging` (else the same).

    Long words such as ids are never cut.
    """
    later = indent if hanging is None else hanging
    return textwrap.fill(
        text,
        width=width,
        initial_indent=" " * indent,
        subsequent_indent=" " * later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def shown_width(text: str) -> int:
    """How many columns a text takes on a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def cut(text: str, width: int) -> str:
    """The text if it takes at most `width` columns, else its beginning and `…`."""
    if shown_width(text) <= width:
        return text
    while text and shown_width(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 account`, `12 accounts`, with commas in large numbers."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def money(amount: str, currency: str) -> str:
    """Decimal text as money: `1,250,000 USD`, with cents where there are any."""
    value = Decimal(amount)
    digits = f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.2f}"
    return f"{digits} {currency}"


def moment(instant: str) -> str:
    """The text of an instant, `2026-11-20T10:00:00.000Z`, as a person reads it: `2026-11-20 10:00Z`."""
    return f"{instant[:10]} {instant[11:16]}Z" if len(instant) >= 16 else instant


def place(rule: Mapping[str, Any] | None) -> str | None:
    """A rule's `file:line`."""
    return None if rule is None else plain(f"{rule['file']}:{rule['line']}")


def _printable(char: str) -> bool:
    return char == " " or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
