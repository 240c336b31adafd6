"""A book in columns: what rules read of many companies, as arrays that are taken from a file as they stand there.

A part is some companies: their keys, records and owners, every field as its distinct values and one code a company, and
until when that holds. Arrow's file format, each column with a checksum that is looked at when it is first used. Knows
no pack, no ledger and no path of a file.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, DecimalTuple
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from syncd.model.refs import Kind, Ref, System
from syncd.rules.arrays import flags_array, flags_of, numbers_array, numbers_of, texts_array
from syncd.rules.batch.columns import Codes, Column
from syncd.rules.batch.packed import Numbers, Texts
from syncd.rules.facts import Value

KEY, DEALT, SINCE, UNTIL, DEALS, OTHERS = "key", "dealt", "since", "until", "deals", "others"
FIELD = "field "
"""What the name of a rule field's column begins with."""
_ABOUT, _SUMS = b"about", b"sums"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 1 << 62
_DIGITS = 18
ALWAYS = (-_LARGEST, _LARGEST)
"""Since and until of what time does not change, in microseconds of Unix time."""


class UnsoundColumnsError(Exception):
    """A file holds no columns of ours, or they are damaged; the text says why."""


@dataclass(slots=True)
class BookPart:
    """Companies in columns; `about` is what their keeper said of them. Columns are decoded when they are asked for."""

    batch: pa.RecordBatch
    about: Mapping[str, Any] = field(default_factory=dict)
    sums: Mapping[str, int] | None = None
    _columns: dict[str, Column] = field(default_factory=dict)
    _arrays: dict[str, pa.Array] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many companies there are."""
        return int(self.batch.num_rows)

    @property
    def fields(self) -> frozenset[str]:
        """The rule fields that some company has a value of."""
        return frozenset(name.removeprefix(FIELD) for name in self.batch.schema.names if name.startswith(FIELD))

    def array(self, name: str) -> pa.Array:
        """A column as it is kept. UnsoundColumnsError where it is damaged."""
        if name not in self._arrays:
            self._arrays[name] = self._checked(name)
        return self._arrays[name]

    def _checked(self, name: str) -> pa.Array:
        place = self.batch.schema.get_field_index(name)
        if place < 0:
            raise UnsoundColumnsError(f"it has no column {name}")
        array = self.batch.column(place)
        if self.sums is not None:
            try:
                array.validate()  # that its buffers are as long as it says, before they are looked at
                is_sound = self.sums.get(name) == _sum_of(array)
            except (pa.ArrowInvalid, ValueError) as error:
                raise UnsoundColumnsError(f"the column {name} is damaged") from error
            if not is_sound:
                raise UnsoundColumnsError(f"the column {name} is damaged")
        return array

    def numbers(self, name: str) -> NDArray[np.int64]:
        """A column of whole numbers."""
        return numbers_of(self.array(name)).astype(np.int64, copy=False)

    def ids(self, system: System) -> pa.Array:
        """The id of each company's record in a system, empty where it has none."""
        return self.array(f"id {system.value}")

    def owners(self, system: System) -> Column:
        """The owner's id of each company's record in a system."""
        return self._decoded(f"owner {system.value}")

    def column(self, name: str) -> Column | None:
        """A rule field; None where no company has a value."""
        return self.coded(FIELD + name)

    def coded(self, name: str) -> Column | None:
        """A column of codes by its whole name; None where there is none."""
        return self._decoded(name) if self.batch.schema.get_field_index(name) >= 0 else None

    def keys(self, rows: NDArray[np.int64]) -> list[str]:
        """The keys of some companies."""
        found: list[str] = self.array(KEY).take(numbers_array(rows)).to_pylist()
        return found

    @property
    def all_keys(self) -> list[str]:
        """The keys of all companies."""
        found: list[str] = self.array(KEY).to_pylist()
        return found

    @property
    def refs(self) -> list[Ref]:
        """The records of all companies."""
        found = [
            Ref(system, Kind.ACCOUNT, record) for system in System for record in self.ids(system).to_pylist() if record
        ]
        return [*found, *(Ref.parse(ref) for refs in self.array(OTHERS).to_pylist() for ref in refs)]

    def rows_without(self, keys: Collection[str]) -> NDArray[np.int64]:
        """The rows of all but these companies."""
        left = np.ones(self.count, dtype=np.bool_)
        left[self.rows_with(KEY, list(keys))] = False
        return np.flatnonzero(left)

    @property
    def mark(self) -> str:
        """What tells this part from another: of equal ones all columns are equal."""
        sums = self.sums or {name: _sum_of(self.batch.column(at)) for at, name in enumerate(self.batch.schema.names)}
        return hashlib.blake2b(json.dumps([self.count, sums], sort_keys=True).encode(), digest_size=16).hexdigest()

    def rows_with(self, name: str, texts: Sequence[str]) -> NDArray[np.int64]:
        """The rows where a column of texts, or of lists of texts, holds one of these."""
        array = self.array(name)
        wanted = texts_array(sorted(set(texts)))
        if not pa.types.is_list(array.type):
            return np.flatnonzero(flags_of(pc.is_in(array, value_set=wanted)))
        places = np.flatnonzero(flags_of(pc.is_in(array.values, value_set=wanted)))
        return np.unique(np.searchsorted(numbers_of(array.offsets), places, side="right") - 1)

    def _decoded(self, name: str) -> Column:
        if name not in self._columns:
            about = self.batch.schema.field(name).metadata or {}
            self._columns[name] = _column_of(self.array(name), about)
        return self._columns[name]


