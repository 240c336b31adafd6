"""A target from the top: split over territories by potential, history and capacity, with ramp, to the last cent. Pure.

Shares are of the territories that hold accounts; those above are sums. What a quota means for an alert is not known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from syncd.planning.aids.seasons import largest_remainder
from syncd.planning.people.table import Table
from syncd.rules.deciding.people import SEAT, named_by, resolve
from syncd.rules.facts import Facts
from syncd.rules.pack import RepEntry

METHODS = ("potential", "history", "capacity", "blend")
ONE, ZERO = Decimal(1), Decimal(0)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a territory's share rests on: accounts, potential a year, wins of the last 12 months, capacity, ramp.

    `capacity` is that of its reps in the period, with `ramp`: 1 where all work in full. `reps` are their parts of it.
    """

    accounts: int
    potential: Decimal
    history: Decimal
    capacity: Decimal
    ramp: Decimal
    reps: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Part:
    """A territory's part of a target: its shares by each method before ramp, the one that counts, and the amount."""

    ground: Ground
    shares: Mapping[str, Decimal]
    share: Decimal
    amount: Decimal


def grounds(
    table: Table, yearly: Mapping[str, Decimal], won: Mapping[str, Decimal], months: Sequence[date]
) -> dict[str, Ground]:
    """The ground of each territory that holds accounts, by path; `months` are the first days of the period's months."""
    members: dict[str, list[str]] = defaultdict(list)
    owned: dict[str, Counter[str]] = defaultdict(Counter)
    for key, decision in table.decisions.items():
        if decision.territory is None:
            continue
        members[decision.territory].append(key)
        if decision.owner is not None:
            owned[decision.owner.email][decision.territory] += 1
    full, ramped = _capacities(table, owned, members, months)
    found = {}
    for path in sorted(members):
        keys, whole = members[path], sum(full[path].values(), ZERO)
        now = sum(ramped[path].values(), ZERO)
        found[path] = Ground(
            len(keys),
            sum((yearly.get(key, ZERO) for key in keys), ZERO),
            sum((won.get(key, ZERO) for key in keys), ZERO),
            now,
            now / whole if whole else ONE,
            dict(sorted(ramped[path].items())),
        )
    return found


def split(target: Decimal, found: Mapping[str, Ground], method: str, step: Decimal) -> dict[str, Part]:
    """The parts of a target, which add up to it exactly; InputErrors are the caller's: `found` is not empty.

    What has no ground at all counts even. By `blend` the three shares count alike, but for those with no ground.
    """
    words = [name for name in METHODS if name != "blend"]
    plain = {name: _shares([_value(each, name) for each in found.values()]) for name in words}
    known = [name for name in words if any(_value(each, name) for each in found.values())]
    asked = (known or words) if method == "blend" else [method]
    wanted: list[Decimal] = []
    for place, ground in enumerate(found.values()):
        share = sum((plain[name][place] for name in asked), ZERO) / len(asked)
        # capacity is with ramp already
        wanted.append(share if asked == ["capacity"] else share * ground.ramp)
    shares = _shares(wanted)
    amounts = largest_remainder(target, shares, step)
    return {
        path: Part(ground, {name: plain[name][place] for name in words}, shares[place], amounts[place])
        for place, (path, ground) in enumerate(found.items())
    }


def by_rep(parts: Mapping[str, Part], step: Decimal) -> dict[str, Decimal]:
    """Each rep's sum of parts of territories, by what of their capacity works there; exact, too."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for part in parts.values():
        if part.ground.reps:
            names = list(part.ground.reps)
            amounts = largest_remainder(part.amount, [part.ground.reps[name] for name in names], step)
            for name, amount in zip(names, amounts, strict=True):
                found[name] += amount
    return dict(sorted(found.items()))


def with_parents(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The amounts with the sums of all territories above, by path."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for path, amount in amounts.items():
        for above in ancestry(path):
            found[above] += amount
    return dict(sorted(found.items()))


def ancestry(path: str) -> Iterable[str]:
    """The paths from the root to a territory, itself the last."""
    names = path.split("/")
    return ("/".join(names[:depth]) for depth in range(1, len(names) + 1))


def ramp_over(entry: RepEntry | None, months: Sequence[date]) -> Decimal:
    """The mean ramp of a rep over months: nothing before their start and after their end."""
    if entry is None or not months:
        return ONE
    return sum((_ramp_in(entry, month) for month in months), ZERO) / len(months)


def _ramp_in(entry: RepEntry, month: date) -> Decimal:
    if entry.end is not None and (entry.end.year, entry.end.month) < (month.year, month.month):
        return ZERO
    if entry.start is None:
        return entry.ramp[-1] if entry.ramp else ONE
    worked = (month.year - entry.start.year) * 12 + month.month - entry.start.month
    if worked < 0:
        return ZERO
    return entry.ramp[min(worked, len(entry.ramp) - 1)] if entry.ramp else ONE


def _capacities(
    table: Table,
    owned: Mapping[str, Counter[str]],
    members: Mapping[str, Sequence[str]],
    months: Sequence[date],
) -> tuple[Mapping[str, dict[str, Decimal]], Mapping[str, dict[str, Decimal]]]:
    """By territory the capacity of each rep in it, in full and in the period.

    Who works in several gives each the part of their accounts that is there; who has none yet, even parts.
    """
    named: dict[str, set[str]] = defaultdict(set)
    for path in members:
        territory, some = table.paths.get(path), table.facts[members[path][0]]
        for email in _named(table, path, some) if territory else ():
            named[email].add(path)
    people = owned.keys() | named.keys()
    stated = [
        entry.capacity for each in people if (entry := table.entry(each)) is not None and entry.capacity is not None
    ]
    usual = sum(stated, ZERO) / len(stated) if stated else ONE
    full: dict[str, dict[str, Decimal]] = defaultdict(dict)
    ramped: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for email in sorted(people):
        entry, counts = table.entry(email), owned.get(email, Counter())
        capacity = entry.capacity if entry is not None and entry.capacity is not None else usual
        places = dict(counts) or dict.fromkeys(named[email], 1)
        for path, count in sorted(places.items()):
            part = capacity * count / sum(places.values())
            full[path][email] = part
            ramped[path][email] = part * ramp_over(entry, months)
    return full, ramped


def _named(table: Table, path: str, facts: Facts) -> Iterable[str]:
    """Whom a territory names, seats resolved."""
    for name, _ in named_by(table.frame, table.paths[path][-1].owners, facts):
        email = resolve(table.frame, name, facts) if name.startswith(SEAT) else name
        if email is not None:
            yield email


def _value(ground: Ground, method: str) -> Decimal:
    return {"potential": ground.potential, "history": ground.history, "capacity": ground.capacity}[method]


def _shares(values: Sequence[Decimal]) -> list[Decimal]:
    whole = sum(values, ZERO)
    return [value / whole for value in values] if whole else [ONE / len(values)] * len(values)
