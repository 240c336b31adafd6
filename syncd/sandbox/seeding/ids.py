"""Record ids as each CRM makes them: Salesforce's 18 characters with their check suffix, HubSpot's digits."""

from __future__ import annotations

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
FIRST_COMPANY = 9_999_998_001
FIRST_DEAL = 99_999_999_001
FIRST_CONTACT = 301
FIRST_TASK = 70_000_000_001
FIRST_OWNER = 77_001
FIRST_USER = 9_001
"""The first numbers of HubSpot ids. Companies, contacts and deals soon gain a digit: text and number order differ."""


def salesforce_id(prefix: str, number: int) -> str:
    """The 18-character id of the `number`-th record of an object, whose key prefix has three characters."""
    digits = ""
    rest = number
    while rest:
        rest, digit = divmod(rest, 62)
        digits = _DIGITS[digit] + digits
    short = f"{prefix}Sb000{digits:0>7}"
    return short + check_suffix(short)


def check_suffix(short: str) -> str:
    """The three characters that make a 15-character id safe where case is lost: which of its letters are capital."""
    chunks = (short[0:5], short[5:10], short[10:15])
    return "".join(_SUFFIX[sum(1 << place for place, char in enumerate(chunk) if char.isupper())] for chunk in chunks)
