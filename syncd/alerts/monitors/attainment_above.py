"""AttainmentAbove: a territory or rep is far ahead of its quota's pace: the quota, or the territory, may be wrong."""

from __future__ import annotations

from decimal import Decimal

from syncd.alerts import attainment, options
from syncd.alerts.companies import in_words
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal

NAME = "AttainmentAbove"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for every quota whose period is under way."""
    above, resolve = options.thresholds(view.rule(NAME), "above", ("1.5", "1.4"), rising=True)
    found = attainment.progress(view, NAME)
    return Evaluation(tuple(_signal(each, above, resolve, view) for each in found))


def _signal(each: attainment.Progress, above: Decimal, resolve: Decimal, view: MonitorView) -> Signal:
    thresholds = f"fires from {above:.0%} on, resolves below {resolve:.0%}"
    return Signal(
        subject=each.subject,
        labels=each.labels,
        summary=f"{each.subject} is at {each.pace:.0%} of its pace in {each.period.name}:"
        f" {in_words(each.won, view)} won, {in_words(each.expected, view)} expected by now",
        detail={
            "who": attainment.holders(each),
            "money": attainment.gap(each, view, "ahead of the pace"),
            "evidence": attainment.evidence(each, view, thresholds),
            "command": "syncd alerts show {id}",
        },
        condition=_condition(each, above, resolve),
        systems=frozenset(view.systems),
    )


def _condition(each: attainment.Progress, above: Decimal, resolve: Decimal) -> Condition:
    if not each.speaks:
        return Condition.CLEAR
    if each.won >= each.expected * above:
        return Condition.FIRING
    return Condition.CLEAR if each.won < each.expected * resolve else Condition.HOLDING


MONITOR = Monitor(NAME, evaluate, "info", options=frozenset({"above", "resolve"}) | attainment.OPTIONS)
