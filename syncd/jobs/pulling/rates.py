"""Exchange rates of the CRM that the settings name: read once a day, kept in the database, laid out as a file."""

from __future__ import annotations

from datetime import datetime

from syncd.jobs.context import Context
from syncd.jobs.currencies.rates_file import lay_out_rates
from syncd.model.refs import System
from syncd.store import currencies


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
