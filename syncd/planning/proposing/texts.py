"""Texts of ours: the territory, band, score and lifecycle of an account, written where `write` of the pack asks. Pure.

The fields belong to syncd: what a person types into one is put right by the next plan. They are written only where
they differ, and never where the account is not managed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from syncd.model.decisions import Outcome
from syncd.model.plans import OWNER_FIELD, Change
from syncd.model.refs import Ref
from syncd.planning.proposing.fingerprints import text_fingerprint
from syncd.planning.proposing.proposals import (
    Bench,
    LeftOut,
    Proposal,
    hindrance,
    is_managed,
    refused,
    stale_source,
    stale_table,
    words_of,
)
from syncd.rules.facts import Facts

TERRITORY = "territory"
_PLACED = (Outcome.CHANGE, Outcome.KEEP, Outcome.UNASSIGNED)
"""The outcomes of accounts that are in the territory that was decided: a held or refused one stays where it was."""


def with_texts(proposal: Proposal, facts: Facts, bench: Bench) -> Proposal:
    """The proposal of an owner with the rows that write texts of ours to the records of the company."""
    names = [name for name in bench.pack.written_texts if name in bench.fields]
    if not names or not facts.refs:
        return proposal
    if not is_managed(bench.pack, proposal.decision.territory, bench.today):
        return proposal
    if stale_source(facts, bench) is not None or stale_table(facts, bench) is not None:
        return proposal
    rows = list(_rows(proposal, facts, bench, names))
    changes = tuple(row for row, why in rows if why is None)
    left_out = tuple(why for _, why in rows if why is not None)
    if not rows:
        return proposal
    return replace(proposal, changes=proposal.changes + changes, left_out=proposal.left_out + left_out)


def wanted_text(name: str, outcome: Outcome, territory: str | None, facts: Facts) -> tuple[bool, str | None]:
    """Whether a text is written of an account with such an outcome, and what it is; None empties the field."""
    grade = facts.grade
    if name == TERRITORY:
        return outcome in _PLACED, territory
    if grade is None:
        return False, None
    score = None if grade.score is None else str(grade.score)
    return True, {"band": grade.band, "score": score, "lifecycle": grade.stage}[name]


def same_text(name: str, held: str | None, wanted: str | None) -> bool:
    """Whether a field holds a text already; a score is a number, however the CRM spells it."""
    if held == wanted or name != "score" or held is None or wanted is None:
        return held == wanted
    try:
        return Decimal(held) == Decimal(wanted)
    except InvalidOperation:
        return False


def _rows(
    proposal: Proposal, facts: Facts, bench: Bench, names: Iterable[str]
) -> Iterator[tuple[Change, LeftOut | None]]:
    """The rows that differ, each with why it is left out, if it is."""
    decision = proposal.decision
    moving = {change.ref for change in proposal.changes if change.field == OWNER_FIELD and not change.expected}
    for name in names:
        due, wanted = wanted_text(name, proposal.outcome, decision.territory, facts)
        for ref in facts.refs:
            held = bench.holds(ref, name)
            if not due or ref.system not in bench.fields[name] & bench.writers or same_text(name, held, wanted):
                continue
            if name == TERRITORY and proposal.outcome is Outcome.CHANGE and _waits(ref, moving, proposal):
                continue
            fingerprint = text_fingerprint(ref, name, held, wanted)
            parent = ref if name == TERRITORY and ref in moving else None
            row = Change(ref, held, wanted, decision.company, fingerprint, parent=parent, field=name)
            yield row, _left_out(row, bench)


def _waits(ref: Ref, moving: set[Ref], proposal: Proposal) -> bool:
    """Whether the owner of a record was to be written and is left out: then it is not in its new territory yet."""
    return ref not in moving and any(item.ref == ref for item in proposal.left_out)


def _left_out(row: Change, bench: Bench) -> LeftOut | None:
    refusal = refused(row, bench)
    if refusal is not None:
        return LeftOut(row.ref, "refused", f"{row.field}: {words_of(refusal)}")
    return hindrance(row.slot, bench)
