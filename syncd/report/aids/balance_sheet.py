"""A balancing as a sheet: how even books are, what moves, and what more moves would buy."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from syncd.report.aids.sections import Section, Sheet, table
from syncd.report.wording import counted, moment, money, plain

_SHOWN = 25
_BAR = 40


def balance_sheet(document: Mapping[str, Any]) -> Sheet:
    """The sheet of a balancing's document."""
    where = f" in {document['scope']}" if document["scope"] else ""
    before, after = document["before"], document["after"]
    gained = document["gained_at_least"]
    quality = "; how far from the best is unknown"
    if gained is not None:
        quality = f"; it gains at least {gained:.1%} of what the best moves could"
    lead = [
        f"By {document['by']}{where}, as of {moment(document['now'])}, by pack revision {document['pack_revision']}.",
        f"{before['share']:.1%} lies in wrong books ({_told(before['apart'], document)}); after"
        f" {counted(document['moves'], 'move')} of at most {document['budget']:,} it is {after['share']:.1%}"
        f" ({_told(after['apart'], document)}).",
        f"Found by {document['engine']}{quality}.",
        _standing(document),
    ]
    if document["moved_by_rules"]:
        lead.append(
            f"The rules themselves are about to move {counted(document['moved_by_rules'], 'account')}: have"
            " `syncd plan` approved and applied first. Where they land depends on loads, and the figures above take"
            " them as planned today."
        )
    sections = [_spreads(document), _reps(document), _pictures(document), _moves(document)]
    if "curve" in document:
        sections.append(_curve(document))
    sections += [_territories(document), _fixed(document)]
    return Sheet(
        "Balance",
        tuple(lead),
        (),
        tuple(sections),
        "Moves stay within an account's territory, so the next plan keeps them. What each territory holds, rules"
        " decide: change those, and see `compare`.",
    )


def _standing(document: Mapping[str, Any]) -> str:
    if document["plan"]:
        return f"Saved as plan {document['plan']}: nothing is written before it is approved."
    if document["not_saved"]:
        return f"Nothing is saved, for no move can be written now: {document['not_saved']}."
    return (
        "Nothing is saved; `--save` makes a plan of these moves." if document["moves"] else "Nothing is worth a move."
    )


def _told(amount: str, document: Mapping[str, Any]) -> str:
    """An amount in the metric that is balanced."""
    if document["by"] in ("potential", "pipeline"):
        return money(f"{Decimal(amount):.0f}", document["currency"])
    return f"{Decimal(amount):,.0f}"


def _spreads(document: Mapping[str, Any]) -> Section:
    rows = []
    for each in document["spreads"]:
        sides = [each["reps_before"], each["reps_after"], each["territories"]]
        cells = [cell for side in sides for cell in (side["cv"], side["gini"])]
        rows.append((each["metric"], *cells, sides[0]["ratio"] or "-", sides[1]["ratio"] or "-"))
    headers = ("", "CV", "after", "Gini", "after", "max/min", "after", "CV areas", "Gini areas")
    shown = [
        (name, cv, cva, gini, ginia, one, two, cvt, ginit) for name, cv, gini, cva, ginia, cvt, ginit, one, two in rows
    ]
    lines = (
        "Smaller is more even: CV is the standard deviation over the mean, Gini 0 where all hold alike. Over reps"
        " before and after, and over territories, which moves leave as they are.",
    )
    return table("How even books are", headers, shown, lines=lines, right=range(1, 9))


def _reps(document: Mapping[str, Any]) -> Section:
    rows = [
        (
            each["rep"],
            f"{Decimal(each['share']):,.0f}",
            f"{Decimal(each['before']['load']):,.0f}",
            f"{Decimal(each['after']['load']):,.0f}",
            f"{each['before']['accounts']:,}→{each['after']['accounts']:,}",
        )
        for each in document["reps"]
    ]
    headers = ("rep", "share", "before", "after", "accounts")
    lines = ("`share` is the fair one, by capacity and ramp.",)
    return table("By rep", headers, rows, lines=lines, most=_SHOWN, right=range(1, 5))


def _pictures(document: Mapping[str, Any]) -> Section:
    most = max((Decimal(each[side]["load"]) for each in document["reps"] for side in ("before", "after")), default=None)
    rows = [(each["rep"], _bar(each, most)) for each in document["reps"]]
    lines = ("█ is held after, ░ was held before and moves away; | is the fair share.",)
    return table("Books against shares", ("rep", ""), rows, lines=lines, most=_SHOWN)


def _bar(each: Mapping[str, Any], most: Decimal | None, width: int = 24) -> str:
    """A rep's book as a picture."""
    if not most:
        return ""
    share, before, after = (
        int(width * Decimal(value) / most) for value in (each["share"], each["before"]["load"], each["after"]["load"])
    )
    cells = ["█" if place < after else "░" if place < before else "·" for place in range(width)]
    cells.insert(min(share, width), "|")
    return "".join(cells)


def _moves(document: Mapping[str, Any]) -> Section:
    items = [
        f"{plain(each['name'])} ({each['company']}): {each['from']} to {each['to']} in {each['territory']},"
        f" {_told(each['weight'], document)}"
        for each in document["companies"][:_SHOWN]
    ]
    left = document["moves"] - len(items)
    foot = (f"… and {left:,} more; the JSON rendering has them.",) if left > 0 else ()
    lines = () if items else ("None.",)
    return Section("Moves, the heaviest first", lines, items=tuple(items), foot=foot)


def _curve(document: Mapping[str, Any]) -> Section:
    points = document["curve"]
    most = max((each["share"] for each in points), default=0.0)
    rows = [
        (
            f"{each['budget']:,}",
            f"{each['moves']:,}",
            f"{each['share']:.1%}",
            "█" * round(_BAR * each["share"] / most) if most else "",
        )
        for each in points
    ]
    lines = ("What lies in wrong books after so many moves: where the bars stop to shrink, more moves buy little.",)
    return table("Moves against balance", ("budget", "moves", "apart", ""), rows, lines=lines, right=(0, 1, 2))


def _territories(document: Mapping[str, Any]) -> Section:
    rows = [
        (
            each["territory"],
            each["accounts"],
            *(f"{Decimal(each[name]):,.0f}" for name in ("potential", "workload", "pipeline", "score")),
        )
        for each in document["territories"]
    ]
    headers = ("territory", "accounts", "potential", "workload", "pipeline", "score")
    return table("By territory", headers, rows, most=_SHOWN, right=range(1, 6))


def _fixed(document: Mapping[str, Any]) -> Section:
    rows = [(each["reason"], f"{each['accounts']:,}") for each in document["fixed"]]
    lines = (f"{counted(document['movable'], 'account')} may move. These stay:",)
    return table("What stays, and why", ("reason", "accounts"), rows, lines=lines, right=(1,))
