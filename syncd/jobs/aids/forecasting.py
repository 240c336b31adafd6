"""The job behind `forecast`: each territory's period from deals and history, checked against periods held back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from syncd.alerts.attainment import Usual, by_season, expected_share
from syncd.alerts.monitors.attainment_below import NAME as BELOW
from syncd.alerts.periods import Period
from syncd.clock import iso
from syncd.jobs.aids.selling import Selling, stretch
from syncd.jobs.context import Context
from syncd.jobs.recording import recorded
from syncd.jobs.watching.forecast_memory import JOB
from syncd.planning.aids.chances import Seen, known_at
from syncd.planning.aids.forecast import MEANT, Expected, HeldBack, better, check, expect
from syncd.planning.aids.quota_split import ancestry
from syncd.planning.aids.stage_chances import LEAST_ENDS
from syncd.planning.aids.stage_table import stage_table
from syncd.rules.collector import without_collector
from syncd.rules.pack import MonitorRule

FORMAT = 1
WHOLE = ""
"""All territories together."""
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a forecast."""

    path: str
    expected: Expected
    quota: Decimal | None


def forecast(context: Context, period: str | None = None, *, crm_history: bool = False) -> dict[str, Any]:
    """The document of a forecast; that of a period under way is kept as a run, for the alerts to read.

    `crm_history` first asks the CRMs, within their share of calls, for the ways of deals that are not known yet.

    Without `period`: the quarter, year or month under way that has quotas, else the quarter. Raises UsageError SYN774
    for a name that is no period, and what `deliberate` raises.
    """
    selling = Selling.at(context, crm_history=crm_history)
    chosen = selling.period(period) if period is not None else _under_way(selling)
    with without_collector():
        document = _document(selling, chosen)
    if chosen.holds(selling.now):
        _keep(context, document)
    return document


def _under_way(selling: Selling) -> Period:
    periods = [selling.period(selling.named(per)) for per in ("quarter", "year", "month")]
    return next((each for each in periods if selling.quotas(each)), periods[0])


def _document(selling: Selling, period: Period) -> dict[str, Any]:
    asked, now, held = stretch(period), selling.now, selling.held
    earlier = selling.earlier(period.name)
    by_age = check(held, earlier, asked.share(now), selling.place_of, now)
    enough = sum(deal.won is not None and bool(deal.way) for _, deal in held) >= LEAST_ENDS
    by_stage = check(held, earlier, asked.share(now), selling.place_of, now, staged=True) if enough else None
    checked = better(by_age, by_stage)
    found = expect(held, asked, min(now, asked.end), selling.place_of, staged=checked.staged)
    quotas = selling.quotas(period)
    sums: dict[str, Expected] = {}
    for path in selling.territory_of.values():
        found.setdefault(path, Expected())
    for path, each in found.items():
        for above in (WHOLE, *ancestry(path)):
            sums[above] = sums.get(above, Expected()).plus(each)
    usual, due = _usual(selling, period)
    rows = [_row(Row(path, sums[path], _quota(path, quotas)), usual, due, checked) for path in sorted(sums)]
    return {
        "format": FORMAT,
        "kind": "forecast",
        "now": iso(now),
        "pack_revision": selling.pack.revision,
        "currency": selling.context.settings.money.reporting_currency,
        "period": period.name,
        "from": iso(period.start),
        "to": iso(period.end),
        "elapsed": round(asked.share(now), 4),
        "expected_by_now": round(float(usual.share), 4),
        "usual": usual.paced,
        "pace": due.paced,
        "interval": MEANT,
        "checked": _checked(checked),
        "stages": _stages(known_at(held, now), by_age, by_stage, checked),
        "territories": rows,
    }


def _usual(selling: Selling, period: Period) -> tuple[Usual, Usual]:
    """What is usual by now in a period, for the run-rate; and what alerts expect by now of a quota, by the pack."""
    rule = next((rule for rule in selling.pack.monitors if rule.name == BELOW), MonitorRule(BELOW))
    usual, due = (
        expected_share(period, selling.now, selling.daily, selling.pack, seasonal=seasonal)
        for seasonal in (True, by_season(rule))
    )
    return usual, due


def _quota(path: str, quotas: Mapping[str, Any]) -> Decimal | None:
    if path in quotas:
        whole: Decimal = quotas[path][0]
        return whole
    if path == WHOLE and quotas:
        top = (each for each in quotas if not any(above in quotas for above in list(ancestry(each))[:-1]))
        return sum((quotas[each][0] for each in top), Decimal(0))
    return None


def _row(row: Row, usual: Usual, due: Usual, checked: HeldBack) -> dict[str, Any]:
    each, quota = row.expected, row.quota
    low, high = each.interval(checked.wider)
    won = Decimal(each.won).quantize(_CENT)
    run_rate = (won / usual.share).quantize(_CENT) if usual.share else None
    told: dict[str, Any] = {
        "territory": row.path or None,
        "won": f"{won:f}",
        "open": _money(each.open_amount),
        "from_open": _money(each.from_open),
        "to_come": _money(each.to_come),
        "forecast": _money(each.mean),
        "low": _money(low),
        "high": _money(high),
        "run_rate": f"{run_rate:f}" if run_rate is not None else None,
        "quota": None,
        "pace": None,
        "run_rate_attainment": None,
        "attainment": None,
        "chance": None,
    }
    if quota is not None:
        expected = quota * due.share
        told |= {
            "quota": f"{quota.quantize(_CENT):f}",
            "pace": round(float(won / expected), 3) if expected else None,
            "run_rate_attainment": round(float(run_rate / quota), 3) if quota and run_rate is not None else None,
            "attainment": round(each.mean / float(quota), 3) if quota else None,
            "chance": round(each.chance_of(float(quota), checked.wider), 3),
        }
    return told


def _stages(seen: Sequence[Seen], by_age: HeldBack, by_stage: HeldBack | None, checked: HeldBack) -> dict[str, Any]:
    """What is known of stages, whether they are used, and what each way of forecasting erred by."""
    ended = [each for each in seen if each.end is not None]
    return {
        "used": checked.staged,
        "deals": len(seen),
        "ended_with_way": sum(bool(each.way) for each in ended),
        "ended": len(ended),
        "error_by_age": None if by_age.error is None else round(by_age.error, 3),
        "error_by_stage": None if by_stage is None or by_stage.error is None else round(by_stage.error, 3),
        "by_stage": stage_table(seen),
    }


def _checked(checked: HeldBack) -> dict[str, Any]:
    return {
        "periods": checked.periods,
        "tested": checked.tested,
        "held": checked.hits,
        "share": None if checked.share is None else round(checked.share, 3),
        "bias": None if checked.bias is None else round(checked.bias, 3),
        "wider": round(checked.wider, 3),
    }


def _keep(context: Context, document: Mapping[str, Any]) -> None:
    """Keep what the alerts read of a forecast: the territories that have a quota."""
    kept = {
        each["territory"]: {name: each[name] for name in ("forecast", "low", "high", "quota", "chance")}
        for each in document["territories"]
        if each["quota"] is not None and each["territory"] is not None
    }
    with recorded(context, JOB) as run:
        run.summary = {"period": document["period"], "territories": kept}


def _money(value: float) -> str:
    return f"{Decimal(value).quantize(_CENT):f}"
