"""A forecast as a sheet: pace, run-rate and where the period ends, with intervals, by territory."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from syncd.report.aids.sections import Section, Sheet, table
from syncd.report.wording import counted, moment, money

_SHOWN = 40
_WIDTH = 24


def forecast_sheet(document: Mapping[str, Any]) -> Sheet:
    """The sheet of a forecast's document."""
    whole, currency = document["territories"][0] if document["territories"] else None, document["currency"]
    lead = [
        f"{document['period']}, {document['elapsed']:.0%} over as of {moment(document['now'])}; by now"
        f" {document['expected_by_now']:.0%} is usual. For quotas {document['pace']}, as for alerts.",
    ]
    if whole is not None:
        lead.append(
            f"In all {_money(whole['won'], currency)} won; it ends at {_money(whole['forecast'], currency)}"
            f" ({_money(whole['low'], currency)} to {_money(whole['high'], currency)}, {document['interval']:.0%}"
            f" interval){_of_quota(whole)}."
        )
    lead.append(_checked(document["checked"], document["interval"]))
    return Sheet(
        "Forecast",
        tuple(lead),
        (),
        (_table(document), _pictures(document), _stages(document)),
        f"{_made_of(document['stages'])} Stated close dates are not used: what they said earlier is not known.",
    )


def _checked(checked: Mapping[str, Any], meant: float) -> str:
    if not checked["tested"]:
        return "History is too short to check it against quarters that are over: take the intervals as a guess."
    bias = f"; sums came out {checked['bias']:+.0%}" if checked["bias"] is not None else ""
    return (
        f"Checked against {counted(checked['periods'], 'period')} held back:"
        f" {checked['share']:.0%} of {checked['tested']:,} intervals held the truth, {meant:.0%} were meant to{bias}."
    )


def _made_of(stages: Mapping[str, Any]) -> str:
    if stages["used"]:
        return (
            "Open deals by the stage they stand in and for how long, those to come by age and season:"
            f" in periods held back that erred by {stages['error_by_stage']:.0%} of what was won,"
            f" age alone by {stages['error_by_age']:.0%}."
        )
    if stages["error_by_stage"] is not None and stages["by_stage"]:
        return (
            "From the age of deals, the season and how earlier ones ended; stages, as far as ways are known,"
            f" did no better in periods held back ({stages['ended_with_way']:,} of {stages['ended']:,} ended deals have"
            " a known way; --crm-history asks the CRMs)."
        )
    known = f"{stages['ended_with_way']:,}" if stages["ended_with_way"] else "none"
    return (
        "From the age of deals, the season and how earlier ones ended. The way through the stages is known of"
        f" {known} of {stages['ended']:,} ended deals, which is too few:"
        " pulls note each change from now on, --crm-history asks the CRMs for earlier ones."
    )


def _stages(document: Mapping[str, Any]) -> Section:
    rows = [
        (
            each["stage"],
            f"{each['open']:,}",
            _number(each["open_amount"]),
            _share(each["won"]),
            _share(each["moved_on"]),
            each["days"]["median"],
            f"{each['days']['count']:,}",
        )
        for each in document["stages"]["by_stage"]
    ]
    lines = (
        f"`open` in deals and thousands of {document['currency']}; `won` of the deals that were there and have ended,"
        " `moved on` of the stays that have, each with its 95 % interval and count; `days` is the median stay.",
    )
    headers = ("stage", "open", "amount", "won", "moved on", "days", "stays")
    empty = ("No way of a deal through its stages is known yet.",)
    return table("By stage", headers, rows, lines=lines if rows else empty, most=_SHOWN, right=range(1, 7))


def _share(share: Mapping[str, Any]) -> str | None:
    if share["share"] is None:
        return None
    return f"{share['share']:.0%} ({share['low']:.0%}–{share['high']:.0%} of {share['of']:,})"


def _of_quota(each: Mapping[str, Any]) -> str:
    if each["quota"] is None:
        return ""
    return f", {each['attainment']:.0%} of quota; {each['chance']:.0%} likely to reach it" if each["attainment"] else ""


def _table(document: Mapping[str, Any]) -> Section:
    rows = [
        (
            each["territory"] or "(all)",
            _number(each["won"]),
            _number(each["run_rate"]),
            _number(each["forecast"]),
            f"{_number(each['low'])}–{_number(each['high'])}",
            _number(each["quota"]),
            _percent(each["pace"]),
            _percent(each["attainment"]),
            _percent(each["chance"]),
        )
        for each in document["territories"]
    ]
    headers = ("territory", "won", "run-rate", "ends at", "interval", "quota", "pace", "share", "chance")
    lines = (
        f"In thousands of {document['currency']}. `run-rate` is won over the share that is usual by now, `ends at` the"
        " forecast, `pace` won over what alerts expect of the quota by now, `share` the forecast over the quota,"
        " `chance` how likely the quota is reached.",
    )
    return table("By territory", headers, rows, lines=lines, most=_SHOWN, right=range(1, 9))


def _pictures(document: Mapping[str, Any]) -> Section:
    shown = [each for each in document["territories"] if each["quota"] is not None and Decimal(each["quota"]) > 0]
    rows = [(each["territory"] or "(all)", _picture(each)) for each in shown]
    lines = ("█ won, ▒ up to the interval's low end, ░ up to its high end, | the quota.",) if rows else ()
    return table("Against quota", ("territory", ""), rows, lines=lines or ("No quotas.",), most=_SHOWN)


def _picture(each: Mapping[str, Any]) -> str:
    most = max(Decimal(each["quota"]), Decimal(each["high"]), Decimal(1))
    won, low, high, quota = (int(_WIDTH * Decimal(each[name]) / most) for name in ("won", "low", "high", "quota"))
    cells = ["█" if at < won else "▒" if at < low else "░" if at < high else "·" for at in range(_WIDTH)]
    cells.insert(min(quota, _WIDTH), "|")
    return "".join(cells)


def _money(amount: str, currency: str) -> str:
    return money(f"{Decimal(amount):.0f}", currency)


def _number(amount: str | None) -> str | None:
    return None if amount is None else f"{Decimal(amount) / 1000:,.0f}"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"
