"""OwnerDisagreement: a company has one owner in Salesforce and another in HubSpot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from syncd.alerts import options
from syncd.alerts.companies import MOST_LISTED, accounts_in_words, amount, book_detail, in_words, name_of, total
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.model.refs import Kind, Ref, System
from syncd.rules.facts import Facts

NAME = "OwnerDisagreement"
_PIPELINE = "open_pipeline"


def evaluate(view: MonitorView) -> Evaluation:
    """One signal while at least `accounts` companies have two owners."""
    least = options.count(view.rule(NAME), "accounts", 1)
    told = [(facts, owners) for facts in view.accounts(NAME) if (owners := _owners(facts, view))]
    split = [(facts, owners) for facts, owners in told if len(set(owners.values())) > 1]
    book = [facts for facts, _ in split]
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    evidence = [
        f"{name_of(facts)}: " + ", ".join(f"{owners[system]} in {system.value}" for system in sorted(owners))
        for facts, owners in split[:MOST_LISTED]
    ]
    signal = Signal(
        subject="owners",
        labels={},
        summary=f"the CRMs name different owners for {accounts_in_words(len(book))} with"
        f" {in_words(pipeline, view)} open pipeline",
        detail=book_detail(book, view, _PIPELINE, "open pipeline of these accounts")
        | {"evidence": evidence, "command": "syncd plan"},
        condition=Condition.FIRING if len(book) >= least else Condition.CLEAR,
    )
    return Evaluation((signal,))


def _owners(facts: Facts, view: MonitorView) -> Mapping[System, str]:
    """Who owns a company in each system that has an owner for it: the e-mail, else the user's ref."""
    found: dict[System, str] = {}
    for system, owner in facts.owner_ids.items():
        ref = Ref(system, Kind.USER, owner)
        user = view.users.get(ref)
        found[system] = user.email if user is not None and user.email else str(ref)
    return found


MONITOR = Monitor(NAME, evaluate, "info", options=frozenset({"accounts"}), waits=timedelta(hours=2))
