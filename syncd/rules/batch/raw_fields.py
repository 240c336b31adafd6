"""One mapped field of many accounts: raw texts as values, each different text read once.

The values are those of the plain reader. Texts that hardly need normalising, whole numbers and plain postal codes are
told apart in Arrow (plain_texts) and never become Python objects. Knows fields and values; no records and no packs.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from syncd.model.fields import FieldType
from syncd.model.normalisation import text
from syncd.rules.arrays import filled, flags_array, numbers_array, numbers_of, texts_array, valid
from syncd.rules.batch.book_columns import spelled
from syncd.rules.batch.columns import MISSING, Codes
from syncd.rules.batch.plain_texts import (
    ZIP_COUNTRY,
    bare_codes,
    blank,
    nobodys_domains,
    only_cased,
    plain_domains,
    whole_numbers,
)
from syncd.rules.deriving.field_values import ValueReader
from syncd.rules.facts import Value

LOCATED = frozenset({FieldType.STATE, FieldType.POSTAL_CODE})
"""The types that are read within a country."""
_TEXTS = frozenset({FieldType.TEXT, FieldType.PICKLIST, FieldType.EMAIL})
_NUMBERS = frozenset({FieldType.NUMBER, FieldType.MONEY})
_MOST_KNOWN = 262_144


@dataclass(frozen=True, slots=True)
class Read:
    """A field as it was read: `codes` are places among `values`, or -1; values in an array are of one `kind`.

    Kinds are those of a part of a book: an array of texts (`text`) or whole numbers (`whole`), or a sequence of values
    as rules see them (None).
    """

    codes: Codes
    values: Any
    kind: str | None = None

    def texts(self) -> list[str]:
        """The values of a field of texts."""
        return [str(value) for value in (self.values if self.kind is None else self.values.to_pylist())]

    def arrow(self) -> tuple[pa.Array, dict[str, str]]:
        """The column as a part keeps it."""
        if self.kind is None:
            values, about = spelled(self.values)
        else:
            first = texts_array([""]) if self.kind == "text" else numbers_array(np.zeros(1, dtype=np.int64))
            values, about = pa.concat_arrays([first, self.values]), {"kind": self.kind}
        return pa.DictionaryArray.from_arrays(numbers_array(self.codes + np.int32(1)), values), about


class RawField:
    """Reads one field of accounts, text after text, and remembers what it has read while it is not too much."""

    def __init__(self, type_: FieldType, reader: ValueReader) -> None:
        self._type = type_
        self._reader = reader
        self._known: dict[Hashable, Value | None] = {}

    def read(self, texts: pa.Array) -> Read:
        """A column of raw texts, missing or empty where there is none, that need no country."""
        rows, cells = _different(texts)
        read = self._different(cells)
        return Read(np.append(read.codes, np.int32(MISSING))[rows], read.values, read.kind)

    def read_in(self, texts: pa.Array, countries: Codes, names: Sequence[str]) -> Read:
        """A column of states or postal codes, each within the country of its row: a place among `names`, or -1."""
        rows, cells = _different(texts)
        width = len(names) + 1
        pairs = rows.astype(np.int64) * width + countries + 1
        pairs[rows == len(cells)] = len(cells) * width
        different, which = np.unique(pairs, return_inverse=True)
        cell_of, country_of = np.divmod(different, width)
        is_told = cell_of < len(cells)
        told = cells.take(numbers_array(cell_of[is_told]))
        homes = country_of[is_told] - 1
        if self._type is FieldType.POSTAL_CODE:
            read = self._codes_in(told, homes, names)
        else:
            read = self._listed(self._read_each(told, homes, names))
        codes = np.full(len(different), MISSING, dtype=np.int32)
        codes[is_told] = read.codes
        return Read(codes[which], read.values, read.kind)

    def _different(self, cells: pa.Array) -> Read:
        if self._type in _TEXTS:
            return self._texts(cells)
        if self._type is FieldType.DOMAIN:
            return self._domains(cells)
        if self._type in _NUMBERS:
            return self._numbers(cells)
        homes = np.full(len(cells), MISSING, dtype=np.int64)
        return self._listed(self._read_each(cells, homes, ()))

    def _texts(self, cells: pa.Array) -> Read:
        plain = only_cased(cells)
        return _replaced(pc.ascii_lower(cells), ~plain, [text(each) for each in _those(cells, ~plain)])

    def _domains(self, cells: pa.Array) -> Read:
        plain = plain_domains(cells)
        read = _replaced(cells, ~plain, [self._text(each) for each in _those(cells, ~plain)])
        nobodys = plain & nobodys_domains(cells, self._reader.shared_domains)
        return Read(np.where(nobodys, np.int32(MISSING), read.codes), read.values, "text")

    def _text(self, cell: str) -> str:
        value = self._value(cell, None)
        return value if isinstance(value, str) else ""

    def _numbers(self, cells: pa.Array) -> Read:
        plain = whole_numbers(cells)
        if plain.all():
            return Read(np.arange(len(cells), dtype=np.int32), cells.cast(pa.int64()), "whole")
        values = self._read_each(cells, np.full(len(cells), MISSING, dtype=np.int64), ())
        if any(value is not None for value, is_plain in zip(values, plain.tolist(), strict=True) if not is_plain):
            return self._listed(values)
        places = np.cumsum(plain, dtype=np.int32) - np.int32(1)
        numbers = cells.filter(flags_array(plain)).cast(pa.int64())
        return Read(np.where(plain, places, np.int32(MISSING)), numbers, "whole")

    def _codes_in(self, cells: pa.Array, homes: NDArray[np.int64], names: Sequence[str]) -> Read:
        """Postal codes: spaces and hyphens go; of a ZIP code with nine digits five stay."""
        has_zips = np.array([*(name == ZIP_COUNTRY for name in names), False], dtype=np.bool_)
        bare, odd = bare_codes(cells, has_zips[homes])
        read = self._read_each(cells.filter(flags_array(odd)), homes[odd], names)
        return _replaced(bare, odd, [value if isinstance(value, str) else "" for value in read])

    def _read_each(self, cells: pa.Array, homes: NDArray[np.int64], names: Sequence[str]) -> list[Value | None]:
        """Each text by the plain reader, within the country that its number names."""
        if len(self._known) > _MOST_KNOWN:
            self._known = {}
        countries = [*names, None]
        told = zip(cells.to_pylist(), homes.tolist(), strict=True)
        return [self._value(cell, countries[home]) for cell, home in told]

    def _value(self, cell: str, country: str | None) -> Value | None:
        key: Hashable = cell if country is None else (cell, country)
        if key not in self._known:
            is_blank = not cell or cell.isspace()
            self._known[key] = None if is_blank else self._reader.read(self._type, cell, country)[0]
        return self._known[key]

    def _listed(self, values: Sequence[Value | None]) -> Read:
        """Values, some of them missing; texts go into an array."""
        found = [value for value in values if value is not None]
        is_there = np.array([value is not None for value in values], dtype=np.bool_)
        codes = np.where(is_there, np.cumsum(is_there, dtype=np.int32) - np.int32(1), np.int32(MISSING))
        if all(isinstance(value, str) for value in found):
            return Read(codes, texts_array([str(value) for value in found]), "text")
        return Read(codes, found)


def are_blank(texts: pa.Array) -> NDArray[np.bool_]:
    """The rows that say nothing."""
    rows, cells = _different(texts)
    found: NDArray[np.bool_] = np.append(blank(cells), True)[rows]
    return found


def _different(texts: pa.Array) -> tuple[Codes, pa.Array]:
    """The place of each text among the different ones, and those; a missing one has the place behind the last."""
    found = texts.dictionary_encode()
    rows: Codes = numbers_of(found.indices)
    if found.indices.null_count:
        rows = np.where(valid(found.indices), rows, np.int32(len(found.dictionary)))
    return rows, found.dictionary


def _those(cells: pa.Array, rows: NDArray[np.bool_]) -> list[str]:
    found: list[str] = cells.filter(flags_array(rows)).to_pylist() if rows.any() else []
    return found


def _replaced(values: pa.Array, rows: NDArray[np.bool_], texts: Sequence[str]) -> Read:
    """Texts of which some are replaced by others; an empty one is missing."""
    if len(texts):
        values = pc.replace_with_mask(values, flags_array(rows), texts_array(texts))
    codes = np.arange(len(values), dtype=np.int32)
    return Read(np.where(filled(values), codes, np.int32(MISSING)), values, "text")
