"""Money: amounts in the reporting currency by a dated table of rates. Exact decimals; nothing here rounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from types import MappingProxyType

from syncd.model.normalisation.numbers import EXACT, number

_CURRENCY = re.compile(r"(?P<amount>.*?)\s*(?P<currency>[A-Za-z]{3})")


@dataclass(frozen=True, slots=True)
class MoneyTable:
    """Rates into the reporting currency: `rates["EUR"]` is how much of `reporting` one euro is. `as_of` dates them."""

    reporting: str = "USD"
    rates: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    as_of: date | None = None

    def convert(self, amount: Decimal, currency: str | None) -> Decimal | None:
        """The amount in the reporting currency (None as currency is that one); None without a rate."""
        if currency is None or currency == self.reporting:
            return amount
        rate = self.rates.get(currency)
        return None if rate is None else EXACT.multiply(amount, rate)


@dataclass(frozen=True, slots=True)
class DatedRates:
    """Every rate that is known, as `(currency, day, rate)`: the rates of any day are those in force on it."""

    reporting: str = "USD"
    rows: tuple[tuple[str, date, Decimal], ...] = ()

    def on(self, day: date) -> MoneyTable:
        """The table of a day: of each currency the newest rate not after it. Its `as_of` is the newest day among them.

        The table of another table's `as_of` is that table, as long as no row is added or changed at or before it.
        """
        newest: dict[str, tuple[date, Decimal]] = {}
        for currency, since, rate in self.rows:
            if since <= day and (currency not in newest or newest[currency][0] < since):
                newest[currency] = (since, rate)
        as_of = max((since for since, _ in newest.values()), default=None)
        rates = MappingProxyType({currency: rate for currency, (_, rate) in sorted(newest.items())})
        return MoneyTable(self.reporting, rates, as_of)


@dataclass(frozen=True, slots=True)
class CurrencyRate:
    """What a CRM says one unit of its corporate currency is in another: `units` of `currency`, from `since` on.

    Without `since` it is a rate that is not dated: it holds from when it is read until it is read again.
    """

    currency: str
    units: Decimal
    since: date | None = None


def rates_into(reporting: str, told: Iterable[CurrencyRate]) -> tuple[tuple[str, date, Decimal], ...]:
    """Dated rates of a corporate currency as rates into the reporting one: rows of `DatedRates`, sorted.

    A currency has a row for each day on which its own rate or the reporting currency's begins. Empty where the
    reporting currency has no rate: then nothing can be converted. Rates are rounded to 18 digits.
    """
    series: dict[str, list[tuple[date, Decimal]]] = {}
    for each in told:
        if each.since is not None:
            series.setdefault(each.currency, []).append((each.since, each.units))
    own = sorted(series.pop(reporting, []))
    rows = []
    for currency, steps in series.items():
        steps.sort()
        for day in sorted({since for since, _ in (*steps, *own)}):
            units, into = _in_force(steps, day), _in_force(own, day)
            if units is not None and into is not None:
                rows.append((currency, day, _DIVISION.divide(into, units)))
    return tuple(sorted(rows))


_DIVISION = Context(prec=18)


def _in_force(steps: Iterable[tuple[date, Decimal]], day: date) -> Decimal | None:
    return next((units for since, units in sorted(steps, reverse=True) if since <= day), None)


class ConvertedAmount(Decimal):
    """An amount in the reporting currency that a rule wrote in another one: it remembers what was written.

    So a company whose decision is held to an older table can be compared with the same rule at that table's rates.
    """

    written: tuple[Decimal, str]

    def __new__(cls, converted: Decimal, written: tuple[Decimal, str]) -> ConvertedAmount:
        """The converted amount and, beside it, the amount and currency as written."""
        made = super().__new__(cls, converted)
        made.written = written
        return made

    def __reduce__(  # type: ignore[override]  # the stubs know only the form of Decimal itself
        self,
    ) -> tuple[type[ConvertedAmount], tuple[Decimal, tuple[Decimal, str]]]:
        """Copies and pickles keep what was written."""
        return ConvertedAmount, (Decimal(self), self.written)


def parse_money(text: str) -> tuple[Decimal, str | None] | None:
    """`5M EUR` as amount and currency (upper case; None where not said); None if it is no amount of money."""
    plain = number(text)
    if plain is not None:
        return plain, None
    found = _CURRENCY.fullmatch(text.strip())
    amount = number(found["amount"]) if found else None
    return None if found is None or amount is None else (amount, found["currency"].upper())
