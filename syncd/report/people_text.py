"""Plans about people as plain text or Markdown: a leaver's drill, a joiner's first book, a distribution.

What is shown is the plan's document alone; the writes themselves are `runs show`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from syncd.report.markdown import Page, escaped
from syncd.report.plans.plan_view import checked
from syncd.report.table import render_table
from syncd.report.wording import counted, money, plain, wrapped

_LISTED = 50
_Document = Mapping[str, Any]
_Rows = Sequence[Sequence[object]]


def people_text(document: _Document) -> str:
    """The document as text, ending with a newline."""
    title, parts = _PARTS[checked(document)["kind"]](document)
    lines = [wrapped(title, indent=0)]
    for head, columns, rows, right in parts:
        lines += ["", head] if head else []
        if rows and columns[-1] in _PROSE:
            lines += [line for row in rows[:_LISTED] for line in _entry(columns, row)]
        elif rows:
            lines.append(render_table(columns, rows[:_LISTED], right=right))
        if len(rows) > _LISTED:
            lines.append(f"and {len(rows) - _LISTED:,} more; --format json has them all")
    return "\n".join([*lines, "", *_ending(document)]) + "\n"


def people_markdown(document: _Document) -> str:
    """The document as Markdown, ending with a newline."""
    title, parts = _PARTS[checked(document)["kind"]](document)
    page = Page()
    page.add([f"## {escaped(title)}"])
    for head, columns, rows, _ in parts:
        if rows:
            cells = [[escaped("" if cell is None else str(cell)) for cell in row] for row in rows[:_LISTED]]
            page.table(f"### {escaped(head)}", tuple(column.capitalize() for column in columns), cells)
        elif head:
            page.add([escaped(head)])
    page.add([escaped(line) for line in _ending(document)])
    return page.finished(title)


_PROSE = frozenset({"why", "what becomes of it"})
"""Columns of sentences: in text such a row is a headline with its sentence below, for no table of it fits a screen."""


def _entry(columns: Sequence[str], row: Sequence[object]) -> list[str]:
    """One row: what it is about, the short cells behind it, and the sentence on lines of its own."""
    cells = {name: plain(cell) for name, cell in zip(columns, row, strict=True) if cell not in (None, "")}
    sentence, (subject, *short) = cells.pop(columns[-1], ""), cells.items()
    head = [subject[1], *(text if name in _BARE else f"{name} {text}" for name, text in short if name != "to")]
    if "to" in cells and cells["to"] != "stays" and not sentence.startswith(cells["to"]):
        sentence = f"to {cells['to']}: {sentence}"
    return [wrapped(", ".join(head), indent=2, hanging=4), wrapped(sentence, indent=6)]


_BARE = frozenset({"pipeline", "amount", "name"})
"""Columns whose cells say by themselves what they are."""

_COUNTS = {1, 2, 3, 4, 5}
"""Columns of counts in the table of systems."""

_Part = tuple[str, tuple[str, ...], _Rows, set[int]]


def _leaver(document: _Document) -> tuple[str, list[_Part]]:
    told = document["people"]
    who = told["leaver"]
    owns, currency = told["owns"], told["owns"]["money"]["currency"]
    states = ", ".join(f"{each['system']} {'active' if each['active'] else 'inactive'}" for each in told["state"])
    title = f"{plain(who.get('name', 'somebody'))} ({who['email']}) owns "
    title += counted(owns["companies"], "company", "companies")
    title += f" with {money(owns['money']['amount'], currency)} open pipeline; {states or 'no user of a CRM'}"
    systems = [
        (system, *(kinds.get(kind, 0) for kind in ("account", "opportunity", "lead", "contact", "task")))
        for system, kinds in owns["systems"].items()
    ]
    accounts = [
        (
            each.get("name") or each["company"],
            money(each["money"], currency),
            each["to"] or "stays",
            each["ranking"][0]["points"] if each["ranking"] else "",
            each["cover"],
            f"{each['text']}{_standing(each['ranking'])}",
        )
        for each in told["accounts"]
    ]
    deals = [
        (each.get("name") or each["ref"], _amount(each["amount"], currency), each["to"] or "stays", each["text"])
        for each in told["opportunities"]
    ]
    others = [
        (each["kind"], each.get("name") or each["ref"], each["to"] or "stays", each["text"]) for each in told["others"]
    ]
    parts: list[_Part] = [
        ("By system", ("system", "accounts", "open opportunities", "leads", "contacts", "tasks"), systems, _COUNTS),
        ("Accounts, by money", ("account", "pipeline", "to", "points", "cover now", "why"), accounts, {1, 3}),
        ("Open opportunities", ("opportunity", "amount", "to", "why"), deals, {1}),
        ("Leads, contacts and open tasks", ("kind", "name", "to", "what becomes of it"), others, set()),
    ]
    found = [part for part in parts if part[2]]
    if told["not_mirrored"]:
        missing = f"not in the mirror, look in the CRM: {', '.join(told['not_mirrored'])}"
        missing += " (to have them in the plan: `children` of the system, and `read` under [leads], in the settings)"
        found.append((wrapped(missing, indent=0), (), [], set()))
    return title, found


def _standing(ranking: Sequence[_Document]) -> str:
    """What earned the first of a ranking their points, and how near the second comes."""
    if not ranking:
        return ""
    parts = ", ".join(f"{name} {points}" for name, points in ranking[0]["parts"].items() if float(points))
    second = f"; then {ranking[1]['email']} with {ranking[1]['points']}" if len(ranking) > 1 else ""
    return f" ({parts or 'no points'}{second})"


def _amount(text: str | None, currency: str) -> str | None:
    """An opportunity's amount as its CRM has it: a bare number is in the reporting currency."""
    try:
        return money(text, currency) if text else None
    except ArithmeticError:
        return text


