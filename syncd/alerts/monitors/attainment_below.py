"""AttainmentBelow: a territory or rep is behind its quota's pace. Fires below one threshold, resolves at a higher one.

The pace is linear over the period. Nothing is said before a fifth of the period is over, nor while the amount expected
by now is under the pack's `min_expected`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from syncd.alerts import options
from syncd.alerts.companies import MOST_LISTED, in_words, money, name_of
from syncd.alerts.periods import Period, period_of
from syncd.alerts.view import Condition, Evaluation, MonitorView, Signal
from syncd.errors import InputError
from syncd.model.normalisation.numbers import EXACT
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.facts import Facts, OpportunityFacts
from syncd.rules.pack import Pack, Quota

NAME = "AttainmentBelow"
EARLIEST_SHARE = Decimal("0.2")
"""Before this share of a period is over, its pace says nothing."""
_BELOW, _RESOLVE = Decimal("0.7"), Decimal("0.75")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Deal:
    """One won opportunity of the period, with whom it counts for."""

    facts: Facts
    deal: OpportunityFacts
    closed: datetime
    amount: Decimal
    territory: str | None


@dataclass(frozen=True, slots=True)
class _Thresholds:
    below: Decimal
    resolve: Decimal
    least: Decimal


@dataclass(frozen=True, slots=True)
class AttainmentBelow:
    """The monitor."""

    name: str = NAME
    severity: str = "ticket"
    edge: bool = False
    reads_book: bool = True
    options: frozenset[str] = frozenset({"below", "resolve", "min_expected"})

    def evaluate(self, view: MonitorView) -> Evaluation:
        """A signal for every quota whose period is under way; all of them hold while any system is not fresh."""
        if view.pack is None or not view.pack.quotas:
            return Evaluation()
        thresholds = _thresholds(view)
        running = [(quota, period) for quota, period in _periods(view.pack) if period.holds(view.now)]
        deals = _won(view, view.pack, min((period.start for _, period in running), default=view.now))
        paths = _paths(view.pack)
        signals = (_signal(quota, period, deals, paths, thresholds, view) for quota, period in running)
        return Evaluation(tuple(signals))


def _thresholds(view: MonitorView) -> _Thresholds:
    rule = view.rule(NAME)
    below, resolve = options.share(rule, "below", _BELOW), options.share(rule, "resolve", max(_RESOLVE, _BELOW))
    if "below" in rule.options and "resolve" not in rule.options:
        resolve = max(resolve, below)
    if resolve < below:
        raise options.unreadable(rule, "resolves below the share it fires at", "let `resolve` be at least `below`")
    return _Thresholds(below, resolve, options.amount(rule, "min_expected", view.money))


def _periods(pack: Pack) -> Iterator[tuple[Quota, Period]]:
    known: dict[str, Period] = {}
    for quota in pack.quotas:
        if quota.period not in known:
            known[quota.period] = period_of(quota.period, pack.fiscal_year_start, pack.zone)
        yield quota, known[quota.period]


def _paths(pack: Pack) -> Mapping[str, str]:
    """Every territory's path, by path and by name."""
    found: dict[str, str] = {}
    for territory in pack.territories():
        found.setdefault(territory.name, territory.path)
    return found | {territory.path: territory.path for territory in pack.territories()}


def _won(view: MonitorView, pack: Pack, since: datetime) -> tuple[_Deal, ...]:
    """Every won opportunity closed from an instant until now, with the territory that it counts for."""
    known = {territory.path for territory in pack.territories()}
    context = view.evaluation_context()
    found = []
    for facts in view.facts:
        deals = [(deal, closed) for deal in facts.opportunities if (closed := _closed(deal, since, view.now))]
        if not deals:
            continue
        applied = facts.applied.get("owner")
        path = applied.territory if applied is not None else None
        if path not in known:
            entered = choose_territory(pack, "owner", facts, context).territory
            path = entered.path if entered is not None else None
        found += [_Deal(facts, deal, closed, _amount(deal), path) for deal, closed in deals]
    return tuple(found)


