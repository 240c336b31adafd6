"""OutboxStuck: approved writes do not get out, or one was sent and nobody knows what became of it.

Rows that wait for a person, for a window or for the end of a freeze are not stuck.
"""

from __future__ import annotations

from datetime import timedelta

from syncd.alerts import options
from syncd.alerts.operations import OpenRows
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.clock import iso

NAME = "OutboxStuck"
_AFTER = timedelta(minutes=30)
_SETTLES = timedelta(minutes=15)
"""After a window opens or a freeze ends, the rows that waited get this long to go out."""


def evaluate(view: MonitorView) -> Evaluation:
    """Two signals: rows in doubt, in every mode; rows that wait, where syncd sends them by itself."""
    after = options.span(view.rule(NAME), "after", _AFTER)
    known = view.operations
    doubt = _signal("in-doubt", "sent, with no answer known", known.in_doubt, after, view, applies=True)
    waits = _signal("waiting", "approved and not sent", known.waiting, after, view, applies=known.may_write)
    return Evaluation((doubt, waits))


def _signal(name: str, what: str, rows: OpenRows, after: timedelta, view: MonitorView, *, applies: bool) -> Signal:
    late = applies and rows.oldest is not None and view.now - rows.oldest > after
    age = int((view.now - rows.oldest).total_seconds() // 60) if rows.oldest is not None else 0
    return Signal(
        subject=name,
        labels={"rows": name},
        summary=f"{rows.count:,} owner writes are {what}, the oldest for {age:,} min",
        detail={
            "who": [],
            "evidence": [f"the oldest was last touched {iso(rows.oldest)}" if rows.oldest else "no such row"],
            "since": iso(rows.oldest) if rows.oldest else None,
            "command": "syncd status",
        },
        condition=Condition.FIRING if late else Condition.CLEAR,
        waits=None if name == "in-doubt" else _SETTLES,
    )


MONITOR = Monitor(NAME, evaluate, "page", reads_book=False, options=frozenset({"after"}))
