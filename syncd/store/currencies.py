"""Exchange rates as a CRM told them, kept so that the table of a day that was used once never changes.

A plan says by the rates of which day it was made, and a change of rate alone must move no account; so a rate that is
corrected later counts from the day it was seen, and no row is added at or before a day whose rates were in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, func, select, update

from syncd.model.money import CurrencyRate
from syncd.model.refs import System
from syncd.store.tables import currency_rates as _t
from syncd.store.upserts import upsert

Rates = Mapping[tuple[str, date], Decimal]
"""Units by currency and first day."""


def keep_rates(conn: Connection, system: System, told: Sequence[CurrencyRate], *, now: datetime) -> int:
    """Keep what a system says of its rates at `now`, by the server's time; how many rows that added or changed."""
    known = {(each.currency, each.since): each.units for each in stored_rates(conn, system) if each.since is not None}
    added = _added(known, told, now.date())
    rows = [
        {"system": system, "currency": currency, "since": since, "units": f"{units:f}", "read_at": now}
        for (currency, since), units in sorted(added.items())
    ]
    if rows:
        conn.execute(upsert(conn, _t, ("system", "currency", "since"), ("units", "read_at")), rows)
    conn.execute(update(_t).where(_t.c.system == system).values(read_at=now))
    return len(rows)


def stored_rates(conn: Connection, system: System) -> tuple[CurrencyRate, ...]:
    """Every rate that is kept, each with the day since when, ordered by currency and day."""
    query = select(_t.c.currency, _t.c.units, _t.c.since).where(_t.c.system == system)
    rows = conn.execute(query.order_by(_t.c.currency, _t.c.since))
    return tuple(CurrencyRate(currency, Decimal(units), since) for currency, units, since in rows)


def rates_read_at(conn: Connection, system: System) -> datetime | None:
    """When the rates of a system were last read; None where none are kept."""
    return conn.execute(select(func.max(_t.c.read_at)).where(_t.c.system == system)).scalar()


def _added(known: Rates, told: Sequence[CurrencyRate], today: date) -> dict[tuple[str, date], Decimal]:
    """The rows to keep beside those that are known.

    At first all that is dated, for deals that were closed long ago; later only what begins after every rate that was
    in force, and for a currency whose rate is now another one a row of its own from the first day that is still free.
    """
    settled = max((since for _, since in known if since <= today), default=date.min)
    first = today if settled < today else today + timedelta(days=1)
    added = {
        (each.currency, each.since): each.units
        for each in told
        if each.since is not None and each.since > settled and known.get((each.currency, each.since)) != each.units
    }
    if not known:  # the corporate currency is one of itself, and always was
        added |= {(each.currency, date.min): each.units for each in told if each.since is None and each.units == 1}
    for currency in {each.currency for each in told}:
        here = [each for each in told if each.currency == currency]
        now = _told_on(here, first)
        kept = _kept_on({**known, **added}, currency, first)
        if now is not None and now != kept:
            added[currency, first] = now
    return added


def _told_on(told: Iterable[CurrencyRate], day: date) -> Decimal | None:
    """The rate of one currency on a day: the newest dated one, else the one that has no date."""
    dated = [(each.since, each.units) for each in told if each.since is not None and each.since <= day]
    if dated:
        return max(dated)[1]
    return next((each.units for each in told if each.since is None), None)


def _kept_on(rates: Rates, currency: str, day: date) -> Decimal | None:
    kept = [(since, units) for (known, since), units in rates.items() if known == currency and since <= day]
    return max(kept)[1] if kept else None
