"""Two sets of decisions over one book: who gains and loses, how even it becomes, which relationships break. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.model.decisions import Decision
from syncd.planning.aids.audit import amount, called
from syncd.planning.aids.measures import spread_of
from syncd.rules.facts import Facts

OWNER = "owner"
RECENT = timedelta(days=30)
"""An owner who was active at an account so lately knows its people."""
BALANCED = ("accounts", "open_pipeline", "won_amount_12m")
NOBODY = "(nobody)"
NO_TERRITORY = "(no territory)"
_BROKEN_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota that is under way, in the reporting currency: of a territory (by path) or of a rep."""

    holder: str
    rep: bool
    period: str
    start: datetime
    whole: Decimal


@dataclass(slots=True)
class Holding:
    """What somebody, or a territory, holds: accounts and money."""

    accounts: int = 0
    open_pipeline: Decimal = field(default_factory=Decimal)
    won_amount_12m: Decimal = field(default_factory=Decimal)

    def add(self, facts: Facts | None) -> None:
        """Count one more company."""
        self.accounts += 1
        if facts is not None:
            self.open_pipeline += amount(facts, "open_pipeline")
            self.won_amount_12m += amount(facts, "won_amount_12m")

    def document(self) -> dict[str, Any]:
        """The holding as JSON values."""
        return {
            "accounts": self.accounts,
            "open_pipeline": f"{self.open_pipeline:f}",
            "won_12m": f"{self.won_amount_12m:f}",
        }


@dataclass(frozen=True)
class Outcome:
    """What one pack comes to: its decisions about owners, by company, over these facts."""

    decisions: Mapping[str, Decision]
    facts: Mapping[str, Facts]

    @classmethod
    def of(cls, decisions: Iterable[Decision], facts: Mapping[str, Facts]) -> Outcome:
        """The outcome of a pack's decisions; other roles than the owner's are left out."""
        return cls({each.company: each for each in decisions if each.role == OWNER}, facts)

    def rep_of(self, company: str) -> str:
        """Who holds a company afterwards."""
        decision = self.decisions.get(company)
        return decision.owner.email if decision is not None and decision.owner is not None else NOBODY

    def territory_of(self, company: str) -> str:
        """The territory of a company."""
        decision = self.decisions.get(company)
        return (decision.territory if decision is not None else None) or NO_TERRITORY

    def by_rep(self) -> dict[str, Holding]:
        """What each rep holds."""
        return self._held(self.rep_of)

    def by_territory(self) -> dict[str, Holding]:
        """What each territory holds."""
        return self._held(self.territory_of)

    def _held(self, holder_of: Any) -> dict[str, Holding]:
        held: dict[str, Holding] = defaultdict(Holding)
        for company in self.decisions:
            held[holder_of(company)].add(self.facts.get(company))
        return dict(held)


def changes_document(a: Outcome, b: Outcome, by: str) -> list[dict[str, Any]]:
    """By rep or territory: what it holds under each pack and what it gains and loses, the largest change first."""
    before, after = (a.by_rep(), b.by_rep()) if by == "rep" else (a.by_territory(), b.by_territory())
    gained: dict[str, Holding] = defaultdict(Holding)
    lost: dict[str, Holding] = defaultdict(Holding)
    for company in a.decisions.keys() | b.decisions.keys():
        one, other = (a.rep_of(company), b.rep_of(company)) if by == "rep" else _territories(a, b, company)
        if one != other:
            lost[one].add(a.facts.get(company))
            gained[other].add(b.facts.get(company))
    found: list[dict[str, Any]] = [
        {
            by: name,
            "a": before.get(name, Holding()).document(),
            "b": after.get(name, Holding()).document(),
            "gained": gained.get(name, Holding()).document(),
            "lost": lost.get(name, Holding()).document(),
        }
        for name in before.keys() | after.keys()
    ]
    found.sort(key=lambda each: (-(each["gained"]["accounts"] + each["lost"]["accounts"]), each[by]))
    return found


def _territories(a: Outcome, b: Outcome, company: str) -> tuple[str, str]:
    return a.territory_of(company), b.territory_of(company)


