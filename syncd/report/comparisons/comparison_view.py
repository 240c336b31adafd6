"""A comparison of two revisions of a pack as readers look at it. Renders nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.report.wording import money, place, plain

Entry = Mapping[str, Any]


def called(entry: Entry) -> str:
    """What a person calls the company: its name, else its key."""
    return plain(entry.get("name") or entry["company"])


def side(one: Entry) -> str:
    """What came out on one side: `emea/dach, anna@example.com` and how, where that is not plain."""
    owner = plain(one["owner"]["email"]) if one["owner"] is not None else "nobody"
    said = f"{plain(one['territory'] or 'no territory')}, {owner}"
    return said if one["outcome"] in ("change", "keep") else f"{said} ({plain(one['outcome'] or 'not there')})"


def group_title(group: Entry) -> str:
    """`emea/dach (territories.yaml:14)`."""
    where = place(group["rule"])
    return plain(group["territory"] or "no territory") + (f" ({where})" if where else "")


def rule_change(change: Entry) -> str:
    """`changed territory emea/dach (territories.yaml:14)`."""
    role = f" of the role {change['role']}" if change.get("role") not in (None, "owner") else ""
    where = place(change["rule"])
    return plain(f"{change['change']} {change['kind']} {change['name']}{role}") + (f" ({where})" if where else "")


def summary_line(document: Entry) -> str:
    """One sentence: how many companies come out otherwise, in what, and with how much money."""
    summary = document["summary"]
    if not summary["changed"]:
        return f"Nothing changes: all {summary['evaluated']:,} decisions come out as before."
    load = f", {summary['by_load']:,} only because loads shift" if summary["by_load"] else ""
    moved = money(summary["money"]["amount"], summary["money"]["currency"])
    return (
        f"{summary['changed']:,} of {summary['evaluated']:,} decisions come out otherwise: {summary['territory']:,} in"
        f" another territory, {summary['owner']:,} with another owner ({moved} of open pipeline){load}."
    )
