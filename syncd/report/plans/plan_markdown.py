"""A plan as Markdown for a pull request: under 60 KB whatever the plan, and byte-identical for equal decisions.

The plan's id and time of making are left out: they would change with every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from syncd.report.markdown import LIMIT as LIMIT
from syncd.report.markdown import Page, code, escaped, row
from syncd.report.plans.plan_view import (
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
    texts,
    why,
)
from syncd.report.wording import moment, money, place, plain

_REPS_SHOWN = 20
_SECTIONS = (("held", "Held"), ("blocked", "Blocked"), ("unassigned", "Unassigned"))


def render_markdown(document: Entry) -> str:
    """The plan as Markdown, ending with a newline. Raises InputError SYN540 for a document of another format."""
    found = moves(checked(document))
    page = Page()
    page.add(_head(document))
    page.add(_guard(document))
    page.add(_reps(found))
    for territory, group in groupby(found, key=lambda move: move.territory):
        page.table(f"### {escaped(territory)}", _MOVE_HEADERS, [_move(move) for move in group])
    for outcome, title in _SECTIONS:
        entries = decisions(document, outcome)
        page.table(f"### {title}", _WAITING_HEADERS, [_waiting(entry) for entry in entries])
    ours = [[*map(escaped, (each.name, each.field, each.old, each.new))] for each in texts(document)]
    page.table("### Values of ours", _TEXT_HEADERS, ours)
    nothing = nothing_to_do(document)
    page.add([nothing] if nothing else [])
    return page.finished(closing_line(document))


_MOVE_HEADERS = ("Account", "From", "To", "Why", "Rule", "Follow")
_WAITING_HEADERS = ("Account", "Owner", "Why", "Rule")
_TEXT_HEADERS = ("Account", "Field", "From", "To")


def _head(document: Entry) -> list[str]:
    summary = document["summary"]
    moved, rates = summary["money_moved"], document.get("rates", {})
    lines = [
        "## Plan",
        "",
        f"Pack revision `{plain(document['pack_revision'])}`, as of {moment(document['now'])}"
        + (f", mirror: {mirrors(document)}" if document["mirror"] else "")
        + (f", rates of {rates['as_of']}" if rates.get("as_of") else ""),
        "",
        row(["Evaluated", "To change", "Held", "Blocked", "Unassigned", "Kept", "Open pipeline moved"]),
        row(["---:"] * 7),
    ]
    counts = [f"{summary[key]:,}" for key in ("evaluated", "changes", "held", "blocked", "unassigned", "keep")]
    return [*lines, row([*counts, money(moved["amount"], moved["currency"])])]


def _guard(document: Entry) -> list[str]:
    tripped = document["guard"]["tripped"]
    lines = ["### Guard", "", "An approval of this plan has to name these limits:", ""] if tripped else []
    for trip in tripped:
        rules = ", ".join(f"`{code(rule)}`" for rule in trip.get("rules", ()))
        lines.append(f"- `{trip['limit']}`: {escaped(trip['text'])}" + (f" (most by {rules})" if rules else ""))
    return lines


def _reps(found: Sequence[MoveView]) -> list[str]:
    rows = balances(found)
    if not rows:
        return []
    lines = ["### Reps", "", row(["Rep", "Gains", "Loses", "Net"]), row(["---", "---:", "---:", "---:"])]
    for balance in rows[:_REPS_SHOWN]:
        lines.append(row([escaped(balance.rep), f"{balance.gains:,}", f"{balance.losses:,}", f"{balance.net:+,}"]))
    if len(rows) > _REPS_SHOWN:
        lines.append(row([f"… and {len(rows) - _REPS_SHOWN:,} more", "", "", ""]))
    return lines


def _move(move: MoveView) -> list[str]:
    decision = move.decision
    follow = str(len(move.children)) if move.children else ""
    new = move.new if move.role == "owner" else f"{move.role}: {move.new}"
    cells = [escaped(text) for text in (move.name, move.old, new, why(decision))]
    return [*cells, _rule(decision), follow]


def _waiting(entry: Entry) -> list[str]:
    name = entry.get("name") or entry["company"]
    return [*(escaped(text) for text in (name, email_of(entry["current_owner"]), why(entry))), _rule(entry)]


def _rule(entry: Entry) -> str:
    where = place(entry["rule"])
    return f"`{code(where)}`" if where else ""
