"""Made-up companies as they really are, before any CRM misspells them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from syncd.sandbox.seeding import vocabulary as words
from syncd.sandbox.seeding.dice import Dice, chance, dice, log_normal

_BY_SPELLING = {spelling.casefold(): country for country in words.COUNTRIES for spelling in country.spellings}
_APAC = frozenset(
    {"China", "Japan", "India", "Australia", "South Korea", "Taiwan", "Hong Kong", "Thailand", "Indonesia"}
)
_APAC |= {"Singapore", "Malaysia", "New Zealand", "Philippines", "Vietnam"}
_AMER = frozenset({"United States", "Canada", "Brazil", "Mexico", "Argentina", "Chile", "Colombia", "Peru", "Bermuda"})


@dataclass(frozen=True, slots=True)
class Company:
    """One company: what a careful clerk would write of it.

    `country` is the name in English and `spellings` the forms clerks use. `industry` holds Salesforce's and HubSpot's
    words. `parent` is the index of its parent company. It stands in at least one of the two systems.
    """

    index: int
    name: str
    website: str
    domain: str
    industry: tuple[str, str]
    employees: int
    revenue: int
    country: str
    spellings: tuple[str, ...]
    state: str
    state_name: str
    city: str
    postal_code: str
    phone: str
    region: str
    created: datetime
    in_salesforce: bool
    in_hubspot: bool
    customer: bool
    parent: int | None = None

    @property
    def american(self) -> bool:
        """Whether the address is in the United States, whose ZIP codes lose leading zeros in spreadsheets."""
        return self.country == "United States"


def made_up(count: int, seed: int, as_of: datetime) -> list[Company]:
    """`count` companies in no country twice alike: sizes log-normal, revenue going with size, domains unique."""
    throw = dice(seed, "companies")
    taken: set[str] = set()
    weights = [country.weight for country in words.COUNTRIES]
    shares = [share for _, _, share in words.INDUSTRIES]
    companies = []
    for index in range(count):
        country = throw.choices(words.COUNTRIES, weights)[0]
        city = throw.choice(country.cities)
        name = _name(throw, country.code)
        domain = _free_domain(name, country, city, taken)
        salesforce_word, hubspot_word, _ = throw.choices(words.INDUSTRIES, shares)[0]
        employees = round(log_normal(throw, 180, 1.8, least=1, most=400_000))
        in_salesforce, in_hubspot = _membership(throw)
        companies.append(
            Company(
                index=index,
                name=name,
                website=f"https://www.{domain}",
                domain=domain,
                industry=(salesforce_word, hubspot_word),
                employees=employees,
                revenue=_revenue(throw, employees),
                country=country.spellings[0],
                spellings=country.spellings,
                state=city.state,
                state_name=city.state_name,
                city=city.name,
                postal_code=_filled(throw, city.postal),
                phone=_phone(throw, country.dialling),
                region=country.region,
                created=_created(throw, as_of),
                in_salesforce=in_salesforce,
                in_hubspot=in_hubspot,
                customer=chance(throw, 0.22),
            )
        )
    return _with_parents(companies, dice(seed, "parents"))


def listed(rows: Sequence[Mapping[str, str]], seed: int, as_of: datetime) -> list[Company]:
    """Companies of a list of listed ones, read by the columns that `dataset.LISTED_COLUMNS` names.

    Names and addresses are those of the list; numbers, dates, customers and parents are made up.
    """
    throw = dice(seed, "listed")
    companies = []
    for index, row in enumerate(rows):
        known = _BY_SPELLING.get(row["country"].casefold())
        median = words.MARKET_CAPS.get(row["market_cap_band"], 300)
        employees = round(log_normal(throw, median, 0.9, least=1, most=2_000_000))
        in_salesforce, in_hubspot = _membership(throw)
        word = row["industry"] or row["sector"]
        companies.append(
            Company(
                index=index,
                name=row["name"],
                website=row["website"],
                domain=_host(row["website"]),
                industry=(word, word),
                employees=employees,
                revenue=_revenue(throw, employees),
                country=row["country"],
                spellings=known.spellings if known else (row["country"],),
                state=row["state"],
                state_name=row["state"],
                city=row["city"],
                postal_code=row["zipcode"],
                phone=_phone(throw, known.dialling if known else "+00"),
                region=known.region if known else _region(row["country"]),
                created=_created(throw, as_of),
                in_salesforce=in_salesforce,
                in_hubspot=in_hubspot,
                customer=chance(throw, 0.22),
            )
        )
    return _with_parents(companies, dice(seed, "parents"))


def _membership(throw: Dice) -> tuple[bool, bool]:
    """Which systems know a company: half only Salesforce, a third only HubSpot, a sixth both."""
    roll = throw.random()
    return roll < 2 / 3, roll >= 1 / 2


def _name(throw: Dice, country: str) -> str:
    stems = throw.sample(words.NAME_STEMS, 2)
    core = f"{stems[0]} {stems[1]}" if chance(throw, 0.35) else stems[0]
    return f"{core} {throw.choice(words.NAME_TRADES)} {throw.choice(words.LEGAL_FORMS[country])}".strip()


def _free_domain(name: str, country: words.Country, city: words.City, taken: set[str]) -> str:
    """A domain that no earlier company has: from the name without its legal form, else with the city, else numbered."""
    forms = words.LEGAL_FORMS[country.code]
    core = name
    for form in sorted(forms, key=len, reverse=True):
        if form and core.endswith(f" {form}"):
            core = core.removesuffix(f" {form}")
            break
    slug = _slug(core)
    candidates = [f"{slug}.{country.tld}", f"{slug}-{_slug(city.name)}.{country.tld}"]
    domain = next((candidate for candidate in candidates if candidate not in taken), "")
    number = 2
    while not domain or domain in taken:
        domain = f"{slug}{number}.{country.tld}"
        number += 1
    taken.add(domain)
    return domain


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("ø", "o").replace("Ø", "O"))
    return "".join(char for char in plain.lower() if char.isascii() and char.isalnum())


def _host(website: str) -> str:
    host = urlsplit(website if "//" in website else f"//{website}").hostname or ""
    return host.removeprefix("www.")


def _region(country: str) -> str:
    if country in _APAC:
        return "apac"
    return "amer" if country in _AMER else "emea"


def _revenue(throw: Dice, employees: int) -> int:
    """Yearly revenue in dollars, about 180,000 an employee, to two significant digits."""
    exact = employees * log_normal(throw, 180_000, 0.6, least=20_000, most=2_000_000)
    unit = 10 ** max(0, len(str(int(exact))) - 2)
    return int(round(exact / unit) * unit)


def _filled(throw: Dice, pattern: str) -> str:
    """A postal code of a pattern: a digit for `#`, a letter for `@`."""
    return "".join(
        throw.choice("0123456789") if char == "#" else throw.choice("ABCDEFGHJKLMNPRSTUWXYZ") if char == "@" else char
        for char in pattern
    )


def _phone(throw: Dice, dialling: str) -> str:
    return f"{dialling} {throw.randrange(200, 999)} 555 {throw.randrange(10_000):04d}"


def _created(throw: Dice, as_of: datetime) -> datetime:
    """Within five years before `as_of`, on a whole second."""
    return as_of - timedelta(seconds=throw.randrange(86_400, 5 * 365 * 86_400))


def _with_parents(companies: list[Company], throw: Dice) -> list[Company]:
    """The companies with parents: one in sixteen belongs to one of the larger ones that a common system also holds.

    Parents always have more employees than their children (ties by index), so no circle can arise.
    """
    ranked = sorted(companies, key=lambda company: (-company.employees, company.index))
    groups = ranked[: max(1, len(ranked) // 50)]
    rank = {company.index: place for place, company in enumerate(ranked)}
    result = []
    for company in companies:
        parent = throw.choice(groups) if chance(throw, 1 / 16) else None
        if parent is not None and rank[parent.index] < rank[company.index] and _together(parent, company):
            company = replace(company, parent=parent.index)
        result.append(company)
    return result


def _together(one: Company, other: Company) -> bool:
    return (one.in_salesforce and other.in_salesforce) or (one.in_hubspot and other.in_hubspot)
