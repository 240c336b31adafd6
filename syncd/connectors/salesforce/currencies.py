"""Exchange rates of an organization: its currencies, and with advanced currency management their dated rates.

Both say how much of a currency one unit of the corporate one is. It converts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from syncd.connectors.salesforce.client import WHERE
from syncd.connectors.salesforce.failures import NoObjectError
from syncd.connectors.shape import decoding
from syncd.errors import BadDataError
from syncd.model.money import CurrencyRate

_CURRENCIES: Final = "SELECT IsoCode, ConversionRate FROM CurrencyType ORDER BY IsoCode"
_DATED: Final = "SELECT IsoCode, StartDate, ConversionRate FROM DatedConversionRate ORDER BY IsoCode, StartDate"

Query = Callable[[str], Iterable[Mapping[str, Any]]]
"""All rows of a query."""


def currency_rates(query: Query) -> tuple[CurrencyRate, ...]:
    """The rates of every currency, undated and dated ones; none where the organization has one currency only.

    Raises BadDataError SYN451 for a rate that is none.
    """
    try:
        plain = [_rate(row, None) for row in query(_CURRENCIES)]
    except NoObjectError:
        return ()
    return (*plain, *_dated(query))


def _dated(query: Query) -> Iterator[CurrencyRate]:
    """Nothing where advanced currency management is off: then the object is not there."""
    try:
        for row in query(_DATED):
            with decoding(WHERE, "a row of DatedConversionRate"):
                since = date.fromisoformat(row["StartDate"])
            yield _rate(row, since)
    except NoObjectError:
        return


def _rate(row: Mapping[str, Any], since: date | None) -> CurrencyRate:
    with decoding(WHERE, "a row of exchange rates"):
        currency, units = str(row["IsoCode"]), Decimal(str(row["ConversionRate"]))
    if not units.is_finite() or units <= 0:
        what = f"the rate of {currency}" + (f" since {since}" if since else "")
        hint = "correct it in Setup > Manage Currencies; until then the rates read before hold"
        raise BadDataError("SYN451", f"{what} is {units}", where=f"{WHERE} DatedConversionRate", hint=hint)
    return CurrencyRate(currency, units, since)
