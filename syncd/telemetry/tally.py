"""What a process counts while it works, until it is saved: the source of metrics that only ever grow.

Most processes of syncd live for seconds, so nothing is scraped from them: their counts go into the database with the
run that made them. Knows nothing of databases, and neither of what the names mean.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A name and its labels, in the order of their names."""


@dataclass(frozen=True, slots=True)
class Counted:
    """`counts` are to be added to what is known, `levels` replace it."""

    counts: Mapping[Key, float]
    levels: Mapping[Key, float]


@dataclass(slots=True)
class Tally:
    """Counts and levels by name and labels. Safe between threads."""

    _counts: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    _levels: dict[Key, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str, amount: float = 1, /, **labels: str) -> None:
        """Add to a count; what is nothing makes no sample."""
        if amount:
            with self._lock:
                self._counts[_key(name, labels)] += amount

    def level(self, name: str, value: float, /, **labels: str) -> None:
        """Say how much of something there is now."""
        with self._lock:
            self._levels[_key(name, labels)] = float(value)

    def take(self) -> Counted:
        """What was counted since this was last asked; the tally begins anew."""
        with self._lock:
            taken = Counted(dict(self._counts), dict(self._levels))
            self._counts.clear()
            self._levels.clear()
        return taken


def _key(name: str, labels: Mapping[str, str]) -> Key:
    return name, tuple(sorted(labels.items()))
