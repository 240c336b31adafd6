"""The replay: history once more under other rules, step by step. Pure; a function that it is given decides.

At each step every company is decided as it stood in the replay, and what the rules want is done at once. Beside it
runs what really happened. Nothing here says that the world would have gone on as it did.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.clock import iso
from syncd.model.decisions import Decision, Outcome
from syncd.model.rotation import NO_STANDINGS, Standings, charged
from syncd.planning.aids.audit import UNWORKED_AFTER, called
from syncd.planning.aids.measures import Share, spread_of
from syncd.planning.aids.moves import NOBODY, OWNER, Quota
from syncd.planning.aids.past import Past, Standing, book_at
from syncd.rules.facts import Applied, Facts
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.memory import Assignment, Memory

_SHOWN = 500
Decide = Callable[[tuple[Facts, ...], Memory, datetime], tuple[Decision, ...]]
"""Decides about a book at an instant, by the rules that are tested."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A company that the rules gave to somebody else in the replay."""

    at: datetime
    company: str
    before: str | None
    after: str
    reason: str
    territory: str | None
    open_deals: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what the rules moved, what really moved since the step before, and how even both books are."""

    at: datetime
    companies: int
    moved: int
    really_moved: int
    unassigned: int
    really_ownerless: int
    unworked: int
    really_unworked: int
    cv: Decimal
    really_cv: Decimal


@dataclass
class Replay:
    """A replay under way: `pasts` are the companies, `active` says who was an active user at an instant."""

    pasts: Sequence[Past]
    active: Callable[[datetime], frozenset[str]]
    decide: Decide
    context_at: Callable[[datetime], EvaluationContext]
    revision: str
    standings: dict[str, Standing] = field(default_factory=dict)
    moves: list[Moved] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    owners: dict[str, list[tuple[datetime, str | None]]] = field(default_factory=dict)
    _rotations: dict[tuple[str, str], Standings] = field(default_factory=dict)
    _given: list[Assignment] = field(default_factory=list)

    def run(self, instants: Sequence[datetime]) -> None:
        """Replay every instant, in their order; the first begins with the owners of history."""
        before: datetime | None = None
        for past in self.pasts:
            owner = past.owner_at(instants[0])
            self.standings[past.facts.key] = Standing(owner)
            self.owners[past.facts.key] = [(instants[0], owner)]
        for at in instants:
            self._take_in(before, at)
            self._step(before, at)
            before = at

    def _take_in(self, before: datetime | None, at: datetime) -> None:
        """Companies born since the last step begin with the owner that they were given then."""
        for past in self.pasts:
            if before is not None and past.born is not None and before < past.born <= at:
                owner = past.owner_at(past.born)
                self.standings[past.facts.key] = Standing(owner)
                self.owners[past.facts.key] = [(past.born, owner)]

    def _step(self, before: datetime | None, at: datetime) -> None:
        active = self.active(at)
        book = book_at(self.pasts, self.standings, active, self.context_at(at))
        known = {facts.key: facts for facts in book}
        memory = Memory(self._rotations, tuple(each for each in self._given if at - each.at < timedelta(days=8)))
        decisions = [each for each in self.decide(book, memory, at) if each.role == OWNER]
        moved = [self._applied(each, known[each.company], at) for each in decisions]
        mine = {facts.key: self.standings[facts.key].owner for facts in book}
        pasts = [past for past in self.pasts if past.facts.key in known]
        really = {past.facts.key: past.owner_at(at) for past in pasts}
        self.steps.append(
            Step(
                at,
                len(book),
                sum(moved),
                sum(changed_between(past, before, at) for past in pasts) if before is not None else 0,
                sum(each.outcome is Outcome.UNASSIGNED for each in decisions),
                sum(owner not in active for owner in really.values()),
                _unworked(book, mine, active, at),
                _unworked(book, really, active, at),
                _cv(mine, active),
                _cv(really, active),
            )
        )

    def _applied(self, decision: Decision, facts: Facts, at: datetime) -> bool:
        """Do what a decision wants; returns whether the company has another owner now."""
        if decision.owner is None or decision.outcome not in (Outcome.CHANGE, Outcome.KEEP):
            return False
        standing, owner = self.standings[decision.company], decision.owner.email
        applied = Applied(decision.territory, owner, at, self.revision)
        changed = standing.owner != owner
        self.standings[decision.company] = Standing(owner, at if changed else standing.since, applied)
        if decision.turn is not None:
            key = (decision.role, decision.turn.rotation)
            known = self._rotations.get(key, NO_STANDINGS)
            self._rotations[key] = {**known, **charged(known, decision.turn, at)}
        if changed:
            deals = facts.values.get("open_opportunities")
            self._given.append(Assignment(decision.role, owner, decision.territory, at))
            self.owners[decision.company].append((at, owner))
            self.moves.append(
                Moved(at, decision.company, standing.owner, owner, decision.reason, decision.territory, bool(deals))
            )
        return changed

    def owner_at(self, company: str, at: datetime) -> str | None:
        """Who owned a company in the replay; before its first step, as history has it."""
        found = self.owners[company][0][1]
        for since, owner in self.owners[company]:
            if since > at:
                break
            found = owner
        return found


def changed_between(past: Past, after: datetime, until: datetime) -> int:
    """How often history gave a company to another owner after an instant and not after another."""
    return sum(each.at is not None and after < each.at <= until for each in past.owners[1:])


def flips(owners: Iterable[str | None]) -> bool:
    """Whether a company came back to an owner that it had before."""
    told: list[str | None] = []
    for owner in owners:
        if told and told[-1] == owner:
            continue
        if owner in told:
            return True
        told.append(owner)
    return False


def _unworked(book: Iterable[Facts], owners: Mapping[str, str | None], active: frozenset[str], at: datetime) -> int:
    """Owned companies where certainly nothing happened for 90 days: their last activity ever was earlier."""
    count = 0
    for facts in book:
        last = facts.values.get("last_activity_at")
        quiet = isinstance(last, datetime) and at - last > UNWORKED_AFTER
        count += quiet and owners[facts.key] in active and not facts.values.get("open_opportunities")
    return count


def _cv(owners: Mapping[str, str | None], active: frozenset[str]) -> Decimal:
    held = Counter(owner for owner in owners.values() if owner in active)
    return spread_of([Decimal(count) for count in held.values()]).cv


def replay_document(replay: Replay, quotas: Sequence[Quota], start: datetime, end: datetime) -> dict[str, Any]:
    """What came of a replay: moves, flips, fairness and attainment under the rules, beside what really happened."""
    named = {past.facts.key: called(past.facts) for past in replay.pasts}
    first = replay.steps[0]
    later = [move for move in replay.moves if move.at > first.at]
    flipped = sorted(key for key, told in replay.owners.items() if flips(owner for _, owner in told))
    really = [past for past in replay.pasts if flips(_history(past, start, end))]
    often = Counter(move.company for move in later)
    return {
        "summary": {
            "companies": replay.steps[-1].companies,
            "steps": len(replay.steps),
            "moved_at_start": first.moved,
            "moved_later": len(later),
            "moved_later_with_open_deal": sum(move.open_deals for move in later),
            "really_moved": sum(step.really_moved for step in replay.steps),
            "flips": len(flipped),
            "really_flipped": len(really),
            "moved_twice": sum(count > 1 for count in often.values()),
        },
        "reasons": dict(Counter(move.reason for move in replay.moves).most_common()),
        "steps": [_step_document(step) for step in replay.steps],
        "flipped": [{"company": key, "name": named.get(key, key)} for key in flipped[:_SHOWN]],
        "wins": _wins_document(replay, quotas, start, end),
        "moves": [
            {
                "at": iso(move.at),
                "company": move.company,
                "name": named.get(move.company, move.company),
                "from": move.before,
                "to": move.after,
                "reason": move.reason,
                "territory": move.territory,
            }
            for move in later[:_SHOWN]
        ],
    }


def _history(past: Past, start: datetime, end: datetime) -> list[str | None]:
    inside = [each.owner for each in past.owners[1:] if each.at is not None and start < each.at <= end]
    return [past.owner_at(start), *inside]


def _step_document(step: Step) -> dict[str, Any]:
    return {
        "at": iso(step.at),
        "companies": step.companies,
        "moved": step.moved,
        "unassigned": step.unassigned,
        "unworked_at_least": step.unworked,
        "cv": f"{step.cv:f}",
        "really": {
            "moved": step.really_moved,
            "without_active_owner": step.really_ownerless,
            "unworked_at_least": step.really_unworked,
            "cv": f"{step.really_cv:f}",
        },
    }


def _wins_document(replay: Replay, quotas: Sequence[Quota], start: datetime, end: datetime) -> dict[str, Any]:
    """The deals won meanwhile, by who owned the company: under the rules, and really."""
    rules: dict[str, Decimal] = defaultdict(Decimal)
    really: dict[str, Decimal] = defaultdict(Decimal)
    same = count = 0
    for past in replay.pasts:
        for deal in past.deals:
            if deal.won and deal.closed is not None and start < deal.closed <= end:
                one = replay.owner_at(past.facts.key, deal.closed) or NOBODY
                other = past.owner_at(deal.closed) or NOBODY
                value = deal.amount or Decimal(0)
                rules[one] += value
                really[other] += value
                same, count = same + (one == other), count + 1
    reps = sorted(rules.keys() | really.keys(), key=lambda rep: (-rules[rep], rep))
    return {
        "same_owner": Share(same, count).document(),
        "reps": [{"rep": rep, "rules": f"{rules[rep]:f}", "really": f"{really[rep]:f}"} for rep in reps],
        "attainment": [
            {
                "rep": quota.holder,
                "period": quota.period,
                "quota": f"{quota.whole:f}",
                "rules": _share(rules[quota.holder], quota.whole),
                "really": _share(really[quota.holder], quota.whole),
            }
            for quota in quotas
            if quota.rep
        ],
    }


def _share(won: Decimal, whole: Decimal) -> str | None:
    return f"{(won / whole).quantize(Decimal('0.001')):f}" if whole else None
