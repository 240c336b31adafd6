"""The order in which accounts are written whose receipts charge a rotation: so that it is fair after each of them.

A plan deals in one order and writes in another; half an apply must not leave somebody far behind. Within each rotation
the rows change places until whoever is owed most comes next. Pure.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from syncd.model.plans import OutboxRow
from syncd.model.rotation import NEW, NO_STANDINGS, Standings, Turn
from syncd.planning.proposing.document import turn_of


def in_turn(
    rows: Sequence[OutboxRow],
    decisions: Mapping[str, Mapping[str, Any]],
    standings: Mapping[str, Standings],
    charged: frozenset[str] = frozenset(),
) -> list[OutboxRow]:
    """The rows, those of each rotation in an order that keeps it fair; the places they take stay the same.

    `standings` are those of each rotation now, by its name; companies in `charged` take no turn any more.
    """
    turns = {
        row.id: turn
        for row in rows
        if row.because not in charged and (turn := turn_of(decisions.get(row.because, {}))) is not None
    }
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row.id in turns:
            places[turns[row.id].rotation].append(place)
    ordered = list(rows)
    for rotation, found in places.items():
        fair = _fair([rows[place] for place in found], turns, standings.get(rotation, NO_STANDINGS))
        for place, row in zip(found, fair, strict=True):
            ordered[place] = row
    return ordered


def _fair(rows: Sequence[OutboxRow], turns: Mapping[int, Turn], before: Standings) -> list[OutboxRow]:
    """The rows of one rotation: next is always one whose member is owed most, its own share counted."""
    waiting: defaultdict[str, deque[OutboxRow]] = defaultdict(deque)
    for row in rows:
        waiting[turns[row.id].member].append(row)
    lags = {member: standing.lag for member, standing in before.items()}
    found: list[OutboxRow] = []
    while waiting:
        member = max(waiting, key=lambda each: (_owed(each, turns[waiting[each][0].id], lags), each))
        row = waiting[member].popleft()
        if not waiting[member]:
            del waiting[member]
        found.append(row)
        turn = turns[row.id]
        for each, share in turn.shares.items():
            lags[each] = lags.get(each, NEW.lag) + share - (each == member)
    return found


def _owed(member: str, turn: Turn, lags: Mapping[str, Fraction]) -> Fraction:
    return lags.get(member, NEW.lag) + turn.shares.get(member, NEW.lag)
