"""A scoring as a sheet: bands, components, fit, history by segment, and who changes band."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from syncd.report.aids.sections import Section, Sheet, table
from syncd.report.wording import counted, cut, moment, money, plain

_SHOWN = 25
_NAME = 24


def score_sheet(document: Mapping[str, Any]) -> Sheet:
    """The sheet of a scoring's document."""
    currency = document["currency"]
    lead = [
        f"{counted(document['companies'], 'company', 'companies')} as of {moment(document['now'])}, by pack revision"
        f" {document['pack_revision']}.",
        f"Fit: {document['fit']['text']}.",
    ]
    sections = [_bands(document, currency), _components(document)]
    if "changed" in document:
        sections.append(_changed(document["changed"], currency))
    if "since_last_run" in document:
        sections.append(_since(document["since_last_run"], currency))
    sections += [_histogram(document), *_history(document["history"], currency)]
    return Sheet(
        "Scores",
        tuple(lead),
        (),
        tuple(sections),
        "Deals are held against the values of today: what a company was when the deal closed is not known.",
    )


def share_text(share: Mapping[str, Any]) -> str:
    """`42% (35–50) of 120`, or `-` where there is nothing."""
    if share["share"] is None:
        return "-"
    return f"{share['share']:.0%} ({100 * share['low']:.0f}–{100 * share['high']:.0f}) of {share['of']:,}"


def _bands(document: Mapping[str, Any], currency: str) -> Section:
    rows = [
        (
            each["band"],
            f"{each['companies']:,}",
            f"{each['share']:.1%}" if each["share"] is not None else None,
            money(each["open_pipeline"], currency),
            share_text(each["win_rate"]),
        )
        for each in document["bands"]
    ]
    return table("Bands", ("band", "companies", "share", "open pipeline", "deals won"), rows, right=(1, 2, 3))


def _components(document: Mapping[str, Any]) -> Section:
    rows = [
        (
            each["component"],
            each["most"],
            each["mean"],
            f"{each['companies']:,}",
            f"{each['missing']:,}",
            share_text(each["win_rate_with"]),
            share_text(each["win_rate_without"]),
        )
        for each in document["components"]
    ]
    headers = ("component", "most", "mean", "with", "missing", "won with", "won without")
    lines = (
        "`with` are the companies that get points, `missing` those without the field; how deals ended stands beside.",
    )
    return table("Components", headers, rows, lines=lines, right=(1, 2, 3, 4))


def _histogram(document: Mapping[str, Any]) -> Section:
    rows = [(f"{each['from']} to {each['to']}", f"{each['companies']:,}") for each in document["histogram"]]
    return table("Scores in tens", ("score", "companies"), rows, right=(1,))


def _history(history: Mapping[str, Any], currency: str) -> tuple[Section, Section]:
    won, sizes = [], []
    for each in history["segments"]:
        size, cycle = each["deal_size"], each["cycle_days"]
        name = cut(plain(each["segment"]), _NAME)
        won.append(
            (
                name,
                f"{each['companies']:,}",
                _percent(each["reached"]),
                _percent(each["converted"]),
                share_text(each["win_rate"]),
            )
        )
        days = f"{cycle['median']} ({cycle['low']}–{cycle['high']})" if cycle["count"] else None
        median = _number(size["median"]) if size["count"] else None
        ends = f"{_number(size['low'])}–{_number(size['high'])}" if size["count"] else None
        sizes.append((name, f"{size['count']:,}", days, median, ends))
    by = history["by"]
    first = table(
        f"Conversion and deals won, by {by}",
        (by, "companies", "had a deal", "won one", "deals won"),
        won,
        lines=("Shares stand with the 95 % interval in which the true one lies: few deals say little.",),
        most=_SHOWN,
        right=(1, 2, 3),
    )
    second = table(
        f"Days to win and size of won deals, by {by}",
        (by, "won", "median days", "median deal", "interval"),
        sizes,
        lines=(f"Medians with their 95 % interval; amounts in {currency}.",),
        most=_SHOWN,
        right=(1, 2, 3),
    )
    return first, second


def _number(amount: str) -> str:
    return f"{Decimal(amount):,.0f}"


def _percent(share: Mapping[str, Any]) -> str:
    return f"{share['share']:.0%}" if share["share"] is not None else "-"


def _changed(changed: Mapping[str, Any], currency: str) -> Section:
    how = f"against {changed['against']}" if "against" in changed else f"with {', '.join(changed['what_if'])}"
    return _moves(f"Who changes band {how}", changed, currency)


def _since(since: Mapping[str, Any], currency: str) -> Section:
    if since["first"]:
        return Section("Since the last run", ("This is the first run that is kept.",))
    return _moves("Who changed band since the last run", since, currency)


def _moves(title: str, changed: Mapping[str, Any], currency: str) -> Section:
    if not changed["count"]:
        return Section(title, ("Nobody.",))
    rows = [
        (each["from"], each["to"], f"{each['count']:,}", money(each["money"], currency)) for each in changed["moves"]
    ]
    items = [
        f"{each['name']} ({each['company']}): {each['from']['band'] or 'no band'} {each['from']['score']} to"
        f" {each['to']['band'] or 'no band'} {each['to']['score']}, {money(each['money'], currency)}"
        for each in changed["companies"][:_SHOWN]
    ]
    left = changed["count"] - len(items)
    foot = (f"… and {left:,} more companies; the JSON rendering has them.",) if left > 0 else ()
    lines = (
        f"{counted(changed['count'], 'company', 'companies')}, {money(changed['money'], currency)} open pipeline.",
    )
    headers = ("from", "to", "companies", "open pipeline")
    return Section(title, lines, headers, tuple(rows), frozenset({2, 3}), tuple(items), foot)
