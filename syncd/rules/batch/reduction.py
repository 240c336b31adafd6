"""First match for many accounts at once: the rows of bits of all fields ANDed, and the first bit that is left.

The prime loop of a batch: numpy in chunks that stay in the processor's cache, on as many threads as are given. Knows
bits only.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syncd.rules.batch.columns import Codes
from syncd.rules.batch.field_codes import FieldRows, Words

CHUNK_BYTES = 2_500_000
"""Bits worked on at a time by one thread: as many as its cache holds."""
MOST_FOLDED = 8_192
"""Rows that the tables of several fields may multiply to when they are made one."""
THREADS = 2
NOTHING = -1


@dataclass(frozen=True, slots=True)
class Folded:
    """Tables to AND: those of several fields of few classes are one, with a row for each of their combinations."""

    tables: tuple[Words, ...]
    places: tuple[NDArray[np.int64], ...]
    count: int
    width: int


def fold(fields: Sequence[FieldRows], count: int, width: int, alive: Words) -> Folded:
    """The fields' tables in as few as are worth it; terms that are not `alive` fall out of the first."""
    tables: list[Words] = []
    places: list[NDArray[np.int64]] = []
    for each in sorted(fields, key=lambda field: len(field.table)):
        if tables and len(tables[-1]) * len(each.table) <= MOST_FOLDED:
            last = tables[-1]
            tables[-1] = (last[:, None, :] & each.table[None, :, :]).reshape(-1, last.shape[1])
            places[-1] = places[-1] * len(each.table) + each.places
        else:
            tables.append(each.table)
            places.append(each.places.astype(np.int64))
    if not tables:
        return Folded((alive[None, :],), (np.zeros(count, dtype=np.int64),), count, width)
    tables[0] = tables[0] & alive[None, :]
    return Folded(tuple(map(np.ascontiguousarray, tables)), tuple(places), count, width)


def first_bits(folded: Folded, threads: int = THREADS) -> Codes:
    """The number of the first bit that is left for each account, or -1."""
    found = np.empty(folded.count, dtype=np.int32)
    size = max(64, CHUNK_BYTES // folded.tables[0][:1].nbytes)
    starts = range(0, folded.count, size)

    def work(number: int) -> None:
        kept: Words = np.empty((min(size, folded.count), folded.tables[0].shape[1]), dtype=np.uint64)
        other = np.empty_like(kept)
        for start in starts[number::threads]:
            _first_of_chunk(folded, start, kept, other, found)

    if threads == 1 or len(starts) == 1:
        threads = 1
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    return found


def any_bits(folded: Folded) -> NDArray[np.bool_]:
    """Whether any bit is left, for each account."""
    return np.asarray(first_bits(folded) != NOTHING)


def _first_of_chunk(folded: Folded, start: int, kept: Words, other: Words, found: Codes) -> None:
    end = min(start + len(kept), folded.count)
    kept, other = kept[: end - start], other[: end - start]
    for number, (table, places) in enumerate(zip(folded.tables, folded.places, strict=True)):
        if number == 0:
            np.take(table, places[start:end], axis=0, out=kept, mode="clip")
        else:
            np.take(table, places[start:end], axis=0, out=other, mode="clip")
            np.bitwise_and(kept, other, out=kept)
    word = (kept != 0).argmax(axis=1)
    bits = kept[np.arange(end - start), word]
    lowest = np.bitwise_count((bits & (~bits + np.uint64(1))) - np.uint64(1)).astype(np.int32)
    found[start:end] = np.where(bits == 0, NOTHING, word.astype(np.int32) * 64 + lowest)
