"""Planted books for planning aids: companies whose owners follow rules that are known, with troubles that are counted.

The same seed gives the same book. The tests take small ones, `benchmarks/aids.py` large ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - seeded: a book is made again from its number

from syncd.model.decisions import Owner
from syncd.model.refs import Kind, Ref, System
from syncd.planning.aids.deals import Deal
from syncd.rules.facts import Facts, Seen, Value

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
COUNTRIES = ("US", "US", "US", "US", "CA", "GB", "DE", "FR", "JP", "IN", "BR", "IT", "ES", "NL", "SE", "CH", "AT")
STATES = ("CA", "OR", "WA", "NY", "MA", "NJ", "TX", "FL", "GA", "OH", "IL", "PA")
INDUSTRIES = ("Banking", "Insurance", "Retail", "Software", "Energy", "Mining", "Chemicals", "Media", "Food", "Telecom")
SIZES = (8, 20, 45, 90, 150, 260, 480, 900, 1800, 4000, 7000, 20000)
WEST, EAST = ("US-CA", "US-OR", "US-WA"), ("US-NY", "US-MA", "US-NJ")
OwnerOf = Callable[[Mapping[str, Value]], str]


def nine_reps(values: Mapping[str, Value]) -> str:
    """The planted rules of small books: a size that cuts across all places, then places, then kinds or sizes."""
    employees, country, state = values["employees"], values["country"], values.get("state")
    assert isinstance(employees, Decimal)
    if employees >= 5000:
        return "sam@example.com"
    if country == "US":
        return "ana@example.com" if state in WEST else "bob@example.com" if state in EAST else "cat@example.com"
    if country in ("DE", "AT", "CH"):
        return "eva@example.com" if values["industry"] in ("banking", "insurance") else "fay@example.com"
    if country in ("GB", "FR"):
        return "gus@example.com" if employees >= 200 else "hal@example.com"
    return "ivy@example.com"


def many_reps(values: Mapping[str, Value]) -> str:
    """The planted rules of large books: a rep for each country (or state) and kind of company, some 250 of them."""
    employees, place = values["employees"], values.get("state", values["country"])
    assert isinstance(employees, Decimal)
    if employees >= 5000:
        return f"strategic-{values['country']}@example.com"
    return f"{place}-{values['industry']}@example.com".lower()


def book(
    companies: int, seed: int, *, owner_of: OwnerOf = nine_reps, noise: float = 0.0, when: datetime = NOW
) -> tuple[Facts, ...]:
    """Companies in one CRM; of `noise` of them somebody else is the owner than the rules say."""
    dice = Random(seed)
    found = [_company(number, dice, when) for number in range(companies)]
    people = sorted({owner_of(facts.values) for facts in found})
    owners = [owner_of(facts.values) for facts in found]
    owners = [dice.choice(people) if dice.random() < noise else owner for owner in owners]
    return tuple(owned(facts, owner) for facts, owner in zip(found, owners, strict=True))


def owned(facts: Facts, email: str | None, *, active: bool = True) -> Facts:
    """The company with another owner, whose id in the CRM is the e-mail's name."""
    values = {**facts.values, "owner": email or "", "owner_active": active and email is not None}
    ids = {System.SALESFORCE: email.partition("@")[0]} if email else {}
    owner = Owner(email, ids) if email else None
    return replace(facts, values=values, current_owner=owner, owner_active=active and email is not None, owner_ids=ids)


def with_values(facts: Facts, **values: Value | None) -> Facts:
    """The company with other values; None takes one away."""
    kept = {**facts.values, **{name: value for name, value in values.items() if value is not None}}
    seen = {**facts.seen, **{name: Seen(System.SALESFORCE, str(value)) for name, value in values.items()}}
    for name, value in values.items():
        if value is None:
            kept.pop(name, None)
            seen.pop(name, None)
    return replace(facts, values=kept, seen=seen)


def _company(number: int, dice: Random, when: datetime) -> Facts:
    country, industry = dice.choice(COUNTRIES), dice.choice(INDUSTRIES)
    values: dict[str, Value] = {
        "name": f"company {number}",
        "country": country,
        "industry": industry.casefold(),
        "employees": Decimal(dice.choice(SIZES) + dice.randrange(8)),
        "annual_revenue": Decimal(dice.randrange(1, 500) * 10_000),
        "domain": f"company{number}.com",
        "created_at": when - timedelta(days=400 + dice.randrange(800)),
        "last_activity_at": when - timedelta(days=dice.randrange(60)),
        "open_opportunities": Decimal(0),
        "open_pipeline": Decimal(dice.randrange(20) * 1000),
        "won_amount_12m": Decimal(0),
    }
    raw = {name: Seen(System.SALESFORCE, str(value)) for name, value in values.items()}
    raw |= {"industry": Seen(System.SALESFORCE, industry), "name": Seen(System.SALESFORCE, f"Company {number}")}
    if country == "US":
        state = dice.choice(STATES)
        values["state"], raw["state"] = f"US-{state}", Seen(System.SALESFORCE, state)
    ref = Ref(System.SALESFORCE, Kind.ACCOUNT, f"001{number:06}")
    return Facts(key=str(ref), accounts=(str(ref),), refs=(ref,), values=values, seen=raw)


@dataclass(frozen=True)
class History:
    """Deals of a book: `rates` is the true share of deals won by industry, in small letters."""

    deals: Mapping[str, Sequence[Deal]]
    rates: Mapping[str, float]


def history(facts: Sequence[Facts], seed: int, *, each: int = 3, when: datetime = NOW) -> History:
    """So many closed deals for each company; how many are won, and in which month, is planted.

    Wins come twice as often in the last month of a quarter as in its others.
    """
    dice = Random(seed)
    rates = {industry.casefold(): 0.15 + 0.07 * place for place, industry in enumerate(INDUSTRIES)}
    deals: dict[str, list[Deal]] = {}
    for company in facts:
        made = []
        for number in range(each):
            closed = when - timedelta(days=dice.randrange(1, 700))
            if closed.month % 3 and dice.random() < 0.5:
                closed = closed.replace(day=1, month=closed.month + 3 - closed.month % 3)
            closed = min(closed, when - timedelta(days=1))
            won = dice.random() < rates[str(company.values["industry"])]
            ref = Ref(System.SALESFORCE, Kind.OPPORTUNITY, f"{company.refs[0].id}-{number}")
            amount = Decimal(dice.randrange(5, 100) * 1000)
            made.append(Deal(ref, company.refs[0], company.key, won, amount, closed - timedelta(days=40), closed))
        deals[company.key] = made
    return History(deals, rates)
