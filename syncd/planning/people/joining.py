"""Joining: what somebody who starts begins with. Accounts that have nobody grow the book first, then full books are
peeled: the fullest gives, and first what costs the least to hand over. Pure.

The book grows with the ramp: a plan fills it to today's step, and says what the later steps will be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from syncd.model.decisions import Decision, Outcome
from syncd.planning.people.succession import pipeline_of
from syncd.planning.people.table import Table, asked_in_turn, given, names_people
from syncd.planning.proposing.reasons import JOINED, has_nobody
from syncd.rules.deciding.fitness import matches_of
from syncd.rules.deciding.member import ONE, Member
from syncd.rules.deciding.methods import Candidate
from syncd.rules.deciding.people import named_by, ramp, resolve
from syncd.rules.facts import Facts
from syncd.rules.pack import OwnersByPool, RepEntry, Territory

_KEPT = frozenset({"kept", "remembered"})
_NONE = Fraction(0)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ramp: from which day, which share of the book, and how many accounts that is."""

    from_: date | None
    share: Decimal
    accounts: int

    def entry(self) -> dict[str, Any]:
        """The step as the plan's document shows it."""
        day = self.from_.isoformat() if self.from_ is not None else None
        return {"from": day, "share": f"{self.share.normalize():f}", "accounts": self.accounts}


@dataclass(slots=True)
class Joining:
    """A proposal under way: what the joiner gets, from whom, and how full books are."""

    table: Table
    joiner: str
    group: tuple[str, ...]
    target: int
    steps: tuple[Step, ...]
    decided: dict[str, Decision] = field(default_factory=dict)
    peeled: dict[str, int] = field(default_factory=dict)
    grown: int = 0

    @property
    def entry(self) -> dict[str, Any]:
        """The proposal as the plan's document shows it."""
        return {
            "joiner": self.joiner,
            "target": self.target,
            "accounts": self.table.loads.held(self.joiner),
            "grown": self.grown,
            "peeled": dict(sorted(self.peeled.items())),
            "ramp": [step.entry() for step in self.steps],
        }


def group_of(table: Table, territories: Sequence[Territory], facts: Facts) -> tuple[str, ...]:
    """The people whom some territories name, seats resolved, in the order written."""
    names = (name for each in territories for name, _ in named_by(table.frame, each.owners, facts))
    found = (resolve(table.frame, name, facts) for name in names)
    return tuple(dict.fromkeys(email for email in found if email is not None))


def territories_into(table: Table, into: str) -> tuple[Territory, ...]:
    """The territories that a pool's name, a territory's name or its path stands for, all below it included."""
    found = []
    for path in table.paths.values():
        owners = path[-1].owners
        named = any(into in (each.name, each.path) for each in path)
        pooled = isinstance(owners, OwnersByPool) and owners.pool == into
        if (named or pooled) and names_people(owners):
            found.append(path[-1])
    return tuple(found)


def fair_share(table: Table, group: Sequence[str], joiner: str, share: Decimal, *, full: bool = False) -> int:
    """How many accounts the joiner's part of the group's books is, by capacity; with the ramp of today, or in full."""
    rooms = _rooms(table, group, joiner, full=full)
    whole = sum(rooms.values(), _NONE)
    books = sum(table.loads.held(email) for email in group)
    return int(books * rooms[joiner] / whole * Fraction(share)) if whole else 0


def _rooms(table: Table, group: Sequence[str], joiner: str, *, full: bool) -> dict[str, Fraction]:
    """Each one's capacity times ramp; who has no capacity counts as the mean of those who have one, else as 1."""
    entries = {email: table.entry(email) for email in group}
    stated = [Fraction(each.capacity) for each in entries.values() if each is not None and each.capacity is not None]
    usual = sum(stated, _NONE) / len(stated) if stated else Fraction(1)
    rooms = {}
    for email, entry in entries.items():
        whole = Fraction(entry.capacity) if entry is not None and entry.capacity is not None else usual
        grown = entry is None or (full and email == joiner)
        rooms[email] = whole if grown or entry is None else whole * Fraction(ramp(table.frame, entry))
    return rooms


def steps_of(entry: RepEntry | None, whole: int) -> tuple[Step, ...]:
    """The steps of a rep's ramp by calendar month, each with its part of the whole book."""
    if entry is None or not entry.ramp or entry.start is None:
        return (Step(None, ONE, whole),)
    found = []
    for number, share in enumerate(entry.ramp):
        year, month = divmod(entry.start.year * 12 + entry.start.month - 1 + number, 12)
        day = entry.start if number == 0 else date(year, month + 1, 1)
        found.append(Step(day, share, int(whole * Fraction(share))))
    return tuple(found)


