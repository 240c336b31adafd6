"""SourceStale: a configured CRM has not been read completely for too long. A dead feed never looks like a quiet day."""

from __future__ import annotations

from datetime import datetime

from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.clock import iso
from syncd.model.refs import System

NAME = "SourceStale"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for every configured system: a ticket, and a page where syncd writes without being asked."""
    severity = "page" if view.applies and "severity" not in view.rule(NAME).options else None
    return Evaluation(tuple(_signal(system, view, severity) for system in view.systems))


def _signal(system: System, view: MonitorView, severity: str | None) -> Signal:
    """A mirror's `as_of` moves only when a pull read everything, so its age also covers pulls that fail."""
    status = view.status.get(system)
    as_of = status.as_of if status is not None else None
    late = (as_of is None or view.now - as_of > view.stale_after) and not _is_back(view, as_of)
    since = f"since {as_of:%Y-%m-%d %H:%M}Z" if as_of is not None else "ever"
    minutes = int(view.stale_after.total_seconds() // 60)
    evidence = [f"the last complete mirror is of {iso(as_of)}" if as_of else "there was no complete mirror yet"]
    if status is not None and status.last_outcome not in (None, "ok"):
        evidence.append(f"the last pull ended as {status.last_outcome}: {status.last_error}")
    return Signal(
        subject=system.value,
        labels={"system": system.value},
        summary=f"{system.value} has not been read completely {since}; data alerts and writes of it wait",
        detail={
            "who": [],
            "evidence": [*evidence, f"stale is older than {minutes} min"],
            "since": iso(as_of) if as_of is not None else None,
            "command": f"syncd pull --system {system.value}",
        },
        condition=Condition.FIRING if late else Condition.CLEAR,
        severity=severity,
        # A mirror that was never complete may be on its first way: it gets the time that makes another one stale.
        waits=view.stale_after if as_of is None else None,
    )


def _is_back(view: MonitorView, as_of: datetime | None) -> bool:
    """Whether syncd stood still and only just goes on: its first pull is under way, and no feed is dead.

    A mirror that was stale when it stopped was so for another reason.
    """
    if view.stopped_at is None or view.resumed_at is None or view.now - view.resumed_at > view.stale_after:
        return False
    return as_of is None or view.stopped_at - as_of <= view.stale_after


MONITOR = Monitor(NAME, evaluate, reads_book=False)
