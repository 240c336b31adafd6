"""A plan as Markdown for a pull request: under 60 KB whatever the plan, and byte-identical for equal decisions.

The plan's id and time of making are left out: they would change with every run.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from syncd.report.plan_view import (
    Entry,
    MoveView,
    balances,
    checked,
    closing_line,
    decisions,
    email_of,
    mirrors,
    moves,
    nothing_to_do,
    why,
)
from syncd.report.wording import moment, money, place, plain

LIMIT = 60_000
"""Bytes; code hosts refuse comments of more than 65,536 characters."""

_REPS_SHOWN = 20
_RESERVE = 2_000
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~])")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_SECTIONS = (("held", "Held"), ("blocked", "Blocked"), ("unassigned", "Unassigned"))


def render_markdown(document: Entry) -> str:
    """The plan as Markdown, ending with a newline. Raises InputError SYN540 for a document of another format."""
    found = moves(checked(document))
    page = _Page()
    page.add(_head(document))
    page.add(_guard(document))
    page.add(_reps(found))
    for territory, group in groupby(found, key=lambda move: move.territory):
        page.table(f"### {_escaped(territory)}", _MOVE_HEADERS, [_move(move) for move in group])
    for outcome, title in _SECTIONS:
        entries = decisions(document, outcome)
        page.table(f"### {title}", _WAITING_HEADERS, [_waiting(entry) for entry in entries])
    nothing = nothing_to_do(document)
    page.add([nothing] if nothing else [])
    return page.finished(closing_line(document))


class _Page:
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
        head = [title, "", _row(headers), _row(["---"] * len(headers))]
        if not self._fits("\n".join(head)):
            self._left_out += len(rows)
            return
        for line in head:
            self._append(line)
        for cells in rows:
            line = _row(cells)
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


_MOVE_HEADERS = ("Account", "From", "To", "Why", "Rule", "Follow")
_WAITING_HEADERS = ("Account", "Owner", "Why", "Rule")


def _head(document: Entry) -> list[str]:
    summary = document["summary"]
    moved = summary["money_moved"]
    lines = [
        "## Plan",
        "",
        f"Pack revision `{plain(document['pack_revision'])}`, as of {moment(document['now'])}"
        + (f", mirror: {mirrors(document)}" if document["mirror"] else ""),
        "",
        _row(["Evaluated", "To change", "Held", "Blocked", "Unassigned", "Kept", "Open pipeline moved"]),
        _row(["---:"] * 7),
    ]
    counts = [f"{summary[key]:,}" for key in ("evaluated", "changes", "held", "blocked", "unassigned", "keep")]
    return [*lines, _row([*counts, money(moved["amount"], moved["currency"])])]


def _guard(document: Entry) -> list[str]:
    tripped = document["guard"]["tripped"]
    lines = ["### Guard", "", "An approval of this plan has to name these limits:", ""] if tripped else []
    for trip in tripped:
        rules = ", ".join(f"`{_code(rule)}`" for rule in trip.get("rules", ()))
        lines.append(f"- `{trip['limit']}`: {_escaped(trip['text'])}" + (f" (most by {rules})" if rules else ""))
    return lines


def _reps(found: Sequence[MoveView]) -> list[str]:
    rows = balances(found)
    if not rows:
        return []
    lines = ["### Reps", "", _row(["Rep", "Gains", "Loses", "Net"]), _row(["---", "---:", "---:", "---:"])]
    for balance in rows[:_REPS_SHOWN]:
        lines.append(_row([_escaped(balance.rep), f"{balance.gains:,}", f"{balance.losses:,}", f"{balance.net:+,}"]))
    if len(rows) > _REPS_SHOWN:
        lines.append(_row([f"… and {len(rows) - _REPS_SHOWN:,} more", "", "", ""]))
    return lines


def _move(move: MoveView) -> list[str]:
    decision = move.decision
    follow = str(len(move.children)) if move.children else ""
    cells = [_escaped(text) for text in (move.name, move.old, move.new, why(decision))]
    return [*cells, _rule(decision), follow]


def _waiting(entry: Entry) -> list[str]:
    name = entry.get("name") or entry["company"]
    return [*(_escaped(text) for text in (name, email_of(entry["current_owner"]), why(entry))), _rule(entry)]


def _rule(entry: Entry) -> str:
    where = place(entry["rule"])
    return f"`{_code(where)}`" if where else ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: object) -> str:
    """CRM text that Markdown shows as it is: no markup, mention, link or cell border comes out of a company's name."""
    return _MENTION.sub("@<!-- -->", html.escape(_SPECIAL.sub(r"\\\1", plain(text)), quote=False))


def _code(text: object) -> str:
    return plain(text).replace("`", "'").replace("|", "\\|")


def _bytes(line: str) -> int:
    return len(line.encode("utf-8", "replace")) + 1
