"""What planning aids show, as sections that any rendering understands: titles, sentences, tables. Renders nothing.

Texts are as they came from the CRM; each rendering cleans them in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | int | None


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a page: sentences, a table, a list of `items`, and what is said below.

    `right` are the columns of the table that are numbers.
    """

    title: str
    lines: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    right: frozenset[int] = frozenset()
    items: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole page: its title, the sentences that matter most, figures with their names, and the sections."""

    title: str
    lead: tuple[str, ...]
    tiles: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    closing: str = ""


def table(
    title: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    lines: Sequence[str] = (),
    most: int | None = None,
    right: Sequence[int] = (),
    foot: Sequence[str] = (),
) -> Section:
    """A section of a table; of more than `most` rows it says how many are left out."""
    shown = rows if most is None else rows[:most]
    left = len(rows) - len(shown)
    more = (*foot, f"… and {left:,} more; the JSON rendering has them all.") if left else tuple(foot)
    cells = tuple(tuple(row) for row in shown)
    return Section(title, tuple(lines), tuple(headers), cells, frozenset(right), foot=more)
