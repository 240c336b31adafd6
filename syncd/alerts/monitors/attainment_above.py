"""AttainmentAbove: a territory or rep is far ahead of its quota's pace: the quota, or the territory, may be wrong."""

from __future__ import annotations

from decimal import Decimal

from syncd.alerts import attainment, options
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView

NAME = "AttainmentAbove"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for every quota whose period is under way."""
    above, resolve = options.thresholds(view.rule(NAME), "above", ("1.5", "1.4"), rising=True)
    found = attainment.progress(view, NAME)
    told = f"fires from {above:.0%} on, resolves below {resolve:.0%}"
    return Evaluation(
        tuple(
            attainment.signal(each, view, _condition(each, above, resolve), told, "ahead of the pace") for each in found
        )
    )


def _condition(each: attainment.Progress, above: Decimal, resolve: Decimal) -> Condition:
    if not each.speaks:
        return Condition.CLEAR
    if each.won >= each.expected * above:
        return Condition.FIRING
    return Condition.CLEAR if each.won < each.expected * resolve else Condition.HOLDING


MONITOR = Monitor(NAME, evaluate, "info", options=frozenset({"above", "resolve"}) | attainment.OPTIONS)
