"""AttainmentBelow: a territory or rep is behind its quota's pace. Fires below one threshold, resolves at a higher one.

Nothing is said before a fifth of the period is over, nor while the amount expected by now is under the pack's
`min_expected`.
"""

from __future__ import annotations

from decimal import Decimal

from syncd.alerts import attainment, options
from syncd.alerts.companies import in_words
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal

NAME = "AttainmentBelow"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for every quota whose period is under way."""
    below, resolve = options.thresholds(view.rule(NAME), "below", ("0.7", "0.75"), rising=False)
    found = attainment.progress(view, NAME)
    return Evaluation(tuple(_signal(each, below, resolve, view) for each in found))


def _signal(each: attainment.Progress, below: Decimal, resolve: Decimal, view: MonitorView) -> Signal:
    thresholds = f"fires below {below:.0%}, resolves at {resolve:.0%}"
    return Signal(
        subject=each.subject,
        labels=each.labels,
        summary=f"{each.subject} is at {each.pace:.0%} of its pace in {each.period.name}:"
        f" {in_words(each.won, view)} won, {in_words(each.expected, view)} expected by now",
        detail={
            "who": attainment.holders(each),
            "money": attainment.gap(each, view, "behind the pace"),
            "evidence": attainment.evidence(each, view, thresholds),
            "command": "syncd alerts show {id}",
        },
        condition=_condition(each, below, resolve),
        systems=frozenset(view.systems),
    )


def _condition(each: attainment.Progress, below: Decimal, resolve: Decimal) -> Condition:
    if not each.speaks:
        return Condition.CLEAR
    if each.won < each.expected * below:
        return Condition.FIRING
    return Condition.CLEAR if each.won >= each.expected * resolve else Condition.HOLDING


MONITOR = Monitor(NAME, evaluate, options=frozenset({"below", "resolve"}) | attainment.OPTIONS)
