"""Made-up sales: open deals in several stages, deals won over the last two years and this quarter, deals lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.sandbox.seeding.companies import Company
from syncd.sandbox.seeding.dice import Dice, chance, log_normal
from syncd.sandbox.seeding.stamps import days_between, quarter_start

OPEN_STAGES = 5


@dataclass(frozen=True, slots=True)
class Deal:
    """One sale. `stage` is the place among the open stages, None for a closed deal; `won` says how it closed."""

    name: str
    stage: int | None
    won: bool
    amount: int | None
    close: datetime
    created: datetime
    existing_customer: bool


def deals_of(company: Company, throw: Dice, as_of: datetime) -> list[Deal]:
    """The deals of a company: customers have won some, three in ten companies have open ones, one in eight lost one."""
    deals = []
    if company.customer:
        quarter = days_between(quarter_start(as_of), as_of)
        for number in range(throw.choice((1, 1, 2, 2, 3))):
            age = throw.randrange(quarter) if chance(throw, 0.15) else throw.randrange(730)
            deals.append(_closed(company, throw, as_of, age, won=True, repeat=number > 0))
    if chance(throw, 0.125):
        deals.append(_closed(company, throw, as_of, throw.randrange(730), won=False, repeat=company.customer))
    if chance(throw, 0.3):
        deals += [_open(company, throw, as_of) for _ in range(throw.choice((1, 1, 1, 2, 3)))]
    return deals


def _amount(company: Company, throw: Dice) -> int:
    """A deal grows with the square root of the company, around 12,000 dollars for 100 people."""
    return max(500, 100 * round(12 * math.sqrt(company.employees) * log_normal(throw, 1.0, 0.7, least=0.1, most=10)))


def _closed(company: Company, throw: Dice, as_of: datetime, age: int, *, won: bool, repeat: bool) -> Deal:
    close = as_of - timedelta(days=age)
    return Deal(
        name=f"{company.name.strip()} - {'Renewal' if repeat and won else 'Rollout'} {close.year}",
        stage=None,
        won=won,
        amount=_amount(company, throw),
        close=close,
        created=close - timedelta(days=throw.randrange(10, 150)),
        existing_customer=repeat,
    )


def _open(company: Company, throw: Dice, as_of: datetime) -> Deal:
    close = as_of + timedelta(days=throw.randrange(-21, 180))
    return Deal(
        name=f"{company.name.strip()} - {'Expansion' if company.customer else 'New'} {close.year}",
        stage=throw.choices(range(OPEN_STAGES), (30, 25, 20, 15, 10))[0],
        won=False,
        # Nobody knows the amount of one early deal in eight.
        amount=None if chance(throw, 0.12) else _amount(company, throw),
        close=close,
        created=as_of - timedelta(days=throw.randrange(1, 120)),
        existing_customer=company.customer,
    )
