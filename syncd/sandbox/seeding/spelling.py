"""One company as one record shows it: spelled by a clerk, or clean."""

from __future__ import annotations

from dataclasses import dataclass, replace

from syncd.sandbox.seeding import dirt
from syncd.sandbox.seeding.companies import Company
from syncd.sandbox.seeding.dice import Dice, chance


@dataclass(frozen=True, slots=True)
class Spelling:
    """The fields of one record of a company; None where nobody filled them in."""

    name: str
    website: str | None
    domain: str | None
    phone: str | None
    industry: str | None
    employees: int | None
    revenue: int | None
    country: str | None
    state: str | None
    city: str | None
    postal_code: str | None


def clean(company: Company, word: str) -> Spelling:
    """The company as it is; `word` is the system's word for its industry."""
    return Spelling(
        name=company.name,
        website=company.website or None,
        domain=company.domain or None,
        phone=company.phone,
        industry=word or None,
        employees=company.employees,
        revenue=company.revenue,
        country=company.country or None,
        state=company.state or None,
        city=company.city or None,
        postal_code=company.postal_code or None,
    )


def spelled(throw: Dice, company: Company, word: str) -> Spelling:
    """The company as a clerk fills it in."""
    return Spelling(
        name=dirt.name(throw, company),
        website=dirt.website(throw, company),
        domain=dirt.domain(throw, company),
        phone=dirt.phone(throw, company),
        industry=dirt.industry(throw, word),
        employees=dirt.employees(throw, company),
        revenue=dirt.revenue(throw, company),
        country=dirt.country(throw, company),
        state=dirt.state(throw, company),
        city=None if chance(throw, 0.05) else company.city or None,
        postal_code=dirt.postal_code(throw, company),
    )


def doubled(throw: Dice, company: Company, word: str) -> Spelling:
    """The company as somebody enters it who did not find the first record: another name, often no website."""
    spelling = replace(spelled(throw, company, word), name=dirt.alias(throw, company))
    return replace(spelling, website=None, domain=None) if chance(throw, 0.4) else spelling
