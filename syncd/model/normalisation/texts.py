"""Text: NFKC, case-folded, white space trimmed and collapsed. E-mail addresses are texts too."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache


def settled(raw: str, step: Callable[[str], str]) -> str:
    """`step` applied until it changes nothing: Unicode's foldings may need a second round to be idempotent."""
    before, now = raw, step(raw)
    while now != before:
        before, now = now, step(now)
    return now


def folded(raw: str) -> str:
    """NFKC and case folding until neither changes anything; white space stays as it is."""
    if raw.isascii():
        return raw.lower()
    return settled(raw, lambda now: unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", now).casefold()))


@lru_cache(maxsize=65536)
def text(raw: str) -> str:
    """The text that comparisons see; equal texts are equal whatever their case, width and spacing."""
    return " ".join(folded(raw).split())


def email(raw: str) -> str:
    """An address as comparisons see it."""
    return text(raw)


@lru_cache(maxsize=4096)
def without_accents(cleaned: str) -> str:
    """A text without its diacritics: `québec` is `quebec`."""
    if cleaned.isascii():
        return cleaned
    bare = "".join(char for char in unicodedata.normalize("NFKD", cleaned) if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", bare)
