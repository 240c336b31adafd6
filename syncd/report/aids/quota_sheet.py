"""Quotas as a sheet: who gets which part of the target, what comes from below, the gap, and what history says of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from syncd.report.aids.sections import Section, Sheet, table
from syncd.report.wording import counted, moment, money, place

_SHOWN = 60


def quota_sheet(document: Mapping[str, Any]) -> Sheet:
    """The sheet of a document of quotas."""
    currency, whole = document["currency"], document["whole"]
    if document["source"] == "split":
        first = f"{_money(document['target'], currency)} for {document['period']}, split by {document['method']}"
    else:
        first = f"The quotas of {document['source']} for {document['period']}"
    lead = [f"{first}, as of {moment(document['now'])}; amounts in {currency}."]
    if whole["quota"] is not None:
        gap = Decimal(whole["gap"])
        word = "short of it: that is the planning gap" if gap > 0 else "more than it"
        lead.append(
            f"From below come {_money(whole['bottom_up'], currency)}: {_money(whole['won'], currency)} won,"
            f" {_money(whole['from_open'], currency)} from open deals, {_money(whole['whitespace'], currency)} from"
            f" whitespace; {_money(f'{abs(gap)}', currency)} {word}."
        )
        lead.append(_conversion(whole["conversion"], Decimal(document["limit"])))
    over = [each["territory"] for each in document["territories"] if (each["conversion"] or {}).get("over")]
    if over:
        lead.append(f"{counted(len(over), 'territory', 'territories')} would have to convert more than is usual (!).")
    sections = [_table(document)]
    if "parts" in document:
        sections.append(_parts(document))
    if document["reps"]:
        rows = [(each["rep"], _number(each["quota"])) for each in document["reps"]]
        sections.append(table("By rep", ("rep", "quota"), rows, most=_SHOWN, right=(1,)))
    closing = "Nothing is written. `--out quotas.csv` makes the file that the pack's `quotas` reads."
    if document["own"]:
        closing += f" Left out of it, for they say their own quota: {', '.join(document['own'])}."
    return Sheet("Quotas", tuple(lead), (), tuple(sections), closing)


def quota_explanation_sheet(document: Mapping[str, Any]) -> Sheet:
    """How a territory comes to its quota."""
    currency, row = document["currency"], document["row"]
    lead = [f"{document['territory']} ({place(document['rule'])}), {document['period']}."]
    if row["quota"] is not None:
        lead.append(
            f"Quota {_money(row['quota'], currency)} of {_money(document['target'], currency)}, by"
            f" {document['method']}; amounts are whole multiples of {document['step']}."
        )
    standing = document["standing"]
    if standing is not None:
        where = f"{standing['file']}:{standing['line']}"
        lead.append(f"The pack says {_money(standing['quota'], currency)} ({standing['written']}, {where}).")
    lead.append(
        f"From below: {_money(row['won'], currency)} won, {_money(row['from_open'], currency)} from open deals,"
        f" {_money(row['whitespace'], currency)} from whitespace."
    )
    if row["conversion"] is not None:
        lead.append(_conversion(row["conversion"], None))
    return Sheet("Quota explained", tuple(lead), (), (_grounds(document), _shares(document)))


def _grounds(document: Mapping[str, Any]) -> Section:
    rows = [
        (
            each["territory"],
            f"{each['accounts']:,}",
            _number(each["potential"]),
            _number(each["history"]),
            f"{Decimal(each['capacity']):,.1f}",
            f"{each['ramp']:.0%}",
        )
        for each in document["made_of"]
    ]
    headers = ("territory", "accounts", "potential a year", "won, 12 months", "capacity", "ramp")
    lines = ("Capacity is with ramp: who works in several territories counts in each by their accounts there.",)
    return table("What it rests on", headers, rows, lines=lines, most=_SHOWN, right=range(1, 6))


def _shares(document: Mapping[str, Any]) -> Section:
    rows = [
        (
            each["territory"],
            *(f"{each['shares'][name]:.2%}" for name in ("potential", "history", "capacity")),
            f"{each['share']:.2%}",
            _number(each["amount"]),
        )
        for each in document["made_of"]
    ]
    headers = ("territory", "by potential", "by history", "by capacity", "counts", "amount")
    lines = (f"`counts` is the share by {document['method']}, times ramp, of the sum of all such.",)
    return table("Shares of the target", headers, rows, lines=lines, most=_SHOWN, right=range(1, 6))


def _table(document: Mapping[str, Any]) -> Section:
    rows = []
    for each in document["territories"]:
        told = each["conversion"] or {}
        mark = " !" if told.get("over") else ""
        rows.append(
            (
                each["territory"],
                _number(each["quota"]),
                _number(each["standing"]),
                _number(each["bottom_up"]),
                _number(each["gap"]),
                f"{_percent(told.get('required')) or '-'}{mark}",
                _percent(told.get("trailing")) or "-",
            )
        )
    headers = ("territory", "quota", "in the pack", "from below", "gap", "required", "usual")
    lines = (
        "`required` is what part of the pipeline has to be won, `usual` what part was in the last 12 months."
        " Territories above are sums of those below.",
    )
    return table("By territory", headers, rows, lines=lines, most=_SHOWN, right=range(1, 7))


def _parts(document: Mapping[str, Any]) -> Section:
    parts = document["parts"]
    names = list(parts["shares"])
    learnt = counted(parts["learnt_from_years"], "year")
    how = f"learnt from {learnt}" if parts["learnt_from_years"] else "even, for no whole year is known"
    shares = ", ".join(f"{name} {share:.1%}" for name, share in parts["shares"].items())
    rows = (
        [(path, *(_number(amounts[name]) for name in names)) for path, amounts in parts["territories"].items()]
        if len(names) <= 4
        else []
    )
    lines = (f"Seasons are {how}: {shares}.", *(() if rows else ("The CSV and JSON renderings have the amounts.",)))
    return table("Parts of the period", ("territory", *names), rows, lines=lines, most=_SHOWN, right=range(1, 5))


def _conversion(told: Mapping[str, Any], limit: Decimal | None) -> str:
    if told["trailing"] is None:
        return "No deal was closed in the last 12 months: whether it can be won, history does not say."
    if told["required"] is None:
        return "There is no pipeline for it, and none is usually made in time."
    said = (
        f"{told['required']:.0%} of the pipeline has to be won; in the last 12 months it was {told['trailing']:.0%}"
        f" ({told['of']}, {told['deals']:,})"
    )
    if limit is None:
        return f"{said}."
    word = "more than the limit allows" if told["over"] else "within the limit"
    return f"{said}: {word} of {limit:.0%} above what is usual."


def _money(amount: str, currency: str) -> str:
    return money(f"{Decimal(amount):.0f}", currency)


def _number(amount: str | None) -> str | None:
    if amount is None:
        return None
    value = Decimal(amount)
    return f"{value:,.0f}"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"
