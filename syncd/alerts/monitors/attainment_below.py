"""AttainmentBelow: a territory or rep is behind its quota's pace. Fires below one threshold, resolves at a higher one.

Nothing is said before a fifth of the period is over, nor while the amount expected by now is under the pack's
`min_expected`, but for `early`: a chance to reach the quota, by the last forecast, below which it fires at once.
"""

from __future__ import annotations

from decimal import Decimal

from syncd.alerts import attainment, options
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView

NAME = "AttainmentBelow"
_LIKELIER = Decimal("0.1")


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for every quota whose period is under way."""
    below, resolve = options.thresholds(view.rule(NAME), "below", ("0.7", "0.75"), rising=False)
    early = options.share(view.rule(NAME), "early", Decimal(0))
    found = attainment.progress(view, NAME)
    told = f"fires below {below:.0%}, resolves at {resolve:.0%}"
    return Evaluation(
        tuple(
            attainment.signal(
                each, view, _worse(_condition(each, below, resolve), each, view, early), told, "behind the pace"
            )
            for each in found
        )
    )


def _condition(each: attainment.Progress, below: Decimal, resolve: Decimal) -> Condition:
    if not each.speaks:
        return Condition.CLEAR
    if each.won < each.expected * below:
        return Condition.FIRING
    return Condition.CLEAR if each.won >= each.expected * resolve else Condition.HOLDING


def _worse(condition: Condition, each: attainment.Progress, view: MonitorView, early: Decimal) -> Condition:
    """The condition with what the last forecast says: unlikely fires, and resolves once it is a tenth likelier."""
    told = view.forecasts.get((each.subject, each.period.name))
    if not early or told is None or condition is Condition.FIRING:
        return condition
    if told.chance < early:
        return Condition.FIRING
    return Condition.HOLDING if told.chance < early + _LIKELIER else condition


MONITOR = Monitor(NAME, evaluate, options=frozenset({"below", "resolve", "early"}) | attainment.OPTIONS)
