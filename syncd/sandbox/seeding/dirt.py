"""How clerks really fill in a CRM: spelled many ways, cut, doubled, left out. Each function spells one value once."""

from __future__ import annotations

from syncd.sandbox.seeding.companies import Company
from syncd.sandbox.seeding.dice import Dice, by_rank, chance
from syncd.sandbox.seeding.vocabulary import FREE_MAIL


def name(throw: Dice, company: Company) -> str:
    """The name; in one of ten with a trailing space, doubled spaces, another case or without its legal form."""
    text = company.name
    roll = throw.random()
    if roll < 0.025:
        return f"{text} "
    if roll < 0.045:
        return text.replace(" ", "  ", 1)
    if roll < 0.07:
        return text.upper()
    if roll < 0.08:
        return text.lower()
    if roll < 0.10 and text.count(" ") > 1:
        return text.rsplit(" ", 1)[0].rstrip(",")
    return text


def alias(throw: Dice, company: Company) -> str:
    """The name of a duplicate: never quite the first one."""
    text = company.name
    short = text.rsplit(" ", 1)[0].rstrip(",") if text.count(" ") > 1 else f"The {text}"
    return throw.choice(
        (
            text.upper(),
            short,
            f"{text} ({company.city})" if company.city else f"{text} (new)",
            text.replace(".", "") + " ",
        )
    )


def country(throw: Dice, company: Company) -> str | None:
    """The country, spelled in one of its forms; missing in 4 %, with a stray space in 1 %."""
    if chance(throw, 0.04):
        return None
    text = by_rank(throw, company.spellings)
    return f" {text} " if chance(throw, 0.01) else text


def state(throw: Dice, company: Company) -> str | None:
    """The state by code, in a quarter by name, sometimes in small letters; missing in 8 %."""
    if not company.state or chance(throw, 0.08):
        return None
    roll = throw.random()
    if roll < 0.25:
        return company.state_name
    return company.state.lower() if roll < 0.29 else company.state


def postal_code(throw: Dice, company: Company) -> str | None:
    """The postal code; missing in 9 %. A fifth of ZIP codes have four more digits, a third have lost leading zeros."""
    code = company.postal_code
    if not code or chance(throw, 0.09):
        return None
    if company.american and code.isdigit():
        if code.startswith("0") and chance(throw, 1 / 3):
            return code.lstrip("0") or code
        if chance(throw, 0.2):
            return f"{code}-{throw.randrange(10_000):04d}"
    if chance(throw, 0.02):
        return f"{code} "
    return code.replace(" ", "") if chance(throw, 0.05) else code


def website(throw: Dice, company: Company) -> str | None:
    """The website in one of six spellings; missing in 6 %, somebody's mail host in 1 %."""
    if not company.domain or chance(throw, 0.06):
        return None
    if chance(throw, 0.01):
        return throw.choice(FREE_MAIL)
    domain = company.domain
    return by_rank(
        throw,
        (
            f"https://www.{domain}",
            domain,
            f"http://www.{domain}/",
            f"www.{domain}",
            f"https://{domain}/en/home?utm_source=crm",
            domain.upper(),
        ),
    )


def domain(throw: Dice, company: Company) -> str | None:
    """The domain as HubSpot keeps it: bare and in small letters; missing in 7 %, a free-mail host in 2 %."""
    if not company.domain or chance(throw, 0.07):
        return None
    return throw.choice(FREE_MAIL) if chance(throw, 0.02) else company.domain


def employees(throw: Dice, company: Company) -> int | None:
    """The number of employees; missing in 15 %, in half of the rest rounded as people do."""
    if chance(throw, 0.15):
        return None
    number: int = company.employees
    if number < 20 or chance(throw, 0.5):
        return number
    unit: int = 10 ** (len(str(number)) - 1)
    return max(unit, round(number / unit) * unit)


def revenue(throw: Dice, company: Company) -> int | None:
    """The yearly revenue; missing in 30 %."""
    return None if chance(throw, 0.30) else company.revenue


def industry(throw: Dice, word: str) -> str | None:
    """The industry; missing in 12 %."""
    return None if not word or chance(throw, 0.12) else word


def phone(throw: Dice, company: Company) -> str | None:
    """The telephone number in two spellings; missing in 20 %."""
    if chance(throw, 0.2):
        return None
    return company.phone if chance(throw, 0.6) else company.phone.replace(" ", "-")
