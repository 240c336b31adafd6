"""Exchange rates of the CRM that the settings name: read once a day, kept in the database, laid out as the rates file.

Whatever converts reads that file (jobs/money.py), so that a pack is checked without a database by the same rates.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.errors import ConfigError
from syncd.model.money import rates_into
from syncd.model.refs import System
from syncd.settings.model import MoneySettings
from syncd.store import currencies
from syncd.store.engine import Store

if TYPE_CHECKING:
    from syncd.jobs.context import Context


def read_rates(context: Context, system: System, server_now: datetime, *, full: bool) -> tuple[str, ...]:
    """Read the rates where this system is their source and a new day began, or all is read; notes for people.

    Raises the port's errors; what was kept before stays.
    """
    money = context.settings.money
    if money.source != system.value:
        return ()
    with context.store.read() as conn:
        before = currencies.rates_read_at(conn, system)
    if before is not None and before.date() >= server_now.date() and not full:
        return ()
    told = context.reader(system).currency_rates()
    if not told:
        return (f"money.source is {system.value}, which has one currency only: amounts are taken as they are",)
    with context.store.write() as conn:
        added = currencies.keep_rates(conn, system, told, now=server_now)
    lay_out_rates(money, context.store)
    if money.reporting_currency not in {each.currency for each in told}:
        return (f"{system.value} has no rate of {money.reporting_currency}, the reporting currency: none can be used",)
    context.log.event("rates.read", system=system.value, changed=added)
    return ()


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
