"""The randomness port: ids and jitter come from here and nowhere else, so that a simulation can be replayed."""

from __future__ import annotations

import random  # noqa: TID251 - this is the port
import secrets  # noqa: TID251 - this is the port
from typing import Protocol


class Entropy(Protocol):
    """A source of ids and of chance."""

    def token(self, length: int = 12) -> str:
        """A fresh id of `length` lower-case hexadecimal digits."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        ...


class SystemEntropy:
    """The operating system's randomness."""

    def token(self, length: int = 12) -> str:
        """A fresh id, unguessable."""
        return secrets.token_hex((length + 1) // 2)[:length]

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return random.SystemRandom().uniform(low, high)


class SeededEntropy:
    """The same ids and chances for the same seed."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - this is the port, and it must repeat

    def token(self, length: int = 12) -> str:
        """The next id of the sequence."""
        return f"{self._random.getrandbits(4 * length):0{length}x}"

    def uniform(self, low: float, high: float) -> float:
        """The next number of the sequence."""
        return self._random.uniform(low, high)
