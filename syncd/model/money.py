"""Money: amounts in the reporting currency by a dated table of rates. Exact decimals; nothing here rounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from syncd.model.normalisation.numbers import EXACT, number

_CURRENCY = re.compile(r"(?P<amount>.*?)\s*(?P<currency>[A-Za-z]{3})")


@dataclass(frozen=True, slots=True)
class MoneyTable:
    """Rates into the reporting currency: `rates["EUR"]` is how much of `reporting` one euro is. `as_of` dates them."""

    reporting: str = "USD"
    rates: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    as_of: date | None = None

    def convert(self, amount: Decimal, currency: str | None) -> Decimal | None:
        """The amount in the reporting currency (None as currency is that one); None without a rate."""
        if currency is None or currency == self.reporting:
            return amount
        rate = self.rates.get(currency)
        return None if rate is None else EXACT.multiply(amount, rate)


def parse_money(text: str) -> tuple[Decimal, str | None] | None:
    """`5M EUR` as amount and currency (upper case; None where not said); None if it is no amount of money."""
    plain = number(text)
    if plain is not None:
        return plain, None
    found = _CURRENCY.fullmatch(text.strip())
    amount = number(found["amount"]) if found else None
    return None if found is None or amount is None else (amount, found["currency"].upper())
