"""SOQL text into tokens. It knows the words' shapes, not the grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncd.sandbox.salesforce.refusals import malformed_query

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d(?![\dT]))
    |(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w]))
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<period>[A-Za-z_]+:\d+)
    |(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
    |(?P<operator>!=|<>|<=|>=|=|<|>)
    |(?P<mark>[(),])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "_": "\\_",
    "%": "\\%",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind (a group of the pattern, or `end`), its text and where it starts."""

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """The text as a keyword is compared."""
        return self.text.upper()


def tokens_of(text: str) -> list[Token]:
    """All tokens of a query and an end token; MALFORMED_QUERY for a character that starts none."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise malformed_query(f"line 1:{at} no viable alternative at character '{text[at]}'")
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    tokens.append(Token("end", "<EOF>", len(text)))
    return tokens


def unescaped(quoted: str) -> str:
    """The text that a quoted literal means; `\\_` and `\\%` keep their backslash for LIKE.

    Raises Refusal MALFORMED_QUERY for an escape that is none.
    """
    parts: list[str] = []
    chars = iter(quoted[1:-1])
    for char in chars:
        if char != "\\":
            parts.append(char)
            continue
        escaped = next(chars)
        if escaped not in _ESCAPES:
            raise malformed_query(f"Illegal string literal escape '\\{escaped}'")
        parts.append(_ESCAPES[escaped])
    return "".join(parts)