def _closed(deal: OpportunityFacts, since: datetime, now: datetime) -> datetime | None:
    """When a deal was won, if it was and in the time that counts; a close date is a day, so today's counts."""
    closed = deal.values.get("close_date")
    if deal.values.get("is_won") is not True or not isinstance(closed, datetime):
        return None
    return closed if since <= closed <= now else None


def _amount(deal: OpportunityFacts) -> Decimal:
    value = deal.values.get("amount")
    return value if isinstance(value, Decimal) else Decimal(0)


def _counts_for(deal: _Deal, quota: Quota, path: str | None) -> bool:
    if quota.rep is not None:
        return deal.deal.owner == quota.rep
    return path is not None and deal.territory is not None and f"{deal.territory}/".startswith(f"{path}/")


def _signal(
    quota: Quota,
    period: Period,
    deals: tuple[_Deal, ...],
    paths: Mapping[str, str],
    thresholds: _Thresholds,
    view: MonitorView,
) -> Signal:
    path = paths.get(quota.territory, quota.territory) if quota.territory is not None else None
    mine = [deal for deal in deals if deal.closed >= period.start and _counts_for(deal, quota, path)]
    won = Decimal(0)
    for deal in mine:
        won = EXACT.add(won, deal.amount)
    whole = view.money.convert(quota.amount, quota.currency)
    if whole is None:
        problem = f"`{quota.currency}` of a quota has no rate into {view.money.reporting}"
        raise InputError("SYN801", problem, where=str(quota.place), hint="add the rate to the settings")
    elapsed = period.elapsed(view.now)
    expected = whole * elapsed
    condition = _condition(won, expected, elapsed, thresholds, complete=view.fresh.issuperset(view.systems))
    pace = won / expected if expected else Decimal(1)
    subject = path or quota.rep or ""
    label = {"territory": path} if path is not None else {"rep": subject}
    return Signal(
        subject=subject,
        labels={**label, "period": period.name},
        summary=f"{subject} is at {pace:.0%} of its pace in {period.name}: {in_words(won, view)} won,"
        f" {in_words(expected, view)} expected by now",
        detail={
            "who": _owners(mine, quota),
            "money": money((expected - won).quantize(Decimal("0.01")), view, "behind the pace"),
            "evidence": [
                f"quota {in_words(whole, view)} for {period.name}, {quota.place.path}:{quota.place.line}",
                f"{elapsed:.0%} of the period is over",
                f"fires below {thresholds.below:.0%}, resolves at {thresholds.resolve:.0%}",
                f"{len(mine):,} opportunities won",
                *_largest(mine, view),
            ],
            "command": "syncd alerts show {id}",
        },
        condition=condition,
        systems=frozenset(view.systems),
    )


def _condition(
    won: Decimal, expected: Decimal, elapsed: Decimal, thresholds: _Thresholds, *, complete: bool
) -> Condition:
    if not complete:
        return Condition.HOLDING
    if elapsed < EARLIEST_SHARE or expected <= 0 or expected < thresholds.least:
        return Condition.CLEAR
    if won < expected * thresholds.below:
        return Condition.FIRING
    return Condition.CLEAR if won >= expected * thresholds.resolve else Condition.HOLDING


def _owners(deals: list[_Deal], quota: Quota) -> list[str]:
    if quota.rep is not None:
        return [quota.rep]
    found: dict[str, Decimal] = defaultdict(Decimal)
    for deal in deals:
        if deal.deal.owner is not None:
            found[deal.deal.owner] += deal.amount
    return sorted(found, key=lambda owner: (-found[owner], owner))[:MOST_LISTED]


def _largest(deals: list[_Deal], view: MonitorView) -> list[str]:
    ordered = sorted(deals, key=lambda deal: (-deal.amount, deal.deal.key))
    return [
        f"won {in_words(deal.amount, view)} at {name_of(deal.facts)} on {deal.closed.astimezone(_zone(view)):%Y-%m-%d}"
        for deal in ordered[:_SHOWN]
    ]


def _zone(view: MonitorView) -> ZoneInfo:
    return view.evaluation_context().zone
