"""Rotations: who of a group is owed how much of what was dealt out, exactly, and whose turn it is.

A member's *lag* is its shares of the assignments made while it was eligible, less those it got. Whoever has the largest
lag is next. An absence earns nothing, unless the group catches up; a new member has no lag at all and starts level.
Knows nothing of reps, territories or stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

NOTHING = Fraction(0)
_FINEST = 10**30
"""Shares are kept exactly while their denominator is below this; beyond it they are cut by less than 1e-30."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One member's account in one rotation.

    `due` is the sum of its shares and `given` what it got; `eligible` counts the assignments made while it was
    eligible. `eligible_seconds` is the time before those assignments, each back to the one before it in the rotation.
    `since` and `last` are the first and the last of them.
    """

    given: int = 0
    due: Fraction = NOTHING
    eligible: int = 0
    eligible_seconds: int = 0
    since: datetime | None = None
    last: datetime | None = None

    @property
    def lag(self) -> Fraction:
        """What the member is owed: positive if it got less than its share."""
        return self.due - self.given


Standings = Mapping[str, Standing]
"""The standing of each member of one rotation; a member that is not there has never been eligible."""

NO_STANDINGS: Standings = MappingProxyType({})
NEW = Standing()


@dataclass(frozen=True, slots=True)
class Turn:
    """One assignment in a rotation: who got it, and the share of each member who was eligible for it.

    `former` is what the rotation was called before its rule was renamed: standings are carried over from there.
    """

    rotation: str
    member: str
    shares: Mapping[str, Fraction] = field(default_factory=lambda: MappingProxyType({}))
    former: str | None = None


def shares_of(weights: Mapping[str, Decimal]) -> Mapping[str, Fraction]:
    """Each member's share of one assignment by the weights of those eligible; empty where the weights sum to 0."""
    exact = {member: Fraction(weight) for member, weight in weights.items()}
    whole = sum(exact.values(), NOTHING)
    return MappingProxyType({member: weight / whole for member, weight in exact.items()} if whole else {})


def next_turn(
    rotation: str,
    standings: Standings,
    weights: Mapping[str, Decimal],
    away: Mapping[str, Decimal] = MappingProxyType({}),
) -> Turn | None:
    """Whose turn it is: the largest lag, this assignment's shares included; ties by the order of `weights`.

    None where the weights sum to 0. A member of weight 0 is never picked. `away` are the weights of members who are not
    there and earn a share all the same: they catch up once they are back.
    """
    shares = shares_of({**weights, **away})
    asked = [member for member in shares if shares[member] and member not in away]
    if not asked:
        return None
    member = max(asked, key=lambda each: standings.get(each, NEW).lag + shares[each])
    return Turn(rotation, member, shares)


def charged(standings: Standings, turn: Turn, at: datetime) -> dict[str, Standing]:
    """The standings of those who were eligible for an assignment, after it; the others' stay as they were."""
    before = max((each.last for each in standings.values() if each.last is not None), default=None)
    passed = max(int((at - before).total_seconds()), 0) if before is not None else 0
    changed = {}
    for member, share in turn.shares.items():
        old = standings.get(member, NEW)
        due = old.due + share
        changed[member] = replace(
            old,
            given=old.given + (member == turn.member),
            due=due if due.denominator < _FINEST else due.limit_denominator(_FINEST),
            eligible=old.eligible + 1,
            eligible_seconds=old.eligible_seconds + passed,
            since=old.since or at,
            last=at if old.last is None else max(old.last, at),
        )
    return changed
