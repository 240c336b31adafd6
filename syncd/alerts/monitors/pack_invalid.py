"""PackInvalid: the rules, or options of monitors in them, cannot be read, or a commit that was pushed is not valid."""

from __future__ import annotations

from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal

NAME = "PackInvalid"
_SHOWN = 20


def evaluate(view: MonitorView) -> Evaluation:
    """One signal, firing while anything is wrong. A refused commit stops nothing: the last good pack stays in use."""
    problems = [str(finding) for finding in view.pack_findings]
    command = "syncd check"
    if problems:
        summary = _what_stands_still(view, len(problems))
    elif view.refused_commit is not None:
        commit, error = view.refused_commit
        summary = f"commit {commit[:12]} of the pack is invalid; the last good one stays in use"
        problems, command = [error], "syncd pack fetch"
    else:
        summary = "the pack is valid"
    signal = Signal(
        subject="pack",
        labels={},
        summary=summary,
        detail={"who": [], "evidence": problems[:_SHOWN], "command": command},
        condition=Condition.FIRING if problems else Condition.CLEAR,
    )
    return Evaluation((signal,))


def _what_stands_still(view: MonitorView, count: int) -> str:
    problems = f"{count} problem{'s' if count != 1 else ''}"
    if view.pack is None:
        return f"the pack is invalid ({problems}); no data alert is evaluated"
    return f"the rules of some monitors cannot be used ({problems}); those monitors are not evaluated"


MONITOR = Monitor(NAME, evaluate, reads_book=False)
