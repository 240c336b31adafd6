"""The job behind `quota`: a target from the top, what comes from below, the gap, and what history says of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.alerts.periods import Period, period_of
from syncd.clock import iso
from syncd.errors import InputError, UsageError
from syncd.jobs.aids.quota_files import quota_csv, read_quota_file
from syncd.jobs.aids.selling import Selling, stretch
from syncd.jobs.context import Context
from syncd.model.money import parse_money
from syncd.planning.aids.forecast import expect
from syncd.planning.aids.potential import potentials
from syncd.planning.aids.quota_check import Below, below, conversion_document, summed
from syncd.planning.aids.quota_split import METHODS, Ground, Part, ancestry, by_rep, grounds, split, with_parents
from syncd.planning.aids.seasons import largest_remainder, seasons_of
from syncd.rules.collector import without_collector
from syncd.rules.matching.time_window import local_day
from syncd.rules.suggestion import did_you_mean

FORMAT = 1
ZERO = Decimal(0)
_YEAR = timedelta(days=365)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked of quotas: the period, the target and how it is split, or a file of quotas to be checked.

    `each` parts the period into `quarter`s or `month`s; `step` is what amounts are whole multiples of, None one unit of
    the currency, or a cent where the target has cents. `limit` is by how much required conversion may be above what is
    usual.
    """

    period: str | None = None
    target: str | None = None
    method: str = "blend"
    file: Path | None = None
    each: str | None = None
    step: Decimal | None = None
    limit: Decimal = Decimal("0.1")


@dataclass(frozen=True)
class Picture:
    """All that a document of quotas is made of, by path; `quotas` has sums of territories above where all are known."""

    selling: Selling
    period: Period
    target: Decimal | None
    grounds: Mapping[str, Ground]
    parts: Mapping[str, Part]
    quotas: Mapping[str, Decimal]
    reps: Mapping[str, Decimal]
    below: Mapping[str, Below]
    step: Decimal


def quota(context: Context, goal: Goal) -> dict[str, Any]:
    """The document of a split, or of a check of a file.

    Raises UsageError SYN774 for no period and SYN776 for no target, InputError SYN775 for a file with problems and
    SYN777 where no territory holds an account, and what `deliberate` raises.
    """
    picture = _picture(Selling.at(context), goal)
    rows = [_row(path, picture, goal) for path in ("", *picture.quotas)]
    document = {
        "format": FORMAT,
        "kind": "quota",
        "now": iso(picture.selling.now),
        "pack_revision": picture.selling.pack.revision,
        "currency": context.settings.money.reporting_currency,
        "period": picture.period.name,
        "from": iso(picture.period.start),
        "to": iso(picture.period.end),
        "source": str(goal.file) if goal.file else "split",
        "method": None if goal.file else goal.method,
        "target": f"{picture.target:f}" if picture.target is not None else None,
        "limit": f"{goal.limit:f}",
        "step": f"{picture.step:f}",
        "whole": rows[0],
        "territories": rows[1:],
        "reps": [{"rep": rep, "quota": f"{amount:f}"} for rep, amount in picture.reps.items()],
        "own": sorted(_own(picture)),
    }
    if goal.each is not None:
        document["parts"] = _parts(picture, goal.each)
    return document


def explain_quota(context: Context, territory: str, goal: Goal) -> dict[str, Any]:
    """How a territory comes to its quota, step by step; UsageError SYN770 for a territory that there is not."""
    selling = Selling.at(context)
    paths = _paths(selling)
    if territory not in paths:
        hint = did_you_mean(territory, paths) or "name a territory of role owner"
        raise UsageError("SYN770", f"there is no territory {territory!r} in the pack", hint=hint)
    picture, path = _picture(selling, goal), paths[territory]
    mine = {each: part for each, part in picture.parts.items() if path in ancestry(each)}
    place = selling.table.paths[path][-1].place
    standing = selling.quotas(picture.period).get(path)
    return {
        "format": FORMAT,
        "kind": "quota-explanation",
        "now": iso(selling.now),
        "currency": context.settings.money.reporting_currency,
        "territory": path,
        "rule": {"file": place.path, "line": place.line},
        "period": picture.period.name,
        "method": goal.method,
        "target": f"{picture.target:f}" if picture.target is not None else None,
        "step": f"{picture.step:f}",
        "standing": None
        if standing is None
        else {
            "quota": f"{standing[0]:f}",
            "written": f"{standing[1].amount:f} {standing[1].currency}",
            "file": standing[1].place.path,
            "line": standing[1].place.line,
        },
        "row": _row(path, picture, goal),
        "made_of": [_made_of(each, part) for each, part in mine.items()],
    }


