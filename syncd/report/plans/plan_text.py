"""A plan as plain text of 80 columns: one screen of summary first, then every change with its reason and rule.

`+` first owner, `~` another owner, `!` held, blocked or unassigned. Complete without colour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

from syncd.clock import iso, parse_instant
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
from syncd.report.wording import WIDTH, counted, cut, moment, money, place, plain, shown_width, wrapped

_SHOWN_REPS = 3
_SHOWN_CHILDREN = 5
_SECTIONS = (
    ("held", "Held: these stay as they are"),
    ("blocked", "Blocked: the CRM refused these"),
    ("unassigned", "Unassigned: nobody is there to take these"),
)


def render_plan(document: Entry) -> str:
    """The plan as text, ending with a newline. Raises InputError SYN540 for a document of another format."""
    found = moves(checked(document))
    blocks = ["\n".join(_header(document)), "\n".join(_summary(document, found))]
    guard = list(_guard(document))
    if guard:
        blocks.append("\n".join(guard))
    for territory, group in groupby(found, key=lambda move: move.territory):
        blocks.append("\n".join([territory, *_territory(list(group))]))
    for outcome, title in _SECTIONS:
        entries = decisions(document, outcome)
        if entries:
            blocks.append("\n".join([title, *(line for entry in entries for line in _waiting(entry))]))
    ours = texts(document)
    if ours:
        blocks.append("\n".join(["Values of ours: written beside owners", *map(_text, ours)]))
    nothing = nothing_to_do(document)
    if nothing is not None:
        blocks.append(wrapped(nothing, indent=0))
    return "\n\n".join([*blocks, closing_line(document)]) + "\n"


def _header(document: Entry) -> Iterator[str]:
    """What this plan is, when it was made, until when it may be approved, and how fresh its mirror is."""
    if document["plan_id"] is None:
        yield f"Plan (not saved), pack revision {document['pack_revision']}, as of {moment(document['now'])}"
    else:
        kind = "Undo plan" if document.get("kind") == "undo" else "Plan"
        yield f"{kind} {document['plan_id']}, pack revision {document['pack_revision']}"
        made = parse_instant(document["created_at"])
        expires = made + timedelta(seconds=document.get("lifetime_seconds", 86400))
        yield f"made {moment(document['created_at'])}, expires {moment(iso(expires))}"
    if document["mirror"]:
        systems = document["systems"]
        yield wrapped(f"mirror: {mirrors(document)}", indent=0, hanging=2)
        follows = f"; {', '.join(systems['expected'])} by the native sync" if systems["expected"] else ""
        yield f"writes: {', '.join(systems['written']) or 'none'}{follows}"
    rates = document.get("rates", {})
    if rates.get("as_of"):
        yield f"amounts in {rates['currency']} by the rates of {rates['as_of']}"


def _summary(document: Entry, found: tuple[MoveView, ...]) -> Iterator[str]:
    """The counts, the money, and the reps with the most movement."""
    summary = document["summary"]
    moved = summary["money_moved"]
    for key, label in (
        ("evaluated", "evaluated"),
        ("changes", "to change"),
        ("held", "held"),
        ("blocked", "blocked"),
        ("unassigned", "unassigned"),
        ("keep", "kept"),
    ):
        pipeline = ""
        if key == "changes" and summary["changes"]:
            pipeline = f"   {money(moved['amount'], moved['currency'])} of open pipeline"
        yield f"  {label:<12}{summary[key]:>10,}{pipeline}"
    reps = balances(found)
    for balance in reps[:_SHOWN_REPS]:
        yield f"  {balance.rep}: gains {balance.gains:,}, loses {balance.losses:,}"
    if len(reps) > _SHOWN_REPS:
        yield f"  and {len(reps) - _SHOWN_REPS:,} more reps"


def _guard(document: Entry) -> Iterator[str]:
    """The limits that the plan is over, and the rules to look at."""
    tripped = document["guard"]["tripped"]
    if tripped:
        yield "Guard: an approval of this plan has to name these limits"
    for trip in tripped:
        yield wrapped(f"! {trip['limit']}: {plain(trip['text'])}", indent=2, hanging=6)
        if trip.get("rules"):
            yield wrapped(f"most by {', '.join(plain(rule) for rule in trip['rules'])}", indent=6)


def _territory(group: list[MoveView]) -> Iterator[str]:
    for rep, mine in groupby(group, key=lambda move: move.new):
        listed = list(mine)
        yield f"  {rep} ({counted(len(listed), 'account')})"
        for move in listed:
            yield from _move(move)


def _move(move: MoveView) -> Iterator[str]:
    """One account: who had it, who gets it and why, the rows that are written, and what follows."""
    decision = move.decision
    yield f"    {'+' if decision['current_owner'] is None else '~'} {cut(move.name, WIDTH - 6)}"
    where = place(decision["rule"])
    owners = f"{move.new} stays" if move.old == move.new else f"{move.old} -> {move.new}"
    owners = owners if move.role == "owner" else f"{move.role}: {owners}"
    reason = f"# {why(decision)}" + (f" ({where})" if where else "")
    line = f"        {owners}  {reason}"
    if shown_width(line) <= WIDTH:
        yield line
    else:
        yield wrapped(owners, indent=8, hanging=10)
        yield wrapped(reason, indent=10, hanging=12)
    for row in move.rows:
        if ":" in row["ref"]:  # a row of an export is named by its account already
            sync = " (by the native sync)" if row.get("expected") else ""
            users = f"{row['from'] or 'nobody'} -> {row['to'] or 'nobody'}"
            yield wrapped(f"{row['ref']}  {users}{sync}", indent=8, hanging=10)
    if move.children:
        shown = ", ".join(row["ref"] for row in move.children[:_SHOWN_CHILDREN])
        rest = ", …" if len(move.children) > _SHOWN_CHILDREN else ""
        yield wrapped(f"{followers(move)}: {shown}{rest}", indent=8, hanging=10)
    for item in decision.get("left_out", ()):
        yield wrapped(f"! {item['ref']} is left out: {plain(item['text'])}", indent=8, hanging=10)


def _text(ours: TextView) -> str:
    """One value of ours: the account, the field, and what it becomes."""
    return wrapped(f"{ours.name}  {ours.row['ref']}  {ours.field}: {ours.old} -> {ours.new}", indent=2, hanging=6)


def followers(move: MoveView) -> str:
    """What follows an account in words: `2 open opportunities follow`, `1 open opportunity and 3 contacts follow`."""
    counts = Counter(row["ref"].split(":")[1] for row in move.children)
    named = [counted(counts[kind], *words) for kind, words in _FOLLOWERS.items() if counts[kind]]
    verb = "follows" if len(move.children) == 1 else "follow"
    return f"{' and '.join(named)} {verb}"


_FOLLOWERS = {
    "opportunity": ("open opportunity", "open opportunities"),
    "contact": ("contact", "contacts"),
    "task": ("open task", "open tasks"),
}


def _waiting(entry: Entry) -> Iterator[str]:
    """One account that the plan leaves as it is, and why."""
    where = place(entry["rule"])
    name, owner = plain(entry.get("name") or entry["company"]), email_of(entry["current_owner"])
    yield f"  ! {cut(name, max(WIDTH - 6 - shown_width(owner), 20))}  {owner}"
    yield wrapped(f"# {why(entry)}" + (f" ({where})" if where else ""), indent=6, hanging=8)
