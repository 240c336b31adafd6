"""The fairness of a pool as plain text: for each member what it got and what it is owed, within 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.report.table import render_table
from syncd.report.wording import WIDTH, counted, plain, shown_width, wrapped

_HOUR, _DAY = 3600, 86400


def fairness_text(document: Mapping[str, Any]) -> str:
    """The document of `fairness --format json` as text."""
    what = "leads" if document["role"] == "lead" else "accounts"
    head = f"pool {plain(document['pool'])}: {counted(document['assignments'], what[:-1])} given in turn"
    if document["assign"] != "rotate" and not document["assignments"]:
        head += "; it does not rotate, unless a territory that names it says `assign: rotate`"
    if document["catch_up"]:
        head += "; who is out of office earns their share and catches up"
    rows = [
        (
            plain(member["member"]) + (f" ({plain(member['holder'])})" if member["holder"] else ""),
            member["weight"] or "no member now",
            _percent(member["share"]),
            member["given"],
            member["due"],
            member["debt"],
            member["eligible_for"],
            _span(member["eligible_seconds"]),
        )
        for member in document["members"]
    ]
    headers = ("member", "weight", "share", "given", "due", "debt", "eligible for", "eligible time")
    foot = f"largest debt {document['largest_debt']}: above 0 the member is owed, below 0 it got more than its share"
    return "\n".join([wrapped(head, indent=0, hanging=2), *_table(headers, rows), wrapped(foot, indent=0, hanging=2)])


def _table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """One line a member; where names are too long for that, each name with its figures on the line below."""
    lines = render_table(headers, rows, right=set(range(1, len(headers))), width=None).splitlines()
    if max(map(shown_width, lines)) <= WIDTH or not rows:
        return lines
    figures = [row[1:] for row in rows]
    head, *below = render_table(headers[1:], figures, right=set(range(len(headers) - 1)), width=None).splitlines()
    named = (part for row, line in zip(rows, below, strict=True) for part in (str(row[0]), f"  {line}"))
    return [f"  {head}", *named]


def _percent(share: str | None) -> str:
    return f"{float(share) * 100:.1f}%" if share is not None else ""


def _span(seconds: int) -> str:
    """A span as days and hours: time that passed before assignments for which the member was eligible."""
    days, rest = divmod(seconds, _DAY)
    return f"{days} d {rest // _HOUR} h" if days else f"{rest // _HOUR} h {rest % _HOUR // 60} min"
