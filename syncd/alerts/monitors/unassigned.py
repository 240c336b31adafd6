"""Unassigned: accounts that nobody can take: their territory assigns nobody, or has no eligible rep.

One alert per top-level territory.
"""

from __future__ import annotations

from collections import defaultdict

from syncd.alerts import options
from syncd.alerts.companies import accounts_in_words, amount, book_detail, in_words, total
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.model.decisions import Decision, Outcome
from syncd.rules.facts import Facts

NAME = "Unassigned"
_PIPELINE = "open_pipeline"
_NOBODY = "no-eligible-rep"
_SHOWN = 10


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each top-level territory with at least `accounts` accounts that nobody can take."""
    if view.decisions is None:
        return Evaluation()
    least = options.count(view.rule(NAME), "accounts", 1)
    found: dict[str, list[tuple[Facts, Decision]]] = defaultdict(list)
    for facts in view.accounts(NAME):
        decision = view.decisions.get(facts.key)
        if decision is not None and (decision.outcome is Outcome.UNASSIGNED or decision.reason == _NOBODY):
            top, _, _ = (decision.territory or "none").partition("/")
            found[top].append((facts, decision))
    return Evaluation(tuple(_signal(top, found[top], least, view) for top in sorted(found)))


def _signal(top: str, pairs: list[tuple[Facts, Decision]], least: int, view: MonitorView) -> Signal:
    book = [facts for facts, _ in pairs]
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    reasons: dict[str, int] = defaultdict(int)
    for _, decision in pairs:
        place = f" ({decision.place.path}:{decision.place.line})" if decision.place else ""
        reasons[f"{decision.text}{place}"] += 1
    ordered = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    return Signal(
        subject=top,
        labels={"territory": top},
        summary=f"nobody takes {accounts_in_words(len(book))} of {top}, with {in_words(pipeline, view)} open pipeline",
        detail=book_detail(book, view, _PIPELINE, "open pipeline of these accounts")
        | {
            "evidence": [f"{accounts_in_words(count)}: {text}" for text, count in ordered[:_SHOWN]],
            "command": f"syncd explain {book[0].accounts[0]}",
        },
        condition=Condition.FIRING if len(book) >= least else Condition.CLEAR,
    )


MONITOR = Monitor(NAME, evaluate, decides=True, options=frozenset({"accounts"}))
