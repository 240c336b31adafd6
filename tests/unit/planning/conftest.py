"""Planning's tests run on SQLite: the store's own tests hold both databases to the same promises."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from planning_world import NOW, World

from syncd import crashpoints
from syncd.clock import ManualClock
from syncd.store.engine import Store


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planning") / "syncd.db"
    Store.open(f"sqlite:///{path}", clock=ManualClock(NOW), create=True).close()
    return path


@pytest.fixture
def world(empty_database: Path, tmp_path: Path) -> Iterator[World]:
    """A store with people, a baseline and a lease, and two scripted CRMs."""
    path = tmp_path / "syncd.db"
    shutil.copyfile(empty_database, path)
    clock = ManualClock(NOW)
    store = Store.open(f"sqlite:///{path}", clock=clock)
    yield World.make(store, clock)
    store.close()


@pytest.fixture
def crash() -> Iterator[type[Exception]]:
    """The exception that a test's crashpoint hook raises; hooks are taken away afterwards."""

    class Crash(BaseException):
        pass

    yield Crash  # type: ignore[misc]
    crashpoints.install(None)
