"""WritesFailing: a CRM refuses owner writes: a right was taken away, a validation rule is new, records are locked."""

from __future__ import annotations

from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal

NAME = "WritesFailing"
_LEAST = 5
_SHOWN = 10


def evaluate(view: MonitorView) -> Evaluation:
    """One signal over the writes of the last hour; over when few of them fail, or when there are none any more."""
    rule = view.rule(NAME)
    above, resolve = options.thresholds(rule, "share", ("0.2", "0.1"), rising=True)
    least = options.count(rule, "rows", _LEAST)
    writes = view.operations.writes
    failed, whole = writes.failures, writes.failures + writes.done
    share = Decimal(failed) / whole if whole else Decimal(0)
    condition = Condition.HOLDING
    if failed >= least and share >= above:
        condition = Condition.FIRING
    elif failed == 0 or share < resolve:
        condition = Condition.CLEAR
    ordered = sorted(writes.failed.items(), key=lambda each: (-each[1], each[0]))
    signal = Signal(
        subject="writes",
        labels={},
        summary=f"{failed:,} of {whole:,} owner writes of the last hour were refused ({share:.0%})",
        detail={
            "who": [],
            "evidence": [
                *(f"{count:,} {kind}" for kind, count in ordered[:_SHOWN]),
                *(f"the CRM says: {words}" for words in writes.examples),
            ],
            "command": "syncd runs --job apply --limit 5",
        },
        condition=condition,
    )
    return Evaluation((signal,))


MONITOR = Monitor(NAME, evaluate, "page", reads_book=False, options=frozenset({"share", "resolve", "rows"}))
