"""Filling: accounts that nobody works fill the books of a pool, the best score first, until books are full. Pure.

The supply is what the pool's territories have nobody for or give to somebody new, and what named territories, whose
owners are nobody, hold. A book is full at capacity x ramp; the pool's own way of picking says who is next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from syncd.model.decisions import Decision, Outcome
from syncd.planning.people.joining import score_of
from syncd.planning.people.succession import pipeline_of
from syncd.planning.people.table import Table, given
from syncd.planning.proposing.reasons import DISTRIBUTED, has_nobody
from syncd.rules.deciding.assignment import draw_from, pick_from
from syncd.rules.pack import NoOwners, Owners, OwnersByPool, Unassigned

WITHOUT_CAPACITY = "has no capacity in the pack, so no book to fill"


@dataclass(slots=True)
class Filling:
    """A distribution under way: the members with the size of their book, what they got, and what was left over."""

    table: Table
    pool: str
    rooms: Mapping[str, int]
    before: Mapping[str, int]
    supply: int = 0
    decided: dict[str, Decision] = field(default_factory=dict)
    left_over: dict[str, int] = field(default_factory=dict)

    @property
    def entry(self) -> dict[str, Any]:
        """The distribution as the plan's document shows it."""
        gained = {email: self.table.loads.held(email) - self.before[email] for email in self.rooms}
        return {
            "pool": self.pool,
            "supply": self.supply,
            "given": len(self.decided),
            "left_over": dict(sorted(self.left_over.items())),
            "members": [
                {"email": email, "room": room, "before": self.before[email], "gained": gained[email]}
                for email, room in self.rooms.items()
            ],
        }


def rooms_of(table: Table, members: Iterable[str]) -> dict[str, int]:
    """The size of each member's book, whole accounts; who has no capacity in the pack has none to fill."""
    return {email: int(room) for email in members if (room := table.room(email)) is not None}


def supply_of(table: Table, pool: str, sources: Sequence[str]) -> tuple[str, ...]:
    """The companies to be dealt out, the best score first, then the most money, then by key."""
    reps = table.pack.reps
    found: list[str] = []
    for company, decision in table.decisions.items():
        path, facts = table.path_of(company), table.facts[company]
        if not path:
            continue
        owner = facts.current_owner
        held = owner is not None and facts.owner_active
        if _is_pool(path[-1].owners, pool):
            arriving = decision.outcome is Outcome.CHANGE and decision.reason == "picked"
            if arriving or (has_nobody(decision) and not held):
                found.append(company)
        elif isinstance(path[-1].owners, Unassigned | NoOwners) and _is_among(path[-1].path, sources):
            worked = held and owner is not None and owner.email in reps
            if has_nobody(decision) and not worked:
                found.append(company)
    facts_of = table.facts
    return tuple(sorted(found, key=lambda key: (-score_of(facts_of[key]), -pipeline_of(facts_of[key]), key)))


def fill(run: Filling, supply: Sequence[str], budget: int | None) -> None:
    """Deal the supply out while books have room and the budget lasts; what is left over is counted by its reason."""
    run.supply = len(supply)
    table, owners = run.table, OwnersByPool(run.pool)
    for company in supply:
        if budget is not None and len(run.decided) >= budget:
            _leave(run, "the budget is used up")
            continue
        full = {
            email: f"the book is full ({run.table.loads.held(email)} of {room})"
            for email, room in run.rooms.items()
            if table.loads.held(email) >= room
        }
        path, facts = table.path_of(company), table.facts[company]
        without = {name: WITHOUT_CAPACITY for name in _members(table, run.pool) if name not in run.rooms}
        draw = draw_from(table.frame, path, owners, facts, table.loads, assign=None, excluded={**without, **full})
        pick = pick_from(table.frame, draw, path, facts, table.loads, f"fills a book of pool {run.pool}")
        if pick is None:
            _leave(run, "every book is full" if len(full) == len(run.rooms) else "no member may have it now")
            continue
        table.give(company, pick.email, pick.member.bearer)
        if pick.turn is not None:
            table.loads.take(pick.turn, table.frame)
        decision = given(table, company, pick.email, DISTRIBUTED, pick.text)
        run.decided[company] = replace(decision, turn=pick.turn)


def members_of_pool(table: Table, pool: str) -> tuple[str, ...]:
    """The people of a pool, seats by their holder, in the order of the pack."""
    return tuple(dict.fromkeys(_members(table, pool)))


def _members(table: Table, pool: str) -> Iterable[str]:
    for name, _ in table.pack.pools[pool].members:
        if not name.startswith("seat:"):
            yield name
            continue
        seat = table.pack.seats.get(name.removeprefix("seat:"))
        holder = (seat.holder or seat.cover) if seat is not None else None
        if holder is not None:
            yield holder


def _leave(run: Filling, why: str) -> None:
    run.left_over[why] = run.left_over.get(why, 0) + 1


def _is_pool(owners: Owners, pool: str) -> bool:
    return isinstance(owners, OwnersByPool) and owners.pool == pool


def _is_among(path: str, names: Sequence[str]) -> bool:
    return any(path == name or path.startswith(f"{name}/") or name in path.split("/") for name in names)
