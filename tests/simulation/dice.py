"""Chance in a simulation: everything that is drawn comes from one seed, in one order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from syncd.entropy import SeededEntropy

T = TypeVar("T")


class Dice:
    """Draws that repeat for the same seed. A part of a simulation that draws on its own takes its own dice."""

    def __init__(self, seed: int | str) -> None:
        self._entropy = SeededEntropy(f"dice {seed}")

    def chance(self, probability: float) -> bool:
        """True in that share of the draws."""
        return self._entropy.uniform(0.0, 1.0) < probability

    def between(self, low: float, high: float) -> float:
        """A number between the two."""
        return self._entropy.uniform(low, high)

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return min(high, low + int(self._entropy.uniform(0.0, 1.0) * (high - low + 1)))

    def one_of(self, choices: Sequence[T]) -> T:
        """One of some things."""
        return choices[self.whole(0, len(choices) - 1)]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """One of some things, each as likely as its weight says."""
        draw = self._entropy.uniform(0.0, sum(weight for _, weight in choices))
        for choice, weight in choices:
            draw -= weight
            if draw < 0:
                return choice
        return choices[-1][0]
