"""PackInvalid: the rules, or options of monitors in them, cannot be read, so that data alerts are not evaluated."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.alerts.view import Condition, Evaluation, MonitorView, Signal

NAME = "PackInvalid"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class PackInvalid:
    """The monitor."""

    name: str = NAME
    severity: str = "ticket"
    edge: bool = False
    reads_book: bool = False
    options: frozenset[str] = frozenset()

    def evaluate(self, view: MonitorView) -> Evaluation:
        """One signal, firing while anything is wrong."""
        found = view.pack_findings
        problems = f"{len(found)} problem{'s' if len(found) != 1 else ''}"
        what = "the pack is invalid" if view.pack is None else "a monitor's rule is invalid"
        stopped = "no data alert is evaluated" if view.pack is None else "it is not evaluated"
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
