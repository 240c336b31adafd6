"""What runs inside Spark's Python workers: the kernel made once a process, and fed the batches of each partition.

Imported by name in every worker, so it imports nothing of Spark; what it takes and gives are Arrow's batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from syncd.rules.arrow.kernel import Kernel, Recipe

Batches = Iterable[Any]
"""Arrow record batches; which library they are of is the kernel's to know."""
_made: dict[str, Kernel] = {}


class Shared(Protocol):
    """A value that Spark has brought to each worker."""

    @property
    def value(self) -> bytes:
        """The recipe's bytes."""


def settle_partition(shared: Shared, name: str) -> Callable[[Batches], Iterator[Any]]:
    """The function that a partition's batches go through; `name` tells recipes apart."""

    def settled(batches: Batches) -> Iterator[Any]:
        kernel = _kernel(shared, name)
        for batch in batches:
            yield kernel.settle(batch)

    return settled


def _kernel(shared: Shared, name: str) -> Kernel:
    if name not in _made:
        _made.clear()  # one plan at a time: a worker that lives on holds no older pack
        _made[name] = Kernel(Recipe.from_bytes(shared.value))
    return _made[name]
