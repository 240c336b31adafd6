"""How planned rows of other fields than the owner stand on the present book: roles, and texts of ours. Pure.

A role's row stands like an owner's; a text's row as long as syncd would write that very text.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.model.decisions import Decision, Outcome
from syncd.model.plans import OutboxRow
from syncd.planning.proposing.fingerprints import RepState, text_fingerprint
from syncd.planning.proposing.proposals import Bench, is_managed
from syncd.planning.proposing.roles import CLEARED, NOBODY, role_fingerprint
from syncd.planning.proposing.texts import wanted_text
from syncd.rules.facts import Facts


@dataclass(frozen=True, slots=True)
class Present:
    """A row's record as the mirror holds it now: its owner (or the value of the row's own field), the fingerprint that
    the row would have, or why it has none.
    """

    owner: str | None
    fingerprint: str | None
    refusal: str | None = None


def present_role(
    row: OutboxRow, decision: Decision | None, facts: Facts | None, bench: Bench, target: RepState
) -> Present | None:
    """How the row of a role's field stands; None where the present book does not hold its record."""
    if decision is None or facts is None or row.ref not in facts.refs:
        return None
    holder = bench.holds(row.ref, row.field)
    decided = decision.outcome in (Outcome.CHANGE, Outcome.KEEP)
    if not decided or (decision.owner is None and decision.reason != CLEARED):
        if row.new is None and holder is None:
            return Present(holder, None)  # emptied already: then the role has nobody, and there is nothing to clear
        return Present(holder, None, f"the rules now say {decision.reason}: {decision.text}")
    if not is_managed(bench.pack, decision.territory, bench.today):
        return Present(holder, None, f"{decision.territory} is not managed any more")
    chosen = NOBODY if row.new is None else target
    return Present(holder, role_fingerprint(row.ref, holder, decision, facts, bench, chosen))


def present_text(row: OutboxRow, decision: Decision | None, facts: Facts | None, bench: Bench) -> Present | None:
    """How the row of a text of ours stands; None where the present book does not hold its record."""
    if decision is None or facts is None or row.ref not in facts.refs:
        return None
    held = bench.holds(row.ref, row.field)
    due, wanted = wanted_text(row.field, decision.outcome, decision.territory, facts)
    if not due:
        return Present(held, None, f"the rules now say {decision.reason}: {decision.text}")
    if not is_managed(bench.pack, decision.territory, bench.today):
        return Present(held, None, f"{decision.territory} is not managed any more")
    return Present(held, text_fingerprint(row.ref, row.field, held, wanted))
