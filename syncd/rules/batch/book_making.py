"""Making the columns of a book company by company: from facts as they are derived, or from parts that are there.

What people and the ledger say of an owner is left out: it changes without the records, and is looked up anew each time.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from syncd.model.refs import System
from syncd.rules.arrays import lists_array, numbers_array, numbers_of, texts_array
from syncd.rules.batch.book_columns import (
    ALWAYS,
    DEALS,
    DEALT,
    FIELD,
    KEY,
    OTHERS,
    SINCE,
    UNTIL,
    BookPart,
    GrowingColumn,
    instants,
    narrowed,
)
from syncd.rules.derivation import CompanyRecords
from syncd.rules.deriving.known_facts import KnownFacts

NOTHING: Mapping[str, Any] = MappingProxyType({})
_OF_OWNERSHIP = frozenset({"owner", "owner_active", "owner_changed_at", "territory"})


Spelled = tuple[pa.Array, dict[str, str]]
"""A column of codes with its different values, the first for a missing one, and how they are spelled."""


class _Lists:
    """A column of lists of texts, most of them empty."""

    def __init__(self) -> None:
        self._counts = array("q")
        self._texts: list[str] = []

    def add(self, texts: Iterable[str]) -> None:
        """The next company's."""
        before = len(self._texts)
        self._texts.extend(texts)
        self._counts.append(len(self._texts) - before)

    def arrow(self) -> pa.Array:
        """All that was added."""
        return lists_array(self._texts, np.frombuffer(self._counts, dtype=np.int64))


