"""Salesforce record ids: 15 characters that mean something by case, and a 3-character checksum of that case.

It knows nothing of records; the prefixes are those of the standard objects (salesforce.md 2.5).
"""

from __future__ import annotations

import hashlib

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT, _LONG = 15, 18
_COUNTER_DIGITS = 9


def checksum(short: str) -> str:
    """The three characters that say which of the 15 are upper-case letters."""
    return "".join(
        _CHECKSUM[sum(1 << bit for bit, char in enumerate(short[start : start + 5]) if "A" <= char <= "Z")]
        for start in (0, 5, 10)
    )


def canonical(text: str) -> str | None:
    """The 18-character form of an id of 15 or 18; None for what is no id.

    An id in lower case gets its case back from its checksum. Otherwise the 15 characters stand as they are, whatever
    checksum came along: loaded data has invented and hashed ones.
    """
    if not text.isascii() or not text.isalnum() or len(text) not in (_SHORT, _LONG):
        return None
    short, check = text[:_SHORT], text[_SHORT:].upper()
    if check and short.islower() and checksum(short) != check:
        short = _mended(short, check)
    return short + checksum(short)


def _mended(short: str, check: str) -> str:
    """A lower-case id in the case that its checksum tells; unchanged where the two cannot belong together."""
    chars: list[str] = []
    for group, char in enumerate(check):
        bits = _CHECKSUM.find(char)
        for bit, letter in enumerate(short[group * 5 : group * 5 + 5]):
            chars.append(letter.upper() if bits >> bit & 1 else letter)
    repaired = "".join(chars)
    return repaired if checksum(repaired) == check else short


class IdSequence:
    """Ids of one object in rising order, the same ones for the same seed; valid and never twice."""

    def __init__(self, prefix: str, seed: int) -> None:
        self._head = f"{prefix}FK0"
        digest = hashlib.sha256(f"{prefix}:{seed}".encode()).digest()
        # Start in the middle of the range so that ids mix cases, with room for all that will ever be made.
        self._next = 62**6 + int.from_bytes(digest[:6], "big") % 62**7

    def take(self) -> str:
        """The next id, 18 characters."""
        number, digits = self._next, []
        self._next += 1
        for _ in range(_COUNTER_DIGITS):
            number, digit = divmod(number, 62)
            digits.append(_ALPHABET[digit])
        short = self._head + "".join(reversed(digits))
        return short + checksum(short)


def locator(seed: int, number: int) -> str:
    """The 18-character name of query cursor `number` (`0r8…`); unlike a record id it means nothing."""
    value, chars = int.from_bytes(hashlib.sha256(f"locator:{seed}:{number}".encode()).digest()[:11], "big"), []
    for _ in range(_SHORT - 3):
        value, digit = divmod(value, 62)
        chars.append(_ALPHABET[digit])
    return f"0r8{''.join(chars)}AAA"
