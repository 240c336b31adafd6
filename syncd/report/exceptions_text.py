"""Exceptions by what they cost, as plain text (a headline and a line of detail each) or Markdown (a table)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.report.markdown import Page, escaped
from syncd.report.wording import counted, money, place, plain, wrapped

_HEADERS = ("exception", "what", "accounts", "pipeline", "would move", "its pipeline", "ends", "state", "where", "why")


def exceptions_text(document: Mapping[str, Any]) -> str:
    """The document of `exceptions --format json` as text."""
    found = document["exceptions"]
    if not found:
        return "there are no exceptions"
    lines = [_title(found)]
    for kind, name, count, amount, moving, moving_amount, ends, state, where, why in _rows(document):
        costs = f"{moving:,} would move ({moving_amount})" if moving else "none would move"
        lines.append(wrapped(f"{kind} {name}: {count:,} held, {amount}; {costs}", indent=2, hanging=4))
        times = [state, f"ends {ends}" if ends and ends != state else "", where]
        lines.append(wrapped("; ".join(str(part) for part in (*times, why) if part), indent=6))
    return "\n".join(lines)


def exceptions_markdown(document: Mapping[str, Any]) -> str:
    """The same as Markdown, ending with a newline."""
    page, title = Page(), _title(document["exceptions"])
    page.add([f"## {escaped(title)}"])
    headers = tuple(name.capitalize() for name in _HEADERS)
    page.table("### By what they cost", headers, [[escaped(str(cell)) for cell in row] for row in _rows(document)])
    return page.finished(title)


def _title(found: list[Mapping[str, Any]]) -> str:
    moving = sum(each["would_move"] for each in found)
    return f"{counted(len(found), 'exception')}; {counted(moving, 'record')} would move without them"


def _rows(document: Mapping[str, Any]) -> list[tuple[object, ...]]:
    currency = document["currency"]
    return [
        (
            each["kind"],
            plain(each["name"]),
            each["accounts"] or each["opportunities"],
            money(each["money"], currency),
            each["would_move"],
            money(each["would_move_money"], currency),
            each["ends"] or "",
            each["state"],
            place(each["rule"]) or "",
            plain(each["why"]) + (f" ({plain(each['by'])})" if each["by"] else ""),
        )
        for each in document["exceptions"]
    ]
