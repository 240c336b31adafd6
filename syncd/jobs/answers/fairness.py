"""Who of a pool got how much, and who is owed: what receipts charged to its rotation, beside the pack's weights."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from syncd.clock import iso
from syncd.errors import UsageError
from syncd.jobs.context import Context
from syncd.model.rotation import NEW, Standing, shares_of
from syncd.rules.memory import LEADS
from syncd.rules.pack import Pack
from syncd.rules.suggestion import did_you_mean
from syncd.store import picking

OWNER = "owner"
_SHOWN = Decimal("0.001")


def fairness(context: Context, pool: str, *, leads: bool = False) -> dict[str, Any]:
    """The document of a pool's fairness; UsageError SYN298 for a pool that the pack does not have.

    Members in the order of the pack, then those who got something and are members no more. Debt is what a member is
    owed: its shares of the assignments made while it was eligible, less those it got; below 0 it got more.
    """
    pack = context.pack()
    if pool not in pack.pools:
        hint = did_you_mean(pool, pack.pools) if pack.pools else "the pack has no pools"
        raise UsageError("SYN298", f"there is no pool {pool!r} in the pack", hint=hint)
    role = LEADS if leads else OWNER
    with context.store.read() as conn:
        standings = picking.standings_of(conn, role, f"pool:{pool}")
    weights = dict(pack.pools[pool].members)
    shares = shares_of(weights)
    names = [*weights, *sorted(standings.keys() - weights.keys())]
    members = [
        _member(name, weights.get(name), shares.get(name), standings.get(name, NEW), _holder(pack, name))
        for name in names
    ]
    debts = [abs(standings[name].lag) for name in standings]
    return {
        "format": 1,
        "pool": pool,
        "role": role,
        "now": iso(context.clock.now()),
        "pack_revision": pack.revision,
        "assign": pack.pools[pool].assign,
        "catch_up": pack.pools[pool].catch_up,
        "assignments": sum(each.given for each in standings.values()),
        "largest_debt": _number(max(debts, default=Fraction(0))),
        "members": members,
    }


def _holder(pack: Pack, member: str) -> str | None:
    """Who holds a seat that is a member; None for an e-mail."""
    seat = pack.seats.get(member.removeprefix("seat:")) if member.startswith("seat:") else None
    return seat.holder or seat.cover if seat is not None else None


def _member(
    name: str, weight: Decimal | None, share: Fraction | None, standing: Standing, holder: str | None
) -> dict[str, Any]:
    return {
        "member": name,
        "holder": holder,
        "weight": f"{weight.normalize():f}" if weight is not None else None,
        "share": _number(share) if share is not None else None,
        "given": standing.given,
        "due": _number(standing.due),
        "debt": _number(standing.lag),
        "eligible_for": standing.eligible,
        "eligible_seconds": standing.eligible_seconds,
        "since": _instant(standing.since),
        "last": _instant(standing.last),
    }


def _number(value: Fraction) -> str:
    """A share or debt for people, to thousandths."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{exact.quantize(_SHOWN):f}"


def _instant(instant: datetime | None) -> str | None:
    return iso(instant) if instant is not None else None
