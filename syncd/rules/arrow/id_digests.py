"""Ids as 64-bit digests: which ids of a book stand more than once, without keeping the ids.

Equal ids have equal digests in every process; different ones hardly ever do, so whoever finds a digest twice has to
compare the ids. Knows texts in Arrow; no accounts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from syncd.rules.arrays import valid

Digests = NDArray[np.uint64]
_START, _FACTOR = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_LONG = 64
"""Texts of more bytes are digested one by one."""


def digests_of(ids: pa.Array) -> Digests:
    """A digest for each text of an array of strings that is not null (FNV-1a; of long ones BLAKE2), in their order."""
    there = ids.drop_null() if ids.null_count else ids
    if not len(there):
        return np.empty(0, dtype=np.uint64)
    _, ends, data = there.buffers()
    bounds = np.frombuffer(ends, dtype=np.int32, count=len(there) + 1, offset=there.offset * 4).astype(np.int64)
    text = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
    sizes = np.diff(bounds)
    found = np.full(len(there), _START, dtype=np.uint64)
    short = sizes <= _LONG
    for place in range(int(sizes[short].max(initial=0))):
        rows = np.flatnonzero(short & (sizes > place))
        found[rows] = (found[rows] ^ text[bounds[rows] + place]) * _FACTOR
    for row in np.flatnonzero(~short).tolist():
        digest = hashlib.blake2b(text[bounds[row] : bounds[row + 1]].tobytes(), digest_size=8).digest()
        found[row] = int.from_bytes(digest, "little")
    return found


def repeated_among(digests: Iterable[Digests]) -> Digests:
    """The digests that stand more than once, in order."""
    found = np.sort(np.concatenate([np.empty(0, dtype=np.uint64), *digests]))
    return np.unique(found[1:][found[1:] == found[:-1]])


def rows_among(ids: pa.Array, some: Digests) -> NDArray[np.int64]:
    """The places of the texts whose digest is one of `some`."""
    rows = np.flatnonzero(valid(ids))
    return rows[np.isin(digests_of(ids), some)]
