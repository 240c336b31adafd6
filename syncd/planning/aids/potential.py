"""What accounts are worth a year: learnt from what accounts alike have brought, in the reporting currency. Pure.

Alike are those of one band where the pack has a score, else of one industry and size. A group of few accounts says
little, so its mean is drawn towards that of the whole book. Knows no owner and no territory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from syncd.planning.aids.audit_data import size_of
from syncd.planning.aids.deals import Deal
from syncd.rules.facts import Facts

LOOKED_BACK = timedelta(days=730)
"""So far back wins are learnt from."""
_YEAR = timedelta(days=365)
_DRAWN = 20
"""A group's mean counts as if so many accounts of the book's mean stood beside its own."""
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Potential:
    """What an account is expected to bring a year: `yearly`, and the group of accounts that says so."""

    yearly: Decimal
    group: str
    accounts: int


def potentials(
    book: Sequence[Facts], deals: Mapping[str, Sequence[Deal]], now: datetime, *, by_band: bool
) -> dict[str, Potential]:
    """The potential of each company, by key; to cents. All 0 in a book where nothing was ever won."""
    groups: dict[str, list[Facts]] = defaultdict(list)
    for facts in book:
        groups[_group_of(facts, by_band=by_band)].append(facts)
    span = _span(deals.values(), now)
    won = {facts.key: _won(deals.get(facts.key, ()), now - span, now) for facts in book}
    years = Decimal(span // timedelta(days=1)) / Decimal(_YEAR // timedelta(days=1))
    mean = sum(won.values(), Decimal(0)) / len(book) / years if book else Decimal(0)
    found: dict[str, Potential] = {}
    for name, members in groups.items():
        whole = sum((won[facts.key] for facts in members), Decimal(0)) / years
        yearly = ((whole + _DRAWN * mean) / (len(members) + _DRAWN)).quantize(_CENT)
        for facts in members:
            found[facts.key] = Potential(yearly, name, len(members))
    return found


def _group_of(facts: Facts, *, by_band: bool) -> str:
    band = facts.grade.band if facts.grade is not None else None
    if by_band and band is not None:
        return f"band {band}"
    industry = facts.values.get("industry")
    words = [industry if isinstance(industry, str) else "no industry", size_of(facts) or "no size"]
    return ", ".join(words)


def _span(deals: Iterable[Sequence[Deal]], now: datetime) -> timedelta:
    """How far back wins are known, at least 90 days and at most two years."""
    first = min((deal.closed for each in deals for deal in each if deal.won and deal.closed), default=now)
    return min(max(now - first, timedelta(days=90)), LOOKED_BACK)


def _won(deals: Iterable[Deal], since: datetime, now: datetime) -> Decimal:
    return sum(
        (deal.amount for deal in deals if deal.won and deal.amount and deal.closed and since <= deal.closed <= now),
        Decimal(0),
    )
