"""The file of exchange rates, as the database keeps what a CRM said of them.

Whatever converts reads that file (jobs/currencies/money.py): a pack is checked without a database by the same rates.
"""

from __future__ import annotations

import os

from syncd.errors import ConfigError
from syncd.model.money import rates_into
from syncd.model.refs import System
from syncd.settings.model import MoneySettings
from syncd.store import currencies
from syncd.store.engine import Store


def lay_out_rates(money: MoneySettings, store: Store) -> None:
    """Write the rates file from what the database keeps, where a CRM is the source and the file says something else.

    Raises ConfigError SYN452 where it cannot be written.
    """
    if money.source == "file" or money.rates is None:
        return
    with store.read() as conn:
        kept = currencies.stored_rates(conn, System(money.source))
    if not kept:
        return
    rows = rates_into(money.reporting_currency, kept)
    text = "currency,rate,date\n" + "".join(f"{currency},{rate:f},{day}\n" for currency, day, rate in rows)
    path = money.rates
    try:
        if path.exists() and path.read_bytes() == text.encode():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        hint = "let syncd write there, or name another file in money.rates"
        raise ConfigError(
            "SYN452", f"the exchange rates cannot be kept: {reason}", where=str(path), hint=hint
        ) from error
