"""Closed deals as monitors count them: what was won, when, for how much, and which renewals were lost.

Read from the mirror's records one by one, for facts keep no deal longer than a year and none that was lost. Amounts are
converted at the rates of the day a deal was closed on. Pure; knows no quota and no owner history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.model.money import DatedRates, MoneyTable, parse_money
from syncd.model.normalisation import instant_or_date, text
from syncd.model.normalisation.numbers import EXACT
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref
from syncd.rules.matching.time_window import local_day

_TELL_RENEWAL = ("type", "record_type", "pipeline", "name")


@dataclass(frozen=True, slots=True)
class Win:
    """One won deal. `amount` is in the reporting currency at the rate of the day it closed; None without a rate."""

    ref: Ref
    account: Ref
    closed: datetime
    amount: Decimal | None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class LostRenewal:
    """A renewal that was closed and not won."""

    ref: Ref
    account: Ref
    name: str
    closed: datetime


@dataclass(frozen=True, slots=True)
class Closings:
    """What was closed: `wins` since an instant, `daily` the sum won on each day of all time, and the lost renewals."""

    wins: tuple[Win, ...] = ()
    daily: Mapping[date, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    lost_renewals: tuple[LostRenewal, ...] = ()


NO_CLOSINGS = Closings()


@dataclass(frozen=True, slots=True)
class ClosingBook:
    """How closed deals are read: the pack's zone, the dated rates, and the e-mail of each user.

    `since` bounds the single wins that are kept, `now` all of it: a close date ahead is a plan, not a win.
    """

    zone: ZoneInfo
    rates: DatedRates
    since: datetime
    now: datetime
    email_of: Callable[[Ref], str | None]


def read_closings(records: Iterable[Record], book: ClosingBook) -> Closings:
    """The closings among live records of opportunities, in the order of their refs."""
    wins: list[Win] = []
    lost: list[LostRenewal] = []
    daily: dict[date, Decimal] = {}
    table_on = _tables(book.rates)
    for record in records:
        won = record.fields.get("is_won") == "true"
        if record.deleted or record.account is None or not (won or record.fields.get("is_closed") == "true"):
            continue
        stated = record.fields.get("close_date")
        closed = instant_or_date(stated, book.zone) if stated else None
        if closed is None or closed > book.now:
            continue
        account = Ref(record.ref.system, Kind.ACCOUNT, record.account)
        if not won:
            if is_renewal(record.fields):
                lost.append(LostRenewal(record.ref, account, record.fields.get("name", ""), closed))
            continue
        day = local_day(closed, book.zone)
        amount = _converted(record.fields.get("amount", ""), table_on(day))
        if amount is not None:
            daily[day] = EXACT.add(daily.get(day, Decimal(0)), amount)
        if closed >= book.since:
            owner = Ref(record.ref.system, Kind.USER, record.owner) if record.owner else None
            wins.append(Win(record.ref, account, closed, amount, book.email_of(owner) if owner else None))
    return Closings(
        tuple(sorted(wins, key=lambda win: win.ref)),
        MappingProxyType(daily),
        tuple(sorted(lost, key=lambda renewal: renewal.ref)),
    )


def is_renewal(fields: Mapping[str, str]) -> bool:
    """Whether a deal's type, record type, pipeline or name says that it renews a contract."""
    return any("renewal" in text(fields.get(name, "")) for name in _TELL_RENEWAL)


def _tables(rates: DatedRates) -> Callable[[date], MoneyTable]:
    """The table of each day, made once a day."""
    return lru_cache(maxsize=None)(rates.on)


def _converted(raw: str, table: MoneyTable) -> Decimal | None:
    """An amount in the reporting currency: 0 for a deal without one, None where there is no rate or no number."""
    if not raw:
        return Decimal(0)
    parsed = parse_money(raw)
    return None if parsed is None else table.convert(*parsed)
