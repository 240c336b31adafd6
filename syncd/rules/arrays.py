"""Between numpy and Arrow by buffers: `pa.array` of a list and `np.asarray` import pandas where it is installed.

That import takes longer than deciding a small book. Knows no fields and no rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

pa.set_memory_pool(pa.system_memory_pool())
"""Arrow's own pool keeps what was freed, tens of megabytes of it, which is then nobody's."""

_TYPES = {"i1": pa.int8(), "i2": pa.int16(), "i4": pa.int32(), "i8": pa.int64()}


def numbers_array(numbers: NDArray[Any]) -> pa.Array:
    """Whole numbers of 8 to 64 bits, which stay where they are."""
    held = np.ascontiguousarray(numbers)
    type_ = _TYPES[held.dtype.str[1:]]
    return pa.Array.from_buffers(type_, len(held), [None, pa.py_buffer(held)])


def flags_array(flags: NDArray[np.bool_]) -> pa.Array:
    """Truth values."""
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, pa.py_buffer(np.packbits(flags, bitorder="little"))])


def texts_array(texts: Sequence[str]) -> pa.Array:
    """Texts; halves of surrogate pairs are kept as they are, which nothing but our own reading may look at."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum([len(each) for each in encoded], out=ends[1:])
    return _strings(ends, b"".join(encoded))


def empty_texts(count: int) -> pa.Array:
    """So many empty texts."""
    return _strings(np.zeros(count + 1, dtype=np.int32), b"")


def lines_array(text: str, count: int) -> pa.Array:
    """The lines of a text; ValueError where they are not so many."""
    data = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    is_end = data == ord("\n")
    between = np.flatnonzero(is_end)
    if len(between) != max(0, count - 1):
        raise ValueError(f"{len(between) + 1} lines for {count} rows")
    ends = np.zeros(count + 1, dtype=np.int32)
    ends[1:-1] = between - np.arange(len(between))
    ends[-1] = len(data) - len(between)
    return _strings(ends, data[~is_end])


def lists_array(texts: Sequence[str], counts: NDArray[np.int64]) -> pa.Array:
    """Lists of texts: of each row so many."""
    ends = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=ends[1:])
    return pa.ListArray.from_arrays(numbers_array(ends), texts_array(texts))


def numbers_of(array: pa.Array) -> NDArray[Any]:
    """The numbers of an array of integers without nulls, where they stand."""
    type_ = np.dtype(array.type.to_pandas_dtype())
    if not len(array):
        return np.empty(0, dtype=type_)
    return np.frombuffer(array.buffers()[1], dtype=type_, count=len(array), offset=array.offset * type_.itemsize)


def places_of(array: pa.Array) -> NDArray[np.int64]:
    """The numbers of an array of integers, -1 for a null."""
    return np.where(valid(array), numbers_of(array), -1).astype(np.int64)


def flags_of(array: pa.Array) -> NDArray[np.bool_]:
    """The truth values of an array; a null is false."""
    if not len(array):
        return np.zeros(0, dtype=np.bool_)
    validity, values = array.buffers()
    found = _bits(values, array.offset, len(array))
    return found if validity is None or not array.null_count else found & _bits(validity, array.offset, len(array))


def valid(array: pa.Array) -> NDArray[np.bool_]:
    """Where an array is not null."""
    validity = array.buffers()[0]
    if validity is None or not array.null_count:
        return np.ones(len(array), dtype=np.bool_)
    return _bits(validity, array.offset, len(array))


def _bits(buffer: pa.Buffer, offset: int, count: int) -> NDArray[np.bool_]:
    some = np.frombuffer(buffer, dtype=np.uint8, count=-(-(offset + count) // 8))
    return np.unpackbits(some, bitorder="little")[offset : offset + count].view(np.bool_)


def prefixed(start: str, texts: pa.Array) -> pa.Array:
    """Each text with another before it."""
    rows = numbers_array(np.zeros(len(texts), dtype=np.int64))
    first, between = (texts_array([each]).take(rows) for each in (start, ""))
    return pc.binary_join_element_wise(first, texts, between)


def filled(texts: pa.Array) -> NDArray[np.bool_]:
    """Where a text is neither missing nor empty."""
    if not len(texts):
        return np.zeros(0, dtype=np.bool_)
    validity, ends, _ = texts.buffers()
    spans = np.diff(np.frombuffer(ends, dtype=np.int32, count=len(texts) + 1, offset=texts.offset * 4)) > 0
    return spans if validity is None or not texts.null_count else spans & _bits(validity, texts.offset, len(texts))


def _strings(ends: NDArray[np.int32], data: Any) -> pa.Array:
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(data))
