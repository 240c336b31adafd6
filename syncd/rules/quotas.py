"""The quotas in force at an instant, whether rows of a file or the `quota` of a territory say them.

Pure; knows the fiscal calendar's names of periods and nothing of what was won.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import date, datetime

from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import Pack, Quota, Territory, TerritoryQuota

PERS = ("year", "quarter", "month")
"""For what a territory's quota may be: a fiscal year, a fiscal quarter, or a calendar month."""


def quotas_at(pack: Pack, now: datetime) -> tuple[Quota, ...]:
    """Every row of the quota files, of whatever period, and the quota of each territory for its period at `now`.

    Territories are those of role `owner`, by path, in the order written.
    """
    own = territories_with_quota(pack.roles.get("owner", ()))
    today = local_day(now, pack.zone)
    periods = {per: period_name(per, today, pack.fiscal_year_start) for per in PERS}
    return (
        *pack.quotas,
        *(
            Quota(path, None, periods[quota.per], quota.amount, quota.currency, quota.place)
            for path, quota in own.items()
        ),
    )


def counted_in(facts: Facts, paths: Container[str], decided: str | None) -> str | None:
    """The territory that a company's deals count for: that last applied where the pack still has it, or `decided`."""
    applied = facts.applied.get("owner")
    path = applied.territory if applied is not None else None
    return path if path is not None and path in paths else decided


def territories_with_quota(roots: Iterable[Territory]) -> Mapping[str, TerritoryQuota]:
    """The quotas that territories say themselves, by path. One that comes back in a table's runs counts once."""
    return {each.path: each.quota for root in roots for each in root.walk() if each.quota is not None}


def period_name(per: str, day: date, fiscal_year_start: int) -> str:
    """The period that a day lies in: `2027`, `2027-Q1` or `2026-11`. `fiscal_year_start` is the year's first month."""
    if per == "month":
        return f"{day.year}-{day.month:02}"
    year = day.year + (1 if fiscal_year_start > 1 and day.month >= fiscal_year_start else 0)
    return f"{year}" if per == "year" else f"{year}-Q{(day.month - fiscal_year_start) % 12 // 3 + 1}"
