"""Markdown for code hosts: texts that never become markup, tables, and a page that stops before it is refused."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from syncd.report.wording import plain

LIMIT = 60_000
"""Bytes; code hosts refuse comments of more than 65,536 characters."""

_RESERVE = 2_000
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~])")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")


class Page:
    """Blocks of lines, added until the limit; what does not fit is counted."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._left_out = 0

    def add(self, lines: Iterable[str]) -> None:
        """A block of lines and an empty one after it; an empty block is nothing."""
        block = list(lines)
        if block:
            for line in [*block, ""]:
                self._append(line)

    def table(self, title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table with as many rows as fit."""
        if not rows:
            return
        head = [title, "", row(headers), row(["---"] * len(headers))]
        if not self._fits("\n".join(head)):
            self._left_out += len(rows)
            return
        for line in head:
            self._append(line)
        for cells in rows:
            line = row(cells)
            if self._left_out or not self._fits(line):
                self._left_out += 1
            else:
                self._append(line)
        self._append("")

    def finished(self, closing: str) -> str:
        """The whole page with its closing line."""
        if self._left_out:
            self.add([f"… and {self._left_out:,} more rows: this comment is full, the JSON rendering has them all."])
        self._append(f"**{closing}**")
        return "\n".join(self._lines) + "\n"

    def _append(self, line: str) -> None:
        self._lines.append(line)
        self._size += _bytes(line)

    def _fits(self, text: str) -> bool:
        return self._size + _bytes(text) + _RESERVE < LIMIT


def row(cells: Iterable[str]) -> str:
    """One line of a table; the cells are escaped already."""
    return f"| {' | '.join(cells)} |"


def escaped(text: object) -> str:
    """CRM text that Markdown shows as it is: no markup, mention, link or cell border comes out of a company's name."""
    return _MENTION.sub("@<!-- -->", html.escape(_SPECIAL.sub(r"\\\1", plain(text)), quote=False))


def code(text: object) -> str:
    """A text for between two backticks."""
    return plain(text).replace("`", "'").replace("|", "\\|")


def _bytes(line: str) -> int:
    return len(line.encode("utf-8", "replace")) + 1
