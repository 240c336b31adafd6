"""How companies in columns stand: which still count, what was applied to them, whose owner somebody may have changed.

The columns of a part say what records say; this stands beside them, a number a company. Knows no store and no pack.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from syncd.model.refs import Kind, Ref, System
from syncd.rules.arrays import filled, flags_of, numbers_array, numbers_of, places_of, prefixed, texts_array
from syncd.rules.batch.batch_table import Batch
from syncd.rules.batch.book_columns import DEALS, DEALT, FIELD, KEY, OTHERS, SINCE, UNTIL, BookPart, instants
from syncd.rules.batch.columns import MISSING, Codes, Column, Columns
from syncd.rules.batch.keeping import OWNER, Holders, Keeper, Mask, distinct
from syncd.rules.facts import Facts, Value

SUSPECT, APPLIED, APPLIED_OWNER = "suspect", "applied", "applied owner"
_NO_ROWS = np.empty(0, dtype=np.int64)
_NOT_THERE = -2
_NOT_TOLD = -3
_OF_HOLDERS = (OWNER, "owner_active", "territory")
Holding = tuple[Mapping[System, str | None], str | None]
"""The systems that a company stands in with its owner's id in each, and the territory that was applied to it last."""
Judge = Callable[[Sequence[Holding]], Sequence[Facts | None]]
"""Who holds companies, one for each that is asked about; None where the engine has to look."""


class Left(NamedTuple):
    """A company that has to be looked at: its live records, sorted, and the number of the territory that takes it.

    The number is that of the path in the owner's tree, -1 for none; None where its columns do not say.
    """

    key: str
    refs: tuple[Ref, ...]
    place: int | None


