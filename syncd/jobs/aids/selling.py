"""What quotas and forecasts look at alike: the rules' territories, all deals, the fiscal calendar, standing quotas."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from syncd.alerts.periods import Period, earlier, period_of
from syncd.errors import UsageError
from syncd.jobs.aids.dealings import deals_by_company
from syncd.jobs.aids.stage_history import ask_ways
from syncd.jobs.context import Context
from syncd.jobs.people.proposing import Look
from syncd.planning.aids.deals import Deal
from syncd.planning.aids.forecast import Stretch
from syncd.planning.people.table import Table
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import Pack, Quota
from syncd.rules.quotas import counted_in, period_name, quotas_at

PERIOD = re.compile(r"\d{4}(?:-Q[1-4]|-(?:0[1-9]|1[0-2]))?", re.ASCII)
_YEARS = 8


@dataclass(frozen=True)
class Selling:
    """The book as the rules see it: every deal by company, and the territory that each company's deals count for."""

    context: Context
    look: Look
    table: Table
    deals: Mapping[str, Sequence[Deal]]
    territory_of: Mapping[str, str]

    @classmethod
    def at(cls, context: Context, *, crm_history: bool = False) -> Selling:
        """Now; see `deliberate` for what it raises. `crm_history` asks the CRMs for the ways of deals first."""
        look = Look.at(context)
        if crm_history:
            ask_ways(context, look.pack, look.thought.now)
        table = look.table()
        paths = {each.path for each in look.pack.territories()}
        facts = look.thought.facts
        with context.store.read() as conn:
            deals = deals_by_company(context, conn, look.pack)
        homes = {
            key: home
            for key, each in table.decisions.items()
            if (home := counted_in(facts[key], paths, each.territory)) is not None
        }
        return cls(context, look, table, deals, homes)

    @property
    def pack(self) -> Pack:
        """The pack."""
        return self.look.pack

    @property
    def now(self) -> datetime:
        """The instant of the look."""
        return self.look.thought.now

    @property
    def today(self) -> date:
        """Its day in the pack's zone."""
        return local_day(self.now, self.pack.zone)

    @property
    def held(self) -> list[tuple[str, Deal]]:
        """Every deal with the territory that its company is in today."""
        return [(path, deal) for key, path in self.territory_of.items() for deal in self.deals.get(key, ())]

    @property
    def daily(self) -> dict[date, Decimal]:
        """What was won on each day so far."""
        found: dict[date, Decimal] = defaultdict(Decimal)
        for each in self.deals.values():
            for deal in each:
                if deal.won and deal.amount is not None and deal.closed is not None and deal.closed <= self.now:
                    found[local_day(deal.closed, self.pack.zone)] += deal.amount
        return dict(found)

    def place_of(self, at: datetime) -> int:
        """The place of an instant's month in its fiscal quarter, 0 to 2."""
        return (local_day(at, self.pack.zone).month - self.pack.fiscal_year_start) % 3

    def period(self, name: str) -> Period:
        """A period by its name; UsageError SYN774 for what is none."""
        if not PERIOD.fullmatch(name):
            raise UsageError("SYN774", f"{name!r} is no period", hint="write 2027, 2027-Q1 or 2027-01")
        return period_of(name, self.pack.fiscal_year_start, self.pack.zone)

    def named(self, per: str) -> str:
        """The name of the `year`, `quarter` or `month` that is under way."""
        return period_name(per, self.today, self.pack.fiscal_year_start)

    def earlier(self, name: str) -> list[Stretch]:
        """The periods of the same kind before one, the newest first, as far back as forecasts are checked."""
        found: list[Stretch] = []
        for _ in range(_YEARS * (12 if "-" in name and "Q" not in name else 4 if "Q" in name else 1) // 2):
            past = earlier(name, self.pack.fiscal_year_start, self.pack.zone)
            found.append(stretch(past))
            name = past.name
        return found

    def quotas(self, period: Period) -> dict[str, tuple[Decimal, Quota]]:
        """The standing quotas of territories in a period, by path, in the reporting currency at today's rates.

        A quota whose currency has no rate is left out.
        """
        within = max(min(self.now, period.end), period.start)
        within = self.now if period.holds(self.now) else period.start if self.now < period.start else within
        money = self.context.rates().on(self.now.date())
        names: dict[str, str] = {}
        for path in self.table.paths:
            names.setdefault(path.rpartition("/")[2], path)
            names[path] = path
        found = {}
        for quota in quotas_at(self.pack, within):
            whole = money.convert(quota.amount, quota.currency)
            home = names.get(quota.territory or "")
            if quota.period == period.name and whole is not None and home is not None:
                found[home] = (whole, quota)
        return found


def stretch(period: Period) -> Stretch:
    """A period as planning takes it."""
    return Stretch(period.name, period.start, period.end)
