"""Attainment: what was won so far against the pace of each quota that is under way.

A deal counts for a territory and all above it, and for the rep who owned its account when it closed. The pace is linear
over the period, or learned from how earlier periods went. Pure; which share is too little or much is not known here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.closings import Win
from syncd.alerts.companies import MOST_LISTED, in_words, money, name_of, total
from syncd.alerts.periods import Period, earlier, period_of
from syncd.alerts.view import Condition, MonitorView, Signal
from syncd.errors import InputError
from syncd.model.refs import Kind, Ref
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import MonitorRule, Pack, Quota
from syncd.rules.quotas import counted_in, quotas_at

EARLIEST_SHARE = Decimal("0.2")
"""Before this share of a period is over, its pace says nothing."""
OPTIONS = frozenset({"min_expected", "pace", "attribute"})
_SHOWN = 10
_LEARNT_FROM = {"year": (2, 4), "quarter": (4, 8), "month": (6, 12)}
"""How many earlier periods a seasonal pace needs, and how many it looks at, by kind of period."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a quota's holder has come: `expected` by now, `won` so far, both in the reporting currency.

    `least` is the expected amount from which a pace says something; `paced` says how the expectation was made.
    """

    quota: Quota
    period: Period
    subject: str
    labels: Mapping[str, str]
    whole: Decimal
    expected: Decimal
    won: Decimal
    elapsed: Decimal
    least: Decimal
    wins: tuple[tuple[Win, Facts], ...]
    paced: str
    below: tuple[tuple[str, Decimal], ...] = ()

    @property
    def speaks(self) -> bool:
        """Whether the period is old enough, and enough is expected by now, for its pace to say something."""
        return self.elapsed >= EARLIEST_SHARE and self.expected > 0 and self.expected >= self.least

    @property
    def pace(self) -> Decimal:
        """What was won as a share of what was expected."""
        return self.won / self.expected if self.expected else Decimal(1)


def progress(view: MonitorView, monitor: str) -> Iterator[Progress]:
    """The progress of every quota whose period is under way; InputError SYN801 for what cannot be read or converted."""
    pack = view.pack
    if pack is None or not (under_way := running(pack, view.now)):
        return
    rule = view.rule(monitor)
    least = options.amount(rule, "min_expected", view.money)
    seasonal = by_season(rule)
    tally = _Tally.of(view, pack, rule)
    for quota, period in under_way:
        path = tally.paths.get(quota.territory, quota.territory) if quota.territory is not None else None
        known = tally.by_territory.get(path, ()) if path is not None else tally.by_rep.get(quota.rep or "", ())
        wins = tuple(each for each in known if each[0].closed >= period.start)
        whole = _converted(quota, view)
        usual = expected_share(period, view.now, view.closings.daily, pack, seasonal=seasonal)
        subject = path or quota.rep or ""
        yield Progress(
            quota=quota,
            period=period,
            subject=subject,
            labels={"territory" if path is not None else "rep": subject, "period": period.name},
            whole=whole,
            expected=whole * usual.share,
            won=total(win.amount or Decimal(0) for win, _ in wins),
            elapsed=period.elapsed(view.now),
            least=least,
            wins=wins,
            paced=usual.paced,
            below=tally.children(path, period.start),
        )


def by_season(rule: MonitorRule) -> bool:
    """Whether the pack has a monitor's pace follow the seasons; InputError SYN801 for a word that says neither."""
    return options.choice(rule, "pace", ("linear", "seasonal")) == "seasonal"


@dataclass(frozen=True, slots=True)
class Usual:
    """The share of a period's wins that is expected by now, how that was come to, and from how many earlier periods."""

    share: Decimal
    paced: str
    learnt: int = 0