def quota_file(document: Mapping[str, Any], *, reps: bool = False) -> str:
    """The document as a file for the pack's `quotas`; territories that say their own quota are left out of it."""
    own = set(document["own"])
    rows: list[tuple[str, str, str, str]] = []
    for each in document["territories"]:
        if each["quota"] is not None and each["territory"] not in own:
            parts = document.get("parts", {}).get("territories", {}).get(each["territory"])
            amounts = parts or {document["period"]: each["quota"]}
            rows += [(each["territory"], "", period, amount) for period, amount in amounts.items()]
    if reps:
        rows += [("", each["rep"], document["period"], each["quota"]) for each in document["reps"]]
    return quota_csv(rows, document["currency"])


def _picture(selling: Selling, goal: Goal) -> Picture:
    name = goal.period or _next_year(selling)
    period = selling.period(name)
    asked, now = stretch(period), selling.now
    with without_collector():
        learnt = potentials(
            tuple(selling.look.thought.facts.values()), selling.deals, now, by_band=selling.pack.scoring is not None
        )
        yearly = {key: each.yearly for key, each in learnt.items()}
        won = {key: _won_last_year(selling, key) for key in selling.territory_of}
        found = grounds(selling.table, yearly, won, _months(period, selling))
        if not found:
            raise InputError("SYN777", "no territory holds an account", where=selling.pack.name)
        expected = expect(selling.held, asked, min(now, asked.end), selling.place_of)
        brought = summed(below(expected, selling.deals, selling.territory_of, yearly, asked, now))
    if goal.file is not None:
        money = selling.context.rates().on(now.date())
        rows = read_quota_file(goal.file, _paths(selling), period, money, selling.period)
        given = {each.territory: each.amount for each in rows if each.territory is not None}
        reps = {each.rep: each.amount for each in rows if each.rep is not None}
        return Picture(selling, period, None, found, {}, given, reps, brought, _CENT)
    target = _target(selling, period, goal.target)
    step = goal.step or (Decimal(1) if target == target.to_integral_value() else _CENT)
    parts = split(target, found, goal.method, step)
    quotas = with_parents({path: part.amount for path, part in parts.items()})
    return Picture(selling, period, target, found, parts, quotas, by_rep(parts, step), brought, step)


def _next_year(selling: Selling) -> str:
    return str(int(selling.named("year")) + 1)


def _target(selling: Selling, period: Period, written: str | None) -> Decimal:
    """The target that is written, `12M` or `12M EUR`, else the sum of the standing quotas that are below no other."""
    if written is None:
        standing = selling.quotas(period)
        top = [each for each in standing if not any(above in standing for above in list(ancestry(each))[:-1])]
        if not top:
            periods = sorted({each.period for each in selling.pack.quotas if each.territory is not None})
            known = f"the pack's quotas are of {', '.join(periods)} (--period); " if periods else ""
            hint = f"{known}write --target 12M, or quotas of {period.name} into the pack"
            raise UsageError("SYN776", f"there is no target for {period.name}", hint=hint)
        return sum((standing[each][0] for each in top), ZERO).quantize(_CENT)
    parsed = parse_money(written)
    table = selling.context.rates().on(selling.now.date())
    whole = table.convert(*parsed) if parsed is not None else None
    if parsed is not None and whole is None:
        hint = f"add the rate to the settings ([money]), or write the target in {table.reporting}"
        raise UsageError("SYN776", f"there is no rate for {parsed[1]}, so {written!r} is no target", hint=hint)
    if whole is None or whole < 0:
        raise UsageError("SYN776", f"{written!r} is no target", hint="write 12M, or 12M EUR where the rate is known")
    return whole.quantize(_CENT)


def _won_last_year(selling: Selling, company: str) -> Decimal:
    since = selling.now - _YEAR
    return sum(
        (
            deal.amount
            for deal in selling.deals.get(company, ())
            if deal.won and deal.amount and deal.closed and since < deal.closed <= selling.now
        ),
        ZERO,
    )


def _months(period: Period, selling: Selling) -> list[date]:
    """The first days of the months of a period."""
    day, last = local_day(period.start, selling.pack.zone), local_day(period.end, selling.pack.zone)
    found = []
    while day < last:
        found.append(day)
        year, month = divmod(day.year * 12 + day.month, 12)
        day = date(year, month + 1, 1)
    return found


def _paths(selling: Selling) -> dict[str, str]:
    paths: dict[str, str] = {}
    for path in selling.table.paths:
        paths.setdefault(path.rpartition("/")[2], path)
        paths[path] = path
    return paths


