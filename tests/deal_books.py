"""Planted deals: how often, how fast and in which month they are won is known. The same seed gives the same deals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - seeded: a book is made again from its number

from syncd.model.refs import Kind, Ref, System
from syncd.planning.aids.deals import Deal, Entered, Way

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def planted_deals(
    holders: Sequence[str],
    seed: int,
    *,
    a_month: float = 6.0,
    win_rates: Sequence[float] = (0.3,),
    cycle: float = 60.0,
    rush: float = 2.0,
    years: float = 3.0,
    now: datetime = NOW,
) -> list[tuple[str, Deal]]:
    """Deals of some years, each holder's made evenly, `a_month` of them; what would close after `now` is open.

    A deal lives for a gamma time of mean `cycle` days. A win of the first two months of a quarter is put off to the
    last one so often that `rush` times as many are won in it. `win_rates` go round the holders.
    """
    dice = Random(seed)
    found: list[tuple[str, Deal]] = []
    for place, holder in enumerate(holders):
        rate, count = win_rates[place % len(win_rates)], int(a_month * 12 * years)
        for number in range(count):
            created = now - timedelta(days=dice.random() * 365 * years)
            closed = created + timedelta(days=dice.gammavariate(2.0, cycle / 2))
            won = dice.random() < rate
            if won and closed.month % 3 and dice.random() < (rush - 1) / (rush + 1):
                closed += timedelta(days=30 * (3 - closed.month % 3))
            amount = Decimal(int(dice.lognormvariate(9.5, 0.8)))
            ref = Ref(System.SALESFORCE, Kind.OPPORTUNITY, f"006-{place}-{number}")
            account = Ref(System.SALESFORCE, Kind.ACCOUNT, f"001-{place}-{number % 40}")
            over = closed <= now
            found.append((holder, Deal(ref, account, str(account), won if over else None, amount, created, closed)))
    return found


STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation")


def with_ways(held: Sequence[tuple[str, Deal]], seed: int) -> list[tuple[str, Deal]]:
    """The deals with a way: those that will be won pass through all stages, others drop out of any. Planted so that a
    stage says more than an age: a deal in the last one is far likelier won than one in the first."""
    dice = Random(seed)
    fates = _fates(held, dice)
    return [(holder, replace(deal, way=_way(deal, fates[deal.ref], dice))) for holder, deal in held]


def _fates(held: Sequence[tuple[str, Deal]], dice: Random) -> dict[Ref, bool]:
    """Whether each deal is won in the end; nobody knows yet of those that are open."""
    ended = [deal.won for _, deal in held if deal.won is not None]
    rate = sum(ended) / len(ended)
    return {deal.ref: dice.random() < rate if deal.won is None else deal.won for _, deal in held}


def _way(deal: Deal, won: bool, dice: Random) -> Way:
    assert deal.created is not None
    assert deal.closed is not None
    reached = len(STAGES) if won else dice.choices(range(1, len(STAGES) + 1), (40, 30, 20, 10))[0]
    length = deal.closed - deal.created
    cuts = [0.0, *sorted(dice.random() for _ in range(reached - 1))]
    entries = (Entered(deal.created + length * cut, stage) for cut, stage in zip(cuts, STAGES, strict=False))
    return tuple(each for each in entries if each.at <= NOW)
