"""From decisions to the problem of balancing: which accounts may move, to whom, and what is in the way. Pure.

Only what the rules keep may move, and only to a member of the account's own territory who may receive it today: such a
move stands, for the next plan keeps it. What is held, overridden, protected, picked anew or in a team stays.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from syncd.model.decisions import Decision, Outcome
from syncd.planning.aids.audit import amount
from syncd.planning.aids.balance_problem import ACTIVE, FIT, LIVE, STAYS, WORTH, Problem, Solution, Unit
from syncd.planning.aids.moves import RECENT
from syncd.planning.people.table import Table, given, names_people
from syncd.planning.proposing.reasons import REBALANCED
from syncd.rules.deciding.fitness import LANGUAGE_FIELDS, SKILL_FIELDS, TIME_ZONE_FIELD, matches_of
from syncd.rules.deciding.loads import band_of
from syncd.rules.deciding.member import ONE, Member
from syncd.rules.deciding.people import barred, members_of, ramp
from syncd.rules.deciding.retrieving import cooling_off
from syncd.rules.facts import Facts
from syncd.rules.pack import Territory

METRICS = ("potential", "workload", "pipeline", "accounts", "score")
BY_RULES = "the rules move it"
"""Why an account that another plan is to move stays here; the reason of that stands behind it."""
_KEPT = frozenset({"kept", "remembered"})
_FOLLOWS = "follow-parent"
_PER_DEAL, _PER_CUSTOMER = 2, 1
"""Work beside that of an account itself, which is 1: of each open deal, and of who bought in the last 12 months."""
_FIT_FIELDS = (*SKILL_FIELDS, *LANGUAGE_FIELDS, TIME_ZONE_FIELD, "industry", "country", "state")
Weigh = Callable[[Facts], Decimal]


def weigher(by: str, yearly: Mapping[str, Decimal]) -> Weigh:
    """How much an account weighs in a metric of METRICS; `yearly` is the potential by company."""
    fields = {"pipeline": "open_pipeline", "score": "score"}
    if by == "potential":
        return lambda facts: yearly.get(facts.key, Decimal(0))
    if by == "workload":
        return workload
    if by == "accounts":
        return lambda _: ONE
    return lambda facts: max(amount(facts, fields[by]), Decimal(0))


def workload(facts: Facts) -> Decimal:
    """The work of an account: 1, 2 more for each open deal, 1 more for who bought in the last 12 months."""
    customer = _PER_CUSTOMER if amount(facts, "won_amount_12m") > 0 else 0
    return ONE + _PER_DEAL * amount(facts, "open_opportunities") + customer


@dataclass
class Balancing:
    """The problem with what its numbers stand for: e-mails of holders, companies of each unit, why others stay.

    `weights` are exact, by company. `fixed` counts the accounts in question that may not move, by reason.
    """

    table: Table
    emails: tuple[str, ...]
    problem: Problem
    companies: tuple[tuple[str, ...], ...]
    members: Mapping[tuple[str, str], Member]
    weights: Mapping[str, Decimal]
    fixed: Mapping[str, int]
    scope: str | None = None

    def moves(self, solution: Solution) -> list[tuple[str, str, str]]:
        """Company, from and to, of every account that a solution moves."""
        found = []
        for unit, companies, to in zip(self.problem.units, self.companies, solution.to, strict=True):
            if to != STAYS:
                found += [(company, self.emails[unit.owner], self.emails[to]) for company in companies]
        return found

    def decided(self, solution: Solution, by: str) -> dict[str, Decision]:
        """The decisions that carry a solution out."""
        found = {}
        for company, giver, email in self.moves(solution):
            self.table.give(company, email, self.members[company, email].bearer)
            text = f"balanced by {by}: from the fuller book of {giver}"
            found[company] = given(self.table, company, email, REBALANCED, text)
        return found


def balancing(table: Table, weigh: Weigh, scope: str | None = None) -> Balancing:
    """The problem of balancing the books of a table, or of those in a territory (name or path) and below."""
    return _Builder(table, weigh, scope).built()


@dataclass
class _Builder:
    table: Table
    weigh: Weigh
    scope: str | None
    units: list[Unit] = field(default_factory=list)
    companies: list[tuple[str, ...]] = field(default_factory=list)
    members: dict[tuple[str, str], Member] = field(default_factory=dict)
    fixed: Counter[str] = field(default_factory=Counter)
    holders: dict[str, int] = field(default_factory=dict)
    limits: dict[tuple[str, ...], int] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)
    fits: dict[object, int] = field(default_factory=dict)

    def built(self) -> Balancing:
        table = self.table
        weights = {key: self.weigh(table.facts[key]) for key in table.decisions}
        mine = [key for key in sorted(table.decisions) if self._asked(key)]
        average = float(sum((weights[key] for key in mine), Decimal(0))) / len(mine) if mine else 0.0
        families = self._families()
        for key in mine:
            decision = table.decisions[key]
            if decision.owner is not None:
                self._holder(decision.owner.email)
            if decision.reason == _FOLLOWS and decision.outcome is Outcome.KEEP:
                continue  # moves with the head of its family, or not at all
            why = self._stays(key, decision)
            options = self._options(key, decision) if why is None else {}
            if not options:
                self.fixed[why or "nobody else of the territory may have it"] += 1
                continue
            self._unit((key, *families.get(key, ())), decision, options, weights, average)
        loads = [Decimal(0)] * len(self.holders)
        for key, decision in table.decisions.items():
            if decision.owner is not None and decision.owner.email in self.holders:
                loads[self.holders[decision.owner.email]] += weights[key]
        problem = Problem(
            tuple(float(room) for room in self._rooms()), tuple(map(float, loads)), tuple(self.units), tuple(self.left)
        )
        return Balancing(
            table,
            tuple(self.holders),
            problem,
            tuple(self.companies),
            self.members,
            weights,
            dict(self.fixed),
            self.scope,
        )

    def _asked(self, key: str) -> bool:
        path = self.table.path_of(key)
        return bool(path) and (self.scope is None or any(self.scope in (each.name, each.path) for each in path))

    def _families(self) -> Mapping[str, list[str]]:
        """By the company at the head, those that the rules leave with its owner because they follow it."""
        found: dict[str, list[str]] = defaultdict(list)
        for key, decision in sorted(self.table.decisions.items()):
            head = self.table.facts[key].head
            if decision.reason == _FOLLOWS and decision.outcome is Outcome.KEEP and head and head != key:
                found[head].append(key)
        return found

    def _stays(self, key: str, decision: Decision) -> str | None:
        """Why an account may not move; None where it may."""
        if decision.outcome is Outcome.CHANGE:
            return f"{BY_RULES} ({decision.reason})"
        if decision.outcome is not Outcome.KEEP:
            return decision.reason
        if decision.reason not in _KEPT:
            return decision.reason
        facts, path = self.table.facts[key], self.table.path_of(key)
        if facts.team_holds is not None:
            return "has-team"
        if path[-1].follow_parent and facts.head not in (None, key):
            return _FOLLOWS
        return None if names_people(path[-1].owners) else "its territory names nobody"

    def _options(self, key: str, decision: Decision) -> dict[int, Member]:
        """The other members of the account's territory who may receive it today, caps apart."""
        frame, facts, path = self.table.frame, self.table.facts[key], self.table.path_of(key)
        owner, owners = decision.owner.email if decision.owner else "", path[-1].owners
        out = cooling_off(frame, "owner", facts) if frame.memory.retrievals else {}
        found = {}
        for member in members_of(frame, owners, facts):
            fits = member.email != owner and member.email not in out and (member.weight > 0)
            if fits and barred(frame, member.email, facts) is None:
                found[self._holder(member.email)] = member
        return found

    def _unit(
        self,
        keys: tuple[str, ...],
        decision: Decision,
        options: Mapping[int, Member],
        weights: Mapping[str, Decimal],
        average: float,
    ) -> None:
        facts, path = self.table.facts[keys[0]], self.table.path_of(keys[0])
        assert decision.owner is not None  # noqa: S101 - what the rules keep has an owner
        live = any(amount(self.table.facts[key], "open_opportunities") > 0 for key in keys)
        lately = any(_active(self.table.facts[key], self.table.frame.context.now) for key in keys)
        base = average * len(keys) * (WORTH + (LIVE if live else 0.0) + (ACTIVE if lately else 0.0))
        mine = self._fit(decision.owner.email, path[-1], facts)
        ordered = sorted(options)
        prices, uses = [], []
        for holder in ordered:
            member = options[holder]
            better = max(-1, min(1, self._fit(member.email, path[-1], facts) - mine))
            prices.append(base - average * len(keys) * FIT * better)
            uses.append(tuple(self._uses(keys, member)))
            self.members |= {(key, member.email): member for key in keys}
        weight = float(sum((weights[key] for key in keys), Decimal(0)))
        owner = self._holder(decision.owner.email)
        self.units.append(Unit(keys[0], owner, weight, tuple(ordered), tuple(prices), tuple(uses), len(keys)))
        self.companies.append(keys)

    def _fit(self, email: str, territory: Territory, facts: Facts) -> int:
        """How many things about a rep fit an account; asked once for accounts that are alike."""
        entry = self.table.entry(email)
        if entry is None or not (entry.skills or entry.languages or entry.industries or entry.hours):
            return 0
        asked = (email, territory.path, *(facts.values.get(name) for name in _FIT_FIELDS))
        if asked not in self.fits:
            self.fits[asked] = len(matches_of(self.table.frame, entry, territory, facts))
        return self.fits[asked]

    def _uses(self, keys: Iterable[str], member: Member) -> list[int]:
        """The limits that some accounts take room of with a member: `max_accounts`, and every cap above them."""
        found: dict[int, None] = {}
        table, loads, email, who = self.table, self.table.loads, member.email, member.bearer
        entry = table.entry(email)
        if entry is not None and entry.max_accounts is not None:
            most = int(entry.max_accounts * ramp(table.frame, entry))
            found[self._limit(("rep", email), most - loads.held(email))] = None
        for key in keys:
            for each in table.path_of(key):
                cap, band = each.cap, band_of(table.facts[key])
                if cap is None:
                    continue
                if cap.total is not None:
                    room = cap.total - loads.in_territory(each.path, who)
                    found[self._limit(("total", each.path, who), room)] = None
                if cap.day is not None:
                    room = cap.day - loads.given_today(each, email)
                    found[self._limit(("day", each.path, email), room)] = None
                if cap.week is not None:
                    room = cap.week - loads.given_this_week(each, email)
                    found[self._limit(("week", each.path, email), room)] = None
                limits = {name.casefold(): limit for name, limit in cap.band.items()}
                if band in limits:
                    room = limits[band] - loads.in_band(each.path, who, band)
                    found[self._limit(("band", each.path, who, band), room)] = None
        return list(found)

    def _limit(self, name: tuple[str, ...], room: int) -> int:
        if name not in self.limits:
            self.limits[name] = len(self.left)
            self.left.append(max(room, 0))
        return self.limits[name]

    def _holder(self, email: str) -> int:
        return self.holders.setdefault(email, len(self.holders))

    def _rooms(self) -> list[Decimal]:
        """Each holder's capacity times ramp; who has none counts as the mean of those who have one, else as 1."""
        entries = {email: self.table.entry(email) for email in self.holders}
        stated = [each.capacity for each in entries.values() if each is not None and each.capacity is not None]
        usual = sum(stated, Decimal(0)) / len(stated) if stated else ONE
        found = []
        for entry in entries.values():
            whole = entry.capacity if entry is not None and entry.capacity is not None else usual
            found.append(whole * (ramp(self.table.frame, entry) if entry is not None else ONE))
        return found


def _active(facts: Facts, now: datetime) -> bool:
    worked = facts.values.get("last_activity_at")
    return isinstance(worked, datetime) and timedelta(0) <= now - worked <= RECENT
