"""A made-up book for measuring the rules engine: territories and accounts with the skew of real ones.

The same seed gives the same bytes. The columns are independent of each other, which real data is not: the worst case
for anything that shares work between accounts that are alike.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: a benchmark must repeat

from syncd.model.decisions import Owner
from syncd.rules.facts import Facts, Value

INDUSTRIES = (
    "banking",
    "insurance",
    "retail",
    "software",
    "energy",
    "mining",
    "chemicals",
    "media",
    "food",
    "telecom",
    "transport",
    "health",
)
COUNTRIES = (
    "US",
    "US",
    "US",
    "US",
    "CA",
    "GB",
    "DE",
    "FR",
    "JP",
    "IN",
    "BR",
    "IT",
    "ES",
    "NL",
    "SE",
    "CH",
    "AT",
    "PL",
    "AU",
    "MX",
)
STATES = ("CA", "NY", "TX", "MA", "FL", "WA", "OH", "IL", "GA", "PA", "NC", "NJ", "VA", "MI", "AZ")
ENDINGS = ("inc", "group", "holding", "labs", "bank", "systems")


def write_pack(folder: Path, territories: int, seed: int = 1) -> str:
    """A pack of so many territories, the last a catch-all; a tenth names accounts, a quarter ZIP codes. Its digest."""
    dice = Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    named = {number: f"l{number}" for number in range(territories - 1) if dice.random() < 0.1}
    lists = []
    for name in named.values():
        domains = "\n".join(f"company{dice.randrange(1_000_000)}.com" for _ in range(170))
        (folder / f"{name}.csv").write_text(f"domain\n{domains}\n")
        lists.append(f"  {name}: {{file: {name}.csv, column: domain}}\n")
    entries = []
    for number in range(territories - 1):
        when = f"{{domain: {{list: {named[number]}}}}}" if number in named else _condition(dice)
        owners = f"[rep{number % 400}@example.com, rep{(number + 1) % 400}@example.com]"
        entries.append(f"  - name: t{number}\n    when: {when}\n    owners: {owners}\n")
    text = (
        "".join(("format: 1\n", "lists:\n" if lists else "", *lists, "territories:\n", *entries))
        + "  - {name: rest, when: always, owners: unassigned}\n"
    )
    (folder / "pack.yaml").write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_table(folder: Path, rows: int, territories: int = 400, seed: int = 1) -> None:
    """A pack whose territories are one table of ZIP codes with industries and sizes."""
    dice = Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["territory,owners,country,state,postal_code,industry,employees"]
    for number in range(rows):
        place = number % territories
        size = dice.choice(("", ">= 100"))
        industry = dice.choice(INDUSTRIES[:3])
        state = STATES[place % len(STATES)]
        lines.append(f"z{place},rep{place}@example.com,US,{state},{number % 100_000:05},{industry},{size}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    rest = "  - {name: rest, when: always, owners: unassigned}\n"
    (folder / "pack.yaml").write_text("format: 1\nterritories:\n  - {table: table.csv}\n" + rest)


def write_list(folder: Path, entries: int) -> None:
    """A pack that names so many accounts by domain."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "list.csv").write_text("domain\n" + "".join(f"company{number}.com\n" for number in range(entries)))
    (folder / "pack.yaml").write_text(
        "format: 1\nlists: {big: {file: list.csv, column: domain}}\nterritories:\n"
        "  - {name: named, when: {domain: {list: big}}, owners: [a@example.com]}\n"
        "  - {name: rest, when: always, owners: unassigned}\n"
    )


def accounts(count: int, seed: int = 1) -> tuple[Facts, ...]:
    """Accounts as derivation leaves them: a third of the values missing, names and ZIP codes nearly all distinct."""
    dice = Random(f"accounts {seed}")
    return tuple(_account(dice, f"A{number:07}") for number in range(count))


def _account(dice: Random, key: str) -> Facts:
    country = dice.choice(COUNTRIES)
    values: dict[str, Value] = {
        "name": f"{dice.choice('abcdefghijklmnop')}{dice.randrange(1_000_000)} {dice.choice(ENDINGS)}",
        "country": country,
        "domain": f"company{dice.randrange(1_000_000)}.com",
    }
    if country == "US" and dice.random() < 0.9:
        values["state"] = f"US-{dice.choice(STATES)}"
        values["postal_code"] = f"{dice.randrange(100_000):05}"
    if dice.random() < 0.88:
        values["industry"] = dice.choice(INDUSTRIES)
    if dice.random() < 0.82:
        values["employees"] = Decimal(int(10 ** (dice.random() * 5)))
    owner = f"rep{dice.randrange(400)}@example.com"
    return Facts(key, (key,), values=values, current_owner=Owner(owner), owner_active=dice.random() < 0.9)


def _condition(dice: Random) -> str:
    kind = dice.random()
    industry = dice.choice(INDUSTRIES)
    if kind < 0.3:
        return f"{{country: US, postal_code: '{dice.randrange(100, 1000)}*'}}"
    if kind < 0.66:
        several = ", ".join(dice.sample(INDUSTRIES, 2))
        size = dice.choice(("50..199", "200..999", ">= 1000", ">= 5000"))
        return f"{{country: US, state: {dice.choice(STATES)}, industry: [{several}], employees: '{size}'}}"
    if kind < 0.86:
        both = ", ".join(sorted(set(dice.choices(COUNTRIES[4:], k=2))))
        return f"{{country: [{both}], industry: {industry}}}"
    if kind < 0.93:
        return f"{{any: [{{country: {dice.choice(COUNTRIES[4:])}, employees: '>= 20_000'}}, {{name: '*{kind:.4f}*'}}]}}"
    if kind < 0.96:
        return f"{{name: 'a{dice.randrange(100)}*'}}"
    return f"{{country: {dice.choice(COUNTRIES[4:])}, not: {{industry: {industry}}}, employees: missing}}"