@dataclass(slots=True)
class Standing:
    """A part, and for each company whether it counts, whether its owner is suspect, and what was applied to it last."""

    part: BookPart
    alive: Mask
    suspect: Mask
    applied: Column
    applied_owner: Column

    @classmethod
    def of(cls, part: BookPart, ledger: BookPart, dead: Sequence[int] = (), suspects: Collection[str] = ()) -> Standing:
        """A part with what `ledger_of` says of it; `suspects` are refs of accounts that are suspect besides."""
        alive = np.ones(part.count, dtype=np.bool_)
        alive[list(dead)] = False
        nothing = Column([], np.full(part.count, MISSING, dtype=np.int32))
        applied, owner = (ledger.column(name) or nothing for name in (APPLIED, APPLIED_OWNER))
        suspect = ledger.numbers(SUSPECT).astype(np.bool_)
        suspect[_rows_of(part, suspects)] = True
        return cls(part, alive, suspect, applied, owner)

    def bury(self, rows: Sequence[int]) -> None:
        """Let these companies count no more: others have taken their place, or they are gone."""
        self.alive[list(rows)] = False

    def keys_of(self, refs: Collection[Ref]) -> list[str]:
        """The companies that count of which these records are, or whose opportunities they are."""
        rows = [self.part.rows_with(f"id {system.value}", _ids(refs, system)) for system in System]
        texts = [str(ref) for ref in refs]
        rows += [self.part.rows_with(name, texts) for name in (OTHERS, DEALS)]
        return self._keys(np.concatenate(rows))

    def expired(self, now: datetime) -> list[str]:
        """The companies that count whose fields time has changed, or may have."""
        moment = instants(now)
        held = (self.part.numbers(SINCE) <= moment) & (moment < self.part.numbers(UNTIL))
        return self._keys(np.flatnonzero(~held))

    def joined(self) -> dict[str, str]:
        """The company of each record that is not the one it is named by, as texts."""
        ids = {system: self.part.ids(system) for system in System}
        there = [filled(each) for each in ids.values()]
        others = np.diff(numbers_of(self.part.array(OTHERS).offsets)) > 0
        lone = [_named_by(system, each, self.part.array(KEY)) for system, each in ids.items()]
        rows = np.flatnonzero(self.alive & ((np.sum(there, axis=0) > 1) | others | ~np.logical_or.reduce(lone)))
        found: dict[str, str] = {}
        chosen = numbers_array(rows)
        keys = self.part.keys(rows)
        for system, each in ids.items():
            records = each.take(chosen).to_pylist()
            refs = (str(Ref(system, Kind.ACCOUNT, record)) for record in records)
            found |= {ref: key for ref, key, record in zip(refs, keys, records, strict=True) if record and ref != key}
        for refs_of, key in zip(self.part.array(OTHERS).take(chosen).to_pylist(), keys, strict=True):
            found |= {ref: key for ref in refs_of if ref != key}
        return found

    def rows_named(self, keys: Collection[str]) -> NDArray[np.int64]:
        """The rows of these companies, whether they count or not."""
        return self.part.rows_with(KEY, list(keys))

    def settle(
        self,
        keeper: Keeper,
        judge: Judge,
        reads: frozenset[str],
        *,
        reads_deals: bool,
        named: Collection[str] = (),
        unremembered: bool = False,
    ) -> tuple[Left, ...]:
        """Let the keeper settle what it can; the other companies that count.

        `reads` are the fields that the pack's conditions read; those that read opportunities are answered for companies
        without any. Companies `named` are not settled, and, where those `unremembered` are asked for, none that was
        applied another territory or owner than it keeps.
        """
        count = self.part.count
        holders, columns_of_owners = self._holders(judge)
        columns = {name: found for name in keeper.fields | reads if (found := self.part.column(name)) is not None}
        columns |= {name: column for name, column in columns_of_owners.items() if name in keeper.fields | reads}
        left_out = ~self.alive | self.suspect
        if reads_deals:
            left_out |= self.part.numbers(DEALT) > 0
        left_out[self._excepted(keeper.excepted)] = True
        left_out[self.rows_named(named)] = True
        batch = Batch(Columns(count, columns), lambda row: _facts_at(columns, row), _NO_ROWS)
        places = keeper.territories.places(OWNER, batch)
        if unremembered:
            left_out |= ~self._remembered(keeper, places, holders)
        kept = keeper.settle(batch, left_out, holders, places)
        if reads_deals:  # territories read nothing else that columns do not say: owners they may not read
            places = np.where(self.part.numbers(DEALT) == 0, places, _NOT_TOLD)
        return self._left(np.flatnonzero(self.alive & ~kept), places)

    def _left(self, rows: NDArray[np.int64], places: Codes) -> tuple[Left, ...]:
        """The companies of some rows."""
        chosen = numbers_array(rows)
        ids = [(system, self.part.ids(system).take(chosen).to_pylist()) for system in System]
        others = self.part.array(OTHERS).take(chosen).to_pylist()
        found: list[Left] = []
        for number, (key, place) in enumerate(zip(self.part.keys(rows), places[rows].tolist(), strict=True)):
            refs = [Ref(system, Kind.ACCOUNT, column[number]) for system, column in ids if column[number]]
            refs += map(Ref.parse, others[number])
            found.append(Left(key, tuple(sorted(refs)), None if place == _NOT_TOLD else place))
        return tuple(found)

    def _remembered(self, keeper: Keeper, places: Codes, holders: Holders) -> Mask:
        """The companies to which the very territory and owner were applied that they have."""
        paths = [path[-1].path for path in keeper.territories.paths(OWNER)]
        emails = [str(facts.values[OWNER]) for facts in holders.facts]
        territory = _places_among(self.applied, paths)[places]
        owner = _places_among(self.applied_owner, emails)[holders.codes]
        found: Mask = (territory == self.applied.codes) & (owner == self.applied_owner.codes)
        return found & (places >= 0) & (holders.codes >= 0)

    def _holders(self, judge: Judge) -> tuple[Holders, dict[str, Column]]:
        """Who holds each company, and what rules may read of that."""
        numbers, size = np.zeros(self.part.count, dtype=np.int64), 1
        columns: list[Column] = []
        for system in System:
            there = filled(self.part.ids(system)).astype(np.int64)
            owners = self.part.owners(system)
            columns.append(owners)
            numbers = (numbers * 2 + there) * (len(owners.values) + 1) + owners.codes + 1
            size *= 2 * (len(owners.values) + 1)
            found, numbers = distinct(numbers, size)
            size = len(found)
        applied = self.applied
        numbers = numbers * (len(applied.values) + 1) + applied.codes + 1
        found, which = distinct(numbers, size * (len(applied.values) + 1))
        first = _firsts(which, len(found))
        judged = judge([self._holding_at(row, columns) for row in first.tolist()])
        codes = np.full(len(found), MISSING, dtype=np.int32)
        facts: list[Facts] = []
        for number, each in enumerate(judged):
            if each is not None:
                codes[number] = len(facts)
                facts.append(each)
        holders = Holders(codes[which], facts)
        read = {name: _column_of(name, judged, which) for name in _OF_HOLDERS}
        read["territory"] = self.applied
        return holders, read

    def _holding_at(self, row: int, owners: Sequence[Column]) -> Holding:
        held: dict[System, str | None] = {}
        for system, column in zip(System, owners, strict=True):
            if self.part.ids(system)[row].as_py():
                held[system] = _text_at(column, row)
        return held, _text_at(self.applied, row)

    def _excepted(self, names: frozenset[str]) -> NDArray[np.int64]:
        """The companies that exceptions may name by key, ref or id; by domain the keeper looks itself."""
        if not names:
            return _NO_ROWS
        ids = {name.rpartition(":")[2] for name in names}
        rows = [self.part.rows_with(f"id {system.value}", sorted(ids)) for system in System]
        return np.concatenate([*rows, self.rows_named(names)])

    def _keys(self, rows: NDArray[np.int64]) -> list[str]:
        return self.part.keys(np.unique(rows[self.alive[rows]]))


