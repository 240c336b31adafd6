"""Tables of the report: cells that know what they are sorted by, and links that lead only to web pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from syncd.report.inline_code import with_code
from syncd.report.wording import plain

_LONG = 15
"""A table of more rows scrolls by itself."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a table shows: a text, what it is sorted by where that is another text, and markup made here.

    `markup` is HTML of this program; everything else is escaped.
    """

    text: str = ""
    value: str | None = None
    markup: str = ""


def safe(text: object) -> str:
    """A text from anywhere, for the page."""
    return escape(plain(text), quote=True)


def advice(text: str) -> Cell:
    """A sentence whose words between backticks are commands, fields or keys, shown as such."""
    return Cell(text, markup=with_code(text))


def number(value: int) -> Cell:
    """A count; nothing for 0, so that what is there stands out."""
    return Cell(f"{value:,}" if value else "–", str(value))


def amount(value: str) -> Cell:
    """Money without its currency, in whole units: the heading names the currency."""
    exact = Decimal(value)
    return Cell(f"{exact:,.0f}" if exact else "–", f"{exact:f}")


def share(part: int, whole: int) -> Cell:
    """A part of a whole in per cent, and the count."""
    if not whole or not part:
        return Cell("–", "0")
    return Cell(f"{part:,} ({part / whole:.0%})", f"{part / whole:.4f}")


def link(target: str, text: str) -> str:
    """A link to a web page, as markup; the text alone where the target is none."""
    if not target.startswith(("https://", "http://")):
        return safe(text)
    return f'<a href="{safe(target)}" rel="noopener noreferrer" target="_blank">{safe(text)}</a>'


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    name: str,
    right: Iterable[int] = (),
    find: str = "",
    marks: Iterable[str] | None = None,
) -> str:
    """A sortable table in a region that scrolls by itself; `find` labels a box that filters its rows.

    `marks` are attributes of each row, as markup.
    """
    numbers = frozenset(right)
    classes = [' class="n"' if place in numbers else "" for place in range(len(headers))]
    heads = "".join(map(_head, headers, classes))
    given = list(marks) if marks is not None else None
    body: list[str] = []
    for place, row in enumerate(rows):
        cells = "".join(
            f'<td{mark} data-h="{safe(head)}"{_sorted_by(cell)}>{cell.markup or safe(cell.text)}</td>'
            for head, mark, cell in zip(headers, classes, row, strict=True)
        )
        body.append(f"<tr{' ' + given[place] if given else ''}>{cells}</tr>")
    label = safe(name)
    box = f'<input type="search" class="find" placeholder="{safe(find)}" aria-label="{safe(find)}">' if find else ""
    long = " long" if len(body) > _LONG else ""
    return (
        f'<div class="tabled{long}">{box}<div class="scroll" role="region" tabindex="0" aria-label="{label}">'
        f'<table class="cards"><caption>{label}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div></div>"
    )


def _head(text: str, mark: str) -> str:
    """The head of a column; one of pictures alone has a name only for those who cannot see them."""
    if not text:
        return '<th scope="col" class="pic"><span class="unseen">as a bar</span></th>'
    return f'<th scope="col"{mark}>{safe(text)}</th>'


def _sorted_by(cell: Cell) -> str:
    return f' data-v="{safe(cell.value)}"' if cell.value is not None else ""
