"""GuardTripped: the newest plan is over a limit of the pack's guard. One alert per pack revision and limit."""

from __future__ import annotations

from syncd.alerts.view import Evaluation, Monitor, MonitorView, Signal

NAME = "GuardTripped"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each limit; over when a later plan is inside it, or when an approval named it."""
    guard = view.operations.guard
    if guard is None:
        return Evaluation()
    money = {"amount": guard.money, "currency": guard.currency, "of": "open pipeline that the plan moves"}
    limits = " ".join(f"--limit {trip.limit}" for trip in guard.trips)
    approve = f"syncd approve {guard.plan_id} --why TEXT {limits}"
    return Evaluation(
        tuple(
            Signal(
                subject=trip.limit,
                labels={"limit": trip.limit, "pack": guard.pack_revision},
                summary=f"the plan is over the guard's limit {trip.limit}: {trip.text}",
                detail={
                    "who": [],
                    "money": money if guard.money is not None else None,
                    "evidence": [
                        f"plan {guard.plan_id} changes {guard.changes:,} owners",
                        *(f"most of it by {rule}" for rule in trip.rules),
                        f"if it is meant: {approve}",
                    ],
                    "command": "syncd plan",
                },
            )
            for trip in guard.trips
        )
    )


MONITOR = Monitor(NAME, evaluate, reads_book=False)
