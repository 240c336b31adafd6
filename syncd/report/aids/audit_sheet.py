"""The audit as a sheet: what to mend first, with its money, and what is clean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.report.aids.sections import Section, Sheet, table
from syncd.report.wording import counted, moment, money

_GROUPS = 8
_MISSES = 12


def audit_sheet(document: Mapping[str, Any]) -> Sheet:
    """The sheet of an audit's document."""
    summary, currency = document["summary"], document["currency"]
    ownership = [each for each in document["findings"] if each["check"] != "data-quality"]
    quality = [each for each in document["findings"] if each["check"] == "data-quality"]
    seen = ", ".join(f"{system} as of {moment(one['as_of'])}" for system, one in document["mirror"].items())
    how = "read for this audit alone" if document["temporary"] else "from the configured mirror"
    lead = [f"{seen}; {how}. No rule was needed and nothing can be written."]
    if ownership:
        worst = ownership[0]
        lead.append(f"Begin with: {worst['title'].lower()}. {worst['first']}")
    tiles = (
        ("accounts", f"{summary['accounts']:,}"),
        ("companies", f"{summary['companies']:,}"),
        ("active users", f"{summary['active_users']:,} of {summary['users']:,}"),
        ("open pipeline", money(summary["open_pipeline"], currency)),
        ("won in 12 months", money(summary["won_12m"], currency)),
    )
    sections = [_overview(ownership, currency)] if ownership else []
    sections += [_finding(each, currency) for each in ownership]
    sections += [_quality(quality, currency)] if quality else []
    if document["clean"]:
        clean = [f"{each['title']}: none of {each['of']:,}" for each in document["clean"]]
        sections.append(Section("Nothing found", tuple(clean)))
    if "starter_pack" in document:
        sections.append(starter_section(document["starter_pack"]))
    return Sheet("Ownership audit", tuple(lead), tiles, tuple(sections))


def _overview(findings: list[Mapping[str, Any]], currency: str) -> Section:
    rows = [
        (each["title"], f"{each['count']:,}", f"{each['of']:,}", money(each["money_at_stake"], currency))
        for each in findings
    ]
    rows_first = [(count, of, stake, title) for title, count, of, stake in rows]
    return table(
        "What was found, most money first",
        ("count", "of", "open pipeline", "finding"),
        rows_first,
        right=(0, 1, 2),
    )


def _finding(finding: Mapping[str, Any], currency: str) -> Section:
    share = f"{finding['count'] / finding['of']:.1%} of {finding['of']:,}" if finding["of"] else "none"
    stake = money(finding["money_at_stake"], currency)
    lines = [
        f"{finding['count']:,} {finding['unit']} ({share}), {stake} open pipeline, "
        f"{money(finding['won_12m'], currency)} won in 12 months."
    ]
    groups = [f"{each['name']} ({each['count']:,})" for each in finding["groups"][:_GROUPS]]
    if len(finding["groups"]) > _GROUPS:
        groups.append(f"and {len(finding['groups']) - _GROUPS:,} more")
    if groups:
        lines.append(f"By part: {'; '.join(groups)}.")
    lines.append(f"First: {finding['first']}")
    examples = tuple(
        f"{each['name']} ({each['ref']}): {each['text']}; {money(each['money'], currency)}"
        if each["ref"] != each["name"]
        else f"{each['name']}: {each['text']}; {money(each['money'], currency)}"
        for each in finding["examples"]
    )
    return Section(finding["title"], tuple(lines), items=examples)


def _quality(findings: list[Mapping[str, Any]], currency: str) -> Section:
    rows = []
    for each in findings:
        parts = {group["name"]: group["count"] for group in each["groups"]}
        counts = [f"{parts.get(name, 0):,}" for name in ("missing", "cannot be read", "differs between the CRMs")]
        rows.append((*counts, f"{each['of']:,}", money(each["money_at_stake"], currency), each["subject"]))
    headers = ("missing", "unreadable", "differ", "of", "open pipeline", "field")
    first = tuple(each["first"] for each in findings[:3])
    return Section("Data quality by field", (), headers, tuple(rows), frozenset(range(5)), foot=first)


def starter_section(starter: Mapping[str, Any]) -> Section:
    """What the inferred pack reproduces of today's owners, and where it does not."""
    lines = [
        f"Written to {starter['folder']}: {counted(starter['territories'], 'territory', 'territories')} from"
        f" {counted(starter['learnt_from'], 'owned company', 'owned companies')}.",
        f"Given out anew by these rules alone, {_percent(starter['reproduced'])} go to today's owner; where a territory"
        f" has one owner, {_percent(starter['one_owner'])}. The largest owner, taken for everything, would be right for"
        f" {_percent(starter['baseline'])}.",
        f"Learnt from four fifths and asked about the rest, they are right for {_percent(starter['held_back'])}.",
        f"{_percent(starter['stays'])} stay where they are under this pack: their territory names their owner, alone or"
        " in a team.",
        starter["check"],
    ]
    misses = [
        f"{each['territory']}: {each['missed']:,} of {each['accounts']:,}, {each['text']}" for each in starter["misses"]
    ]
    left = len(misses) - _MISSES
    foot = (f"… and {left:,} more territories; the JSON rendering has them all.",) if left > 0 else ()
    if misses:
        lines.append("Where it does not reproduce today's owners:")
    return Section("Starter pack, from today's owners", tuple(lines), items=tuple(misses[:_MISSES]), foot=foot)


def _percent(share: Mapping[str, Any]) -> str:
    if share["share"] is None:
        return "none (nothing to ask about)"
    return f"{share['hits']:,} of {share['of']:,} ({share['share']:.1%})"
