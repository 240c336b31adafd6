"""What a process counts while it works, until it is saved: the source of metrics that only ever grow.

Most processes of syncd live for seconds, so nothing is scraped from them: their counts go into the database with the
run that made them. Knows nothing of databases, and neither of what the names mean.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

LADDERS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "http_request_duration_seconds": (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
        "job_duration_seconds": (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600),
        "notification_latency_seconds": (0.5, 1, 5, 15, 30, 60, 120, 300, 900, 3600),
    }
)
"""The steps of what is measured, upper ends in seconds; what is above the last is in none."""

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

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Count one measured value of a name in LADDERS: its step (`le`, its upper end), the sum and the number."""
        steps = LADDERS[name]
        place = bisect_left(steps, value)
        if place < len(steps):
            self.count(f"{name}_bucket", **labels, le=f"{steps[place]:g}")
        self.count(f"{name}_sum", value, **labels)
        self.count(f"{name}_count", **labels)

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
