"""How much each rep of one role carries while a book is being decided, and what was given to whom.

Accounts and amounts, accounts per capped territory and band, accounts given today and this week, and the turns of
rotations. A seat's load belongs to the seat, whoever holds it. Counts only what it is told; it decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from syncd.model.normalisation.numbers import EXACT
from syncd.model.rotation import Standing, Standings, Turn, charged
from syncd.rules.deciding.frame import Frame, measure
from syncd.rules.deciding.kept import Kept
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import local_day
from syncd.rules.memory import NO_MEMORY, Memory
from syncd.rules.pack import Territory

ZERO = Decimal(0)


class Loads:
    """The loads of one role.

    `measures` are the `balance_by` words whose amounts are summed beside the accounts. Who carries something is named
    by identity: an e-mail, or a `seat:` name.
    """

    def __init__(self, measures: Iterable[str] = (), memory: Memory = NO_MEMORY, role: str = "owner") -> None:
        self._measures = tuple(sorted(set(measures) - {"accounts"}))
        self._memory = memory
        self._role = role
        self._held: Counter[str] = Counter()
        self._accounts: Counter[str] = Counter()
        self._amounts: dict[tuple[str, str], Decimal] = {}
        self._in_territory: Counter[tuple[str, str]] = Counter()
        self._in_band: Counter[tuple[str, str, str]] = Counter()
        self._today: Counter[tuple[str, str]] = Counter()
        self._this_week: Counter[tuple[str, str]] = Counter()
        self._turns: dict[str, dict[str, Standing]] = {}

    @classmethod
    def of(cls, frame: Frame, role: str) -> Loads:
        """The loads of a role before anything is settled: nothing but what the ledger says was given lately."""
        measures = {territory.balance_by for territory in frame.pack.territories(role)}
        loads = cls(measures, frame.memory, role)
        monday = frame.today - timedelta(days=frame.today.weekday())
        for each in frame.memory.assignments:
            if each.role != role or each.at > frame.context.now or each.territory is None:
                continue
            day = local_day(each.at, frame.pack.zone)
            for name in set(each.territory.split("/")):
                loads._today[name, each.owner] += day == frame.today
                loads._this_week[name, each.owner] += day >= monday
        return loads

    def add(self, email: str, facts: Facts, path: tuple[Territory, ...], identity: str | None = None) -> None:
        """Count an account for a rep, or the seat `identity`: in all measures, and in every capped territory."""
        who = identity or email
        self._held[email] += 1
        self._accounts[who] += 1
        for name in self._measures:
            self._amounts[name, who] = EXACT.add(self._amounts.get((name, who), ZERO), measure(facts, name))
        for territory in path:
            if territory.cap is not None:
                self._in_territory[territory.path, who] += 1
                self._in_band[territory.path, who, band_of(facts)] += 1

    def add_kept(self, kept: Kept) -> None:
        """Count companies that stay with their owner, together: as `add` for each of them."""
        self._held[kept.owner] += kept.count
        self._accounts[kept.identity] += kept.count
        for name in self._measures:
            held = self._amounts.get((name, kept.identity), ZERO)
            self._amounts[name, kept.identity] = EXACT.add(held, kept.amounts[name])
        for territory in kept.path:
            if territory.cap is not None:
                self._in_territory[territory.path, kept.identity] += kept.count
                for band, count in kept.bands.items():
                    self._in_band[territory.path, kept.identity, band] += count

    def give(self, email: str, path: tuple[Territory, ...]) -> None:
        """Count an account that this run newly gives to a rep, for the caps by day and week."""
        for territory in path:
            if territory.cap is not None:
                self._today[territory.name, email] += 1
                self._this_week[territory.name, email] += 1

    def take(self, turn: Turn, frame: Frame) -> None:
        """Count a turn of a rotation that this run takes."""
        standings = self.standings(turn.rotation, turn.former)
        self._turns[turn.rotation] = {**standings, **charged(standings, turn, frame.context.now)}

    def standings(self, rotation: str, former: str | None = None) -> Standings:
        """The standings of a rotation: what receipts charged, and this run's own picks."""
        own = self._turns.get(rotation)
        return own if own is not None else self._memory.standings(self._role, rotation, former or rotation)

    def held(self, email: str) -> int:
        """How many accounts a person has, in their own name and in seats."""
        return self._held[email]

    def accounts(self, identity: str) -> int:
        """How many accounts a rep or seat has."""
        return self._accounts[identity]

    def load(self, identity: str, balance_by: str) -> Decimal:
        """The load of a rep or seat in one measure."""
        if balance_by == "accounts":
            return Decimal(self.accounts(identity))
        return self._amounts.get((balance_by, identity), ZERO)

    def in_territory(self, path: str, identity: str) -> int:
        """How many accounts a rep or seat has in a capped territory and below."""
        return self._in_territory[path, identity]

    def in_band(self, path: str, identity: str, band: str) -> int:
        """How many accounts of one band a rep or seat has in a capped territory and below."""
        return self._in_band[path, identity, band]

    def given_today(self, territory: Territory, email: str) -> int:
        """How many accounts of a territory and below syncd gave a rep today, by the pack's calendar."""
        return _given(self._today, territory, email)

    def given_this_week(self, territory: Territory, email: str) -> int:
        """The same since Monday."""
        return _given(self._this_week, territory, email)


def _given(counts: Counter[tuple[str, str]], territory: Territory, email: str) -> int:
    """What is counted under a territory's present and former name."""
    return sum(counts[name, email] for name in {territory.name, territory.was or territory.name})


def band_of(facts: Facts) -> str:
    """The account's band, empty where it has none."""
    value = facts.values.get("band")
    return value if isinstance(value, str) else ""
