"""A plan as one HTML file: a first screen that says it all, pictures of who gains and loses, tables that sort.

It needs no network, follows the reader's light or dark, works without its script, and lets nothing of a CRM become
markup. Equal documents give equal pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from html import escape

from syncd.clock import iso, parse_instant
from syncd.report.plans.plan_page import SCRIPT, STYLE
from syncd.report.plans.plan_view import (
    Entry,
    MoveView,
    TextView,
    balances,
    checked,
    closing_line,
    decisions,
    email_of,
    mirrors,
    moves,
    nothing_to_do,
    texts,
    why,
)
from syncd.report.wording import moment, money, place, plain

_BARS = 12
_SECTIONS = (("held", "Held"), ("blocked", "Blocked"), ("unassigned", "Unassigned"))
_TILES = (
    ("changes", "To change"),
    ("held", "Held"),
    ("blocked", "Blocked"),
    ("unassigned", "Unassigned"),
    ("keep", "Kept"),
    ("evaluated", "Evaluated"),
)


@dataclass(frozen=True, slots=True)
class _Cell:
    """What a table shows, and what it is sorted by where that is another text."""

    text: str
    value: str | None = None


def render_plan_html(document: Entry) -> str:
    """The page, ending with a newline. Raises InputError SYN540 for a document of another format."""
    return "\n".join(_page(checked(document))) + "\n"


def _page(document: Entry) -> Iterator[str]:
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    title = _title(document)
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>"
    yield f"<h1>{escape(title)}</h1>"
    yield from (f'<p class="sub">{escape(line)}</p>' for line in _made(document))
    yield from _summary(document)
    yield from _guard(document)
    yield "</header>\n<main>"
    found = moves(document)
    nothing = nothing_to_do(document)
    if nothing is not None:
        yield f'<p class="none">{escape(nothing)}</p>'
    yield '<div class="pictures">'
    yield from _reps_picture(found)
    yield from _territories_picture(document)
    yield "</div>"
    yield from _shift_tables(document)
    yield from _changes(found)
    yield from _texts(texts(document))
    for outcome, name in _SECTIONS:
        yield from _waiting(name, decisions(document, outcome))
    yield f'<p class="sub">{escape(closing_line(document))}</p>'
    yield f"</main>\n<script>{SCRIPT}</script>\n</body>\n</html>"


def _title(document: Entry) -> str:
    if document["plan_id"] is None:
        return "Plan (not saved)"
    return f"{'Undo plan' if document.get('kind') == 'undo' else 'Plan'} {plain(document['plan_id'])}"


def _made(document: Entry) -> Iterator[str]:
    told = [f"pack revision {plain(document['pack_revision'])}", f"as of {moment(document['now'])}"]
    if document["plan_id"] is not None:
        made = parse_instant(document["created_at"])
        ends = made + timedelta(seconds=document.get("lifetime_seconds", 86400))
        told += [f"made {moment(document['created_at'])}", f"expires {moment(iso(ends))}"]
    yield " · ".join(told)
    if document["mirror"]:
        rates = document.get("rates", {})
        dated = f" · amounts by the rates of {rates['as_of']}" if rates.get("as_of") else ""
        yield f"mirror: {mirrors(document)}{dated}"


def _summary(document: Entry) -> Iterator[str]:
    """The counts and the money: what a reader has to see before scrolling."""
    summary = document["summary"]
    moved = summary["money_moved"]
    yield '<dl class="tiles">'
    for key, label in _TILES:
        yield f"<div><dt>{label}</dt><dd>{summary[key]:,}</dd></div>"
    amount = escape(money(moved["amount"], moved["currency"]))
    yield f'<div class="wide"><dt>Open pipeline moved</dt><dd>{amount}</dd></div></dl>'


def _guard(document: Entry) -> Iterator[str]:
    tripped = document["guard"]["tripped"]
    if not tripped:
        return
    yield '<section class="guard"><h2>Guard</h2><p class="sub">An approval has to name these limits:</p><ul>'
    for trip in tripped:
        rules = ", ".join(f"<code>{escape(plain(rule))}</code>" for rule in trip.get("rules", ()))
        most = f" Most by {rules}." if rules else ""
        yield f"<li><code>{escape(plain(trip['limit']))}</code>: {escape(plain(trip['text']))}.{most}</li>"
    yield "</ul></section>"


def _reps_picture(found: Sequence[MoveView]) -> Iterator[str]:
    """Accounts that each rep loses (to the left) and gains (to the right)."""
    rows = balances(found)
    if not rows:
        return
    most = max(max(row.gains, row.losses) for row in rows)
    yield '<figure><h2>Who gains, who loses</h2><figcaption class="key">accounts:<i class="lose"></i>lost'
    yield '<i class="gain"></i>gained</figcaption>'
    for row in rows[:_BARS]:
        name = escape(row.rep)
        yield f'<div class="bar"><span title="{name}">{name}</span><span class="axis">'
        yield f"<span>{_bar('lose', row.losses, most, 70)}<b>{_minus(row.losses)}</b></span>"
        yield f"<span>{_bar('gain', row.gains, most, 70)}<b>{_plus(row.gains)}</b></span></span></div>"
    yield _rest(len(rows), "reps") + "</figure>"


def _territories_picture(document: Entry) -> Iterator[str]:
    """Open pipeline of the territories that the plan touches, before and after."""
    rows = sorted(
        document.get("shifts", {}).get("territories", ()),
        key=lambda row: (-abs(_amount(row, "after") - _amount(row, "before")), row["territory"]),
    )
    most = max((max(_amount(row, "before"), _amount(row, "after")) for row in rows), default=Decimal(0))
    if not most:
        return
    currency = document["summary"]["money_moved"]["currency"]
    yield '<figure><h2>Money by territory</h2><figcaption class="key">open pipeline:<i class="before"></i>before'
    yield '<i class="after"></i>after</figcaption>'
    for row in rows[:_BARS]:
        name = escape(plain(row["territory"]))
        yield f'<div class="bar"><span title="{name}">{name}</span><span class="pair">'
        for side in ("before", "after"):
            amount = _amount(row, side)
            yield f"<span>{_bar(side, amount, most, 55)}<b>{escape(money(f'{amount:f}', currency))}</b></span>"
        yield "</span></div>"
    yield _rest(len(rows), "territories") + "</figure>"


def _shift_tables(document: Entry) -> Iterator[str]:
    """The same in figures, for every rep and territory that the plan touches."""
    shifts = document.get("shifts", {})
    headers = ("Accounts before", "Accounts after", "Money before", "Money after", "Money moved")
    for key, name, title in (("reps", "email", "Reps"), ("territories", "territory", "Territories")):
        rows = [[_Cell(plain(row[name])), *_figures(row)] for row in shifts.get(key, ())]
        if rows:
            yield f"<h2>{title}</h2>"
            yield from _table(
                "", (title[:-1] if key == "reps" else "Territory", *headers), rows, title, numbers=range(1, 6)
            )


def _figures(row: Entry) -> list[_Cell]:
    counts = [_Cell(f"{row['accounts'][side]:,}", str(row["accounts"][side])) for side in ("before", "after")]
    amounts = [_amount(row, side) for side in ("before", "after")]
    return [*counts, *(_Cell(f"{amount:,f}", f"{amount:f}") for amount in [*amounts, amounts[1] - amounts[0]])]


def _changes(found: Sequence[MoveView]) -> Iterator[str]:
    if not found:
        return
    yield '<h2>Changes</h2><input id="find" type="search" placeholder="Find an account, person or territory"'
    yield ' aria-label="Find an account, person or territory">'
    headers = ("Account", "From", "To", "Why", "Rule", "Territory", "Money", "Follow", "Team")
    rows = [_change(move) for move in found]
    yield from _table("changes", headers, rows, "Changes", numbers=(6, 7, 8))


def _change(move: MoveView) -> list[_Cell]:
    decision = move.decision
    amount = decision.get("money")
    team = sum(row.get("team", 0) for row in move.rows)
    new = move.new if move.role == "owner" else f"{move.role}: {move.new}"
    return [
        *(_Cell(text) for text in (move.name, move.old, new, why(decision), place(decision["rule"]) or "")),
        _Cell(move.territory),
        _Cell(f"{Decimal(amount):,f}" if amount else "", amount),
        _Cell(str(len(move.children)) if move.children else ""),
        _Cell(str(team) if team else ""),
    ]


def _texts(found: Sequence[TextView]) -> Iterator[str]:
    if not found:
        return
    yield "<h2>Values of ours</h2>"
    rows = [[_Cell(text) for text in (each.name, each.row["ref"], each.field, each.old, each.new)] for each in found]
    yield from _table("", ("Account", "Record", "Field", "From", "To"), rows, "Values of ours", numbers=())


def _waiting(title: str, entries: Sequence[Entry]) -> Iterator[str]:
    if not entries:
        return
    yield f"<h2>{title}</h2>"
    rows = [
        [
            _Cell(plain(entry.get("name") or entry["company"])),
            _Cell(email_of(entry["current_owner"])),
            _Cell(why(entry)),
            _Cell(place(entry["rule"]) or ""),
        ]
        for entry in entries
    ]
    yield from _table("", ("Account", "Owner", "Why", "Rule"), rows, "Accounts that stay", numbers=())


def _table(
    name: str, headers: Sequence[str], rows: Iterable[Sequence[_Cell]], label: str, *, numbers: Iterable[int]
) -> Iterator[str]:
    right = frozenset(numbers)
    marks = [' class="n"' if index in right else "" for index in range(len(headers))]
    yield f'<div class="scroll"><table class="cards" aria-label="{escape(label)}"{_named(name)}><thead><tr>'
    yield "".join(f'<th scope="col"{mark}>{escape(text)}</th>' for text, mark in zip(headers, marks, strict=True))
    yield "</tr></thead><tbody>"
    for row in rows:
        cells = (
            f'<td{mark} data-h="{escape(header)}"{_sorted_by(cell)}>{escape(cell.text)}</td>'
            for header, mark, cell in zip(headers, marks, row, strict=True)
        )
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _named(name: str) -> str:
    return f' id="{name}"' if name else ""


def _sorted_by(cell: _Cell) -> str:
    return f' data-v="{escape(cell.value)}"' if cell.value is not None else ""


def _amount(row: Entry, side: str) -> Decimal:
    return Decimal(row["money"][side])


def _bar(kind: str, value: int | Decimal, most: int | Decimal, room: int) -> str:
    """A bar of at most `room` per cent of its place; what is not nothing shows at least a line."""
    width = float(value) / float(most) * room if most else 0.0
    return f'<i class="{kind}" style="width:{max(width, 0.6 if value else 0.0):.1f}%"></i>'


def _plus(number: int) -> str:
    return f"+{number:,}" if number else ""


def _minus(number: int) -> str:
    return f"\u2212{number:,}" if number else ""


def _rest(count: int, what: str) -> str:
    return f'<p class="sub">… and {count - _BARS:,} more {what}, in the table below</p>' if count > _BARS else ""