def ledger_of(
    part: BookPart,
    suspects: Iterable[str],
    applied: Iterable[tuple[pa.Array, pa.Array, pa.Array]],
    about: Mapping[str, object],
) -> BookPart:
    """What the ledger says of the companies of a part: the refs of suspect accounts, and what was applied last.

    `applied` are keys of companies, territories and owners, some at a time; a key comes once.
    """
    suspect = np.zeros(part.count, dtype=np.int8)
    suspect[_rows_of(part, set(suspects))] = 1
    told = list(applied)
    keys, paths, owners = (pa.concat_arrays([texts_array([]), *(each[at] for each in told)]) for at in range(3))
    place = places_of(pc.index_in(part.array(KEY), value_set=keys))
    columns = {name: _placed(texts, place) for name, texts in ((APPLIED, paths), (APPLIED_OWNER, owners))}
    fields = [pa.field(f"{FIELD}{name}", column.type, metadata={"kind": "text"}) for name, column in columns.items()]
    schema = pa.schema([pa.field(SUSPECT, pa.int8()), *fields])
    return BookPart(pa.RecordBatch.from_arrays([numbers_array(suspect), *columns.values()], schema=schema), dict(about))


def _placed(texts: pa.Array, places: NDArray[np.int64]) -> pa.Array:
    """A column of texts by their places, -1 for none."""
    found = texts.dictionary_encode()
    codes = np.append(numbers_of(found.indices), np.int32(MISSING))[places] + np.int32(1)
    values = pa.concat_arrays([texts_array([""]), found.dictionary])
    return pa.DictionaryArray.from_arrays(numbers_array(codes.astype(np.int32)), values)


def _places_among(column: Column, texts: Sequence[str]) -> Codes:
    """The code that each text has in a column, another than any for one that it has not; the last is of no text."""
    codes = {str(value): code for code, value in enumerate(column.values)}
    return np.array([*(codes.get(text, _NOT_THERE) for text in texts), _NOT_THERE], dtype=np.int32)


def _rows_of(part: BookPart, accounts: Collection[str]) -> NDArray[np.int64]:
    """The rows of the companies that have some of these accounts, by their refs."""
    if not accounts:
        return _NO_ROWS
    refs = [Ref.parse(each) for each in accounts]
    rows = [part.rows_with(f"id {system.value}", _ids(refs, system)) for system in System]
    return np.concatenate([*rows, part.rows_with(OTHERS, list(accounts))])


def _ids(refs: Iterable[Ref], system: System) -> list[str]:
    return [ref.id for ref in refs if ref.system is system and ref.kind is Kind.ACCOUNT]


def _named_by(system: System, ids: pa.Array, keys: pa.Array) -> Mask:
    """The companies whose key is their record's ref."""
    found: Mask = flags_of(pc.equal(prefixed(f"{system.value}:{Kind.ACCOUNT.value}:", ids), keys))
    return found


def _firsts(places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """A row of each number."""
    first = np.zeros(count, dtype=np.int64)
    first[places[::-1]] = np.arange(len(places) - 1, -1, -1)
    return first


def _text_at(column: Column, row: int) -> str | None:
    code = int(column.codes[row])
    return None if code < 0 else str(column.values[code])


def _column_of(name: str, judged: Sequence[Facts | None], which: NDArray[np.int64]) -> Column:
    """A field of those who hold companies, for each company."""
    values: list[Value] = []
    known: dict[Value, int] = {}
    codes: Codes = np.full(len(judged), MISSING, dtype=np.int32)
    for number, facts in enumerate(judged):
        value = facts.values.get(name) if facts is not None else None
        if value is not None:
            codes[number] = known.setdefault(value, len(values))
            if codes[number] == len(values):
                values.append(value)
    return Column(values, codes[which])


def _facts_at(columns: Mapping[str, Column], row: int) -> Facts:
    """A company without opportunities, as far as conditions read it."""
    values = {name: column.values[code] for name, column in columns.items() if (code := int(column.codes[row])) >= 0}
    return Facts("", (), values=values)
