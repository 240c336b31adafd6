"""Closed deals keep the rate of the day they were closed on, whatever the rate is now: what was won was won then.

Open deals, and those closed before the first rate that is known, are read by the company's table.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from syncd.model.money import DatedRates, MoneyTable, parse_money
from syncd.model.normalisation import instant_or_date
from syncd.model.records import Record
from syncd.rules.deriving.field_values import ValueReader
from syncd.rules.matching.time_window import local_day


class ClosedRates:
    """The reader of each deal's values; the table of a day is made once."""

    def __init__(self, rates: DatedRates, zone: ZoneInfo, now: datetime) -> None:
        self._rates = rates
        self._zone = zone
        self._now = now
        self._tables: dict[date, MoneyTable] = {}

    def reader(self, deal: Record, present: ValueReader) -> ValueReader:
        """`present`, or for a closed deal in a currency that had a rate on its day, a reader by that day's table."""
        fields = deal.fields
        if not self._rates.rows or "true" not in (fields.get("is_closed"), fields.get("is_won")):
            return present
        stated = fields.get("close_date")
        closed = instant_or_date(stated, self._zone) if stated else None
        if closed is None or closed > self._now:
            return present
        day = local_day(closed, self._zone)
        if day not in self._tables:
            self._tables[day] = self._rates.on(day)
        table, amount = self._tables[day], parse_money(fields.get("amount", ""))
        known = amount is not None and table.convert(*amount) is not None
        return replace(present, money=table) if known else present
