"""Aligned tables in plain text, for every command that lists something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from syncd.report.wording import WIDTH, cut, plain, shown_width

_GAP = "  "


def render_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: frozenset[int] | set[int] = frozenset(),
    width: int | None = WIDTH,
    empty: str = "nothing to show",
) -> str:
    """A table with one line a row, columns aligned (those in `right` to the right), no line wider than `width`.

    None is an empty cell. The last column is cut with `…` where it does not fit; with `width` None nothing is cut.
    Without rows it is the sentence `empty`. Ends without a newline.
    """
    cells = [["" if value is None else plain(value) for value in row] for row in rows]
    if not cells:
        return empty
    widths = [max(shown_width(text) for text in column) for column in zip(headers, *cells, strict=True)]
    lines = [_line(row, widths, right, width) for row in [list(headers), *cells]]
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int], right: frozenset[int] | set[int], width: int | None) -> str:
    padded = [_pad(text, widths[index], right=index in right) for index, text in enumerate(row)]
    if width is None:
        return _GAP.join(padded).rstrip()
    start = _GAP.join([*padded[:-1], ""])
    return (start + cut(padded[-1].rstrip(), max(width - shown_width(start), 8))).rstrip()


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - shown_width(text))
    return space + text if right else text + space