def join(run: Joining, territories: Sequence[Territory], budget: int | None) -> None:
    """Grow and peel until the joiner has the target, or nobody can give any more, or the budget is used up."""
    paths = {each.path for each in territories}
    mine = sorted(key for key, each in run.table.decisions.items() if each.territory in paths)
    left = max(run.target - run.table.loads.held(run.joiner), 0)
    left = left if budget is None else min(left, budget)
    left -= _grow(run, mine, left)
    _peel(run, mine, left)


def _grow(run: Joining, mine: Sequence[str], most: int) -> int:
    """Accounts that nobody has, the best score first; how many."""
    table = run.table
    free = [
        key
        for key in mine
        if has_nobody(table.decisions[key]) and (table.facts[key].current_owner is None or not _active(table, key))
    ]
    free.sort(key=lambda key: (-score_of(table.facts[key]), -pipeline_of(table.facts[key]), key))
    for company in free:
        if run.grown >= most:
            break
        candidate = _candidate(run, company)
        if candidate is None:
            continue
        _take(run, company, candidate.member, f"{run.joiner} starts with it: it had no active owner")
        run.grown += 1
    return run.grown


def _active(table: Table, company: str) -> bool:
    return table.facts[company].owner_active


def _peel(run: Joining, mine: Sequence[str], most: int) -> None:
    """Accounts of the fullest books, one by one, while the giver stays fuller than the joiner."""
    table = run.table
    books: dict[str, list[str]] = {email: [] for email in run.group if email != run.joiner}
    for company in mine:
        decision = table.decisions[company]
        owner = decision.owner.email if decision.owner is not None else None
        if decision.outcome is Outcome.KEEP and decision.reason in _KEPT and owner in books and _loose(table, company):
            books[owner].append(company)
    for owner in books:
        books[owner].sort(key=lambda company: _cost(run, company), reverse=True)
    counts = {email: table.loads.held(email) for email in run.group}
    rooms = _rooms(table, run.group, run.joiner, full=False)
    while most > 0:
        ready = [email for email, found in books.items() if found and rooms[email]]
        giver = max(ready, key=lambda email: (counts[email] / rooms[email], email), default=None)
        if giver is None or not _stays_fuller(run, giver, counts, rooms):
            return
        company = books[giver].pop()
        candidate = _candidate(run, company)
        if candidate is None:
            continue
        _take(run, company, candidate.member, f"{run.joiner} starts with it: peeled off the book of {giver}")
        counts[giver] -= 1
        counts[run.joiner] += 1
        run.peeled[giver] = run.peeled.get(giver, 0) + 1
        most -= 1


def _stays_fuller(run: Joining, giver: str, counts: Mapping[str, int], rooms: Mapping[str, Fraction]) -> bool:
    """Whether the giver has no emptier book than the joiner once one more account moved."""
    mine = rooms[run.joiner]
    return bool(mine) and (counts[giver] - 1) / rooms[giver] >= (counts[run.joiner] + 1) / mine


def _loose(table: Table, company: str) -> bool:
    """Whether an account may move by itself: no family holds it, and no team would be lost."""
    facts, path = table.facts[company], table.path_of(company)
    follows = path[-1].follow_parent and facts.head not in (None, facts.key)
    return not follows and facts.team_holds is None


def _cost(run: Joining, company: str) -> tuple[bool, Decimal, float, int, str]:
    """What it costs to hand an account over: an open deal most, then money, then how lately it was worked, then fit."""
    facts, table = run.table.facts[company], run.table
    deals = any(each.is_open for each in facts.opportunities)
    worked = facts.values.get("last_activity_at")
    lately = worked.timestamp() if isinstance(worked, datetime) else 0.0
    fits = matches_of(table.frame, table.entry(run.joiner), table.path_of(company)[-1], facts)
    return deals, pipeline_of(facts), lately, -len(fits), company


def _candidate(run: Joining, company: str) -> Candidate | None:
    """The joiner as the territory's own group sees them, where it names them and no limit is in the way."""
    groups = asked_in_turn(run.table, company, {})
    own = groups[0].available if groups and not groups[0].overflow else ()
    return next((each for each in own if each.member.email == run.joiner), None)


def _take(run: Joining, company: str, member: Member, text: str) -> None:
    run.table.give(company, run.joiner, member.bearer)
    run.decided[company] = given(run.table, company, run.joiner, JOINED, text)


def score_of(facts: Facts) -> Decimal:
    """The score of a company; one without a score comes after all that have one."""
    value = facts.values.get("score")
    return value if isinstance(value, Decimal) else Decimal(-1)
