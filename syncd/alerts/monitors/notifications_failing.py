"""NotificationsFailing: a receiver takes no notices. Told to the other receivers, and to the log."""

from __future__ import annotations

from datetime import timedelta

from syncd.alerts import options
from syncd.alerts.operations import Undelivered
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.clock import iso

NAME = "NotificationsFailing"
_ATTEMPTS = 3
_AFTER = timedelta(minutes=5)


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each receiver that notices wait for; one whose notices were all taken since is over."""
    rule = view.rule(NAME)
    attempts, after = options.count(rule, "attempts", _ATTEMPTS), options.span(rule, "after", _AFTER)
    waiting = view.operations.undelivered
    return Evaluation(tuple(_signal(name, waiting[name], attempts, after, view) for name in sorted(waiting)))


def _signal(name: str, known: Undelivered, attempts: int, after: timedelta, view: MonitorView) -> Signal:
    failing = known.given_up > 0 or (known.attempts >= attempts and view.now - known.since >= after)
    given_up = f", {known.given_up:,} were given up" if known.given_up else ""
    return Signal(
        subject=name,
        labels={"receiver": name},
        summary=f"the receiver {name} takes no notices: {known.waiting:,} wait{given_up}",
        detail={
            "who": [],
            "evidence": [f"the last attempt failed as {known.reason}", f"the oldest waits since {iso(known.since)}"],
            "since": iso(known.since),
            "command": f"syncd alerts send-test {name}",
        },
        condition=Condition.FIRING if failing else Condition.HOLDING,
    )


MONITOR = Monitor(NAME, evaluate, reads_book=False, options=frozenset({"attempts", "after"}))
