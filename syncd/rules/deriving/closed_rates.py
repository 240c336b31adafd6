"""Closed deals keep the rate of the day they were closed on, whatever the rate is now: what was won was won then.

Open deals, and those closed before the first rate that is known, are read by the company's table.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from syncd.model.money import DatedRates, MoneyTable, parse_money
from syncd.model.normalisation import instant_or_date
from syncd.model.records import Record
from syncd.rules.matching.time_window import local_day


class ClosedRates:
    """The table that each deal is read by; the table of a day is made once."""

    def __init__(self, rates: DatedRates, zone: ZoneInfo, now: datetime) -> None:
        self._rates = rates
        self._zone = zone
        self._now = now
        self._tables: dict[date, MoneyTable] = {}

    def table(self, deal: Record) -> MoneyTable | None:
        """The table of the day a closed deal in a currency that had a rate then was closed on; None for any other."""
        fields = deal.fields
        if not self._rates.rows or "true" not in (fields.get("is_closed"), fields.get("is_won")):
            return None
        stated = fields.get("close_date")
        closed = instant_or_date(stated, self._zone) if stated else None
        if closed is None or closed > self._now:
            return None
        day = local_day(closed, self._zone)
        if day not in self._tables:
            self._tables[day] = self._rates.on(day)
        table, amount = self._tables[day], parse_money(fields.get("amount", ""))
        return table if amount is not None and table.convert(*amount) is not None else None
