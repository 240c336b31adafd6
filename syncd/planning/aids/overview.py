"""A book seen from above: what lies in each territory, with each owner and in each place, and what moved. Pure.

It counts; it judges nothing. A company is in the territory that today's rules name, and in every one above it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from syncd.planning.aids.audit import UNWORKED_AFTER, amount, called
from syncd.planning.aids.measures import spread_of
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import local_day

NOWHERE = "(no territory)"
"""Where a company is that no rule takes."""


@dataclass(slots=True)
class Load:
    """What a part of the book holds; money in the reporting currency. `bare`: companies without an active owner."""

    companies: int = 0
    pipeline: Decimal = Decimal(0)
    won: Decimal = Decimal(0)
    unworked: int = 0
    bare: int = 0
    bands: Counter[str] = field(default_factory=Counter)

    def add(self, facts: Facts, now: datetime) -> None:
        """Count one company more."""
        self.companies += 1
        self.pipeline += amount(facts, "open_pipeline")
        self.won += amount(facts, "won_amount_12m")
        self.unworked += is_unworked(facts, now)
        self.bare += facts.current_owner is None or not facts.owner_active
        if facts.grade is not None and facts.grade.band is not None:
            self.bands[facts.grade.band] += 1

    def document(self) -> dict[str, object]:
        """The figures as JSON values."""
        return {
            "companies": self.companies,
            "pipeline": f"{self.pipeline:f}",
            "won_12m": f"{self.won:f}",
            "unworked": self.unworked,
            "without_owner": self.bare,
            "bands": dict(sorted(self.bands.items())),
        }


@dataclass(frozen=True, slots=True)
class Move:
    """One change of an account's owner, by e-mail; None for nobody. `ours` is whether syncd wrote it."""

    company: str
    at: datetime
    old: str | None
    new: str | None
    ours: bool


def is_unworked(facts: Facts, now: datetime) -> bool:
    """Whether nobody works an owned company, as the audit counts it.

    No activity for 90 days, no open deal, and not created in that time.
    """
    if facts.current_owner is None or not facts.owner_active or amount(facts, "open_opportunities"):
        return False
    since = now - UNWORKED_AFTER
    moments = (facts.values.get("last_activity_at"), facts.values.get("created_at"))
    return not any(isinstance(each, datetime) and each >= since for each in moments)


def loads(parts: Iterable[tuple[str, Facts]], now: datetime) -> dict[str, Load]:
    """The load of each part, by its name."""
    found: dict[str, Load] = defaultdict(Load)
    for name, facts in parts:
        found[name].add(facts, now)
    return dict(found)


def territory_rows(
    paths: Sequence[str], facts: Iterable[Facts], home: Callable[[Facts], str | None], now: datetime
) -> list[dict[str, object]]:
    """The tree as rows, parents before children, each with its own load and all below it.

    `paths` are the territories of the pack as written; empty ones stand with zeros. Companies that no rule takes come
    last.
    """
    known = list(dict.fromkeys(paths))
    pairs: list[tuple[str, Facts]] = []
    for each in facts:
        parts = (home(each) or NOWHERE).split("/")
        pairs += [("/".join(parts[:depth]), each) for depth in range(1, len(parts) + 1)]
    held = loads(pairs, now)
    known += sorted(name for name in held if name not in set(known) and name != NOWHERE)
    if NOWHERE in held:
        known.append(NOWHERE)
    return [
        {"path": path, "name": path.rpartition("/")[2], "depth": path.count("/")}
        | held.get(path, Load()).document()
        | {"leaf": not any(other.startswith(f"{path}/") for other in known)}
        for path in known
    ]


def rep_rows(facts: Sequence[Facts], now: datetime) -> list[dict[str, object]]:
    """Active owners, the one with the most open pipeline first."""
    pairs = ((each.current_owner.email, each) for each in facts if each.current_owner is not None and each.owner_active)
    held = loads(pairs, now)
    ordered = sorted(held, key=lambda who: (-held[who].pipeline, -held[who].companies, who))
    return [{"email": who} | held[who].document() for who in ordered]


def place_rows(facts: Sequence[Facts], name: str, now: datetime) -> list[dict[str, object]]:
    """Countries or states by their codes, the most companies first; companies without one are left out."""
    pairs = ((value, each) for each in facts if isinstance(value := each.values.get(name), str))
    held = loads(pairs, now)
    return [
        {"code": code} | held[code].document() for code in sorted(held, key=lambda each: (-held[each].companies, each))
    ]


def spreads(rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """How evenly companies, open pipeline and wins lie over the owners of `rep_rows`."""
    return {
        name: spread_of([Decimal(str(row[name])) for row in rows]).document()
        for name in ("companies", "pipeline", "won_12m")
    }


def weeks_of(moves: Iterable[Move], since: datetime, now: datetime, zone: ZoneInfo) -> list[dict[str, object]]:
    """Moves by week (Monday to Sunday in the pack's zone), from the week of `since` to this one, empty weeks too."""
    counts: Counter[tuple[date, bool]] = Counter()
    for move in moves:
        counts[_monday(move.at, zone), move.ours] += 1
    rows: list[dict[str, object]] = []
    week, last = _monday(since, zone), _monday(now, zone)
    while week <= last:
        rows.append({"week": f"{week}", "by_syncd": counts[week, True], "by_others": counts[week, False]})
        week += timedelta(days=7)
    return rows


def movers(moves: Iterable[Move]) -> list[dict[str, object]]:
    """Who gained and lost accounts, the most movement first."""
    gained, lost = Counter[str](), Counter[str]()
    for move in moves:
        if move.new:
            gained[move.new] += 1
        if move.old:
            lost[move.old] += 1
    people = sorted(gained.keys() | lost.keys(), key=lambda who: (-gained[who] - lost[who], who))
    return [{"email": who, "gained": gained[who], "lost": lost[who]} for who in people]


def largest(facts: Iterable[Facts], home: Callable[[Facts], str | None], most: int) -> list[dict[str, object]]:
    """The companies with the most open pipeline, with owner, territory and the refs of their records."""
    ordered = sorted(facts, key=lambda each: (-amount(each, "open_pipeline"), called(each).casefold(), each.key))
    return [
        {
            "company": each.key,
            "name": called(each),
            "owner": each.current_owner.email if each.current_owner is not None else None,
            "territory": home(each),
            "pipeline": f"{amount(each, 'open_pipeline'):f}",
            "refs": [str(ref) for ref in each.refs],
        }
        for each in ordered[:most]
        if amount(each, "open_pipeline")
    ]


def _monday(instant: datetime, zone: ZoneInfo) -> date:
    day = local_day(instant, zone)
    return day - timedelta(days=day.weekday())
