"""A made-up book in columns, for measuring batches of a million accounts: the pack is `rules_world`'s.

The same seed gives the same bytes (`digest`). Skewed as real books are: four in ten accounts in one country, a few
industries and sizes for most, values missing in most columns; names, domains and ZIP codes nearly all distinct. The
columns are independent of each other, which real data is not: the worst case for whoever shares work.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.rules_world import COUNTRIES, ENDINGS, INDUSTRIES, STATES

FIELDS = ("name", "country", "domain", "state", "postal_code", "industry", "employees")
REPS = 400


def book(count: int, seed: int = 1) -> pa.Table:
    """So many accounts as plain columns: an id, the rule fields as normalised text or whole numbers, and an owner."""
    dice = np.random.Generator(np.random.PCG64(seed))
    others = list(dict.fromkeys(COUNTRIES[4:]))
    weights = _skewed(len(others), 0.58)
    country = _picked(dice, ["US", *others], np.concatenate([[0.42], weights]), count)
    in_us = np.asarray(country.indices) == 0
    industry = _picked(dice, list(INDUSTRIES), _skewed(len(INDUSTRIES), 1.0), count, missing=0.12)
    state = _picked(dice, [f"US-{each}" for each in STATES], _skewed(len(STATES), 1.0), count)
    has_state = in_us & (dice.random(count) < 0.9)
    letters, numbers = dice.integers(0, 16, count), dice.integers(0, 1_000_000, count)
    endings = dice.integers(0, len(ENDINGS), count)
    names = [
        f"{'abcdefghijklmnop'[one]}{two} {ENDINGS[three]}"
        for one, two, three in zip(letters.tolist(), numbers.tolist(), endings.tolist(), strict=True)
    ]
    domains = [f"company{number}.com" for number in dice.integers(0, 1_000_000, count).tolist()]
    codes = [f"{number:05}" for number in dice.integers(0, 100_000, count).tolist()]
    employees = (10 ** (dice.random(count) * 5)).astype(np.int64)
    return pa.table(
        {
            "id": pa.array([f"A{number:07}" for number in range(count)]),
            "name": pa.array(names),
            "country": country.dictionary_decode(),
            "domain": pa.array(domains),
            "state": _with_gaps(state.dictionary_decode(), has_state),
            "postal_code": _with_gaps(pa.array(codes), has_state),
            "industry": industry.dictionary_decode(),
            "employees": pa.array(employees, mask=dice.random(count) < 0.18),
            "owner": pa.array([f"rep{number}@example.com" for number in dice.integers(0, REPS, count).tolist()]),
        }
    )


def digest(table: pa.Table) -> str:
    """A short name for the bytes of a book."""
    found = hashlib.sha256()
    for column in table.columns:
        for value in column.to_pylist():
            found.update(repr(value).encode())
    return found.hexdigest()[:16]


def value_of(name: str, raw: object) -> str | Decimal | None:
    """A cell as a normalised value."""
    if raw is None:
        return None
    return Decimal(str(raw)) if name == "employees" else str(raw)


def _skewed(count: int, total: float) -> NDArray[np.float64]:
    """Shares that fall by rank, as sizes of countries and industries do."""
    shares = 1 / np.arange(1, count + 1)
    return shares / shares.sum() * total


def _picked(
    dice: np.random.Generator, words: list[str], shares: NDArray[np.float64], count: int, missing: float = 0.0
) -> pa.DictionaryArray:
    drawn = dice.choice(len(words), size=count, p=shares / shares.sum()).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(drawn, mask=dice.random(count) < missing), pa.array(words))


def _with_gaps(values: pa.Array, there: NDArray[np.bool_]) -> pa.Array:
    return pa.compute.if_else(pa.array(there), values, pa.scalar(None, type=values.type))
