"""Drift: accounts whose owner somebody else changed since syncd last wrote, or since adoption, and nobody settled."""

from __future__ import annotations

from syncd.alerts import options
from syncd.alerts.companies import MOST_LISTED, accounts_in_words, amount, book_detail, in_words, name_of, total
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal

NAME = "Drift"
_PIPELINE = "open_pipeline"
_LEAST = 10


def evaluate(view: MonitorView) -> Evaluation:
    """One signal: fires from `accounts` on, and is over at half of them."""
    least = options.count(view.rule(NAME), "accounts", _LEAST)
    book = [facts for facts in view.accounts(NAME) if facts.changed_by_person_at is not None]
    book.sort(key=lambda facts: (facts.changed_by_person_at, facts.key), reverse=True)
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    condition = Condition.FIRING if len(book) >= least else Condition.HOLDING
    signal = Signal(
        subject="owners",
        labels={},
        summary=f"others changed the owner of {accounts_in_words(len(book))} with {in_words(pipeline, view)} open"
        " pipeline; syncd holds them as they are",
        detail=book_detail(book, view, _PIPELINE, "open pipeline of these accounts")
        | {
            "evidence": [f"{name_of(facts)}: {facts.changed_by_person_text}" for facts in book[:MOST_LISTED]],
            "command": "syncd drift",
        },
        condition=Condition.CLEAR if len(book) * 2 <= least and len(book) < least else condition,
    )
    return Evaluation((signal,))


MONITOR = Monitor(NAME, evaluate, "info", options=frozenset({"accounts"}))
