"""First match for many accounts at once: which term comes first among those that all fields leave possible.

The prime loop of a batch. Fields of few classes are folded into one table; terms that test the fields of one table only
are looked up in it, and those of several are ANDed in rows of bits as narrow as there are such terms: numpy in chunks
that stay in the processor's cache, on as many threads as are given. Knows bits only.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from syncd.rules.batch.columns import Codes
from syncd.rules.batch.field_codes import FieldRows, Words

CHUNK_BYTES = 2_500_000
"""Bits worked on at a time by one thread: as many as its cache holds."""
MOST_FOLDED = 8_192
"""Rows that the tables of several fields may multiply to when they are made one."""
MOST_LOOKED_UP = 65_536
"""The same where few terms stand in each table; no more than MOST_LOOKED_UP_BYTES with all terms in it."""
MOST_LOOKED_UP_BYTES = 32 * 1024 * 1024
MOST_GROUPS = 12
"""Groups of terms by the tables that they test; the smallest beyond are joined with others."""
WORTH_GROUPING = 64
"""Accounts for each class of a field from which grouping terms by their tables saves more than it costs."""
THREADS = 2
NOTHING = -1
Places = NDArray[np.int64]
_ROWS_AT_ONCE = 4_096
_MOST_FIELDS = 60


@dataclass(frozen=True, slots=True)
class Group:
    """Tables to AND; the bit numbered n is the term `terms[n]`, which grow."""

    tables: tuple[Words, ...]
    places: tuple[Places, ...]
    terms: Codes


@dataclass(frozen=True, slots=True)
class Folded:
    """What finds the first term of each of `count` accounts; `width` stands for none.

    `always` is the first term that tests nothing; `lookups` give for each row of a table the first term that it alone
    leaves possible, and each account's row.
    """

    count: int
    width: int
    always: int
    lookups: tuple[tuple[Codes, Places], ...]
    groups: tuple[Group, ...]


def unfolded(tables: Sequence[Words], places: Sequence[Places], count: int, width: int) -> Folded:
    """Tables as they are, all terms in each: for so few accounts that making other tables is not worth it."""
    terms = np.arange(max(1, tables[0].shape[1]) * 64, dtype=np.int32)
    return Folded(count, width, width, (), (Group(tuple(tables), tuple(places), terms),))


def fold(fields: Sequence[FieldRows], count: int, width: int, alive: Words) -> Folded:
    """The fields' tables in as few as are worth it; terms that are not `alive` fall out."""
    if not fields:
        return unfolded([alive[None, :]], [np.zeros(count, dtype=np.int64)], count, width)
    if len(fields) > _MOST_FIELDS or sum(len(each.table) for each in fields) * WORTH_GROUPING > count:
        sets = _smallest(fields)
        tables = [_product([each.table for each in some]) for some in sets]
        tables[0] = np.ascontiguousarray(tables[0] & alive[None, :])
        return unfolded(tables, [_places(each) for each in sets], count, width)
    living, tested = _tested(fields, width, alive)
    most = max(MOST_FOLDED, min(MOST_LOOKED_UP, MOST_LOOKED_UP_BYTES * 8 // max(1, width)))
    joined = _joined([len(each.table) for each in fields], most, *np.unique(tested[living], return_counts=True))
    sets = [[fields[number] for number in some] for some in joined]
    places = [_places(each) for each in sets]
    always, keys = _by_sets(joined, living, tested)
    lookups, groups = [], []
    for key, terms in keys.items():
        tables = [_product([_columns(each.table, terms) for each in sets[number]]) for number in key]
        if len(key) == 1:
            lookups.append((_firsts(tables[0], terms, width), places[key[0]]))
        else:
            groups.append(Group(tuple(tables), tuple(places[number] for number in key), terms))
    return Folded(count, width, always, tuple(lookups), tuple(groups))


def first_bits(folded: Folded, threads: int = THREADS) -> Codes:
    """The number of the first term that is left for each account, or -1."""
    found = np.empty(folded.count, dtype=np.int32)
    words = max([each.tables[0].shape[1] for each in folded.groups], default=1)
    size = max(64, CHUNK_BYTES // (words * 8))
    starts = range(0, folded.count, size)

    def work(number: int) -> None:
        kept: Words = np.empty(min(size, folded.count) * words, dtype=np.uint64)
        other = np.empty_like(kept)
        for start in starts[number::threads]:
            _first_of_chunk(folded, found[start : start + size], start, kept, other)

    if threads == 1 or len(starts) == 1:
        threads = 1
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    return found


def _smallest(fields: Sequence[FieldRows]) -> list[list[FieldRows]]:
    """The fields that are folded together: the smallest first, as far as their tables do not multiply to too much."""
    sets: list[list[FieldRows]] = []
    rows = 0
    for each in sorted(fields, key=lambda field: len(field.table)):
        if sets and rows * len(each.table) <= MOST_FOLDED:
            sets[-1].append(each)
            rows *= len(each.table)
        else:
            sets.append([each])
            rows = len(each.table)
    return sets


def _places(fields: Sequence[FieldRows]) -> Places:
    """The row of each account in the table of these fields folded."""
    first, *rest = fields
    places = first.places.astype(np.int64)
    for each in rest:
        places = places * len(each.table) + each.places
    return places


def _product(tables: Sequence[Words]) -> Words:
    """One table with a row for each combination of rows."""
    return reduce(lambda one, other: (one[:, None, :] & other[None, :, :]).reshape(-1, one.shape[1]), tables)


def _tested(fields: Sequence[FieldRows], width: int, alive: Words) -> tuple[NDArray[np.bool_], Places]:
    """Which terms can be true at all, and of each the fields that it tests: a bit a field."""
    possible, tested = alive.copy(), np.zeros(width, dtype=np.int64)
    for number, each in enumerate(fields):
        possible &= np.bitwise_or.reduce(each.table, axis=0)
        tested |= _flags(~np.bitwise_and.reduce(each.table, axis=0), width).astype(np.int64) << number
    return _flags(possible, width), tested


def _joined(sizes: Sequence[int], most: int, tested: Places, counts: Places) -> list[list[int]]:
    """The fields that are folded together: those that the most terms test together, in tables of at most so many rows.

    `tested` are the different combinations of fields that terms test, `counts` how many test each.
    """
    sets = [(1 << number, [number], size) for number, size in enumerate(sizes)]
    while True:
        found = []
        for place, (one, _, size) in enumerate(sets):
            for after, (other, _, more) in enumerate(sets[place + 1 :], start=place + 1):
                gain = int(counts[((tested & one) != 0) & ((tested & other) != 0)].sum())
                if gain and size * more <= most:
                    found.append((gain, -size * more, -place, -after))
        if not found:
            return [numbers for _, numbers, _ in sets]
        _, _, place, after = max(found)
        (one, numbers, size), (other, others, more) = sets[-place], sets[-after]
        sets[-place] = (one | other, numbers + others, size * more)
        del sets[-after]


def _by_sets(
    sets: Sequence[Sequence[int]], living: NDArray[np.bool_], fields: Places
) -> tuple[int, dict[tuple[int, ...], Codes]]:
    """The first term that tests nothing, and the others by the sets of fields that they test; what is never true is
    not among them.
    """
    tested = np.zeros_like(fields)
    for number, some in enumerate(sets):
        tested |= ((fields & sum(1 << field for field in some)) != 0).astype(np.int64) << number
    free = np.flatnonzero(living & (tested == 0))
    found = {
        key: np.flatnonzero(living & (tested == key)) for key in np.unique(tested[living & (tested != 0)]).tolist()
    }
    while sum(key & (key - 1) != 0 for key in found) > MOST_GROUPS:
        one, other = sorted((key for key in found if key & (key - 1)), key=lambda key: (len(found[key]), key))[:2]
        joined = np.concatenate([found.pop(one), found.pop(other), found.get(one | other, np.empty(0, dtype=np.int64))])
        found[one | other] = np.sort(joined)
    numbers = range(len(sets))
    keys = {
        tuple(number for number in numbers if key >> number & 1): terms.astype(np.int32) for key, terms in found.items()
    }
    return int(free[0]) if len(free) else len(living), keys


def _columns(table: Words, terms: Codes) -> Words:
    """A table with these terms alone, in their order."""
    words = -(-len(terms) // 64)
    found = np.zeros((len(table), words * 8), dtype=np.uint8)
    for start in range(0, len(table), _ROWS_AT_ONCE):
        bits = np.unpackbits(_bytes(table[start : start + _ROWS_AT_ONCE]), axis=1, bitorder="little")
        packed = np.packbits(bits[:, terms], axis=1, bitorder="little")
        found[start : start + _ROWS_AT_ONCE, : packed.shape[1]] = packed
    return found.view("<u8").astype(np.uint64, copy=False)


def _flags(words: Words, width: int) -> NDArray[np.bool_]:
    return np.unpackbits(_bytes(words), bitorder="little")[:width].astype(np.bool_)


def _bytes(words: Words) -> NDArray[np.uint8]:
    return np.ascontiguousarray(words.astype("<u8", copy=False)).view(np.uint8)


def _firsts(table: Words, terms: Codes, width: int) -> Codes:
    """For each row of a table its first term, or `width`."""
    word = (table != 0).argmax(axis=1)
    return _terms_at(table[np.arange(len(table)), word], word, terms, width)


def _terms_at(bits: Words, word: Places, terms: Codes, width: int) -> Codes:
    """The term of the lowest bit of each of these words, or `width` where none is left."""
    lowest = np.bitwise_count((bits & (~bits + np.uint64(1))) - np.uint64(1)).astype(np.int64)
    places = word * 64 + lowest
    return np.where(bits == 0, np.int32(width), terms[np.minimum(places, len(terms) - 1)])


def _first_of_chunk(folded: Folded, found: Codes, start: int, kept: Words, other: Words) -> None:
    count = len(found)
    found[:] = folded.always
    for terms, places in folded.lookups:
        np.minimum(found, terms[places[start : start + count]], out=found)
    for group in folded.groups:
        words = group.tables[0].shape[1]
        left, more = (each[: count * words].reshape(count, words) for each in (kept, other))
        for number, (table, places) in enumerate(zip(group.tables, group.places, strict=True)):
            into = left if number == 0 else more
            np.take(table, places[start : start + count], axis=0, out=into, mode="clip")
            if number:
                np.bitwise_and(left, more, out=left)
        rows = np.flatnonzero(np.bitwise_or.reduce(left, axis=1)) if words > 1 else np.flatnonzero(left[:, 0])
        word = (left[rows] != 0).argmax(axis=1)
        found[rows] = np.minimum(found[rows], _terms_at(left[rows, word], word, group.terms, folded.width))
    found[found == folded.width] = NOTHING
