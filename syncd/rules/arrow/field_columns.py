"""One field of an Arrow batch as a column of values, each different cell read once, and the rows that cannot be read.

The values are those of the plain reader. Texts that need no more than lower case, names right under a top-level domain
and columns of whole numbers are told apart in Arrow and never become Python objects. Knows fields and values; no packs.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from syncd.model.fields import FieldType
from syncd.model.normalisation import text
from syncd.rules.arrays import flags_array, numbers_array, texts_array
from syncd.rules.batch.cell_codes import BAD, coded
from syncd.rules.batch.columns import MISSING, Codes, Column
from syncd.rules.batch.keeping import distinct
from syncd.rules.batch.packed import Numbers, Texts
from syncd.rules.batch.plain_texts import ZIP_COUNTRY, bare_codes, nobodys_domains, only_cased, plain_domains
from syncd.rules.deriving.field_values import ValueReader
from syncd.rules.exports.cell_texts import different_texts
from syncd.rules.facts import Value

_MOST_KNOWN = 262_144
_TEXT_TYPES = (FieldType.TEXT, FieldType.PICKLIST, FieldType.EMAIL)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cells:
    """A field of a batch: `codes` are places among `values`, MISSING, or BAD."""

    values: Sequence[Value]
    codes: Codes

    @property
    def bad(self) -> Mask:
        """The rows that the plain way has to look at."""
        return np.asarray(self.codes == BAD)

    def filled(self, rows: Mask, value: Value) -> Cells:
        """The same with a value for these rows, which have none."""
        if not rows.any():
            return self
        return Cells([*self.values, value], np.where(rows, np.int32(len(self.values)), self.codes))

    def column(self, default: Value | None = None) -> Column:
        """As batches take it; rows without a value have the default, which a derived field may have."""
        codes = np.where(self.codes == BAD, np.int32(MISSING), self.codes)
        if default is None:
            return Column(self.values, codes)
        return Column([*self.values, default], np.where(codes == MISSING, np.int32(len(self.values)), codes))


class FieldColumns:
    """Reads the columns of one field, batch after batch, and remembers what it has read while it is not too much."""

    def __init__(self, type_: FieldType, reader: ValueReader) -> None:
        self._type = type_
        self._reader = reader
        self._known: dict[Hashable, int] = {}
        self._values: list[Value] = []

    def read(self, column: pa.Array) -> Cells:
        """A column whose cells need no country."""
        if self._type is FieldType.NUMBER and pa.types.is_integer(column.type) and column.type != pa.uint64():
            units = np.asarray(column.fill_null(0)).astype(np.int64)
            return Cells(Numbers(units), _places(np.arange(len(column), dtype=np.int32), column))
        found = different_texts(column)
        if self._type in _TEXT_TYPES:
            return self._texts(found)
        if self._type is FieldType.DOMAIN:
            return self._domains(found)
        return self._spread(found, self._codes(found.dictionary.to_pylist()))

    def read_in(self, column: pa.Array, countries: Cells) -> Cells:
        """A column of states or postal codes, which are read within the country of their row."""
        found = different_texts(column)
        if self._type is FieldType.POSTAL_CODE:
            return self._postal_codes(found, countries)
        texts, cells = np.asarray(found.indices.fill_null(-1)).astype(np.int64), found.dictionary.to_pylist()
        width = len(countries.values) + 1
        pairs = texts * width + np.maximum(countries.codes, MISSING) + 1
        pairs[texts < 0] = len(cells) * width
        different, which = distinct(pairs, (len(cells) + 1) * width)
        codes = np.full(len(different), MISSING, dtype=np.int32)
        self._forget()
        for place, pair in enumerate(different.tolist()):
            cell, country = divmod(pair, width)
            if cell < len(cells):
                value = countries.values[country - 1] if country else None
                codes[place] = self._code(cells[cell], value if isinstance(value, str) else None)
        return Cells(self._values, codes[which])

    def _postal_codes(self, found: pa.DictionaryArray, countries: Cells) -> Cells:
        """Postal codes: nothing but whether its country has ZIP codes makes one text two values."""
        has_zips = np.array([*(value == ZIP_COUNTRY for value in countries.values), False], dtype=np.bool_)
        zips = has_zips[np.maximum(countries.codes, MISSING)].astype(np.int64)
        texts = np.asarray(found.indices.fill_null(len(found.dictionary))).astype(np.int64)
        different, which = distinct(2 * texts + zips, 2 * (len(found.dictionary) + 1))
        told, is_zip = np.divmod(different, 2)
        is_there = told < len(found.dictionary)
        cells, in_zips = found.dictionary.take(numbers_array(told[is_there])), is_zip[is_there] == 1
        values, odd = bare_codes(cells, in_zips)
        own = np.arange(len(cells), dtype=np.int32)
        if odd.any():
            values, read = self._each_code(cells, in_zips, values, odd)
            own[odd] = np.where(read < 0, read, own[odd])
        codes = np.full(len(different), MISSING, dtype=np.int32)
        codes[is_there] = own
        return Cells(Texts(values), codes[which])

    def _each_code(self, cells: pa.Array, in_zips: Mask, values: pa.Array, odd: Mask) -> tuple[pa.Array, Codes]:
        """The postal codes that take more than Arrow, read one by one: all values, and the codes of those."""
        self._forget()
        told = zip(cells.filter(flags_array(odd)).to_pylist(), in_zips[odd].tolist(), strict=True)
        codes = np.array([self._code(cell, ZIP_COUNTRY if zips else None) for cell, zips in told], dtype=np.int32)
        texts = [str(self._values[code]) if code >= 0 else "" for code in codes.tolist()]
        return pc.replace_with_mask(values, flags_array(odd), texts_array(texts)), codes

    def _texts(self, found: pa.DictionaryArray) -> Cells:
        """Texts in Arrow: lower case is all that most of them need."""
        cells = found.dictionary
        odd = ~only_cased(cells)
        values = pc.ascii_lower(cells)
        empty = np.zeros(len(cells), dtype=np.bool_)
        if odd.any():
            read = [text(each) for each in cells.filter(flags_array(odd)).to_pylist()]
            empty[odd] = [not each for each in read]
            values = pc.replace_with_mask(values, flags_array(odd), texts_array(read))
        codes = np.where(empty, np.int32(MISSING), np.arange(len(cells), dtype=np.int32))
        spread = self._spread(found, codes)
        return Cells(Texts(values), spread.codes)

    def _domains(self, found: pa.DictionaryArray) -> Cells:
        """Domains: names right under a top-level domain are looked up in Arrow, the rest is read one by one."""
        cells = found.dictionary
        odd = ~plain_domains(cells)
        own = np.arange(len(cells), dtype=np.int32)
        codes = np.where(nobodys_domains(cells, self._reader.shared_domains), np.int32(MISSING), own)
        if odd.any():
            read = self._codes(cells.filter(flags_array(odd)).to_pylist())
            codes[odd] = np.where(read < 0, read, own[odd])
            texts = [str(self._values[code]) if code >= 0 else "" for code in read.tolist()]
            cells = pc.replace_with_mask(cells, flags_array(odd), texts_array(texts))
        return Cells(Texts(cells), self._spread(found, codes).codes)

    def _spread(self, found: pa.DictionaryArray, codes: Codes) -> Cells:
        """The codes of the different cells, given to every row."""
        rows = np.asarray(found.indices.fill_null(len(codes))).astype(np.int64)
        return Cells(self._values, np.append(codes, np.int32(MISSING))[rows].astype(np.int32))

    def _codes(self, cells: Sequence[str]) -> Codes:
        self._forget()
        return np.array([self._code(cell, None) for cell in cells], dtype=np.int32)

    def _code(self, cell: str, country: str | None) -> int:
        key: Hashable = cell if country is None else (cell, country)
        code = self._known.get(key)
        if code is None:
            code = self._known[key] = coded(self._reader, self._type, cell, country, self._values)
        return code

    def _forget(self) -> None:
        """Begin anew where too much is remembered; cells given out before keep their values."""
        if len(self._known) > _MOST_KNOWN:
            self._known, self._values = {}, []


def _places(places: Codes, column: pa.Array) -> Codes:
    """Places of the rows that have a value, MISSING for the others."""
    if not column.null_count:
        return places
    return np.where(np.asarray(column.is_valid()), places, np.int32(MISSING)).astype(np.int32)
