"""How well leads are matched to accounts: `python benchmarks/lead_matching.py [SEED]`. Prints JSON.

Half of the companies of the real list are accounts. Of every company comes a lead, typed by somebody else: its name
and places have the dirt that is measured in that list (see identity.py), its e-mail is of the company's domain, of
free mail, or left out. Once with these e-mails, and once with free mail alone, so that name and place decide. The true
accounts stay hidden from the matcher. The listings of one website are one company: any of them is right.
"""

from __future__ import annotations

import json
import random  # noqa: TID251 - a benchmark that repeats by its seed
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import identity  # noqa: E402 - the checkout is put on the path first
from syncd.clock import SystemClock  # noqa: E402
from syncd.model.normalisation import registrable_domain  # noqa: E402
from syncd.model.normalisation.company_names import company_name_key  # noqa: E402
from syncd.rules.derivation import Derivation  # noqa: E402
from syncd.rules.facts import Facts  # noqa: E402
from syncd.rules.routing.account_match import AccountIndex  # noqa: E402
from syncd.rules.routing.lead_facts import lead_from_raw  # noqa: E402

FREE_MAIL = "jo@gmail.com"
OWN_MAIL, SOME_FREE = 0.5, 0.3
"""Shares of the leads; the rest has no e-mail. The list cannot tell them; they are assumed."""


def measured(rows: Sequence[identity.Row], seed: int, *, own_mail: bool = True) -> dict[str, Any]:
    """Match one made-up inbox and compare with what is true."""
    dirt, dice, derivation = identity.Dirt(identity.Rates.of(rows), seed), random.Random(seed + 1), Derivation()
    book: list[Facts] = []
    owners: dict[str, set[str]] = defaultdict(set)
    for number, row in enumerate(rows):
        if dice.random() < 0.5:
            key = f"A{number:06d}"
            values = lead_from_raw(key, _raw(dirt.copy(row)), derivation).values
            book.append(Facts(key=key, accounts=(key,), values=values))
            owners[_company(row)].add(key)
    index = AccountIndex(book)
    leads = [(owners.get(_company(row), set()), _lead(row, dirt, dice, own_mail=own_mail)) for row in rows]
    started = SystemClock().monotonic()
    found = [index.match(lead_from_raw("L", raw, derivation)) for _, raw in leads]
    took = SystemClock().monotonic() - started
    pairs = [(truth, match.company if match else None) for (truth, _), match in zip(leads, found, strict=True)]
    right = sum(company in truth for truth, company in pairs if company)
    given = sum(company is not None for _, company in pairs)
    known = sum(bool(truth) for truth, _ in pairs)
    return {
        "accounts": len(book),
        "leads": len(leads),
        "of_known_companies": known,
        "matched": given,
        "precision": round(right / given, 5),
        "recall": round(right / known, 5),
        "microseconds_a_lead": round(took / len(leads) * 1e6),
    }


def _company(row: identity.Row) -> str:
    """What tells a company from others: its domain, else its name and country."""
    domain = registrable_domain(row["website"]) if row["website"] else None
    return domain or f"{company_name_key(row['name'])}|{row['country']}"


def _raw(fields: dict[str, str]) -> dict[str, str]:
    renamed = {"name": "company", "website": "domain", "country": "country", "postal_code": "postal_code"}
    return {renamed[name]: value for name, value in fields.items() if name in renamed}


def _lead(row: identity.Row, dirt: identity.Dirt, dice: random.Random, *, own_mail: bool) -> dict[str, str]:
    raw = _raw(dirt.copy(row))
    domain = registrable_domain(raw.pop("domain", "") or row["website"]) if row["website"] else None
    way = dice.random()
    if own_mail and way < OWN_MAIL and domain:
        raw["email"] = f"jo@{domain}"
    elif not own_mail or way < OWN_MAIL + SOME_FREE:
        raw["email"] = FREE_MAIL
    return raw


def main() -> None:
    """Measure both ways."""
    if not identity.LIST.exists():
        sys.exit("the real company list is not beside the project (../shared/data); nothing to measure")
    rows, seed = identity.read_list(), int(sys.argv[1]) if len(sys.argv) > 1 else 7
    document = {
        "command": "python benchmarks/lead_matching.py",
        "with_mail": measured(rows, seed),
        "name_and_place_alone": measured(rows, seed, own_mail=False),
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
