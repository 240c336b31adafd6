"""OwnerInactive: accounts whose owner has been no active user for a week. RepLeft told of each who left.

One alert with a list."""

from __future__ import annotations

from datetime import timedelta

from syncd.alerts import options
from syncd.alerts.companies import accounts_in_words, amount, book_detail, in_words, owners_of, total
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal

NAME = "OwnerInactive"
_PIPELINE = "open_pipeline"


def evaluate(view: MonitorView) -> Evaluation:
    """One signal while at least `accounts` accounts have an owner who is no active user."""
    least = options.count(view.rule(NAME), "accounts", 1)
    book = [facts for facts in view.accounts(NAME) if facts.current_owner is not None and not facts.owner_active]
    people = {facts.current_owner.email for facts in book if facts.current_owner}
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    owners = f"{len(people):,} owner{'s who are no active users' if len(people) != 1 else ' who is no active user'}"
    detail = book_detail(book, view, _PIPELINE, "open pipeline of these accounts") | {
        "evidence": [f"{owner} is no active user" for owner in owners_of(book)],
        "command": "syncd plan",
    }
    signal = Signal(
        subject="owners",
        labels={},
        summary=f"{accounts_in_words(len(book))} with {in_words(pipeline, view)} open pipeline belong to {owners}",
        detail=detail,
        condition=Condition.FIRING if len(book) >= least else Condition.CLEAR,
    )
    return Evaluation((signal,))


MONITOR = Monitor(NAME, evaluate, options=frozenset({"accounts"}), waits=timedelta(days=7))
