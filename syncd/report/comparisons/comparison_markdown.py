"""A comparison of two revisions of a pack as a comment on a pull request: under 60 KB, equal for equal decisions."""

from __future__ import annotations

from syncd.report.comparisons.comparison_view import Entry, called, group_title, rule_change, side, summary_line
from syncd.report.markdown import Page, code, escaped, row
from syncd.report.wording import counted, money, place

_RULES_SHOWN, _GROUPS_SHOWN = 40, 60
_HEADERS = ("Account", "From", "To", "Open pipeline")


def render_comparison_markdown(document: Entry) -> str:
    """The comparison as Markdown, ending with a newline: the sum of each rule first, then as many companies as fit."""
    currency = document["summary"]["money"]["currency"]
    page = Page()
    page.add(["## What these rules change", "", summary_line(document)])
    page.add(_rules(document["rules"]))
    page.add(_overview(document["groups"], currency))
    for group in document["groups"]:
        rows = [_company(entry, currency) for entry in group["companies"]]
        page.table(f"### {escaped(group_title(group))}: {counted(group['count'], 'decision')}", _HEADERS, rows)
    return page.finished(f"Against {code(document['old']['ref'])} ({document['old']['commit'][:10]})")


def _rules(changes: list[Entry]) -> list[str]:
    lines = [f"- {escaped(rule_change(change))}" for change in changes[:_RULES_SHOWN]]
    more = len(changes) - _RULES_SHOWN
    lines += [f"- … and {more:,} more"] if more > 0 else []
    return ["### Rules edited", "", *lines] if lines else []


def _overview(groups: list[Entry], currency: str) -> list[str]:
    if not groups:
        return []
    lines = [row(["Now in", "Rule", "Decisions", "Open pipeline"]), row(["---", "---", "---:", "---:"])]
    for group in groups[:_GROUPS_SHOWN]:
        where = place(group["rule"])
        cells = [escaped(group["territory"] or "no territory"), f"`{code(where)}`" if where else ""]
        lines.append(row([*cells, f"{group['count']:,}", money(group["money"], currency)]))
    more = len(groups) - _GROUPS_SHOWN
    return ["### By rule", "", *lines, *([row([f"… and {more:,} more", "", "", ""])] if more > 0 else [])]


def _company(entry: Entry, currency: str) -> list[str]:
    load = " (loads shifted)" if entry["cause"] == "load" else ""
    pipeline = money(entry["money"], currency) if entry["money"] != "0" else ""
    return [escaped(called(entry)), escaped(side(entry["from"])), escaped(side(entry["to"]) + load), pipeline]