def write_part(part: BookPart, file: IO[bytes]) -> None:
    """Write a part with the checksums of its columns."""
    sums = part.sums or {name: _sum_of(part.batch.column(at)) for at, name in enumerate(part.batch.schema.names)}
    about = {_ABOUT: json.dumps(part.about).encode(), _SUMS: json.dumps(sums).encode()}
    schema = part.batch.schema.with_metadata(about)
    with pa.ipc.new_file(file, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(part.batch.columns, schema=schema))


def read_part(data: Any) -> BookPart:
    """A part from what `write_part` wrote, a buffer that stays as it is; UnsoundColumnsError for anything else."""
    try:
        reader = pa.ipc.open_file(pa.py_buffer(data))
        if reader.num_record_batches != 1:
            raise UnsoundColumnsError("it holds no book")
        about = reader.schema.metadata or {}
        part = BookPart(reader.get_batch(0), json.loads(about[_ABOUT]), json.loads(about[_SUMS]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, KeyError, ValueError) as error:
        raise UnsoundColumnsError("it holds no book") from error
    return part


def instants(moment: datetime) -> int:
    """An instant in microseconds of Unix time."""
    return (moment - _EPOCH) // _MICROSECOND


@dataclass(slots=True)
class GrowingColumn:
    """A column that grows company by company: each value is told once, and a code for each company; 0 is missing."""

    codes: array[int] = field(default_factory=lambda: array("i"))
    values: list[Value] = field(default_factory=list)
    _known: dict[object, int] = field(default_factory=dict)
    _last: Value | None = None
    _code: int = 0

    def put(self, row: int, value: Value) -> None:
        """The value of a row; rows that were passed over have none."""
        if len(self.codes) != row:
            self._fill(row)
        if value is not self._last:  # most companies share the very objects of what they have not
            self._last, self._code = value, self._code_of(value)
        self.codes.append(self._code)

    def _code_of(self, value: Value) -> int:
        # 1 and 1.0 are equal and alike to every rule, but a sum shows which of them was added
        key: object = value if isinstance(value, str | frozenset) else (value.__class__, str(value))
        code = self._known.get(key)
        if code is None:
            self.values.append(value)
            code = self._known[key] = len(self.values)
        return code

    def arrow(
        self, count: int, *, default: Value | None = None, given: Sequence[int] | NDArray[np.int64] = ()
    ) -> tuple[pa.Array, dict[str, str]]:
        """The column of `count` rows, and how its values are spelled; rows not `given` have the default where it is."""
        self._fill(count)
        codes = np.frombuffer(self.codes, dtype=np.int32)
        if default is not None:
            others = np.ones(count, dtype=np.bool_)
            others[np.asarray(given, dtype=np.int64)] = False
            codes = np.where(others, np.int32(self._code_of(default)), codes)
        values, about = spelled(self.values)
        return pa.DictionaryArray.from_arrays(narrowed(codes, len(self.values)), values), about

    def _fill(self, count: int) -> None:
        if len(self.codes) < count:
            self.codes.frombytes(bytes(self.codes.itemsize * (count - len(self.codes))))


def spelled(values: Sequence[Value]) -> tuple[pa.Array, dict[str, str]]:
    """Values as an array whose first place stands for a missing one."""
    kinds = {type(value) for value in values}
    if kinds <= {str}:
        return texts_array(["", *(str(value) for value in values)]), {"kind": "text"}
    if kinds == {datetime}:
        moments = [instants(value) for value in values if isinstance(value, datetime)]
        return numbers_array(np.array([0, *moments], dtype=np.int64)), {"kind": "date"}
    if kinds == {bool}:
        return flags_array(np.array([False, *values], dtype=np.bool_)), {"kind": "flag"}
    if kinds == {Decimal}:
        parts = [value.as_tuple() for value in values if isinstance(value, Decimal)]
        if all(part.exponent == 0 and len(part.digits) <= _DIGITS and _has_sign(part) for part in parts):
            return numbers_array(np.array([0, *(int(str(value)) for value in values)], dtype=np.int64)), {
                "kind": "whole"
            }
        return texts_array(["", *(str(value) for value in values)]), {"kind": "number"}
    return texts_array(["", *(json.dumps(_told(value)) for value in values)]), {"kind": "mixed"}


def _has_sign(part: DecimalTuple) -> bool:
    """Whether a whole number of the machine can tell the sign; it knows one zero only."""
    return not part.sign or any(part.digits)


def narrowed(codes: NDArray[np.int32], largest: int) -> pa.Array:
    """Codes up to the largest in as few bytes as they need."""
    width: Any = np.int8 if largest < 1 << 7 else np.int16 if largest < 1 << 15 else np.int32
    return numbers_array(codes.astype(width))


def _told(value: Value) -> list[object]:
    if isinstance(value, frozenset):
        return ["several", sorted(value)]
    if isinstance(value, datetime):
        return ["date", instants(value)]
    if isinstance(value, Decimal):
        return ["number", str(value)]
    return ["flag" if isinstance(value, bool) else "text", value]


def _column_of(array: pa.DictionaryArray, about: Mapping[bytes, bytes]) -> Column:
    codes: Codes = numbers_of(array.indices).astype(np.int32) - np.int32(1)
    kind, values = about.get(b"kind", b"text").decode(), array.dictionary[1:]
    if kind == "text":
        return Column(_texts_of(values), codes)
    if kind == "whole":
        return Column(Numbers(numbers_of(values)), codes)
    if kind == "number":
        return Column([Decimal(text) for text in values.to_pylist()], codes)
    if kind == "date":
        return Column([_EPOCH + each * _MICROSECOND for each in values.to_pylist()], codes)
    if kind == "flag":
        return Column(values.to_pylist(), codes)
    return Column([_value_of(*json.loads(text)) for text in values.to_pylist()], codes)


def _texts_of(values: pa.Array) -> Sequence[Value]:
    """Texts as they stand in the file; where one holds half of a surrogate pair, which Arrow cannot tell, as a list."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return [bytes(each).decode("utf-8", "surrogatepass") for each in values.cast(pa.binary()).to_pylist()]
    return Texts(values)


def _value_of(kind: str, told: Any) -> Value:
    if kind == "several":
        return frozenset(told)
    if kind == "date":
        moment: datetime = _EPOCH + told * _MICROSECOND
        return moment
    return Decimal(told) if kind == "number" else bool(told) if kind == "flag" else str(told)


def _sum_of(array: pa.Array) -> int:
    """A checksum over what an array says, however its buffers are laid out."""
    if pa.types.is_dictionary(array.type):
        return _crc(numbers_of(array.indices), _sum_of(array.dictionary))
    if pa.types.is_list(array.type):
        return _crc(numbers_of(array.offsets), _sum_of(array.values))
    if pa.types.is_string(array.type):
        _, offsets, data = array.buffers()
        ends = np.frombuffer(offsets, dtype=np.int32, count=len(array) + 1) if len(array) else np.zeros(1, np.int32)
        held = memoryview(data)[: int(ends[-1])] if data is not None else b""
        return zlib.crc32(held, _crc(ends))
    return _crc(flags_of(array) if pa.types.is_boolean(array.type) else numbers_of(array))


def _crc(numbers: NDArray[Any], start: int = 0) -> int:
    return zlib.crc32(np.ascontiguousarray(numbers).view(np.uint8).data, start)
