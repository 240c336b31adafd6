"""The page of a code for a terminal: paragraphs and items folded at 80 columns, examples and headings as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from syncd.report.wording import wrapped

_CODE, _HEADING, _ITEM = "    ", "#", "- "


def page_text(page: str) -> str:
    """The page with its paragraphs and items folded; it ends with a line end. Every word stays, in its order."""
    folded: list[str] = []
    for is_blank, group in groupby(page.strip("\n").split("\n"), lambda line: not line.strip()):
        lines = list(group)
        folded += lines if is_blank else _block(lines)
    return "\n".join(folded) + "\n"


def _block(lines: list[str]) -> list[str]:
    if lines[0].startswith((_CODE, _HEADING)):
        return lines
    return [wrapped(text, indent=0, hanging=2 if text.startswith(_ITEM) else 0) for text in _texts(lines)]


def _texts(lines: list[str]) -> Iterator[str]:
    """Each item of a list as one text, or a paragraph as one."""
    text: list[str] = []
    for line in lines:
        if line.startswith(_ITEM) and text:
            yield " ".join(text)
            text = []
        text.append(line.strip())
    yield " ".join(text)
