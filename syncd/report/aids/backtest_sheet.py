"""A backtest as a sheet: what the rules would have done, beside what happened, and what that cannot prove."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from syncd.report.aids.score_sheet import share_text
from syncd.report.aids.sections import Section, Sheet, table
from syncd.report.wording import counted, moment, money

_STEPS = 60
_SHOWN = 15


def backtest_sheet(document: Mapping[str, Any]) -> Sheet:
    """The sheet of a backtest's document."""
    summary, currency = document["summary"], document["currency"]
    days = "1 day" if document["step_days"] == 1 else f"{document['step_days']:g} days"
    lead = (
        f"{document['from'][:10]} to {document['to'][:10]} in {counted(summary['steps'], 'step')} of"
        f" {days}, by pack revision {document['pack_revision']}.",
        f"The rules move {counted(summary['moved_at_start'], 'company', 'companies')} at the start and"
        f" {summary['moved_later']:,} later, {summary['moved_later_with_open_deal']:,} of these with an open deal. In"
        f" fact {summary['really_moved']:,} changes of owner happened.",
        f"{counted(summary['flips'], 'company', 'companies')} would have come back to an owner they had before; in fact"
        f" {summary['really_flipped']:,} did. {summary['moved_twice']:,} would have moved more than once.",
    )
    sections = [_doubts(document), _steps(document), _wins(document, currency), _moves(document), _flipped(document)]
    return Sheet("Backtest", lead, (), tuple(each for each in sections if each is not None))


def _doubts(document: Mapping[str, Any]) -> Section:
    return Section("What this cannot prove", items=tuple(document["cannot_prove"]))


def _steps(document: Mapping[str, Any]) -> Section:
    rows = [
        (
            each["at"][:10],
            f"{each['companies']:,}",
            f"{each['moved']:,}",
            f"{each['really']['moved']:,}",
            f"{each['unassigned']:,}",
            f"{each['really']['without_active_owner']:,}",
            f"{each['unworked_at_least']:,}",
            f"{each['really']['unworked_at_least']:,}",
            each["cv"],
            each["really"]["cv"],
        )
        for each in document["steps"]
    ]
    headers = ("step", "of", "moved", "really", "nobody", "really", "idle", "really", "CV", "really")
    lines = (
        "Moved in the step; nobody: without an active owner; idle: surely unworked for 90 days; CV of accounts per"
        " owner, smaller is more even. Each beside what really was.",
    )
    return table("Step by step", headers, rows, lines=lines, most=_STEPS, right=range(1, 10))


def _wins(document: Mapping[str, Any], currency: str) -> Section | None:
    wins = document["wins"]
    if not wins["same_owner"]["of"]:
        return None
    rows = [(each["rep"], money(each["rules"], currency), money(each["really"], currency)) for each in wins["reps"]]
    lines = [f"Deals whose company had the same owner under the rules as in fact: {share_text(wins['same_owner'])}."]
    lines += [
        f"{each['rep']}, {each['period']}: {_percent(each['rules'])} of quota under the rules,"
        f" {_percent(each['really'])} in fact, by what was won in this stretch."
        for each in wins["attainment"][:_SHOWN]
    ]
    headers = ("owner", "under the rules", "in fact")
    return table("Deals won, by who owned the company", headers, rows, lines=lines, most=_SHOWN, right=(1, 2))


def _percent(share: str | None) -> str:
    return f"{Decimal(share):.0%}" if share is not None else "-"


def _moves(document: Mapping[str, Any]) -> Section | None:
    items = [
        f"{moment(each['at'])} {each['name']} ({each['company']}): {each['from'] or 'nobody'} to {each['to']},"
        f" {each['reason']} in {each['territory'] or 'no territory'}"
        for each in document["moves"][:_SHOWN]
    ]
    left = document["summary"]["moved_later"] - len(items)
    foot = (f"… and {left:,} more; the JSON rendering has the first 500.",) if left > 0 else ()
    return Section("Moves after the start", items=tuple(items), foot=foot) if items else None


def _flipped(document: Mapping[str, Any]) -> Section | None:
    items = tuple(f"{each['name']} ({each['company']})" for each in document["flipped"][:_SHOWN])
    left = document["summary"]["flips"] - len(items)
    foot = (f"… and {left:,} more.",) if left > 0 else ()
    return Section("Companies that would have gone back and forth", items=items, foot=foot) if items else None
