"""The one layout of rule files: two spaces a level, one space where one belongs, comments as they were written.

Lines stay where their author broke them. Pure: text in, text out; that nothing changed its meaning is checked by
whoever asked (`unchanged`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from syncd.rules.findings import Findings
from syncd.rules.formatting.pieces import SILENT, Gap, Kind, Piece, comments, cut, unified
from syncd.rules.nodes import Mapping, Node, Scalar, Sequence
from syncd.rules.reading.yaml_reader import read_yaml

STEP = 2
_FURTHEST_ALIGNED = 100
"""Comments behind neighbouring lines stand below each other unless that pushes them past this column."""


@dataclass(slots=True)
class _Level:
    """A list or mapping that is open: the column it was written in, and the one that it gets.

    Of a flow list or mapping, `indent` is where its content goes and `closing` where a bracket on its own line goes.
    """

    kind: Kind
    column: int
    indent: int
    closing: int = 0
    indentless: bool = False


@dataclass(slots=True)
class _Line:
    """A line of the result. `rest` are the further lines of a text that goes over several."""

    indent: int
    text: str = ""
    comment: str | None = None
    rest: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Where the next piece would stand."""
        return len(self.rest[-1]) if self.rest else self.indent + len(self.text)


def formatted(text: str) -> str:
    """The text in the one layout; the same again for a text that has it.

    Raises yaml.YAMLError where it is no YAML, NotPlainError where it uses what rule files do not have.
    """
    layout = _Layout()
    for gap, piece in cut(unified(text.removeprefix("\ufeff"))):
        layout.add(gap, piece)
    return "".join(f"{line}\n" for line in _rendered(layout.lines))


def unchanged(before: str, after: str) -> bool:
    """Whether two texts say the same: equal values, quoted alike, in equal places of the tree, and equal comments."""
    ignored = Findings()
    old, new = (read_yaml(text.encode(), "", ignored) for text in (before, after))
    same = old.readable and new.readable and _same(old.root, new.root)
    return same and comments(before.removeprefix("\ufeff")) == comments(after)


def _same(one: Node | None, other: Node | None) -> bool:
    pairs: list[tuple[Node | None, Node | None]] = [(one, other)]
    while pairs:
        match pairs.pop():
            case (None, None):
                continue
            case (Scalar() as left, Scalar() as right) if (left.text, left.quoted) == (right.text, right.quoted):
                continue
            case (Sequence() as left, Sequence() as right) if len(left.items) == len(right.items):
                pairs += zip(left.items, right.items, strict=True)
            case (Mapping() as left, Mapping() as right) if len(left.entries) == len(right.entries):
                pairs += [
                    pair for a, b in zip(left, right, strict=True) for pair in ((a.key, b.key), (a.value, b.value))
                ]
            case _:
                return False
    return True


