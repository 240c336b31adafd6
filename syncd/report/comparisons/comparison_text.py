"""A comparison of two revisions of a pack as plain text: what was edited, then who comes out otherwise, by rule."""

from __future__ import annotations

from syncd.report.comparisons.comparison_view import Entry, called, group_title, rule_change, side, summary_line
from syncd.report.wording import WIDTH, counted, cut, moment, money, wrapped

_SHOWN = 50


def render_comparison(document: Entry, *, everything: bool = False) -> str:
    """The comparison as text, ending with a newline; of a group the first fifty companies, or all."""
    old, currency = document["old"], document["summary"]["money"]["currency"]
    blocks = [
        f"Rules of {old['ref']} ({old['commit'][:10]}) against those here, as of {moment(document['now'])}\n"
        f"pack revision {old['pack_revision']} -> {document['new']['pack_revision']}",
        wrapped(summary_line(document), indent=0),
    ]
    if document["rules"]:
        lines = [wrapped(rule_change(change), indent=2, hanging=6) for change in document["rules"][:_SHOWN]]
        more = len(document["rules"]) - _SHOWN
        lines += [f"  … and {more:,} more"] if more > 0 and not everything else []
        blocks.append("\n".join(["Rules edited:", *lines]))
    blocks += [_group(group, currency, everything) for group in document["groups"]]
    return "\n\n".join(blocks) + "\n"


def _group(group: Entry, currency: str, everything: bool) -> str:
    pipeline = f", {money(group['money'], currency)} of open pipeline" if group["money"] != "0" else ""
    lines = [f"{group_title(group)}: {counted(group['count'], 'decision')}{pipeline}"]
    shown = group["companies"] if everything else group["companies"][:_SHOWN]
    for entry in shown:
        lines.append(f"  ~ {cut(called(entry), WIDTH - 4)}")
        load = "  # loads shifted" if entry["cause"] == "load" else ""
        lines.append(wrapped(f"{side(entry['from'])} -> {side(entry['to'])}{load}", indent=6, hanging=8))
    if len(shown) < group["count"]:
        lines.append(f"  … and {group['count'] - len(shown):,} more: --all lists them")
    return "\n".join(lines)
