"""Shifts: what each rep and each territory has before a plan and after it, over the whole book. Pure.

Only those that a change touches are told; the others are as they were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from syncd.model.decisions import Outcome
from syncd.planning.proposing.proposals import OWNER_ROLE, Proposal
from syncd.rules.deciding.kept import Kept
from syncd.rules.facts import Facts

_NOTHING = Decimal(0)


@dataclass(slots=True)
class _Side:
    """Accounts, and their open pipeline, at one of the two times."""

    accounts: int = 0
    money: Decimal = _NOTHING

    def add(self, money: Decimal, accounts: int = 1) -> None:
        self.accounts += accounts
        self.money += money


@dataclass(slots=True)
class _Shift:
    before: _Side = field(default_factory=_Side)
    after: _Side = field(default_factory=_Side)
    touched: bool = False

    def entry(self) -> dict[str, Any]:
        return {
            "accounts": {"before": self.before.accounts, "after": self.after.accounts},
            "money": {"before": f"{self.before.money:f}", "after": f"{self.after.money:f}"},
        }


def shifts_entry(
    proposals: Iterable[Proposal], facts: Mapping[str, Facts], kept: Iterable[Kept] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Reps by e-mail and territories by path, each with accounts and open pipeline before and after the plan.

    Before is the territory that was last applied, and the present owner; what is not changed stays where it is. `kept`
    are companies that a batch has settled.
    """
    reps: defaultdict[str, _Shift] = defaultdict(_Shift)
    territories: defaultdict[str, _Shift] = defaultdict(_Shift)
    for proposal in proposals:
        decision = proposal.decision
        if decision.role != OWNER_ROLE:
            continue
        known = facts.get(decision.company)
        pipeline = known.values.get("open_pipeline") if known is not None else None
        money = pipeline if isinstance(pipeline, Decimal) else _NOTHING
        moves = proposal.outcome is Outcome.CHANGE
        old = decision.current_owner.email if decision.current_owner is not None else None
        new = proposal.owner.email if moves and proposal.owner is not None else old
        _count(reps, old, new, money, touched=old != new)
        applied = known.applied.get(OWNER_ROLE) if known is not None else None
        was = applied.territory if applied is not None else None
        now = decision.territory if moves or proposal.outcome is Outcome.KEEP else was
        _count(territories, was, now, money, touched=moves)
    for each in kept:  # of a large book most stand where nobody is touched, and are not told
        rep, place, before = reps.get(each.owner), territories.get(each.territory), territories.get(each.was or "")
        money = each.amounts.get("open_pipeline", _NOTHING)
        if rep is not None and rep.touched:
            rep.before.add(money, each.count)
            rep.after.add(money, each.count)
        if place is not None and place.touched:
            place.after.add(money, each.count)
        if before is not None and before.touched:
            before.before.add(money, each.count)
    return {
        "reps": [{"email": name, **shift.entry()} for name, shift in sorted(reps.items()) if shift.touched],
        "territories": [
            {"territory": name, **shift.entry()} for name, shift in sorted(territories.items()) if shift.touched
        ],
    }


def _count(
    shifts: defaultdict[str, _Shift], before: str | None, after: str | None, money: Decimal, *, touched: bool
) -> None:
    if before is not None:
        shifts[before].before.add(money)
        shifts[before].touched |= touched
    if after is not None:
        shifts[after].after.add(money)
        shifts[after].touched |= touched