def expected_share(
    period: Period, now: datetime, daily: Mapping[date, Decimal], pack: Pack, *, seasonal: bool
) -> Usual:
    """What is usual by now in a period: linear, or `seasonal` by how earlier periods of its kind went where enough are
    known. `daily` is what was won on each day of all time."""
    elapsed = period.elapsed(now)
    if not seasonal:
        return Usual(elapsed, "the pace is linear")
    needed, looked_at = _LEARNT_FROM[_kind(period.name)]
    shares: list[Decimal] = []
    first = min(daily, default=None)
    past = period
    for _ in range(looked_at):
        past = earlier(past.name, pack.fiscal_year_start, pack.zone)
        if first is None or first > local_day(past.start, pack.zone):
            break
        share = _won_by(past, elapsed, daily, pack)
        if share is not None:
            shares.append(share)
    if len(shares) < needed:
        words = f"the pace is linear: a seasonal one needs {needed} earlier periods, and {len(shares)} are known"
        return Usual(elapsed, words)
    mean = total(shares) / len(shares)
    words = f"the pace is that of the last {len(shares)} periods: {mean:.0%} was won by this time"
    return Usual(mean, words, len(shares))


def running(pack: Pack, now: datetime) -> list[tuple[Quota, Period]]:
    """The quotas whose period is under way."""
    known: dict[str, Period] = {}
    quotas = quotas_at(pack, now)
    for quota in quotas:
        if quota.period not in known:
            known[quota.period] = period_of(quota.period, pack.fiscal_year_start, pack.zone)
    return [(quota, known[quota.period]) for quota in quotas if known[quota.period].holds(now)]


def evidence(each: Progress, view: MonitorView, thresholds: str) -> list[str]:
    """Why an alert about a quota says what it says."""
    quota = each.quota
    unrated = sum(1 for win, _ in each.wins if win.amount is None)
    return [
        f"quota {in_words(each.whole, view)} for {each.period.name}, {quota.place.path}:{quota.place.line}",
        f"{each.elapsed:.0%} of the period is over; {each.paced}",
        thresholds,
        f"{len(each.wins):,} {'opportunity' if len(each.wins) == 1 else 'opportunities'} won",
        *_forecast(each, view),
        *([f"{unrated:,} of them count nothing: no rate for their currency on the day they closed"] if unrated else []),
        *(f"below it, {path} won {in_words(won, view)}" for path, won in each.below[:_SHOWN]),
        *_largest(each, view),
    ]


def holders(each: Progress) -> list[str]:
    """Who an alert about a quota is for: its rep, else the owners of what was won, the largest first."""
    if each.quota.rep is not None:
        return [each.quota.rep]
    found: dict[str, Decimal] = defaultdict(Decimal)
    for win, _ in each.wins:
        if win.owner is not None:
            found[win.owner] += win.amount or Decimal(0)
    return sorted(found, key=lambda owner: (-found[owner], owner))[:MOST_LISTED]


def signal(each: Progress, view: MonitorView, condition: Condition, thresholds: str, gap_of: str) -> Signal:
    """What a monitor of attainment says of one quota; `gap_of` names the money, such as `behind the pace`."""
    return Signal(
        subject=each.subject,
        labels=each.labels,
        summary=f"{each.subject} is at {each.pace:.0%} of its pace in {each.period.name}:"
        f" {in_words(each.won, view)} won, {in_words(each.expected, view)} expected by now",
        detail={
            "who": holders(each),
            "money": gap(each, view, gap_of),
            "evidence": evidence(each, view, thresholds),
            "command": "syncd alerts show {id}",
        },
        condition=condition,
        systems=frozenset(view.systems),
    )


def gap(each: Progress, view: MonitorView, of: str) -> dict[str, str]:
    """How much lies between what was won and what was expected, as it stands in an alert."""
    return money(abs(each.expected - each.won).quantize(Decimal("0.01")), view, of)


