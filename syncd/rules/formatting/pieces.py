"""A YAML text cut into pieces: what YAML means something by, and the comments and blank lines between.

The cut is libyaml's own, so that it never disagrees with the reader. Knows nothing of rules or of how it should look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

import yaml

_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")
_HARMLESS_TABS = re.compile(r"^[ \t]*\t[ \t]*(?=#|$)", re.MULTILINE)
_TRAILING_BLANKS = re.compile(r"\n[ \n]*\Z")


class Kind(Enum):
    """What a piece is; those of the first line have no text, they say where a block begins or ends."""

    MAPPING, SEQUENCE, END, KEY = auto(), auto(), auto(), auto()
    DASH, COLON, COMMA, OPEN, CLOSE, SCALAR, DOCUMENT = auto(), auto(), auto(), auto(), auto(), auto(), auto()


SILENT = frozenset({Kind.MAPPING, Kind.SEQUENCE, Kind.END, Kind.KEY})
_KINDS: dict[type[yaml.Token], Kind] = {
    yaml.BlockMappingStartToken: Kind.MAPPING,
    yaml.BlockSequenceStartToken: Kind.SEQUENCE,
    yaml.BlockEndToken: Kind.END,
    yaml.KeyToken: Kind.KEY,
    yaml.BlockEntryToken: Kind.DASH,
    yaml.ValueToken: Kind.COLON,
    yaml.FlowEntryToken: Kind.COMMA,
    yaml.FlowSequenceStartToken: Kind.OPEN,
    yaml.FlowMappingStartToken: Kind.OPEN,
    yaml.FlowSequenceEndToken: Kind.CLOSE,
    yaml.FlowMappingEndToken: Kind.CLOSE,
    yaml.ScalarToken: Kind.SCALAR,
    yaml.DocumentStartToken: Kind.DOCUMENT,
    yaml.DocumentEndToken: Kind.DOCUMENT,
}


class NotPlainError(Exception):
    """The text uses something of YAML that rule files do not have: anchors, tags, `? ` keys, directives."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(line, what)
        self.line = line
        self.what = what


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece: its text as written, the column it starts in (from 0), its value, and how a scalar is quoted."""

    kind: Kind
    text: str
    column: int
    value: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """What stands before a piece: the comment that ends the line before it, then the lines between.

    `same_line` says that the piece goes on in the line of the one before. A line between is None where it is blank,
    else the column and the text of a comment.
    """

    same_line: bool
    trailing: str | None = None
    between: tuple[tuple[int, str] | None, ...] = ()


def unified(text: str) -> str:
    """The text with line feeds alone at the ends of its lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def cut(text: str) -> Iterator[tuple[Gap, Piece | None]]:
    """Every piece with what stands before it; last None with what ends the text.

    The text has line feeds only. Raises yaml.YAMLError where it is no YAML, NotPlainError where a rule file has no such
    thing.
    """
    at, fresh = 0, True
    for piece, start, end in _pieces(text):
        if piece.kind in SILENT:
            yield _gap(text[at:start], fresh), piece
            continue
        yield _gap(text[at:start], fresh), piece
        at, fresh = end, False
    yield _gap(text[at:], fresh), None


def comments(text: str) -> tuple[str, ...]:
    """Every comment of a text, byte for byte, in order."""
    found: list[str] = []
    for gap, piece in cut(unified(text)):
        if piece is None or piece.kind not in SILENT:
            found += [gap.trailing] if gap.trailing is not None else []
            found += [line[1] for line in gap.between if line is not None]
    return tuple(found)


def _pieces(text: str) -> Iterator[tuple[Piece, int, int]]:
    # The same length as the text as written, so that positions hold in both.
    readable = _HARMLESS_TABS.sub(lambda match: match.group().replace("\t", " "), _OTHER_BREAKS.sub(" ", text))
    parser = yaml.CSafeLoader(readable)
    try:
        while (token := parser.get_token()) is not None:
            if isinstance(token, yaml.StreamStartToken | yaml.StreamEndToken):
                continue
            start, end = token.start_mark.index, token.end_mark.index
            kind = _KINDS.get(type(token))
            if kind is None or (kind is Kind.KEY and end > start):
                what = "`? `" if kind is Kind.KEY else f"`{text[start:end]}`"
                raise NotPlainError(token.start_mark.line + 1, what)
            if kind in SILENT:
                yield Piece(kind, "", token.start_mark.column), start, start
                continue
            style = (token.style or "") if isinstance(token, yaml.ScalarToken) else ""
            written = text[start:end]
            if style in ("|", ">") and "+" not in written.partition("\n")[0].partition("#")[0]:
                written = _TRAILING_BLANKS.sub("", written)
            value = token.value if isinstance(token, yaml.ScalarToken) else ""
            yield Piece(kind, written, token.start_mark.column, value, style), start, start + len(written)
    finally:
        parser.dispose()


def _gap(text: str, fresh: bool) -> Gap:
    """The gap that a text between two pieces is; at the start of a file everything stands on its own line."""
    first, *rest = text.split("\n")
    if not rest and not fresh:
        return Gap(same_line=not first.strip().startswith("#"), trailing=_comment(first))
    lines = rest if not fresh else [first, *rest]
    between = lines if lines and lines[-1].lstrip(" \t").startswith("#") else lines[:-1]
    return Gap(
        same_line=False,
        trailing=None if fresh else _comment(first),
        between=tuple(None if not line.strip(" \t") else _own_line(line) for line in between),
    )


def _comment(text: str) -> str | None:
    found = text.strip(" \t") and text.lstrip(" \t")
    return found or None


def _own_line(line: str) -> tuple[int, str]:
    shown = line.lstrip(" \t")
    return len(line) - len(shown), shown
