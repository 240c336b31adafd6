"""What a pack's score makes of a book: bands, components, how it fits the deals that were won, and who changes band.

Pure. The score itself is worked out by `rules.scoring`; here it is only counted and held against history.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from syncd.errors import UsageError
from syncd.planning.aids.audit import amount, called, money_of
from syncd.planning.aids.deals import Deal
from syncd.planning.aids.measures import Share, middle_of
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack
from syncd.rules.scoring_rules import Component, Scoring
from syncd.rules.suggestion import did_you_mean

NO_BAND = "(no band)"
NO_VALUE = "(missing)"
_STEP = 10
_CHANGED_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Move:
    """A company whose band or score differs between two ways of scoring."""

    company: str
    name: str
    before: tuple[int | None, str | None]
    after: tuple[int | None, str | None]
    money: Decimal


def with_what_if(scoring: Scoring, changes: Sequence[str]) -> Scoring:
    """The score with some components changed: `NAME.points=30`, or `NAME.weight=1.5`, which multiplies its points.

    Raises UsageError SYN744 for what is no such change.
    """
    components = {component.name: component for component in scoring.components}
    for change in changes:
        target, equals, text = change.partition("=")
        name, _, what = target.strip().rpartition(".")
        value = _number(text)
        if not equals or value is None or what not in ("points", "weight"):
            hint = "write NAME.points=30 for a condition, NAME.weight=1.5 for any component"
            raise UsageError("SYN744", f"`--what-if {change}` is no change of a component", hint=hint)
        if name not in components:
            hint = did_you_mean(name, components) or f"the pack has {', '.join(components)}"
            raise UsageError("SYN744", f"the score has no component {name!r}", hint=hint)
        components[name] = _changed(components[name], what, value, change)
    return replace(scoring, components=tuple(components.values()))


def _changed(component: Component, what: str, value: Decimal, change: str) -> Component:
    if what == "weight":
        curve = tuple((at, points * value) for at, points in component.curve)
        return replace(component, points=component.points * value, curve=curve)
    if component.field is not None:
        hint = f"{component.name} is a curve of {component.field}: write {component.name}.weight=1.5"
        raise UsageError("SYN744", f"`--what-if {change}`: a curve has no points of its own", hint=hint)
    return replace(component, points=value)


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def moves_between(before: Mapping[str, tuple[int | None, str | None]], book: Iterable[Facts]) -> tuple[Move, ...]:
    """The companies of a graded book that come to another band than before, the most money first.

    `before` holds score and band by company; those that are not in it are new and no move.
    """
    found = []
    for facts in book:
        grade = facts.grade
        if grade is None or facts.key not in before or before[facts.key][1] == grade.band:
            continue
        pipeline = amount(facts, "open_pipeline")
        found.append(Move(facts.key, called(facts), before[facts.key], (grade.score, grade.band), pipeline))
    return tuple(sorted(found, key=lambda move: (-move.money, move.company)))


def moves_document(moves: Sequence[Move]) -> dict[str, Any]:
    """Who changes band: how many from which to which, with their open pipeline, and the companies."""
    counts: Counter[tuple[str, str]] = Counter()
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for move in moves:
        key = (move.before[1] or NO_BAND, move.after[1] or NO_BAND)
        counts[key] += 1
        sums[key] += move.money
    return {
        "count": len(moves),
        "money": f"{sum(sums.values(), Decimal(0)):f}",
        "moves": [
            {"from": key[0], "to": key[1], "count": count, "money": f"{sums[key]:f}"}
            for key, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        "companies": [
            {
                "company": move.company,
                "name": move.name,
                "from": {"score": move.before[0], "band": move.before[1]},
                "to": {"score": move.after[0], "band": move.after[1]},
                "money": f"{move.money:f}",
            }
            for move in moves[:_CHANGED_SHOWN]
        ],
    }


def band_document(pack: Pack, book: Sequence[Facts], deals: Mapping[str, Sequence[Deal]]) -> list[dict[str, Any]]:
    """Each band in the order of the pack: companies, money, and how its deals ended."""
    members: dict[str | None, list[Facts]] = defaultdict(list)
    for facts in book:
        members[facts.grade.band if facts.grade is not None else None].append(facts)
    names: list[str | None] = [band.name for band in pack.scoring.bands] if pack.scoring is not None else []
    found = []
    for name in [*names, None]:
        companies = members.get(name, [])
        if name is None and not companies:
            continue
        pipeline, won = money_of(companies)
        ended = [deal for facts in companies for deal in deals.get(facts.key, ()) if deal.won is not None]
        found.append(
            {
                "band": name or NO_BAND,
                "companies": len(companies),
                "share": round(len(companies) / len(book), 4) if book else None,
                "open_pipeline": f"{pipeline:f}",
                "won_12m": f"{won:f}",
                "win_rate": Share(sum(deal.won is True for deal in ended), len(ended)).document(),
            }
        )
    return found


def component_document(pack: Pack, book: Sequence[Facts], deals: Mapping[str, Sequence[Deal]]) -> list[dict[str, Any]]:
    """Each component: what it can give and gives, and how deals end where it gives something and where it does not."""
    if pack.scoring is None:
        return []
    found = []
    for place, component in enumerate(pack.scoring.components):
        given = [facts for facts in book if _points(facts, place)]
        rest = [facts for facts in book if not _points(facts, place)]
        total = sum((_points(facts, place) for facts in book), Decimal(0))
        missing = sum(component.field is not None and component.field not in facts.values for facts in book)
        most = max([Decimal(0), component.points, *(points for _, points in component.curve)])
        found.append(
            {
                "component": component.name,
                "rule": {"file": component.place.path, "line": component.place.line},
                "from": component.field or component.test.text,
                "most": f"{most:f}",
                "mean": f"{(total / len(book)).quantize(Decimal('0.1')):f}" if book else None,
                "companies": len(given),
                "missing": missing,
                "win_rate_with": _win_rate(given, deals).document(),
                "win_rate_without": _win_rate(rest, deals).document(),
            }
        )
    return found


def _points(facts: Facts, place: int) -> Decimal:
    parts = facts.grade.parts if facts.grade is not None else ()
    return parts[place].points if place < len(parts) else Decimal(0)


def _win_rate(companies: Iterable[Facts], deals: Mapping[str, Sequence[Deal]]) -> Share:
    ended = [deal for facts in companies for deal in deals.get(facts.key, ()) if deal.won is not None]
    return Share(sum(deal.won is True for deal in ended), len(ended))


def histogram(book: Iterable[Facts]) -> list[dict[str, int]]:
    """How many companies have a score in each ten."""
    scores = Counter(facts.grade.score // _STEP for facts in book if facts.grade and facts.grade.score is not None)
    if not scores:
        return []
    return [
        {"from": step * _STEP, "to": step * _STEP + _STEP - 1, "companies": scores[step]}
        for step in range(min(scores), max(scores) + 1)
    ]


def fit_document(bands: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Whether the bands tell deals that are won from those that are lost: the best and the worst with enough deals.

    `told` is True where their intervals do not overlap and the better band wins more, False where it wins less, None
    where the deals are too few or too alike to say.
    """
    rated = [band for band in bands if band["band"] != NO_BAND and band["win_rate"]["of"]]
    if len(rated) < 2:
        return {"told": None, "text": "fewer than two bands have closed deals: nothing can be said of the fit"}
    top, low = rated[0], rated[-1]
    one, other = top["win_rate"], low["win_rate"]
    said = (
        f"{top['band']} wins {one['share']:.0%} ({one['low']:.0%} to {one['high']:.0%}) of {one['of']:,} closed deals,"
        f" {low['band']} {other['share']:.0%} ({other['low']:.0%} to {other['high']:.0%}) of {other['of']:,}"
    )
    if one["low"] > other["high"]:
        return {"told": True, "text": f"{said}: the score tells them apart"}
    if one["high"] < other["low"]:
        return {"told": False, "text": f"{said}: the score points the wrong way"}
    return {"told": None, "text": f"{said}: the intervals overlap, so this history does not show that the score tells"}


def segment_document(
    book: Iterable[Facts], deals: Mapping[str, Sequence[Deal]], segment_of: Callable[[Facts], str | None]
) -> list[dict[str, Any]]:
    """By segment, the largest first: how many companies came to a deal and to a win, win rate, cycle and deal size."""
    members: dict[str, list[Facts]] = defaultdict(list)
    for facts in book:
        members[segment_of(facts) or NO_VALUE].append(facts)
    found = []
    for name in sorted(members, key=lambda each: (-len(members[each]), each)):
        companies = members[name]
        held = [list(deals.get(facts.key, ())) for facts in companies]
        ended = [deal for each in held for deal in each if deal.won is not None]
        won = [deal for deal in ended if deal.won]
        found.append(
            {
                "segment": name,
                "companies": len(companies),
                "reached": Share(sum(bool(each) for each in held), len(companies)).document(),
                "converted": Share(sum(any(deal.won for deal in each) for each in held), len(companies)).document(),
                "win_rate": Share(len(won), len(ended)).document(),
                "cycle_days": middle_of([days for deal in won if (days := deal.days) is not None]).document(),
                "deal_size": middle_of([deal.amount for deal in won if deal.amount is not None]).document("0.01"),
            }
        )
    return found
