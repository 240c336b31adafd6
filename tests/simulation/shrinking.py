"""Shrinking: the fewest events of a failing course that still break the same invariant, by delta debugging.

An event is a step, or what goes wrong in a step. Whatever else a step does it draws from its own dice, so a course
without some events is a course too. Knows nothing of what events do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.stepper import Event, SimulationFailedError, Stepper, all_events

MOST_RUNS = int(os.environ.get("SHRINK", "60"))
"""Courses that are tried at most before the smallest one so far is told; `SHRINK` in the environment."""


@dataclass(slots=True)
class Shrunk:
    """The smallest course found: its events, what it broke, and how many courses were tried."""

    events: tuple[Event, ...]
    failure: SimulationFailedError
    runs: int

    def __str__(self) -> str:
        only = ",".join(map(str, self.events))
        head = f"shrunk to {len(self.events)} events in {self.runs} courses: {self.failure.words}"
        replay = f"replay: SEED={self.failure.seed} ONLY='{only}' pytest tests/simulation -k seed"
        return "\n".join([head, "", *self.failure.steps, "", replay])


def shrink(seed: int, folder: Path, failure: SimulationFailedError, *, most: int = MOST_RUNS) -> Shrunk:
    """The smallest failing course of a seed that `most` runs find; it breaks the invariant that `failure` names."""
    best = Shrunk(all_events(), failure, 0)

    def fails(events: Sequence[Event]) -> bool:
        best.runs += 1
        place = folder / f"shrunk {best.runs}"
        place.mkdir(parents=True)
        try:
            Stepper.of(seed, place).run(events=events)
        except SimulationFailedError as found:
            if found.invariant == failure.invariant:
                best.events, best.failure = tuple(sorted(events)), found
                return True
        return False

    smallest(list(best.events), fails, most=most)
    return best


def smallest(events: Sequence[Event], fails: Callable[[Sequence[Event]], bool], *, most: int) -> tuple[Event, ...]:
    """The events that are left when none of the parts can be taken away any more, or after `most` questions."""
    kept, parts, asked = list(events), 2, 0
    while len(kept) > 1 and asked < most:
        size = max(1, len(kept) // parts)
        chunks = [kept[start : start + size] for start in range(0, len(kept), size)]
        for chunk in chunks:
            rest = [one for one in kept if one not in chunk]
            asked += 1
            if fails(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
            if asked >= most:
                break
        else:
            if size == 1:
                break
            parts = min(len(kept), parts * 2)
    return tuple(kept)