def _own(picture: Picture) -> list[str]:
    """The territories that say their quota themselves: a file must not say it again."""
    return [path for path, each in picture.selling.table.paths.items() if each[-1].quota is not None]


def _row(path: str, picture: Picture, goal: Goal) -> dict[str, Any]:
    brought = picture.below.get(path, Below())
    own = picture.parts.get(path)
    whole = _whole(path, picture)
    standing = picture.selling.quotas(picture.period).get(path)
    told: dict[str, Any] = {
        "territory": path or None,
        "quota": f"{whole:f}" if whole is not None else None,
        "standing": f"{standing[0]:f}" if standing is not None else None,
        "share": round(float(own.share), 6) if own is not None else None,
        "won": _money(brought.won),
        "from_open": _money(brought.from_open),
        "whitespace": _money(brought.whitespace),
        "bottom_up": _money(brought.whole),
        "gap": None,
        "conversion": None,
    }
    if whole is not None:
        told["gap"] = f"{(whole - Decimal(told['bottom_up'])):f}"
        told["conversion"] = conversion_document(whole, brought, picture.below.get("", Below()), goal.limit)
    return told


def _whole(path: str, picture: Picture) -> Decimal | None:
    if path:
        return picture.quotas.get(path)
    top = [each for each in picture.quotas if not any(above in picture.quotas for above in list(ancestry(each))[:-1])]
    return sum((picture.quotas[each] for each in top), ZERO) if top else None


def _made_of(path: str, part: Part) -> dict[str, Any]:
    ground = part.ground
    return {
        "territory": path,
        "accounts": ground.accounts,
        "potential": f"{ground.potential:f}",
        "history": f"{ground.history:f}",
        "capacity": f"{ground.capacity.quantize(_CENT):f}",
        "ramp": round(float(ground.ramp), 4),
        "reps": {rep: f"{amount.quantize(_CENT):f}" for rep, amount in ground.reps.items()},
        "shares": {name: round(float(part.shares[name]), 6) for name in METHODS if name in part.shares},
        "share": round(float(part.share), 6),
        "amount": f"{part.amount:f}",
    }


def _parts(picture: Picture, each: str) -> dict[str, Any]:
    """Every quota in parts of the period, by the seasons that were learnt; the parts add up to it exactly."""
    period = picture.period
    count = {"quarter": 4, "month": 12}[each]
    if "-" in period.name:
        raise UsageError("SYN774", f"{period.name} is parted no further", hint="--each goes with a year, such as 2027")

    def parts(year: int) -> Sequence[tuple[date, date]]:
        return [(_day(one, picture), _day(one, picture, end=True)) for one in _names(year, count, picture)]

    seasons = seasons_of(picture.selling.daily, parts, int(period.name))
    names = _names(int(period.name), count, picture)
    own = {path: part.amount for path, part in picture.parts.items()} or picture.quotas
    territories = {
        path: {
            name: f"{amount:f}"
            for name, amount in zip(names, largest_remainder(whole, seasons.shares, picture.step), strict=True)
        }
        for path, whole in own.items()
    }
    sums = _summed_parts(territories, picture) if picture.parts else territories
    return {
        "each": each,
        "learnt_from_years": seasons.years,
        "shares": {name: round(float(share), 4) for name, share in zip(names, seasons.shares, strict=True)},
        "territories": sums,
    }


def _summed_parts(leaves: Mapping[str, Mapping[str, str]], picture: Picture) -> dict[str, dict[str, str]]:
    """The parts of the territories above as sums of those below, so that every row and column adds up."""
    found: dict[str, dict[str, Decimal]] = {}
    for path, amounts in leaves.items():
        for above in ancestry(path):
            row = found.setdefault(above, dict.fromkeys(amounts, ZERO))
            for name, amount in amounts.items():
                row[name] += Decimal(amount)
    return {path: {name: f"{amount:f}" for name, amount in found[path].items()} for path in picture.quotas}


def _names(year: int, count: int, picture: Picture) -> list[str]:
    """The names of a fiscal year's quarters or months."""
    if count == 4:
        return [f"{year}-Q{number}" for number in range(1, 5)]
    first = _day(str(year), picture)
    months = (divmod(first.year * 12 + first.month - 1 + number, 12) for number in range(12))
    return [f"{one}-{month + 1:02}" for one, month in months]


def _day(name: str, picture: Picture, *, end: bool = False) -> date:
    pack = picture.selling.pack
    period = period_of(name, pack.fiscal_year_start, pack.zone)
    return local_day(period.end if end else period.start, pack.zone)


def _money(value: float) -> str:
    return f"{Decimal(value).quantize(_CENT):f}"
