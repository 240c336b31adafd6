"""Characters that people do not see or did not mean: curly quotes around a value, and signs without any width.

They are text like any other, so a rule with them is valid and matches nothing: a warning each (SYN368).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from syncd.errors import Place
from syncd.rules.findings import Findings

_INVISIBLE = re.compile("[\u00ad\u200b\u2060\u202a-\u202e\u2066-\u2069\ufeff]")
_CURLY = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
_MOST_REPORTED = 10
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def place_at(text: str, offset: int, path: str) -> Place:
    """The place of a character of a text, by its offset."""
    line, start = 1, 0
    for match in _LINE_BREAK.finditer(text, 0, offset):
        line, start = line + 1, match.end()
    return Place(path, line, offset - start + 1)


def report_invisible(text: str, path: str, findings: Findings) -> None:
    """A warning for the first characters without any width."""
    if text.isascii():
        return
    for count, match in enumerate(_INVISIBLE.finditer(text)):
        if count == _MOST_REPORTED:
            return
        message = f"an invisible character (U+{ord(match.group()):04X}) stands here and counts as part of the text"
        findings.warning("SYN368", message, place_at(text, match.start(), path), "remove it")


def is_in_curly_quotes(text: str) -> bool:
    """Whether a value begins and ends with quotes that a word processor made."""
    return len(text) > 1 and text[0] in _CURLY and text[-1] in _CURLY


def report_curly(text: str, place: Place, findings: Findings) -> None:
    """The warning for one value in curly quotes."""
    message = f"the curly quotes of {text[:60]} are part of the value"
    findings.warning("SYN368", message, place, f'use straight ones: "{text[1:-1][:60]}"')


def report_curly_cells(text: str, cells: Iterable[tuple[str, int]], path: str, findings: Findings) -> None:
    """A warning for the first cells, given with their lines, that stand in curly quotes."""
    if text.isascii() or not any(quote in text for quote in _CURLY):
        return
    reported = 0
    for cell, line in cells:
        if is_in_curly_quotes(cell):
            report_curly(cell, Place(path, line), findings)
            reported += 1
            if reported == _MOST_REPORTED:
                return
