"""Companies as alerts speak of them: what they are called, whose they are, and how much money hangs on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.alerts.view import MonitorView
from syncd.model.normalisation import text
from syncd.model.normalisation.numbers import EXACT
from syncd.rules.facts import Facts

MOST_LISTED = 250
"""So many accounts stand in one alert; the number of all is always told."""


def name_of(facts: Facts) -> str:
    """What a person calls the company: its name as the CRM has it, else its key."""
    seen = facts.seen.get("name")
    return seen.raw.strip() if seen is not None and seen.raw.strip() else facts.key


def amount(facts: Facts, field: str) -> Decimal:
    """A money field of a company; 0 where it has none."""
    value = facts.values.get(field)
    return value if isinstance(value, Decimal) else Decimal(0)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    result = Decimal(0)
    for each in amounts:
        result = EXACT.add(result, each)
    return result


def money(amount: Decimal, view: MonitorView, of: str) -> dict[str, str]:
    """An amount as it stands in an alert: decimal text, currency, and what it is an amount of."""
    return {"amount": f"{amount:f}", "currency": view.money.reporting, "of": of}


def in_words(amount: Decimal, view: MonitorView) -> str:
    """An amount for a sentence: `1,250,000 USD`."""
    return f"{amount.quantize(Decimal(1)):,f} {view.money.reporting}"


def listed(companies: Iterable[Facts], field: str) -> list[dict[str, Any]]:
    """Companies with their owner and a money field, the largest amount first, as many as one alert lists."""
    ordered = sorted(companies, key=lambda facts: (-amount(facts, field), facts.key))
    return [
        {
            "account": facts.accounts[0],
            "name": name_of(facts),
            "owner": facts.current_owner.email if facts.current_owner else None,
            "amount": f"{amount(facts, field):f}",
        }
        for facts in ordered[:MOST_LISTED]
    ]


def accounts_in_words(count: int) -> str:
    """`1 account`, `1,240 accounts`."""
    return f"{count:,} account{'s' if count != 1 else ''}"


def owners_of(companies: Iterable[Facts]) -> list[str]:
    """Who owns companies, those with the most accounts first, as many as one alert lists."""
    held = Counter(facts.current_owner.email for facts in companies if facts.current_owner)
    return [owner for owner, _ in sorted(held.items(), key=lambda each: (-each[1], each[0]))][:MOST_LISTED]


def book_detail(companies: Sequence[Facts], view: MonitorView, field: str, of: str) -> dict[str, Any]:
    """What an alert says about a list of companies: whose they are, the money, the largest of them, and how many."""
    return {
        "who": owners_of(companies),
        "money": money(total(amount(facts, field) for facts in companies), view, of),
        "accounts": listed(companies, field),
        "accounts_total": len(companies),
    }


def books(companies: Iterable[Facts]) -> Mapping[str, list[Facts]]:
    """The companies of each owner, by e-mail."""
    found: dict[str, list[Facts]] = defaultdict(list)
    for facts in companies:
        if facts.current_owner is not None:
            found[facts.current_owner.email].append(facts)
    return found


_CHURNED = frozenset({"churned", "former customer", "formercustomer", "lost customer"})


def is_churned_by_default(values: Mapping[str, object]) -> bool:
    """Whether type or lifecycle says that a company was a customer and is none any more."""
    return any(text(str(values.get(name, ""))) in _CHURNED for name in ("type", "lifecycle", "crm_lifecycle"))


def is_customer(values: Mapping[str, object]) -> bool:
    """Whether type or lifecycle says that a company is a customer: `Customer`, `Customer - Direct`."""
    said = (text(str(values.get(name, ""))) for name in ("type", "lifecycle", "crm_lifecycle"))
    return any(word == "customer" or word.startswith(("customer ", "customer-")) for word in said)
