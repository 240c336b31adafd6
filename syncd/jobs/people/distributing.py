"""Distributing: what nobody works fills the books of a pool to capacity, as one plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.errors import InputError, UsageError
from syncd.jobs.context import Context
from syncd.jobs.people.proposing import Look, propose
from syncd.planning.people.filling import Filling, fill, members_of_pool, rooms_of, supply_of
from syncd.planning.people.table import Table
from syncd.planning.proposing.reasons import DISTRIBUTION
from syncd.rules.suggestion import did_you_mean


def distribute(
    context: Context, pool: str, *, budget: int | None = None, sources: Sequence[str] = ()
) -> Mapping[str, Any]:
    """The plan that fills the books of a pool, saved; its document says under `people` who gets how much.

    `sources` are territories, by name or path, whose owners are nobody and whose accounts are dealt out too. Raises
    UsageError (SYN298 no such pool, SYN654 no such territory), InputError SYN655 where no member has a capacity.
    """
    look = Look.at(context)
    if pool not in look.pack.pools:
        hint = did_you_mean(pool, look.pack.pools) if look.pack.pools else "the pack has no pools"
        raise UsageError("SYN298", f"there is no pool {pool!r} in the pack", hint=hint)
    first = look.table()
    _check_sources(first, sources)
    supply = supply_of(first, pool, sources)
    table = look.table(frozenset(supply))
    members = members_of_pool(table, pool)
    rooms = rooms_of(table, members)
    if not rooms:
        place = look.pack.pools[pool].place
        hint = "give reps a `capacity` in `reps`: a book is full at capacity times ramp"
        where = f"{place.path}:{place.line}"
        raise InputError("SYN655", f"no member of the pool {pool} has a capacity", where=where, hint=hint)
    run = Filling(table, pool, rooms, {email: table.loads.held(email) for email in rooms})
    fill(run, supply, budget)

    without = [email for email in members if email not in rooms]
    told = {**run.entry, "without_capacity": without, "from": list(sources)}
    return propose(look, DISTRIBUTION, run.decided, lambda _source, _document: (told, ()))


def _check_sources(table: Table, sources: Sequence[str]) -> None:
    known = {name for path in table.paths.values() for name in (path[-1].name, path[-1].path)}
    for name in sources:
        if name not in known:
            hint = did_you_mean(name, sorted(known)) or "name a territory of role owner"
            raise UsageError("SYN654", f"there is no territory {name!r} in the pack", hint=hint)
