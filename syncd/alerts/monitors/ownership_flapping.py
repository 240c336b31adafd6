"""OwnershipFlapping: an account's owner is changed back and forth: two automations, or two people, fight over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

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
    """A signal for each company with a record of more than `changes` owner changes within `within` that came back.

    One for all records of a company: where both CRMs flap, it is one fight.
    """
    rule = view.rule(NAME)
    most, within = options.count(rule, "changes", _MOST), options.span(rule, "within", _WITHIN)
    found: list[Signal] = []
    for facts in view.accounts(NAME):
        recent = {ref: back_and_forth(view.owner_changes.get(ref, ()), view.now - within, most) for ref in facts.refs}
        flapping = {ref: changes for ref, changes in recent.items() if changes}
        if flapping:
            found.append(_signal(facts, flapping, view))
    return Evaluation(tuple(found))


def _signal(facts: Facts, flapping: Mapping[Ref, Sequence[OwnerChange]], view: MonitorView) -> Signal:
    seen = sorted(((change.at, ref, change) for ref, changes in flapping.items() for change in changes), key=_in_turn)
    writers = sorted({_named(ref, change.modified_by, view) for _, ref, change in seen if change.modified_by})
    by = f", by {' and '.join(writers)}" if writers else ""
    times = " and ".join(f"{len(changes)} times in {ref.system.value}" for ref, changes in flapping.items())
    told = [_told(ref, change, view, several=len(flapping) > 1) for _, ref, change in seen]
    return Signal(
        subject=name_of(facts),
        labels={"account": facts.key},
        summary=f"{name_of(facts)} changed its owner {times}{by}",
        detail=book_detail([facts], view, "open_pipeline", "open pipeline of the account")
        | {"evidence": told[-_SHOWN:], "command": f"syncd history {next(iter(flapping))}"},
        condition=Condition.FIRING,
        systems=frozenset(ref.system for ref in flapping),
    )


def _in_turn(seen: tuple[datetime, Ref, OwnerChange]) -> tuple[datetime, Ref]:
    return seen[0], seen[1]


def _told(ref: Ref, change: OwnerChange, view: MonitorView, *, several: bool) -> str:
    """One change as a line of evidence, with its system where records of several flap."""
    where = f" in {ref.system.value}" if several else ""
    by = f" by {_named(ref, change.modified_by, view)}" if change.modified_by else ""
    return f"{change.at:%Y-%m-%d %H:%M}Z{where}: {_named(ref, change.old, view)} -> {_named(ref, change.new, view)}{by}"


def _named(ref: Ref, user: str | None, view: MonitorView) -> str:
    known = view.users.get(Ref(ref.system, Kind.USER, user)) if user else None
    return known.email if known is not None and known.email else user or "nobody"


MONITOR = Monitor(NAME, evaluate, whole=False, options=frozenset({"changes", "within"}))
