"""The tests of alerts run on SQLite; those that hold the store to promises run on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alerts_world import World

from syncd import crashpoints
from syncd.clock import ManualClock
from syncd.store.engine import Store
from tests.databases import _migrated_file, clock, store, store_url

__all__ = ["_migrated_file", "clock", "store", "store_url"]


@pytest.fixture
def world(tmp_path: Path, store: Store, clock: ManualClock) -> World:
    """A world with an empty mirror, on each database."""
    return World.make(tmp_path, store, clock)


@pytest.fixture
def crash() -> Iterator[type[BaseException]]:
    """The exception that a test's crashpoint hook raises; hooks are taken away afterwards."""

    class Crash(BaseException):
        pass

    yield Crash
    crashpoints.install(None)
