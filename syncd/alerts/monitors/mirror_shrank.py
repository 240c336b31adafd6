"""MirrorShrank: a mirror suddenly holds far fewer records: access was lost, not customers. Its data says nothing then.

Compares with the most that was held within the last day. Somebody who takes the alert says that the loss is real.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.clock import iso, parse_instant
from syncd.model.refs import System

NAME = "MirrorShrank"
_LEAST = 50
_DAY = timedelta(days=1)
_SHARE = Decimal("0.2")


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each system and kind of record that is counted."""
    rule = view.rule(NAME)
    share, least = options.share(rule, "share", _SHARE), options.count(rule, "records", _LEAST)
    seen = view.seen_by(NAME)
    states: dict[str, str] = {}
    signals: list[Signal] = []
    for system, kind, count in _counts(view):
        subject = f"{system.value} {kind}s"
        before = _most(seen.get(subject), count, view.now)
        real = (NAME, subject) in view.taken
        shrank = before[0] >= least and count < before[0] * (1 - share) and not real
        newer = real or (not shrank and (count >= before[0] or view.now - before[1] >= _DAY))
        states[subject] = _text(count, view.now) if newer else _text(*before)
        signals.append(_signal(system, kind, count, before[0], shrank=shrank))
    return Evaluation(tuple(signals), states)


def shrunken(view: MonitorView) -> frozenset[System]:
    """The systems whose mirror shrank, by this monitor's rule. Raises as `evaluate`."""
    if not view.rule(NAME).enabled:
        return frozenset()
    firing = (signal for signal in evaluate(view).signals if signal.condition is Condition.FIRING)
    return frozenset(System(signal.labels["system"]) for signal in firing)


def _counts(view: MonitorView) -> list[tuple[System, str, int]]:
    """How many live records of each kind are mirrored, of the systems that were ever complete."""
    kept = (system for system in view.systems if system in view.status and view.status[system].complete)
    known: Mapping[System, Mapping[str, int]] = {
        system: {kind.value: count for kind, count in view.status[system].records.items()} for system in kept
    }
    names = ((system, kind) for system in known for kind in ("account", "opportunity"))
    return [(system, kind, known[system].get(kind, 0)) for system, kind in names]


def _most(state: str | None, count: int, now: datetime) -> tuple[int, datetime]:
    if state is None:
        return count, now
    held, _, at = state.partition(" ")
    return int(held), parse_instant(at)


def _text(count: int, at: datetime) -> str:
    return f"{count} {iso(at)}"


def _signal(system: System, kind: str, count: int, before: int, *, shrank: bool) -> Signal:
    plural = "opportunities" if kind == "opportunity" else f"{kind}s"
    return Signal(
        subject=f"{system.value} {kind}s",
        labels={"system": system.value, "kind": kind},
        summary=f"the mirror of {system.value} fell from {before:,} to {count:,} {plural}; data alerts of it wait",
        detail={
            "who": [],
            "evidence": [
                f"{before - count:,} {plural} are gone" if before > count else f"{count:,} {plural} are mirrored",
                "did the integration user lose its right to see them? If the loss is real: `syncd alerts ack {id}`",
            ],
            "command": f"syncd pull --full --system {system.value}",
        },
        condition=Condition.FIRING if shrank else Condition.CLEAR,
    )


MONITOR = Monitor(NAME, evaluate, reads_book=False, options=frozenset({"share", "records"}))