class PartMaker:
    """Puts one company after the other into columns."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._ids: dict[System, list[str]] = {system: [] for system in System}
        self._owners = {system: GrowingColumn() for system in System}
        self._fields: dict[str, GrowingColumn] = {}
        self._numbers = {name: array("q") for name in (DEALT, SINCE, UNTIL)}
        self._lists = {DEALS: _Lists(), OTHERS: _Lists()}

    def add(self, records: CompanyRecords, known: KnownFacts) -> None:
        """A company with the facts that were derived of its records."""
        facts, row = known.facts, len(self._keys)
        self._keys.append(facts.key)
        ids = {ref.system: ref.id for ref in facts.refs}
        for system, column in self._ids.items():
            column.append(ids.get(system, ""))
        for system, owner in facts.owner_ids.items():
            self._owners[system].put(row, owner)
        for name, value in facts.values.items():
            if name not in _OF_OWNERSHIP:
                self._growing(name).put(row, value)
        since, until = ALWAYS
        if known.since is not None and known.until is not None:
            since, until = instants(known.since), instants(known.until)
        for name, number in ((DEALT, int(bool(facts.opportunities))), (SINCE, since), (UNTIL, until)):
            self._numbers[name].append(number)
        self._lists[DEALS].add(str(deal.ref) for deal in records.opportunities)
        self._lists[OTHERS].add(str(each.ref) for each in records.accounts if each.ref not in facts.refs)

    def take(self, part: BookPart, rows: NDArray[np.int64]) -> None:
        """Companies of a part that is there, as they are."""
        first, chosen = len(self._keys), numbers_array(rows)
        self._keys += part.array(KEY).take(chosen).to_pylist()
        for system, ids in self._ids.items():
            ids += part.ids(system).take(chosen).to_pylist()
        for name, numbers in self._numbers.items():
            numbers.extend(part.numbers(name)[rows].tolist())
        for name, lists in self._lists.items():
            for texts in part.array(name).take(chosen).to_pylist():
                lists.add(texts)
        growing = [(self._owners[system], part.owners(system)) for system in System]
        for name in sorted(part.fields):
            column = part.column(name)
            if column is not None:
                growing.append((self._growing(name), column))
        for target, column in growing:
            for number, code in enumerate(column.codes[rows].tolist()):
                if code >= 0:
                    target.put(first + number, column.values[code])

    def part(self, about: Mapping[str, Any]) -> BookPart:
        """All that was added."""
        count = len(self._keys)
        return assembled(
            keys=texts_array(self._keys),
            numbers={name: np.frombuffer(numbers, dtype=np.int64) for name, numbers in self._numbers.items()},
            lists={name: lists.arrow() for name, lists in self._lists.items()},
            ids={system: texts_array(ids) for system, ids in self._ids.items()},
            owners={system: column.arrow(count) for system, column in self._owners.items()},
            fields={name: column.arrow(count) for name, column in self._fields.items()},
            about=about,
        )

    def _growing(self, name: str) -> GrowingColumn:
        if name not in self._fields:
            self._fields[name] = GrowingColumn()
        return self._fields[name]


def part_of(companies: Iterable[tuple[CompanyRecords, KnownFacts]], about: Mapping[str, Any]) -> BookPart:
    """Companies with their facts, in columns."""
    maker = PartMaker()
    for records, known in companies:
        maker.add(records, known)
    return maker.part(about)


def assembled(
    *,
    keys: pa.Array,
    numbers: Mapping[str, NDArray[np.int64]],
    lists: Mapping[str, pa.Array],
    ids: Mapping[System, pa.Array],
    owners: Mapping[System, Spelled],
    fields: Mapping[str, Spelled],
    about: Mapping[str, Any] = NOTHING,
) -> BookPart:
    """A part of its columns, in the order that all parts have."""
    columns: dict[str, Spelled] = {KEY: (keys, {})}
    for name, told in numbers.items():
        columns[name] = numbers_array(told.astype(np.int8) if name == DEALT else told), {}
    columns |= {name: (column, {}) for name, column in lists.items()}
    columns |= {f"id {system.value}": (ids[system], {}) for system in System}
    columns |= {f"owner {system.value}": owners[system] for system in System}
    columns |= {f"{FIELD}{name}": fields[name] for name in sorted(fields)}
    schema = pa.schema([pa.field(name, told.type, metadata=about or None) for name, (told, about) in columns.items()])
    return BookPart(pa.RecordBatch.from_arrays([told for told, _ in columns.values()], schema=schema), dict(about))


def joined_parts(parts: Sequence[BookPart], about: Mapping[str, Any]) -> BookPart:
    """The companies of all parts as one, in their order."""
    fields = sorted(frozenset().union(*(part.fields for part in parts)))
    coded = [*(f"owner {system.value}" for system in System), *(f"{FIELD}{name}" for name in fields)]
    columns: dict[str, Spelled] = {name: _joined(parts, name) for name in coded}

    def whole(name: str) -> pa.Array:
        return pa.concat_arrays([part.array(name) for part in parts])

    return assembled(
        keys=whole(KEY),
        numbers={name: numbers_of(whole(name)).astype(np.int64) for name in (DEALT, SINCE, UNTIL)},
        lists={name: whole(name) for name in (DEALS, OTHERS)},
        ids={system: whole(f"id {system.value}") for system in System},
        owners={system: columns[f"owner {system.value}"] for system in System},
        fields={name: columns[f"{FIELD}{name}"] for name in fields},
        about=about,
    )


def _joined(parts: Sequence[BookPart], name: str) -> Spelled:
    """A column of codes of all parts, over the different values of all."""
    there = [(part, part.batch.schema.get_field_index(name)) for part in parts]
    told = [(part.array(name), part.batch.schema.field(place).metadata or {}) for part, place in there if place >= 0]
    kinds = {about[b"kind"] for array, about in told if len(array.dictionary) > 1}
    if len(kinds) > 1:
        return _joined_values(parts, name)
    values = [array.dictionary[1:] for array, _ in told if len(array.dictionary) > 1]
    if not values:
        return GrowingColumn().arrow(sum(part.count for part in parts))
    found = pa.concat_arrays(values).dictionary_encode()
    places, first = numbers_of(found.indices), 0
    codes = []
    for part, place in there:
        held = part.array(name) if place >= 0 else None
        if held is None or len(held.dictionary) == 1:
            codes.append(np.zeros(part.count, dtype=np.int32))
            continue
        size = len(held.dictionary) - 1
        placed = np.append(np.int32(0), places[first : first + size] + np.int32(1)).astype(np.int32)
        codes.append(placed[numbers_of(held.indices)])
        first += size
    dictionary = pa.concat_arrays([told[0][0].dictionary[:1].cast(values[0].type), found.dictionary])
    about = {"kind": kinds.pop().decode()}
    return pa.DictionaryArray.from_arrays(narrowed(np.concatenate(codes), len(found.dictionary)), dictionary), about


def _joined_values(parts: Sequence[BookPart], name: str) -> Spelled:
    """The same of parts whose values are of several kinds, value by value."""
    growing, count = GrowingColumn(), 0
    for part in parts:
        column = part.coded(name)
        if column is not None:
            for row, code in enumerate(column.codes.tolist()):
                if code >= 0:
                    growing.put(count + row, column.values[code])
        count += part.count
    return growing.arrow(count)
