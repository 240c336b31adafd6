"""What runs inside Spark's Python workers: the kernel made once a process, and fed the row groups of each partition.

A worker reads its row groups itself: by way of Java each row would be read there, copied and written into a pipe.
Imported by name in every worker, so it imports nothing of Spark; what it takes and gives are Arrow's batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from syncd.rules.arrow.id_digests import Digests
from syncd.rules.arrow.kernel import Kernel, Recipe
from syncd.rules.arrow.settling import placed_batch
from syncd.rules.exports.parquet import Stretch

Batches = Iterable[Any]
"""Arrow record batches with a column `id`: places among the row groups."""
_made: dict[str, Kernel] = {}


class Shared(Protocol):
    """A value that Spark has brought to each worker."""

    @property
    def value(self) -> bytes:
        """The recipe's bytes."""


def settle_partition(shared: Shared, name: str, groups: Sequence[Stretch]) -> Callable[[Batches], Iterator[Any]]:
    """The function that settles the row groups that a partition names; `name` tells recipes apart."""

    def settled(places: Batches) -> Iterator[Any]:
        kernel = _kernel(shared, name)
        read = (batch for group in _named(places, groups) for batch in group.batches(kernel.columns, kernel.schema))
        yield from kernel.settle_all(read)

    return settled


def find_partition(
    shared: Shared, name: str, groups: Sequence[Stretch], column: str, digests: Digests
) -> Callable[[Batches], Iterator[Any]]:
    """The function that finds, in the row groups that a partition names, the rows whose ids have these digests."""

    def found(places: Batches) -> Iterator[Any]:
        schema = _kernel(shared, name).schema
        for group in _named(places, groups):
            yield placed_batch(group, column, schema, digests)

    return found


def _named(places: Batches, groups: Sequence[Stretch]) -> Iterator[Stretch]:
    for batch in places:
        yield from (groups[place] for place in batch.column("id").to_pylist())


def _kernel(shared: Shared, name: str) -> Kernel:
    if name not in _made:
        _made.clear()  # one plan at a time: a worker that lives on holds no older pack
        _made[name] = Kernel(Recipe.from_bytes(shared.value))
    return _made[name]
