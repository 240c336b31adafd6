"""Imbalance: one of the reps of a territory carries far more than the mean of them, by what the territory balances."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.companies import accounts_in_words, book_detail, total
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.rules.deciding.frame import measure
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack, Territory

NAME = "Imbalance"
_LEAST = 10
_SHOWN = 20


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each territory whose accounts are with at least two of its own active reps."""
    if view.decisions is None or view.pack is None:
        return Evaluation()
    rule = view.rule(NAME)
    thresholds = options.thresholds(rule, "spread", ("0.5", "0.4"), rising=True)
    least = options.count(rule, "accounts", _LEAST)
    held: dict[str, dict[str, list[Facts]]] = defaultdict(lambda: defaultdict(list))
    for facts in view.accounts(NAME):
        decision = view.decisions.get(facts.key)
        owner = facts.current_owner
        if decision is None or decision.territory is None or owner is None or not facts.owner_active:
            continue
        if decision.owner is not None and decision.owner.email == owner.email:
            held[decision.territory][owner.email].append(facts)
    found: list[Signal] = []
    for territory in view.pack.territories():
        shares = held.get(territory.path, {})
        if len(shares) >= 2 and sum(map(len, shares.values())) >= least:
            found.append(_signal(territory, shares, thresholds, view))
    return Evaluation(tuple(found))


def _signal(
    territory: Territory, shares: dict[str, list[Facts]], thresholds: tuple[Decimal, Decimal], view: MonitorView
) -> Signal:
    """Loads are what the territory balances by, divided by the rep's capacity."""
    loads = {rep: _load(rep, book, territory, view.pack) for rep, book in shares.items()}
    mean = total(loads.values()) / len(loads)
    fullest = max(loads, key=lambda rep: (loads[rep], rep))
    spread = loads[fullest] / mean - 1 if mean else Decimal(0)
    above, resolve = thresholds
    condition = Condition.HOLDING
    if spread >= above:
        condition = Condition.FIRING
    elif spread < resolve:
        condition = Condition.CLEAR
    ordered = sorted(loads, key=lambda rep: (-loads[rep], rep))
    return Signal(
        subject=territory.path,
        labels={"territory": territory.path},
        summary=f"{territory.path}: {fullest} carries {spread:.0%} more than the mean of {len(loads)} reps,"
        f" by {territory.balance_by}",
        detail=book_detail(shares[fullest], view, "open_pipeline", "open pipeline of the fullest book")
        | {
            "who": ordered[:_SHOWN],
            "evidence": [
                f"{rep}: {accounts_in_words(len(shares[rep]))}, load {loads[rep]:,.1f}" for rep in ordered[:_SHOWN]
            ],
            "command": "syncd alerts show {id}",
        },
        condition=condition,
    )


def _load(rep: str, book: list[Facts], territory: Territory, pack: Pack | None) -> Decimal:
    entry = pack.reps.get(rep) if pack is not None else None
    weight = total(measure(facts, territory.balance_by) for facts in book)
    return weight / (entry.capacity if entry is not None and entry.capacity else 1)


MONITOR = Monitor(
    NAME,
    evaluate,
    "info",
    decides=True,
    options=frozenset({"spread", "resolve", "accounts"}),
    waits=timedelta(days=1),
)
