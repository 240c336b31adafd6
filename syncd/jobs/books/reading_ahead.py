"""One step ahead: what comes next is fetched while what came is worked on.

A database works without Python's lock, so two cores are busy instead of one. Knows nothing of what is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from syncd.ahead import Ahead

Part = TypeVar("Part")


@contextmanager
def one_ahead(source: Iterator[Part]) -> Iterator[Iterator[Part]]:
    """The same parts in the same order, of which one is fetched ahead; what `source` raises comes in its place.

    `source` is asked by other threads, never twice at once: what it reads from (a connection) must be left alone until
    the end, which waits for the part under way however it is reached.
    """

    def fetched() -> Ahead[Part | None]:
        return Ahead(lambda: next(source, None))

    coming = fetched()

    def parts() -> Iterator[Part]:
        nonlocal coming
        while (part := coming.result()) is not None:
            coming = fetched()
            yield part

    try:
        yield parts()
    finally:
        coming.wait()