class _Layout:
    """Puts piece after piece into lines."""

    def __init__(self) -> None:
        self.lines: list[_Line | None] = []
        self._stack: list[_Level] = []
        self._before: list[_Level] = []
        self._last: Piece | None = None
        self._is_key = False

    def add(self, gap: Gap, piece: Piece | None) -> None:
        """Take the next piece with what stands before it; None ends the text."""
        if piece is not None and piece.kind in SILENT:
            self._structure(piece)
            return
        if gap.trailing is not None and self._current is not None:
            self._current.comment = gap.trailing
        if piece is None:
            self._between(gap, None, -1)
            return
        if piece.kind is Kind.DASH and self._stack and self._stack[-1].kind is Kind.MAPPING:
            top = self._stack[-1]
            self._stack.append(_Level(Kind.SEQUENCE, top.column, top.indent + STEP, indentless=True))
        if gap.same_line and self._current is not None:
            self._append(self._separator(piece), piece)
        else:
            if self._last is not None and self._last.kind is Kind.OPEN:
                self._break_after_bracket()
            indent = self._indent_of(piece)
            self._between(gap, indent, piece.column)
            self.lines.append(_Line(indent))
            self._append("", piece)
        self._bracket(piece)
        self._last, self._is_key = piece, False
        self._before = list(self._stack)

    @property
    def _current(self) -> _Line | None:
        return next((line for line in reversed(self.lines[-1:]) if line is not None), None)

    def _structure(self, piece: Piece) -> None:
        """Blocks that begin and end; an indentless list ends where its mapping goes on or ends."""
        top = self._stack[-1] if self._stack else None
        if piece.kind in (Kind.KEY, Kind.END) and top is not None and top.indentless:
            self._stack.pop()
        if piece.kind is Kind.KEY:
            self._is_key = True
        elif piece.kind is Kind.END:
            self._stack.pop()
        else:
            self._stack.append(_Level(piece.kind, piece.column, top.indent + STEP if top is not None else 0))

    def _indent_of(self, piece: Piece) -> int:
        """The indentation of a line that begins with this piece."""
        if not self._stack or piece.kind is Kind.DOCUMENT:
            return 0
        top = self._stack[-1]
        if top.kind is Kind.OPEN:
            return top.closing if piece.kind is Kind.CLOSE else top.indent
        begins = piece.kind in (Kind.DASH, Kind.COLON) or self._is_key
        return top.indent if begins else top.indent + STEP

    def _separator(self, piece: Piece) -> str:
        tight = piece.kind in (Kind.COLON, Kind.COMMA, Kind.CLOSE)
        return "" if tight or (self._last is not None and self._last.kind is Kind.OPEN) else " "

    def _append(self, separator: str, piece: Piece) -> None:
        line = self._current
        if line is None:  # every piece has a line of its own or goes on in one
            raise AssertionError("a piece without a line")
        first, *further = _scalar_text(piece).split("\n")
        if line.rest:
            line.rest[-1] += separator + first
        else:
            line.text += separator + first
        if further:
            line.rest += self._block(piece, further) if piece.style in ("|", ">") else self._folded(further)

    def _folded(self, further: Iterable[str]) -> Iterator[str]:
        """The further lines of a plain or quoted text: their indentation means nothing."""
        top = self._stack[-1] if self._stack else None
        inside = top is not None and top.kind is Kind.OPEN
        indent = 0 if top is None else top.indent + (0 if inside else STEP)
        for line in further:
            shown = line.lstrip(" \t")
            yield " " * indent + shown if shown else ""

    def _block(self, piece: Piece, further: list[str]) -> Iterator[str]:
        """The lines of a `|` or `>` text, moved as one: their indentation against each other is their meaning."""
        top = self._stack[-1] if self._stack else None
        column, indent = (top.column, top.indent) if top is not None else (-STEP, -STEP)
        header = piece.text.partition("\n")[0].partition("#")[0]
        if not any(char.isdigit() for char in header):
            column = next((len(line) - len(line.lstrip(" ")) for line in further if line.strip(" ")), 0)
            indent += STEP
        for line in further:
            shown = line.lstrip(" ")
            yield " " * max(0, len(line) - len(shown) - column + indent) + shown if shown else ""

    def _bracket(self, piece: Piece) -> None:
        """An opened bracket: what follows it in the same line is what the next lines are aligned with."""
        line = self._current
        if piece.kind is Kind.CLOSE and self._stack:
            self._stack.pop()
        if piece.kind is Kind.OPEN and line is not None:
            self._stack.append(_Level(Kind.OPEN, piece.column, line.width, line.width - 1))

    def _break_after_bracket(self) -> None:
        """An opened bracket that ends its line: its content is indented by one level, not aligned."""
        top = self._stack[-1]
        outer = self._stack[-2] if len(self._stack) > 1 else None
        line = self._current
        if outer is None:
            base = 0
        elif outer.kind is Kind.OPEN:
            base = line.indent if line is not None else 0
        else:
            base = outer.indent + (STEP if outer.kind is Kind.SEQUENCE else 0)
        top.indent, top.closing = base + STEP, base

    def _between(self, gap: Gap, indent: int | None, column: int) -> None:
        """Blank lines and comments of their own; runs of blank lines become one."""
        for line in gap.between:
            if line is None:
                if self.lines and self.lines[-1] is not None:
                    self.lines.append(None)
            else:
                at = self._comment_indent(line[0], column, indent)
                self.lines.append(_Line(at, comment=line[1]))

    def _comment_indent(self, written: int, column: int, indent: int | None) -> int:
        """Where a comment goes: with the line below it, or with the block above that it was written in.

        One at the very left stays there: it is a heading, or a line that somebody switched off.
        """
        top = self._before[-1] if self._before else None
        if written == 0:
            return 0
        if top is not None and top.kind is Kind.OPEN:
            return top.indent
        if written <= column and indent is not None:
            return indent
        levels = [level.indent for level in self._before if level.column <= written]
        return max(levels[-1] if levels else 0, indent or 0)


def _scalar_text(piece: Piece) -> str:
    """The text of a piece, single quotes made double where both mean the same."""
    plain = "\n" not in piece.text and piece.value.isprintable() and not set(piece.value) & set('"\\')
    if piece.style == "'" and plain:
        return f'"{piece.value}"'
    return piece.text


def _rendered(lines: list[_Line | None]) -> Iterator[str]:
    while lines and lines[-1] is None:
        lines.pop()
    for run in _runs(lines):
        furthest = max((line.width for line in run if line is not None), default=0)
        for line in run:
            if line is None:
                yield ""
                continue
            text, *rest = [" " * line.indent + line.text, *line.rest]
            comment = line.comment
            if comment is None:
                yield from (text, *rest)
            elif not line.text:
                yield " " * line.indent + comment
            else:
                longest = max(furthest + len(each.comment or "") for each in run if each is not None)
                column = furthest if longest + STEP <= _FURTHEST_ALIGNED else line.width
                *head, last = text, *rest
                yield from (*head, last + " " * (column + STEP - line.width) + comment)


def _runs(lines: list[_Line | None]) -> Iterator[list[_Line | None]]:
    """Neighbouring lines that end in comments, together; every other line alone."""
    run: list[_Line | None] = []
    for line in lines:
        follows = line is not None and line.text and line.comment is not None
        if not follows:
            if run:
                yield run
            yield [line]
            run = []
        else:
            run.append(line)
    if run:
        yield run
