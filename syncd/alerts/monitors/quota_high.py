"""QuotaHigh: syncd has used most of its share of a CRM's calls for today; soon it reads no more until tomorrow."""

from __future__ import annotations

from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.operations import Allowance
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal

NAME = "QuotaHigh"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each system whose allowance is known."""
    above, resolve = options.thresholds(view.rule(NAME), "share", ("0.8", "0.7"), rising=True)
    found: list[Signal] = []
    for system, calls in sorted(view.operations.calls.items()):
        if calls.allowed:
            found.append(_signal(system.value, calls, calls.allowed, above, resolve))
    return Evaluation(tuple(found))


def _signal(system: str, calls: Allowance, allowed: int, above: Decimal, resolve: Decimal) -> Signal:
    share = Decimal(calls.spent) / allowed
    condition = Condition.HOLDING
    if share >= above:
        condition = Condition.FIRING
    elif share < resolve:
        condition = Condition.CLEAR
    return Signal(
        subject=system,
        labels={"system": system},
        summary=f"syncd has made {calls.spent:,} of its {allowed:,} calls to {system} today ({share:.0%})",
        detail={
            "who": [],
            "evidence": [
                "the day is UTC; at its share syncd reads no more, and a reserve is left for writes",
                f"fires from {above:.0%} on, resolves below {resolve:.0%}",
            ],
            "command": "syncd runs --job pull --limit 20",
        },
        condition=condition,
    )


MONITOR = Monitor(NAME, evaluate, reads_book=False, options=frozenset({"share", "resolve"}))
