"""Made-up people outside: who works at a company, and who asked for something lately; knows no CRM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.sandbox.seeding import vocabulary as words
from syncd.sandbox.seeding.companies import Company, made_up
from syncd.sandbox.seeding.dice import Dice, chance, dice

INBOUND_QUEUE = "Inbound"
"""The queue into which Salesforce puts what its web form sends."""
_DAYS = 5
_NEAR = timedelta(minutes=4)


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody at a company, whom reps call."""

    first: str
    last: str
    email: str
    title: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asked: a lead. `company` is what they wrote, `at` the known company that they work at, if any.

    `outcome` says what became of it: nobody has it (open), a rep works it, it was turned into an account's contact, or
    it is over.
    """

    first: str
    last: str
    email: str | None
    company: str
    country: str | None
    state: str | None
    postal_code: str | None
    industry: tuple[str, str]
    employees: int | None
    region: str
    source: str
    asked: datetime
    outcome: str
    at: Company | None


def employees_of(company: Company, throw: Dice) -> list[Employee]:
    """The people of a company that a CRM knows: none of one in eight, else one to three."""
    count = throw.choices((0, 1, 2, 3), (1, 3, 3, 1))[0]
    names = [(throw.choice(words.FIRST_NAMES), throw.choice(words.LAST_NAMES)) for _ in range(count)]
    return [
        Employee(first, last, f"{first}.{last}{number or ''}@{company.domain}".lower(), throw.choice(words.TITLES))
        for number, (first, last) in enumerate(names)
        if company.domain
    ]


def callers(count: int, companies: Sequence[Company], seed: int, as_of: datetime, *, purpose: str) -> list[Caller]:
    """`count` people who asked in the last days, the newest a few minutes before `as_of`, the oldest first.

    Two in five work at a company of `companies` and say so by their address; one in six only writes its name; one in
    three are of a company nobody knows; the others leave no more than a free-mail address. One in twelve asks twice.
    """
    throw = dice(seed, purpose)
    strangers = made_up(max(1, count), dice(seed, f"{purpose} strangers").randrange(1, 10**9), as_of)
    span = timedelta(days=_DAYS) / max(1, count) ** 2
    found: list[Caller] = []
    for index in range(count):
        asked = as_of - _NEAR - span * (count - 1 - index) ** 2 - timedelta(seconds=throw.randrange(60))
        caller = _caller(throw, companies, strangers[index], asked.replace(microsecond=0))
        earlier = [each for each in found if each.email is not None and each.outcome != "converted"]
        if earlier and chance(throw, 1 / 12):
            caller = _again(throw.choice(earlier), caller)
        found.append(caller)
    return found


def _caller(throw: Dice, companies: Sequence[Company], stranger: Company, asked: datetime) -> Caller:
    first, last = throw.choice(words.FIRST_NAMES), throw.choice(words.LAST_NAMES)
    roll = throw.random()
    known = throw.choice(companies) if companies and roll < 0.57 else None
    company = known or stranger
    by_mail = roll < 0.4 or 0.57 <= roll < 0.9
    private = f"{first}.{last}{throw.randrange(100)}@{throw.choice(words.FREE_MAIL)}".lower()
    nameless = roll >= 0.9
    return Caller(
        first=first,
        last=last,
        email=f"{first}.{last}@{company.domain}".lower() if by_mail and company.domain else private,
        company="-" if nameless else company.name,
        country=None if nameless and chance(throw, 0.5) else throw.choice(company.spellings),
        state=company.state or None if not nameless else None,
        postal_code=company.postal_code or None if not nameless else None,
        industry=company.industry,
        employees=company.employees if not nameless and chance(throw, 0.6) else None,
        region=company.region,
        source=throw.choices(("Web", "Phone Inquiry", "Partner Referral", "Other"), (70, 15, 10, 5))[0],
        asked=asked,
        outcome=_outcome(throw, known),
        at=known,
    )


def _outcome(throw: Dice, known: Company | None) -> str:
    """Six in ten wait for somebody, a quarter are worked, the others are over; only who has an account is converted."""
    kind = throw.choices(("open", "worked", "converted", "closed"), (60, 25, 8, 7))[0]
    return "closed" if kind == "converted" and known is None else kind


def _again(first: Caller, later: Caller) -> Caller:
    """The same person once more, who writes the same and waits."""
    return Caller(
        first=first.first,
        last=first.last,
        email=first.email,
        company=first.company,
        country=first.country,
        state=first.state,
        postal_code=first.postal_code,
        industry=first.industry,
        employees=first.employees,
        region=first.region,
        source=later.source,
        asked=later.asked,
        outcome="open",
        at=first.at,
    )