@dataclass(frozen=True, slots=True)
class _Tally:
    """Every win of the periods under way, by what it counts for, and every territory's path by path and name."""

    by_territory: Mapping[str, list[tuple[Win, Facts]]]
    by_rep: Mapping[str, list[tuple[Win, Facts]]]
    paths: Mapping[str, str]

    @classmethod
    def of(cls, view: MonitorView, pack: Pack, rule: MonitorRule) -> _Tally:
        by_deal = options.choice(rule, "attribute", ("account-owner", "deal-owner")) == "deal-owner"
        companies = {ref: facts for facts in view.facts for ref in facts.refs}
        territories: dict[str, list[tuple[Win, Facts]]] = defaultdict(list)
        reps: dict[str, list[tuple[Win, Facts]]] = defaultdict(list)
        homes: dict[str, str | None] = {}
        known = _paths(pack)
        for win in view.closings.wins:
            facts = companies.get(win.account)
            if facts is None:
                continue
            owner = win.owner if by_deal else _owner_at(win, facts, view)
            if owner is not None:
                reps[owner].append((win, facts))
            if facts.key not in homes:
                homes[facts.key] = _home(facts, view, pack, known)
            parts = (homes[facts.key] or "").split("/")
            for depth in range(1, len(parts) + 1):
                territories["/".join(parts[:depth])].append((win, facts))
        paths: dict[str, str] = {}
        for territory in pack.territories():
            paths.setdefault(territory.name, territory.path)
        return cls(territories, reps, paths | known)

    def children(self, path: str | None, since: datetime) -> tuple[tuple[str, Decimal], ...]:
        """What each territory right below one won since an instant, the least first."""
        if path is None:
            return ()
        depth = path.count("/") + 1
        below = sorted(
            {each for each in self.paths.values() if each.startswith(f"{path}/") and each.count("/") == depth}
        )
        sums = [
            (each, total(win.amount or Decimal(0) for win, _ in self.by_territory.get(each, ()) if win.closed >= since))
            for each in below
        ]
        return tuple(sorted(sums, key=lambda pair: (pair[1], pair[0])))


def _paths(pack: Pack) -> dict[str, str]:
    return {territory.path: territory.path for territory in pack.territories()}


def _home(facts: Facts, view: MonitorView, pack: Pack, known: Mapping[str, str]) -> str | None:
    """The territory that a company's deals count for: the one last applied, else that of today's rules."""
    path = counted_in(facts, known, None)
    if path is not None:
        return path
    decision = view.decisions.get(facts.key) if view.decisions is not None else None
    if decision is not None:
        return decision.territory
    entered = choose_territory(pack, "owner", facts, view.evaluation_context()).territory
    return entered.path if entered is not None else None


def _owner_at(win: Win, facts: Facts, view: MonitorView) -> str | None:
    """Who owned the deal's account when the day on which it closed began."""
    changes: Iterable[str | None] = (
        change.old for change in view.owner_changes.get(win.account, ()) if change.at > win.closed
    )
    owner = next(iter(changes), facts.owner_ids.get(win.account.system))
    user = view.users.get(Ref(win.account.system, Kind.USER, owner)) if owner else None
    return user.email or None if user is not None else None


def _converted(quota: Quota, view: MonitorView) -> Decimal:
    whole = view.money.convert(quota.amount, quota.currency)
    if whole is None:
        problem = f"`{quota.currency}` of a quota has no rate into {view.money.reporting}"
        raise InputError("SYN801", problem, where=str(quota.place), hint="add the rate to the settings")
    return whole


def _won_by(period: Period, elapsed: Decimal, daily: Mapping[date, Decimal], pack: Pack) -> Decimal | None:
    """The share of a past period's wins that had closed when that share of it was over; None without any."""
    until = period.start + (period.end - period.start) * float(elapsed)
    start, middle, end = (local_day(instant, pack.zone) for instant in (period.start, until, period.end))
    days = [(day, amount) for day, amount in daily.items() if start <= day < end]
    whole = total(amount for _, amount in days)
    return total(amount for day, amount in days if day <= middle) / whole if whole > 0 else None


def _kind(name: str) -> str:
    _, _, part = name.partition("-")
    return "year" if not part else "quarter" if part.startswith("Q") else "month"


def _forecast(each: Progress, view: MonitorView) -> Iterator[str]:
    """What the last forecast said of it, where there is one."""
    told = view.forecasts.get((each.subject, each.period.name))
    if told is not None:
        ends = f"{in_words(told.mean, view)} ({in_words(told.low, view)} to {in_words(told.high, view)})"
        yield f"forecast of {told.at:%Y-%m-%d}: it ends at {ends}; the quota is reached with {told.chance:.0%}"


def _largest(each: Progress, view: MonitorView) -> list[str]:
    zone = view.evaluation_context().zone
    ordered = sorted(each.wins, key=lambda pair: (-(pair[0].amount or Decimal(0)), pair[0].ref))
    return [
        f"won {in_words(win.amount or Decimal(0), view)} at {name_of(facts)} on {win.closed.astimezone(zone):%Y-%m-%d}"
        for win, facts in ordered[:_SHOWN]
    ]
