"""Columns of a whole book from raw accounts: fields at a time instead of companies at a time.

For companies of one record of which nothing unusual is said, which are nearly all; the other accounts come out as
records, for whoever derives them one by one. Equal to that, value by value. Knows no store and no pack.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from numpy.typing import NDArray

from syncd.model.raw_accounts import RawAccounts
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.rules.arrays import (
    empty_texts,
    filled,
    flags_array,
    flags_of,
    lines_array,
    lists_array,
    numbers_of,
    prefixed,
    texts_array,
)
from syncd.rules.batch.book_columns import DEALS, OTHERS, BookPart
from syncd.rules.batch.book_making import Spelled, assembled
from syncd.rules.batch.columns import MISSING
from syncd.rules.batch.raw_deals import RawDeals
from syncd.rules.batch.raw_fields import LOCATED, RawField, Read, are_blank
from syncd.rules.batch.raw_json import ParsedRecords, parsed_records
from syncd.rules.deriving.company_records import OWN_ID_FIELDS, Derivation, field_plan
from syncd.rules.deriving.field_values import id_value
from syncd.rules.deriving.opportunity_facts import shared

_COUNTRY, _PARENT = "country", "parent"
_PLACES = ("state", "postal_code")
_PLAIN_ID = "^[0-9A-Za-z]+$"
_SHORT_ID = 15
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The accounts that become columns: each mapped field that some account has, and what else is told of them."""

    system: System
    keys: pa.Array
    ids: pa.Array
    owners: pa.Array
    parents: pa.Array
    texts: Mapping[str, pa.Array]

    @property
    def count(self) -> int:
        return len(self.ids)

    def only(self, kept: pa.Array) -> _Rows:
        """Those accounts that are flagged."""
        keys, ids, owners, parents = (each.filter(kept) for each in (self.keys, self.ids, self.owners, self.parents))
        return _Rows(
            self.system, keys, ids, owners, parents, {name: each.filter(kept) for name, each in self.texts.items()}
        )