def _joiner(document: _Document) -> tuple[str, list[_Part]]:
    told = document["people"]
    title = f"{told['joiner']} starts in {plain(told['into'])}: {counted(told['accounts'], 'account')}"
    title += f" of {told['target']:,} that are due today ({told['before']:,} before, {told['grown']:,} had nobody)"
    ramp = [(step["from"] or "now", f"{float(step['share']) * 100:g}%", step["accounts"]) for step in told["ramp"]]
    peeled = list(told["peeled"].items())
    return title, [
        ("Ramp", ("from", "share", "accounts"), ramp, {1, 2}),
        ("Peeled off" if peeled else "nothing is peeled off anybody", ("rep", "accounts"), peeled, {1}),
        _moves(document),
    ]


def _distribution(document: _Document) -> tuple[str, list[_Part]]:
    told = document["people"]
    title = f"pool {plain(told['pool'])}: {told['given']:,} of {counted(told['supply'], 'account')} fill books"
    members = [
        (each["email"], each["before"], each["gained"], f"{each['before'] + each['gained']} of {each['room']}")
        for each in told["members"]
    ]
    members += [(email, "", 0, "no capacity in the pack") for email in told["without_capacity"]]
    left = [(count, why) for why, count in told["left_over"].items()]
    return title, [
        ("Books", ("rep", "before", "gained", "full"), members, {1, 2}),
        ("Left over" if left else "nothing is left over", ("accounts", "why"), left, {0}),
        _moves(document),
    ]


_PARTS = {"leaver": _leaver, "joiner": _joiner, "distribution": _distribution}


def _moves(document: _Document) -> _Part:
    rows = [
        (_name(each), each["owner"]["email"] if each["outcome"] == "change" else "stays", each["text"])
        for each in document["decisions"]
    ]
    return "Accounts" if rows else "no account moves", ("account", "to", "why"), rows, set()


def _name(entry: _Document) -> str:
    return str(entry.get("name") or entry["company"])


def _ending(document: _Document) -> Sequence[str]:
    """What to do next: approve it, with the limits to lift, or nothing."""
    if document["plan_id"] is None:
        return ["nothing to write; no plan is saved"]
    trips: Iterable[_Document] = document["guard"]["tripped"]
    limits = "".join(f" --limit {trip['limit']}" for trip in trips)
    plan_id, rows = document["plan_id"], len(document["changes"])
    return [
        *(f"over a limit: {trip['text']}" for trip in trips),
        f"plan {plan_id}: {counted(rows, 'record')} to write; nothing is written before it is approved",
        f'  syncd approve {plan_id} --why "…"{limits}, then syncd apply {plan_id}',
    ]
