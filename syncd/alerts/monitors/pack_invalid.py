"""PackInvalid: the rules, or options of monitors in them, cannot be read, so that data alerts are not evaluated."""

from __future__ import annotations

from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal

NAME = "PackInvalid"
_SHOWN = 20


def evaluate(view: MonitorView) -> Evaluation:
    """One signal, firing while anything is wrong."""
    found = view.pack_findings
    problems = f"{len(found)} problem{'s' if len(found) != 1 else ''}"
    what = "the pack is invalid" if view.pack is None else "the rules of some monitors cannot be used"
    stopped = "no data alert is evaluated" if view.pack is None else "those monitors are not evaluated"
    signal = Signal(
        subject="pack",
        labels={},
        summary=f"{what} ({problems}); {stopped}",
        detail={
            "who": [],
            "evidence": [str(finding) for finding in found[:_SHOWN]],
            "command": "syncd check",
        },
        condition=Condition.FIRING if found else Condition.CLEAR,
    )
    return Evaluation((signal,))


MONITOR = Monitor(NAME, evaluate, reads_book=False)
