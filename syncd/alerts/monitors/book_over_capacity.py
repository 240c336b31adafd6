"""BookOverCapacity: a rep owns more accounts than the pack's `max_accounts`, or `capacity`, allows."""

from __future__ import annotations

from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.companies import accounts_in_words, amount, book_detail, books, in_words, total
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.rules.facts import Facts
from syncd.rules.pack import RepEntry

NAME = "BookOverCapacity"
_PIPELINE = "open_pipeline"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each rep of the pack that has a limit, with how full their book is; ramps do not count."""
    if view.pack is None:
        return Evaluation()
    above, resolve = options.thresholds(view.rule(NAME), "share", ("1.1", "1.0"), rising=True)
    owned = books(view.accounts(NAME))
    found: list[Signal] = []
    for email, rep in sorted(view.pack.reps.items()):
        limit = rep.max_accounts if rep.max_accounts is not None else rep.capacity
        if limit is not None and limit > 0:
            found.append(_signal(rep, Decimal(limit), owned.get(email, []), (above, resolve), view))
    return Evaluation(tuple(found))


def _signal(
    rep: RepEntry, limit: Decimal, book: list[Facts], thresholds: tuple[Decimal, Decimal], view: MonitorView
) -> Signal:
    full = len(book) / limit
    above, resolve = thresholds
    condition = Condition.HOLDING
    if full > above:
        condition = Condition.FIRING
    elif full <= resolve:
        condition = Condition.CLEAR
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    which = "max_accounts" if rep.max_accounts is not None else "capacity"
    return Signal(
        subject=rep.email,
        labels={"rep": rep.email},
        summary=f"{rep.email} owns {accounts_in_words(len(book))}, {full:.0%} of {limit:f},"
        f" with {in_words(pipeline, view)} open pipeline",
        detail=book_detail(book, view, _PIPELINE, "open pipeline of their accounts")
        | {
            "who": [rep.email],
            "evidence": [
                f"`{which}` is {limit:f}, {rep.place.path}:{rep.place.line}",
                f"fires above {above:.0%}, resolves at {resolve:.0%}",
            ],
            "command": "syncd alerts show {id}",
        },
        condition=condition,
    )


MONITOR = Monitor(NAME, evaluate, "info", options=frozenset({"share", "resolve"}))
