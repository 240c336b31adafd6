"""The opportunities of one system in columns: what they say of each account, without a record becoming an object.

Accounts of whose opportunities none was won are summed up a field at a time: of these only the open ones count, which
go by the rates of today. Those with one that was won, or that Arrow cannot hold, go to the company reader one by one,
and so do all where fields have other types.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from syncd.model.fields import FieldType
from syncd.model.raw_accounts import RawAccounts
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.rules.arrays import (
    filled,
    flags_array,
    lines_array,
    numbers_array,
    numbers_of,
    places_of,
    prefixed,
    texts_array,
)
from syncd.rules.batch.book_columns import ALWAYS, DEALT, SINCE, UNTIL, instants, narrowed, spelled
from syncd.rules.batch.book_making import Spelled
from syncd.rules.batch.columns import MISSING
from syncd.rules.batch.keeping import distinct
from syncd.rules.batch.packed import Numbers
from syncd.rules.batch.raw_fields import RawField, Read
from syncd.rules.batch.raw_json import ParsedRecords
from syncd.rules.deriving.company_reader import CompanyReader
from syncd.rules.deriving.company_records import Derivation, OwnershipView
from syncd.rules.deriving.opportunity_facts import counted, shared, total
from syncd.rules.facts import Value
from syncd.rules.matching.time_window import local_day, local_midnight

_NUMBERS, _WORDS = {FieldType.NUMBER, FieldType.MONEY}, {FieldType.TEXT, FieldType.PICKLIST}
_TYPES: Mapping[str, set[FieldType]] = {
    "amount": _NUMBERS,
    "stage": _WORDS,
    "is_closed": {FieldType.BOOLEAN},
    "is_won": {FieldType.BOOLEAN},
    "close_date": {FieldType.DATE},
}
"""The fields that sums are made of, and of which types columns read them."""
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
_ValueOf = Callable[[int], Value]


@dataclass(slots=True)
class _Coded:
    """A derived field of each account: its different values, and a code for each account; 0 is missing."""

    codes: NDArray[np.int32]
    values: list[Value] = field(default_factory=list)
    _known: dict[object, int] = field(default_factory=dict)

    def code_of(self, value: Value) -> int:
        """The code of a value; equal ones that a sum would show are told apart."""
        key: object = value if isinstance(value, str | frozenset) else (value.__class__, str(value))
        code = self._known.get(key)
        if code is None:
            self.values.append(value)
            code = self._known[key] = len(self.values)
        return code

    def of(self, codes: NDArray[np.int32]) -> Spelled:
        """The column of some rows by their codes, with the values that occur in them alone."""
        used, places = distinct(codes.astype(np.int64), len(self.values) + 1)
        is_value = used > 0
        values, about = spelled([self.values[code - 1] for code in used[is_value].tolist()])
        new = np.where(is_value, np.cumsum(is_value), 0).astype(np.int32)
        return pa.DictionaryArray.from_arrays(narrowed(new[places], int(is_value.sum())), values), about


def deal_fields(derivation: Derivation) -> list[str]:
    """The fields of opportunities that sums are made of."""
    return sorted(_TYPES.keys() & derivation.catalogue.opportunity)


class RawDeals:
    """What opportunities say of the accounts of one system; of each its `deal_fields` are parsed."""

    def __init__(
        self, system: System, derivation: Derivation, now: datetime, opportunities: Iterable[ParsedRecords]
    ) -> None:
        self._system = system
        self._now = now
        self._reader = CompanyReader(derivation, OwnershipView(), now)
        self._without = self._reader.dealt(())
        self._types = {name: type_ for name, type_ in derivation.catalogue.opportunity.items() if name in _TYPES}
        self._read(opportunities, deal_fields(derivation))
        self._group()
        suited = all(type_ in _TYPES[name] for name, type_ in self._types.items())
        self._sum_up(derivation, suited=suited)

    # What is there

    def _read(self, opportunities: Iterable[ParsedRecords], names: Sequence[str]) -> None:
        """The opportunities that are on an account, in the order of their ids."""
        columns: dict[str, list[pa.Array]] = {name: [] for name in names}
        odd: list[Mask] = []
        told: list[RawAccounts] = []
        for some in opportunities:
            count = some.raw.count
            told.append(some.raw)
            is_odd = np.zeros(count, dtype=np.bool_)
            is_odd[some.odd if some.columns is not None else slice(None)] = True
            odd.append(is_odd)
            for name, parts in columns.items():
                parts.append(pa.nulls(count, pa.string()) if some.columns is None else some.columns[name])
        accounts = _whole([lines_array(raw.parents, raw.count) for raw in told])
        there = flags_array(filled(accounts))
        self._ids, self._owners, self._fields = (
            _whole([lines_array(text, raw.count) for text, raw in zip(texts, told, strict=True)]).filter(there)
            for texts in (
                [raw.ids for raw in told],
                [raw.owners for raw in told],
                [raw.fields for raw in told],
            )
        )
        self._accounts = _by_id(accounts.filter(there).dictionary_encode())
        self._columns = {name: _whole(parts).filter(there) for name, parts in columns.items()}
        self._odd = np.concatenate([np.zeros(0, dtype=np.bool_), *odd])[filled(accounts)]

    def _group(self) -> None:
        """The opportunities of each account, one account after the other."""
        self._of = numbers_of(self._accounts.indices).astype(np.int64)
        self._size = len(self._accounts.dictionary)
        self._counts = np.bincount(self._of, minlength=self._size)
        self._order = np.argsort(self._of, kind="stable")
        self._starts = np.cumsum(self._counts) - self._counts
        self._places: dict[str, int] | None = None

    def records(self, account: str) -> list[Record]:
        """The opportunities of an account as records, as far as facts are derived of them."""
        if self._places is None:
            self._places = {each: place for place, each in enumerate(self._accounts.dictionary.to_pylist())}
        place = self._places.get(account)
        return [] if place is None else self._records(place)

    def _records(self, place: int) -> list[Record]:
        account = self._accounts.dictionary[place].as_py()
        return [
            Record(
                Ref(self._system, Kind.OPPORTUNITY, self._ids[row].as_py()),
                self._now,
                json.loads(self._fields[row].as_py()),
                self._owners[row].as_py() or None,
                account,
            )
            for row in self._rows(place).tolist()
        ]

    def _rows(self, place: int) -> Rows:
        first = int(self._starts[place])
        return self._order[first : first + int(self._counts[place])]

    # What it says of each account

    def _sum_up(self, derivation: Derivation, *, suited: bool) -> None:
        names = self._without.values
        self._coded = {name: _Coded(np.zeros(self._size, dtype=np.int32)) for name in names}
        for name, value in names.items():
            self._coded[name].codes[:] = self._coded[name].code_of(value)
        self._since, self._until = (np.full(self._size, each, dtype=np.int64) for each in ALWAYS)
        plainly = np.full(self._size, not suited, dtype=np.bool_)
        self._is_kept = np.zeros(self._size, dtype=np.bool_)
        if suited:
            reader = derivation.reader()
            read = {name: RawField(type_, reader).read(self._columns[name]) for name, type_ in self._types.items()}
            is_won, is_closed = (_is_true(read.get(name), len(self._of)) for name in ("is_won", "is_closed"))
            plainly[self._of[is_won | self._odd]] = True
            is_open = ~(is_won | is_closed)
            self._count_open(np.flatnonzero(is_open & ~plainly[self._of]), read)
            self._date(np.flatnonzero(~is_open & ~plainly[self._of]), read.get("close_date"), derivation)
        for place in np.flatnonzero(plainly).tolist():
            self._ask(place)

    def _ask(self, place: int) -> None:
        """What the company reader says of an account's opportunities."""
        said = self._reader.dealt(self._records(place))
        for name, value in said.values.items():
            if name not in self._coded:
                self._coded[name] = _Coded(np.zeros(self._size, dtype=np.int32))
            self._coded[name].codes[place] = self._coded[name].code_of(value)
        self._is_kept[place] = said.is_kept
        if said.since is not None and said.until is not None:
            self._since[place], self._until[place] = instants(said.since), instants(said.until)

    def _count_open(self, rows: Rows, read: Mapping[str, Read]) -> None:
        """The number of open opportunities, their amounts and their stages; `rows` are the open ones."""
        counts = np.bincount(self._of[rows], minlength=self._size)
        self._is_kept |= counts > 0
        self._put("open_opportunities", np.flatnonzero(counts), counts[counts > 0], counted)
        amounts, stages = _values(read.get("amount")), _values(read.get("stage"))
        amount_of, stage_of = (_codes(read.get(name), len(self._of)) for name in ("amount", "stage"))

        def summed(codes: Iterable[int]) -> Decimal:
            return total(amounts[code] for code in codes if code >= 0)

        def named(codes: Iterable[int]) -> frozenset[str]:
            return shared(str(stages[code]) for code in codes if code >= 0)

        alone = rows[counts[self._of[rows]] == 1]
        self._put("open_pipeline", self._of[alone], amount_of[alone], lambda code: summed((code,)))
        self._put("open_stages", self._of[alone], stage_of[alone], lambda code: named((code,)))
        is_open = np.zeros(len(self._of), dtype=np.bool_)
        is_open[rows] = True
        pipeline, open_stages = self._coded["open_pipeline"], self._coded["open_stages"]
        for place in np.flatnonzero(counts > 1).tolist():
            those = self._rows(place)
            those = those[is_open[those]]
            pipeline.codes[place] = pipeline.code_of(summed(amount_of[those].tolist()))
            open_stages.codes[place] = open_stages.code_of(named(stage_of[those].tolist()))

    def _put(self, name: str, places: Rows, numbers: Rows, value_of: _ValueOf) -> None:
        """A value for some accounts, made once of each different number."""
        coded = self._coded[name]
        found, which = np.unique(numbers, return_inverse=True)
        codes = np.array([coded.code_of(value_of(number)) for number in found.tolist()], dtype=np.int32)
        coded.codes[places] = codes[which]

    def _date(self, rows: Rows, read: Read | None, derivation: Derivation) -> None:
        """Until when the sums hold, where something is closed; `rows` are the closed ones."""
        if read is None:
            return
        rows = rows[read.codes[rows] >= 0]
        places, now = self._of[rows], instants(self._now)
        tomorrow = local_day(self._now, derivation.zone) + timedelta(days=1)
        self._since[places] = now
        self._until[places] = instants(local_midnight(tomorrow, derivation.zone))
        told = np.array([instants(each) for each in read.values if isinstance(each, datetime)], dtype=np.int64)
        closed = told[read.codes[rows]]
        np.minimum.at(self._until, places[closed > now], closed[closed > now])

    # For some accounts

    def of(self, accounts: pa.Array) -> tuple[Mapping[str, Rows], Mapping[str, Spelled], pa.Array]:
        """What opportunities say of accounts: the numbers of a part, the derived fields, and each one's refs."""
        places = self._places_of(accounts)
        has = places >= 0
        there = places[has]
        columns = {}
        for name, coded in self._coded.items():
            default = self._without.values.get(name)
            codes = np.full(len(places), 0 if default is None else coded.code_of(default), dtype=np.int32)
            codes[has] = coded.codes[there]
            columns[name] = coded.of(codes)
        since, until = (np.full(len(places), each, dtype=np.int64) for each in ALWAYS)
        since[has], until[has] = self._since[there], self._until[there]
        is_dealt = np.zeros(len(places), dtype=np.int64)
        is_dealt[has] = self._is_kept[there]
        return {DEALT: is_dealt, SINCE: since, UNTIL: until}, columns, self._refs(has, there)

    def _places_of(self, accounts: pa.Array) -> Rows:
        """Where the accounts stand among those with opportunities, -1 where they do not.

        Accounts come by id, some thousands at a time, so only those from their first to their last are looked among: a
        table of all, made each time, would take longer than all the rest where many have opportunities.
        """
        held, ends = self._accounts.dictionary, pc.min_max(accounts).as_py()
        if ends["min"] is None:
            return np.zeros(0, dtype=np.int64)
        start = bisect_left(held, ends["min"], key=pa.StringScalar.as_py)
        end = bisect_right(held, ends["max"], key=pa.StringScalar.as_py)
        places = places_of(pc.index_in(accounts, value_set=held.slice(start, end - start)))
        return np.where(places >= 0, places + start, places)

    def _refs(self, has: Mask, places: Rows) -> pa.Array:
        """A list of refs for each account."""
        counts = np.zeros(len(has), dtype=np.int64)
        counts[has] = self._counts[places]
        ends = np.append(0, np.cumsum(counts))
        steps = self._starts[places] - ends[:-1][has]
        rows = self._order[np.repeat(steps, self._counts[places]) + np.arange(ends[-1])]
        start = f"{self._system.value}:{Kind.OPPORTUNITY.value}:"
        refs = prefixed(start, self._ids.take(numbers_array(rows)))
        return pa.ListArray.from_arrays(numbers_array(ends.astype(np.int32)), refs)


def _by_id(accounts: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same with its different values in their order."""
    order = numbers_of(pc.array_sort_indices(accounts.dictionary)).astype(np.int64)
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    indices = places[numbers_of(accounts.indices)]
    return pa.DictionaryArray.from_arrays(numbers_array(indices), accounts.dictionary.take(numbers_array(order)))


def _whole(parts: Sequence[pa.Array]) -> pa.Array:
    return pa.concat_arrays([texts_array([]), *parts])


def _codes(read: Read | None, count: int) -> NDArray[np.int32]:
    return np.full(count, MISSING, dtype=np.int32) if read is None else read.codes


def _values(read: Read | None) -> Sequence[Value]:
    if read is None:
        return ()
    if read.kind == "whole":
        return Numbers(numbers_of(read.values))
    found: list[Value] = list(read.values) if read.kind is None else read.values.to_pylist()
    return found


def _is_true(read: Read | None, count: int) -> Mask:
    if read is None:
        return np.zeros(count, dtype=np.bool_)
    found: Mask = np.array([*(value is True for value in _values(read)), False], dtype=np.bool_)[read.codes]
    return found
