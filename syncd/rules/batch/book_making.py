"""Making the columns of a book company by company: from facts as they are derived, or from parts that are there.

What people and the ledger say of an owner is left out: it changes without the records, and is looked up anew each time.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from syncd.model.refs import System
from syncd.rules.batch.book_columns import (
    ALWAYS,
    DEALS,
    DEALT,
    KEY,
    OTHERS,
    SINCE,
    UNTIL,
    BookPart,
    GrowingColumn,
    instants,
)
from syncd.rules.derivation import CompanyRecords
from syncd.rules.deriving.known_facts import KnownFacts

_OF_OWNERSHIP = frozenset({"owner", "owner_active", "owner_changed_at", "territory"})


class _Lists:
    """A column of lists of texts, most of them empty."""

    def __init__(self) -> None:
        self._ends = array("i", [0])
        self._texts: list[str] = []

    def add(self, texts: Iterable[str]) -> None:
        """The next company's."""
        self._texts.extend(texts)
        self._ends.append(len(self._texts))

    def arrow(self) -> pa.Array:
        """All that was added."""
        ends = pa.array(np.frombuffer(self._ends, dtype=np.int32))
        return pa.ListArray.from_arrays(ends, pa.array(self._texts, type=pa.string()))


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
        first, chosen = len(self._keys), pa.array(rows)
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
        arrays: list[pa.Array] = [pa.array(self._keys, type=pa.string())]
        fields = [pa.field(KEY, pa.string())]
        for name, numbers in self._numbers.items():
            told = np.frombuffer(numbers, dtype=np.int64)
            arrays.append(pa.array(told.astype(np.int8) if name == DEALT else told))
            fields.append(pa.field(name, arrays[-1].type))
        for name, lists in self._lists.items():
            arrays.append(lists.arrow())
            fields.append(pa.field(name, arrays[-1].type))
        for system, ids in self._ids.items():
            arrays.append(pa.array(ids, type=pa.string()))
            fields.append(pa.field(f"id {system.value}", arrays[-1].type))
        growing = {f"owner {system.value}": column for system, column in self._owners.items()}
        growing |= {f"field {name}": self._fields[name] for name in sorted(self._fields)}
        for name, column in growing.items():
            codes, spelled = column.arrow(count)
            arrays.append(codes)
            fields.append(pa.field(name, codes.type, metadata=spelled))
        return BookPart(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)), dict(about))

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
