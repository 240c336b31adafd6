"""Groups of a field's values that one team shares: for books where no single owner stands out, but regions do. Pure.

Values are joined whose owners are alike, the most alike first, as long as chance may be all that tells them apart.
Groups found in one half of the companies must tell owners apart in the other half, or there are none.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count

MOST_VALUES = 40
"""Only so many values of a field are grouped, the most frequent ones; the others go on as the rest."""
_SURE = 3.0
Held = Counter[str]


@dataclass(frozen=True, slots=True)
class Group:
    """Values of a field, and who owns the companies that have one of them."""

    values: tuple[str, ...]
    held: Held


def team_groups(pairs: Sequence[tuple[str, str]], least: int) -> tuple[Group, ...]:
    """The groups of values, the largest first, for pairs of value and owner; nothing where they tell no owners apart.

    Each group has at least `least` companies, and there are two or more.
    """
    found = _groups(_table(pairs), least)
    if len(found) < 2:
        return ()
    learnt = _groups(_table(pairs[::2]), max(least // 2, 1))
    place = {value: number for number, group in enumerate(learnt) for value in group.values}
    asked: dict[int, Held] = defaultdict(Counter)
    for value, owner in pairs[1::2]:
        if value in place:
            asked[place[value]][owner] += 1
    return found if len(asked) > 1 and _apart(list(asked.values())) > _SURE else ()


def _table(pairs: Sequence[tuple[str, str]]) -> dict[str, Held]:
    table: dict[str, Held] = defaultdict(Counter)
    for value, owner in pairs:
        table[value][owner] += 1
    most = sorted(table, key=lambda value: (-table[value].total(), value))[:MOST_VALUES]
    return {value: table[value] for value in most}


def _groups(table: Mapping[str, Held], least: int) -> tuple[Group, ...]:
    """Join the two groups whose owners are most alike, as long as chance may be all that tells them apart."""
    live = {number: Group((value,), table[value]) for number, value in enumerate(sorted(table))}
    alike = {(one, other): _alike(live[one].held, live[other].held) for one, other in combinations(live, 2)}
    numbers = count(len(live))
    while alike:
        (one, other), likeness = max(alike.items(), key=lambda item: (item[1], item[0]))
        if likeness <= 0:
            break
        first, second = live.pop(one), live.pop(other)
        joined = Group(tuple(sorted((*first.values, *second.values))), first.held + second.held)
        alike = {pair: each for pair, each in alike.items() if not {one, other} & set(pair)}
        fresh = next(numbers)
        alike |= {(number, fresh): _alike(group.held, joined.held) for number, group in live.items()}
        live[fresh] = joined
    kept = [group for group in live.values() if group.held.total() >= least]
    return tuple(sorted(kept, key=lambda group: (-group.held.total(), group.values)))


def _alike(one: Held, other: Held) -> float:
    """The cosine of two groups' owners, 0 where they are apart by more than chance."""
    if _apart([one, other]) > _SURE:
        return 0.0
    both = sum(held * other[owner] for owner, held in one.items())
    return both / math.sqrt(sum(n * n for n in one.values()) * sum(n * n for n in other.values()))


def _apart(sides: Sequence[Held]) -> float:
    """By how many standard deviations of chance the owners of some groups differ (likelihood ratio, chi square)."""
    whole: Held = Counter()
    for side in sides:
        whole.update(side)
    total, free = whole.total(), (len(sides) - 1) * (len(whole) - 1)
    if free == 0:
        return 0.0
    told = sum(
        count * math.log(count * total / (side.total() * whole[owner]))
        for side in sides
        for owner, count in side.items()
    )
    return (2 * told - free) / math.sqrt(2 * free)
