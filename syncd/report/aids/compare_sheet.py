"""A comparison of two packs as a sheet: what moves, who gains and loses, how even it is, and what breaks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from syncd.report.aids.sections import Section, Sheet, table
from syncd.report.comparisons.comparison_view import called, rule_change, side
from syncd.report.wording import counted, moment, money

_REPS = 20
_COMPANIES = 15
_MEASURES = (("accounts", "accounts"), ("open_pipeline", "pipeline"), ("won_amount_12m", "won, 12 months"))


def compare_sheet(document: Mapping[str, Any]) -> Sheet:
    """The sheet of a comparison's document."""
    a, b, summary, currency = document["a"], document["b"], document["summary"], document["currency"]
    lead = [
        f"A is {a['pack']} ({a['pack_revision']}), B is {b['pack']} ({b['pack_revision']}); {moment(document['now'])}."
    ]
    if summary["changed"]:
        lead.append(
            f"Under B {counted(summary['moved'], 'company has', 'companies have')} another owner than under A, with"
            f" {money(summary['money'], currency)} open pipeline; {summary['territory']:,} change territory."
        )
    else:
        lead.append(f"Nothing differs: all {summary['evaluated']:,} decisions come out alike.")
    lead += [_from_today("A", a, currency), _from_today("B", b, currency)]
    sections = [_rules(document), _holders(document, "rep", currency), _holders(document, "territory", currency)]
    sections += [
        _balance(a, b),
        _attainment(document, currency),
        _broken(a, b, currency),
        _companies(document, currency),
    ]
    return Sheet("Two packs compared", tuple(lead), (), tuple(each for each in sections if each is not None))


def _from_today(name: str, one: Mapping[str, Any], currency: str) -> str:
    moved, broken = one["from_today"], one["relationships_broken"]
    return (
        f"{name} takes {counted(moved['count'], 'company', 'companies')} ({money(moved['money'], currency)}) from"
        f" today's owner and breaks {counted(broken['count'], 'live relationship')}"
        f" ({money(broken['money'], currency)})."
    )


def _rules(document: Mapping[str, Any]) -> Section | None:
    changes = tuple(rule_change(each) for each in document["rules"])
    return Section("What differs in the rules", items=changes) if changes else None


def _holders(document: Mapping[str, Any], kind: str, currency: str) -> Section | None:
    listed = document["reps" if kind == "rep" else "territories"]
    changed = [each for each in listed if each["gained"]["accounts"] or each["lost"]["accounts"]]
    if not changed:
        return None
    rows = [
        (
            each[kind],
            f"{each['a']['accounts']:,}",
            f"{each['b']['accounts']:,}",
            f"+{each['gained']['accounts']:,}",
            f"-{each['lost']['accounts']:,}",
            _signed(Decimal(each["b"]["open_pipeline"]) - Decimal(each["a"]["open_pipeline"]), currency),
        )
        for each in changed
    ]
    headers = (kind, "A", "B", "gained", "lost", "open pipeline")
    return table(f"By {kind}", headers, rows, most=_REPS, right=(1, 2, 3, 4, 5))


def _balance(a: Mapping[str, Any], b: Mapping[str, Any]) -> Section:
    rows = []
    for group in ("reps", "territories"):
        for name, word in _MEASURES:
            one, other = a["balance"][group][name], b["balance"][group][name]
            rows.append(
                (f"{word}: {group}", *(_short(each[what]) for what in ("cv", "gini", "ratio") for each in (one, other)))
            )
    headers = ("", "CV A", "CV B", "Gini A", "Gini B", "max/min A", "max/min B")
    lines = ("Smaller is more even: CV is the standard deviation over the mean, Gini 0 where all hold alike.",)
    return table("Balance", headers, rows, lines=lines, right=range(1, 7))


def _short(figure: str | None) -> str:
    return f"{Decimal(figure):.2f}" if figure is not None else "-"


def _attainment(document: Mapping[str, Any], currency: str) -> Section | None:
    if not document["attainment"]:
        return None
    rows = [
        (each["holder"], each["period"], money(each["quota"], currency), _share(each["a"]), _share(each["b"]))
        for each in document["attainment"]
    ]
    lines = ("Won so far in the period, counted for whom the company would belong to.",)
    headers = ("quota of", "period", "quota", "A", "B")
    return table("Attainment", headers, rows, lines=lines, most=_REPS, right=(2, 3, 4))


def _share(one: Mapping[str, Any]) -> str:
    return f"{Decimal(one['attainment']):.0%}" if one["attainment"] is not None else "-"


def _broken(a: Mapping[str, Any], b: Mapping[str, Any], currency: str) -> Section | None:
    listed = b["relationships_broken"]
    if not listed["count"]:
        return None
    known = {each["company"] for each in a["relationships_broken"]["companies"]}
    items = [
        f"{each['name']} ({each['company']}): {each['from']} to {each['to']}, {each['text']},"
        f" {money(each['money'], currency)}{'' if each['company'] not in known else '; A breaks it too'}"
        for each in listed["companies"][:_COMPANIES]
    ]
    left = listed["count"] - len(items)
    foot = (f"… and {left:,} more; the JSON rendering has them.",) if left > 0 else ()
    lines = ("These leave an active owner who has an open deal with them, or was active there in the last 30 days.",)
    return Section("Live relationships that B breaks", lines, items=tuple(items), foot=foot)


def _companies(document: Mapping[str, Any], currency: str) -> Section | None:
    listed = sorted(document["companies"], key=lambda each: (-Decimal(each["money"]), each["company"], each["role"]))
    if not listed:
        return None
    items = [
        f"{called(each)}: {side(each['from'])} to {side(each['to'])}, {money(each['money'], currency)}"
        for each in listed[:_COMPANIES]
    ]
    left = len(listed) - len(items)
    foot = (f"… and {left:,} more; the JSON rendering has them all.",) if left > 0 else ()
    return Section("The largest differences", items=tuple(items), foot=foot)


def _signed(value: Decimal, currency: str) -> str:
    return f"{'+' if value > 0 else ''}{money(f'{value:f}', currency)}"
