"""Deals as history knows them: won and lost, how long they took and what they were worth. Pure.

Read from the mirror's records one by one, for the facts of a company keep no deal that was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.model.money import DatedRates, MoneyTable, parse_money
from syncd.model.normalisation import instant_or_date
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref
from syncd.rules.matching.time_window import local_day


@dataclass(frozen=True, slots=True)
class Entered:
    """A deal stood in a stage from an instant on. Stages of two systems are told apart by their names alone."""

    at: datetime
    stage: str


Way = tuple[Entered, ...]
"""A deal's stages as far as they are known, the oldest first."""


@dataclass(frozen=True, slots=True)
class Deal:
    """One opportunity of a company. `won` is None while it is open, `closed` is when it closed or is expected to.

    `amount` is in the reporting currency at the rate of the day it closed on; None without an amount or a rate. `way`
    holds the stages that it was open in.
    """

    ref: Ref
    account: Ref
    company: str
    won: bool | None
    amount: Decimal | None
    created: datetime | None
    closed: datetime | None
    way: Way = ()

    def stage_at(self, at: datetime) -> str | None:
        """The stage in which it was open at an instant, as its CRM names it; None where its way is not known then."""
        return next((each.stage for each in reversed(self.way) if each.at <= at), None)

    @property
    def days(self) -> Decimal | None:
        """How many days a closed deal took; None where one end is not known or they are the wrong way round."""
        if self.won is None or self.created is None or self.closed is None or self.closed < self.created:
            return None
        return Decimal(int((self.closed - self.created).total_seconds())) / 86_400


def read_deals(
    records: Iterable[Record],
    company_of: Callable[[Ref], str],
    rates: DatedRates,
    zone: ZoneInfo,
    ways: Mapping[Ref, Way] = MappingProxyType({}),
) -> tuple[Deal, ...]:
    """The deals among live records of opportunities that belong to an account, in their order.

    `ways` are the stages that they entered; of a closed deal the one that it stands in now is its end, no part of it.
    """
    table_on: Callable[[date], MoneyTable] = lru_cache(maxsize=None)(rates.on)
    found: list[Deal] = []
    for record in records:
        if record.deleted or record.account is None:
            continue
        won: bool | None = record.fields.get("is_won") == "true"
        if not won and record.fields.get("is_closed") != "true":
            won = None
        account = Ref(record.ref.system, Kind.ACCOUNT, record.account)
        created, closed = _instant(record, "created_at", zone), _instant(record, "close_date", zone)
        amount = _amount(record, table_on(local_day(closed or record.stamp, zone)))
        ended_in = record.fields.get("stage") if won is not None else None
        way = tuple(each for each in ways.get(record.ref, ()) if each.stage != ended_in)
        found.append(Deal(record.ref, account, company_of(account), won, amount, created, closed, way))
    return tuple(found)


def _instant(record: Record, name: str, zone: ZoneInfo) -> datetime | None:
    raw = record.fields.get(name)
    return instant_or_date(raw, zone) if raw else None


def _amount(record: Record, table: MoneyTable) -> Decimal | None:
    parsed = parse_money(record.fields.get("amount", ""))
    return None if parsed is None else table.convert(*parsed)
