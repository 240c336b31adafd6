"""OwnershipFlapping: an account's owner is changed back and forth: two automations, or two people, fight over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from syncd.alerts import options
from syncd.alerts.companies import book_detail, name_of
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.model.refs import Kind, Ref
from syncd.rules.facts import Facts
from syncd.store.ownership import OwnerChange, back_and_forth

NAME = "OwnershipFlapping"
_MOST, _WITHIN = 2, timedelta(hours=24)
_SHOWN = 20


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each record with more than `changes` owner changes within `within` that came back to an owner."""
    rule = view.rule(NAME)
    most, within = options.count(rule, "changes", _MOST), options.span(rule, "within", _WITHIN)
    found: list[Signal] = []
    for facts in view.accounts(NAME):
        for ref in facts.refs:
            recent = back_and_forth(view.owner_changes.get(ref, ()), view.now - within, most)
            if recent:
                found.append(_signal(ref, facts, recent, view))
    return Evaluation(tuple(found))


def _signal(ref: Ref, facts: Facts, changes: Sequence[OwnerChange], view: MonitorView) -> Signal:
    writers = sorted({_named(ref, change.modified_by, view) for change in changes if change.modified_by})
    by = f", by {' and '.join(writers)}" if writers else ""
    told = [
        f"{change.at:%Y-%m-%d %H:%M}Z: {_named(ref, change.old, view)} -> {_named(ref, change.new, view)}"
        + (f" by {_named(ref, change.modified_by, view)}" if change.modified_by else "")
        for change in changes
    ]
    return Signal(
        subject=name_of(facts),
        labels={"account": str(ref)},
        summary=f"{name_of(facts)} changed its owner {len(changes)} times in {ref.system.value}{by}",
        detail=book_detail([facts], view, "open_pipeline", "open pipeline of the account")
        | {"evidence": told[-_SHOWN:], "command": f"syncd history {ref}"},
        condition=Condition.FIRING,
        systems=frozenset({ref.system}),
    )


def _named(ref: Ref, user: str | None, view: MonitorView) -> str:
    known = view.users.get(Ref(ref.system, Kind.USER, user)) if user else None
    return known.email if known is not None and known.email else user or "nobody"


MONITOR = Monitor(NAME, evaluate, whole=False, options=frozenset({"changes", "within"}))
