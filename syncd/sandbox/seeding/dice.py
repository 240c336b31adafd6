"""Seeded chance for made-up data: the same seed and purpose give the same throws, on every machine.

Each purpose has a stream of its own, so that a change to one part of the data leaves the others as they were.
"""

from __future__ import annotations

import math
import random  # noqa: TID251 - seeded data, the sandbox's own source of chance
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")
Dice = random.Random
_RANK_WEIGHTS = list(accumulate(1 / rank**1.6 for rank in range(1, 21)))


def dice(seed: int, purpose: str) -> Dice:
    """The stream of one purpose under one seed."""
    return Dice(f"{seed}/{purpose}")


def by_rank(throw: Dice, ranked: Sequence[T]) -> T:
    """One of at most 20, the first the likeliest: the k-th has the weight 1/k^1.6."""
    return throw.choices(ranked, cum_weights=_RANK_WEIGHTS[: len(ranked)])[0]


def chance(throw: Dice, share: float) -> bool:
    """True in `share` of all throws."""
    return throw.random() < share


def log_normal(throw: Dice, median: float, spread: float, *, least: float, most: float) -> float:
    """A throw of a log-normal distribution around `median`, kept between `least` and `most`."""
    return min(most, max(least, median * math.exp(throw.gauss(0.0, 1.0) * spread)))
