"""AttainmentBelow: a territory or rep is behind its quota's pace. Fires below one threshold, resolves at a higher one.

Nothing is said before a fifth of the period is over, nor while the amount expected by now is under the pack's
`min_expected`.
"""

from __future__ import annotations

from decimal import Decimal

from syncd.alerts import attainment, options
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView

NAME = "AttainmentBelow"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for every quota whose period is under way."""
    below, resolve = options.thresholds(view.rule(NAME), "below", ("0.7", "0.75"), rising=False)
    found = attainment.progress(view, NAME)
    told = f"fires below {below:.0%}, resolves at {resolve:.0%}"
    return Evaluation(
        tuple(
            attainment.signal(each, view, _condition(each, below, resolve), told, "behind the pace") for each in found
        )
    )


def _condition(each: attainment.Progress, below: Decimal, resolve: Decimal) -> Condition:
    if not each.speaks:
        return Condition.CLEAR
    if each.won < each.expected * below:
        return Condition.FIRING
    return Condition.CLEAR if each.won >= each.expected * resolve else Condition.HOLDING


MONITOR = Monitor(NAME, evaluate, options=frozenset({"below", "resolve"}) | attainment.OPTIONS)