def balance_document(outcome: Outcome, reps: frozenset[str]) -> dict[str, Any]:
    """How evenly reps and territories hold accounts and money; `reps` are those who count although they hold none."""
    held = {name: holding for name, holding in outcome.by_rep().items() if name != NOBODY}
    people = [held.get(name, Holding()) for name in held.keys() | reps]
    areas = [each for name, each in outcome.by_territory().items() if name != NO_TERRITORY]
    return {
        "reps": {name: spread_of(_loads(people, name)).document() for name in BALANCED},
        "territories": {name: spread_of(_loads(areas, name)).document() for name in BALANCED},
    }


def _loads(holdings: Iterable[Holding], name: str) -> list[Decimal]:
    return [Decimal(getattr(holding, name)) for holding in holdings]


def attainment_document(a: Outcome, b: Outcome, quotas: Sequence[Quota], now: datetime) -> list[dict[str, Any]]:
    """What was won so far in each quota's period, counted for whom the company would belong to under each pack."""
    wins = {key: tuple(_wins(facts, now)) for key, facts in (b.facts or a.facts).items()}
    found = []
    for quota in quotas:
        sums = [_won_for(outcome, quota, wins) for outcome in (a, b)]
        shares = [f"{(won / quota.whole).quantize(Decimal('0.001')):f}" if quota.whole else None for won in sums]
        found.append(
            {
                "holder": quota.holder,
                "kind": "rep" if quota.rep else "territory",
                "period": quota.period,
                "quota": f"{quota.whole:f}",
                "a": {"won": f"{sums[0]:f}", "attainment": shares[0]},
                "b": {"won": f"{sums[1]:f}", "attainment": shares[1]},
            }
        )
    return found


def _wins(facts: Facts, now: datetime) -> Iterator[tuple[datetime, Decimal]]:
    for deal in facts.opportunities:
        closed, value = deal.values.get("close_date"), deal.values.get("amount")
        if deal.values.get("is_won") is True and isinstance(closed, datetime) and closed <= now:
            yield closed, value if isinstance(value, Decimal) else Decimal(0)


def _won_for(outcome: Outcome, quota: Quota, wins: Mapping[str, tuple[tuple[datetime, Decimal], ...]]) -> Decimal:
    whole = Decimal(0)
    for company, closed in wins.items():
        path = outcome.territory_of(company)
        mine = outcome.rep_of(company) == quota.holder
        if mine if quota.rep else path == quota.holder or path.startswith(f"{quota.holder}/"):
            whole += sum((value for at, value in closed if at >= quota.start), Decimal(0))
    return whole


def broken_document(outcome: Outcome, now: datetime) -> dict[str, Any]:
    """The companies that leave an active owner who has an open deal with them, or was active there lately."""
    found = []
    for company, decision in sorted(outcome.decisions.items()):
        facts = outcome.facts.get(company)
        before, after = decision.current_owner, decision.owner
        if facts is None or before is None or not facts.owner_active or after is None or after.email == before.email:
            continue
        active = facts.values.get("last_activity_at")
        deals = amount(facts, "open_opportunities")
        lately = isinstance(active, datetime) and now - RECENT <= active <= now
        if deals or lately:
            why = ([f"{deals:f} open deal{'' if deals == 1 else 's'}"] if deals else []) + (
                [f"active on {active:%Y-%m-%d}"] if lately and isinstance(active, datetime) else []
            )
            found.append((facts, before.email, after.email, " and ".join(why)))
    found.sort(key=lambda each: (-amount(each[0], "open_pipeline"), each[0].key))
    money = sum((amount(facts, "open_pipeline") for facts, _, _, _ in found), Decimal(0))
    return {
        "count": len(found),
        "money": f"{money:f}",
        "companies": [
            {
                "company": facts.key,
                "name": called(facts),
                "from": before,
                "to": after,
                "text": why,
                "money": f"{amount(facts, 'open_pipeline'):f}",
            }
            for facts, before, after, why in found[:_BROKEN_SHOWN]
        ],
    }


def moves_from_today(outcome: Outcome) -> dict[str, Any]:
    """How many companies a pack takes from today's owner, with their open pipeline."""
    moved = [
        each
        for each in outcome.decisions.values()
        if each.owner is not None and (each.current_owner is None or each.owner.email != each.current_owner.email)
    ]
    facts = [outcome.facts[each.company] for each in moved if each.company in outcome.facts]
    return {"count": len(moved), "money": f"{sum((amount(each, 'open_pipeline') for each in facts), Decimal(0)):f}"}
