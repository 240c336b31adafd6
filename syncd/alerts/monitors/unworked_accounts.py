"""UnworkedAccounts: much of a rep's book has had no activity for long. Says nothing where no activity is mapped."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.companies import accounts_in_words, amount, book_detail, books, in_words, total
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import Duration, parse_duration, past_edge

NAME = "UnworkedAccounts"
_LONG = Duration(90, "d")
_PIPELINE, _ACTIVITY = "open_pipeline", "last_activity_at"
_LEAST = 10


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each active owner, with the share of their accounts that had no activity in the time."""
    rule = view.rule(NAME)
    above, resolve = options.thresholds(rule, "share", ("0.5", "0.4"), rising=True)
    least = options.count(rule, "accounts", _LEAST)
    stated = rule.options.get("not_since")
    duration = parse_duration(stated) if stated is not None else _LONG
    if duration is None:
        raise options.unreadable(rule, f"has `not_since: {stated}`", "write a duration such as 90d")
    edge = past_edge(duration, view.evaluation_context())
    companies = view.accounts(NAME)
    if not any(_ACTIVITY in facts.values for facts in companies):
        return Evaluation()
    active = (facts for facts in companies if facts.owner_active)
    found: list[Signal] = []
    for rep, book in sorted(books(active).items()):
        idle = [facts for facts in book if _is_idle(facts, edge)]
        share = Decimal(len(idle)) / len(book)
        condition = Condition.HOLDING
        if len(idle) >= least and share >= above:
            condition = Condition.FIRING
        elif share < resolve or len(idle) < least:
            condition = Condition.CLEAR
        since = f"{duration.count} {duration.unit}"
        found.append(_signal(rep, (book, idle), share, condition, f"no activity for {since}", view))
    return Evaluation(tuple(found))


def _is_idle(facts: Facts, edge: datetime) -> bool:
    """Whether nothing happened since `edge`; an account that is younger has had no time for it."""
    last, created = facts.values.get(_ACTIVITY), facts.values.get("created_at")
    if isinstance(last, datetime):
        return last < edge
    return not (isinstance(created, datetime) and created >= edge)


def _signal(
    rep: str,
    books_of: tuple[list[Facts], list[Facts]],
    share: Decimal,
    condition: Condition,
    what: str,
    view: MonitorView,
) -> Signal:
    book, idle = books_of
    pipeline = total(amount(facts, _PIPELINE) for facts in idle)
    return Signal(
        subject=rep,
        labels={"rep": rep},
        summary=f"{rep}: {accounts_in_words(len(idle))} of {len(book):,} ({share:.0%}) have {what},"
        f" with {in_words(pipeline, view)} open pipeline",
        detail=book_detail(idle, view, _PIPELINE, "open pipeline of these accounts")
        | {"who": [rep], "evidence": [f"{what}: {len(idle):,} of {len(book):,}"], "command": "syncd alerts show {id}"},
        condition=condition,
    )


MONITOR = Monitor(NAME, evaluate, "info", options=frozenset({"share", "resolve", "accounts", "not_since"}))