class RawBook:
    """Makes columns of raw accounts, some tens of thousands at a time; `linked` are refs that links are about."""

    def __init__(
        self, derivation: Derivation, now: datetime, linked: Collection[str], deals: Mapping[System, RawDeals]
    ) -> None:
        self._now = now
        self._linked = texts_array(sorted(linked))
        self._deals = deals
        self._default_country = derivation.default_country if derivation.fill_missing_country else None
        types, reader = derivation.catalogue.account, derivation.reader()
        plan = [(name, order) for name, order in field_plan(derivation) if name in types]
        self._fields = {name: RawField(types[name], reader) for name, _ in plan}
        self._located = {name for name, _ in plan if types[name] in LOCATED}
        self._names = {system: [name for name, order in plan if system in order] for system in System}

    def parsed(self, raw: RawAccounts) -> ParsedRecords:
        """Accounts as `read` takes them; may be called from another thread meanwhile."""
        return parsed_records(raw, self._names[raw.system])

    def read(self, accounts: ParsedRecords) -> tuple[BookPart, list[Record]]:
        """The columns of those accounts that are companies of their own, and the other accounts as records."""
        raw, parsed = accounts.raw, accounts.columns
        keep = np.zeros(raw.count, dtype=np.bool_)
        ids, merged = lines_array(raw.ids, raw.count), lines_array(raw.merged_from, raw.count)
        keys = prefixed(f"{raw.system.value}:{Kind.ACCOUNT.value}:", ids)
        if parsed is not None:
            keep = ~flags_of(pc.is_in(keys, value_set=self._linked)) & ~filled(merged)
            keep[accounts.odd] = False
        owners, parents = lines_array(raw.owners, raw.count), lines_array(raw.parents, raw.count)
        rows = _Rows(raw.system, keys, ids, owners, parents, parsed or {})
        if keep.all():
            return self._part(rows), []
        return self._part(rows.only(flags_array(keep))), self._records(raw, ids, merged, np.flatnonzero(~keep))

    def _records(self, raw: RawAccounts, ids: pa.Array, merged: pa.Array, rows: NDArray[np.int64]) -> list[Record]:
        """Accounts as records, as far as facts are derived of them."""
        owners, parents, told = (text.split("\n") for text in (raw.owners, raw.parents, raw.fields))
        chosen = rows.tolist()
        fields = json.loads(f"[{','.join([told[row] for row in chosen])}]")  # at once: names of fields are one object
        found = []
        for row, values in zip(chosen, fields, strict=True):
            ref = Ref(raw.system, Kind.ACCOUNT, ids[row].as_py())
            losers = tuple(json.loads(merged[row].as_py() or "[]"))
            owner, parent = owners[row] or None, parents[row] or None
            found.append(Record(ref, self._now, values, owner, parent, merged_from=losers))
        return found

    def _part(self, rows: _Rows) -> BookPart:
        columns = {name: read.arrow() for name, read in self._read(rows).items()}
        columns["systems"] = _constant(shared([rows.system.value]), rows.count)
        columns[OWN_ID_FIELDS[rows.system]] = _own_ids(rows.ids).arrow()
        numbers, dealt, refs = self._deals[rows.system].of(rows.ids)
        none = empty_texts(rows.count)
        nobody = Read(np.full(rows.count, MISSING, dtype=np.int32), texts_array([]), "text")
        owned = rows.owners.dictionary_encode()
        places = np.where(filled(rows.owners), numbers_of(owned.indices), np.int32(MISSING))
        owners = Read(places, owned.dictionary, "text")
        return assembled(
            keys=rows.keys,
            numbers=numbers,
            lists={DEALS: refs, OTHERS: lists_array([], np.zeros(rows.count, dtype=np.int64))},
            ids={system: rows.ids if system is rows.system else none for system in System},
            owners={system: (owners if system is rows.system else nobody).arrow() for system in System},
            fields={**columns, **dealt},
        )

    def _read(self, rows: _Rows) -> dict[str, Read]:
        """The mapped fields, the country first; those of which no account has a value are left out."""
        found: dict[str, Read] = {}
        country = self._country(rows)
        names = country.texts()
        for name, texts in rows.texts.items():
            field = self._fields[name]
            if name == _COUNTRY:
                continue
            if name in self._located:
                found[name] = field.read_in(texts, country.codes, names)
            else:
                found[name] = field.read(_or_else(texts, rows.parents) if name == _PARENT else texts)
        found[_COUNTRY] = country
        return {name: read for name, read in found.items() if (read.codes >= 0).any()}

    def _country(self, rows: _Rows) -> Read:
        """Each company's country, or the pack's default where only a place is told."""
        if _COUNTRY in rows.texts:
            read = self._fields[_COUNTRY].read(rows.texts[_COUNTRY])
        else:
            read = Read(np.full(rows.count, MISSING, dtype=np.int32), texts_array([]), "text")
        if not self._default_country:
            return read
        placed = np.zeros(rows.count, dtype=np.bool_)
        for name in _PLACES:
            if name in rows.texts:
                placed |= ~are_blank(rows.texts[name])
        gaps = placed & (read.codes < 0)
        values = pa.concat_arrays([read.values, texts_array([self._default_country])])
        return Read(np.where(gaps, np.int32(len(values) - 1), read.codes), values, "text")


def _or_else(texts: pa.Array, others: pa.Array) -> pa.Array:
    """Texts, and where there is none the others."""
    gaps = ~filled(texts)
    return pc.replace_with_mask(texts, flags_array(gaps), others.filter(flags_array(gaps)))


def _own_ids(ids: pa.Array) -> Read:
    """The ids as rules see them: nearly all of them as they are."""
    plain = flags_of(pc.match_substring_regex(ids, _PLAIN_ID)) & (numbers_of(pc.binary_length(ids)) != _SHORT_ID)
    odd = flags_array(~plain)
    told = [id_value((each,)) for each in ids.filter(odd).to_pylist()]
    read = [value if isinstance(value, str) else "" for value in told]
    values = pc.replace_with_mask(ids, odd, texts_array(read)) if read else ids
    return Read(np.where(filled(values), np.arange(len(ids), dtype=np.int32), np.int32(MISSING)), values, "text")


def _constant(value: frozenset[str], count: int) -> Spelled:
    return Read(np.zeros(count, dtype=np.int32), [value]).arrow()
