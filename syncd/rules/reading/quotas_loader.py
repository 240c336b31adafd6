"""Quotas: the rows of the files under `quotas`, and the `quota` of a territory itself.

One place of truth: a territory that says its quota has no rows. What is made of a quota is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from syncd.errors import Place
from syncd.model.money import MoneyTable, parse_money
from syncd.rules.nodes import Node
from syncd.rules.pack import Quota, Territory, TerritoryQuota
from syncd.rules.quotas import PERS, territories_with_quota
from syncd.rules.reading import plain_values
from syncd.rules.reading.csv_reader import Row, Sheet
from syncd.rules.reading.options import Options
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.suggestion import did_you_mean

QUOTA_COLUMNS = ("territory", "rep", "period", "quota", "currency")
PERIOD = re.compile(r"\d{4}(?:-Q[1-4]|-(?:0[1-9]|1[0-2]))?\Z", re.ASCII)


def read_territory_quota(options: Options, reading: Reading) -> TerritoryQuota | None:
    """The `quota` of one territory: `2M`, `2M EUR`, `500k per quarter`; a year's where it names no time."""
    value = options.scalar("quota")
    if value is None:
        return None
    written, _, per = value.text.partition(" per ")
    amount, per = parse_money(written), per.strip() or PERS[0]
    if amount is None or per not in PERS or amount[0] < 0:
        message = f"`quota: {value.text[:60]}` is no amount of money for a {', '.join(PERS[:-1])} or {PERS[-1]}"
        reading.findings.error("SYN242", message, value.place, "write 2M, 2M EUR or 500k per quarter")
        return None
    currency = amount[1] or reading.money.reporting
    if reading.money.convert(amount[0], currency) is None:
        message = f"there is no rate from {currency} to {reading.money.reporting}"
        reading.findings.error("SYN242", message, value.place, "add the rate to the settings")
        return None
    return TerritoryQuota(amount[0], currency, per, value.place)


def check_quotas(roles: Mapping[str, tuple[Territory, ...]], quotas: Iterable[Quota], reading: Reading) -> None:
    """A territory's quota stands in one place (SYN206), and is of role `owner` (SYN283): only its deals are summed."""
    own = territories_with_quota(roles.get("owner", ()))
    names: dict[str, TerritoryQuota] = {}
    for path, quota in own.items():
        names.setdefault(path.rpartition("/")[2], quota)
    for row in quotas:
        first = own.get(row.territory or "") or names.get(row.territory or "")
        if first is not None:
            message = f"a second quota for {row.territory}: the territory says its own at {first.place}"
            reading.findings.error("SYN206", message, row.place, "keep one: `quota` there, or rows of this file")
    for role, trees in roles.items():
        if role != "owner":
            for path, quota in territories_with_quota(trees).items():
                message = f"the quota of {path} has no effect: what is won counts for territories of role owner alone"
                reading.findings.warning("SYN283", message, quota.place, "move it to a territory of role owner")


def read_quotas(items: Iterable[Node], reading: Reading) -> tuple[Quota, ...]:
    """Every row of the quota files. Two quotas for one territory or rep and period are an error (SYN206)."""
    found: dict[tuple[str, str], Quota] = {}
    for item in items:
        options = Options(item, "`quotas`", ("file",), reading)
        file = options.scalar("file") if options.require("file", "write quotas: {file: quotas.csv}") else None
        sheet = reading.sheet(file) if file is not None else None
        for quota in _quotas(sheet, options.place_of("file"), reading) if sheet is not None else ():
            key = (quota.territory or quota.rep or "", quota.period)
            first = found.setdefault(key, quota)
            if first is not quota:
                message = f"a second quota for {key[0]} in {key[1]}, first at {first.place}"
                reading.findings.error("SYN206", message, quota.place, "keep one")
    return tuple(found.values())


def _quotas(sheet: Sheet, place: Place, reading: Reading) -> Iterator[Quota]:
    for column in sheet.columns:
        if column not in QUOTA_COLUMNS:
            message = f"`{sheet.path}` has a column `{column}` that quotas do not have"
            reading.findings.error("SYN263", message, Place(sheet.path, 1), did_you_mean(column, QUOTA_COLUMNS))
    needed = ["period", "quota"]
    if sheet.column("territory") is None and sheet.column("rep") is None:
        needed.append("territory")
    if None in [sheet.require(column, place, reading.findings) for column in needed]:
        return
    for row in sheet.rows:
        quota = _quota(sheet, row, reading.money, reading)
        if quota is not None:
            yield quota


def _quota(sheet: Sheet, row: Row, money: MoneyTable, reading: Reading) -> Quota | None:
    cells = dict(zip(sheet.columns, row.cells, strict=True))
    territory, rep = cells.get("territory", ""), cells.get("rep", "")
    amount = parse_money(cells["quota"])
    before = reading.findings.error_count
    if bool(territory) == bool(rep):
        reading.findings.error("SYN242", "a quota is for a territory or a rep: fill one of the two", sheet.place(row))
    if rep and plain_values.email(rep) is None:
        reading.findings.error("SYN251", f"`{rep[:80]}` is no e-mail", sheet.place(row, sheet.column("rep") or 0))
    if PERIOD.match(cells["period"]) is None:
        place = sheet.place(row, sheet.column("period") or 0)
        reading.findings.error(
            "SYN242", f"`{cells['period'][:40]}` is no period", place, "write 2026-Q4, 2026-11 or 2026"
        )
    if amount is None:
        place = sheet.place(row, sheet.column("quota") or 0)
        reading.findings.error(
            "SYN242", f"`{cells['quota'][:40]}` is no amount of money", place, "write 250000 or 250k"
        )
    if reading.findings.error_count > before or amount is None:
        return None
    if territory:
        reading.refer("territory", territory, sheet.place(row, sheet.column("territory") or 0))
    currency = cells.get("currency") or amount[1] or money.reporting
    return Quota(territory or None, rep.lower() or None, cells["period"], amount[0], currency.upper(), sheet.place(row))
