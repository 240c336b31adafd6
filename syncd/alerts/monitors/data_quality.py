"""DataQuality: values of one field cannot be read on many accounts: rules pass these accounts by."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.companies import accounts_in_words, amount, book_detail, in_words, name_of, total
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.rules.facts import Facts

NAME = "DataQuality"
_PIPELINE = "open_pipeline"
_LEAST = 20
_SHOWN = 20


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each field that is unreadable on at least `accounts` accounts and on `share` of all."""
    rule = view.rule(NAME)
    above, resolve = options.thresholds(rule, "share", ("0.05", "0.04"), rising=True)
    least = options.count(rule, "accounts", _LEAST)
    companies = view.accounts(NAME)
    found: dict[str, dict[str, tuple[Facts, str]]] = defaultdict(dict)
    for facts in companies:
        for finding in facts.findings:
            found[_field(finding)].setdefault(facts.key, (facts, finding))
    signals: list[Signal] = []
    for field, hit in sorted(found.items()):
        share = Decimal(len(hit)) / len(companies)
        condition = Condition.HOLDING
        if len(hit) >= least and share >= above:
            condition = Condition.FIRING
        elif len(hit) < least or share < resolve:
            condition = Condition.CLEAR
        signals.append(_signal(field, list(hit.values()), share, condition, view))
    return Evaluation(tuple(signals))


def _field(finding: str) -> str:
    """The field that a finding is about: `employees: …`, `opportunity 006…: amount: …`."""
    first, _, rest = finding.partition(": ")
    return f"opportunity.{rest.partition(':')[0]}" if first.startswith("opportunity ") else first


def _signal(
    field: str, hit: list[tuple[Facts, str]], share: Decimal, condition: Condition, view: MonitorView
) -> Signal:
    book = [facts for facts, _ in hit]
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    return Signal(
        subject=field,
        labels={"field": field},
        summary=f"`{field}` cannot be read on {accounts_in_words(len(hit))} ({share:.0%}), with"
        f" {in_words(pipeline, view)} open pipeline",
        detail=book_detail(book, view, _PIPELINE, "open pipeline of these accounts")
        | {
            "evidence": [f"{name_of(facts)}: {finding}" for facts, finding in hit[:_SHOWN]],
            "command": f"syncd explain {book[0].accounts[0]}",
        },
        condition=condition,
    )


MONITOR = Monitor(NAME, evaluate, "info", options=frozenset({"share", "resolve", "accounts"}))
