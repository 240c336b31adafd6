"""The jobs' tests run against both sandboxes in process, on both databases."""

from __future__ import annotations

import copy
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jobs_world import NOW, World, dataset

from syncd import crashpoints
from syncd.clock import ManualClock
from syncd.sandbox.dataset import Dataset
from syncd.store.engine import Store
from syncd.telemetry import configure
from tests import dying
from tests.databases import DIALECTS, postgres_server


@pytest.fixture(scope="session")
def data() -> Dataset:
    return dataset()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("jobs") / "syncd.db"
    Store.open(f"sqlite:///{path}", clock=ManualClock(NOW), create=True).close()
    return path


@pytest.fixture(params=DIALECTS)
def make_world(request: pytest.FixtureRequest, tmp_path: Path, data: Dataset) -> Iterator[Callable[..., World]]:
    """Makes the world of a test, with the settings it asks for, once on each database."""
    made: list[World] = []
    databases: list[str] = []
    server = None if request.param == "sqlite" else postgres_server()

    def database() -> str:
        if server is not None:
            databases.append(server.migrated())
            return server.url(databases[-1])
        path = tmp_path / "syncd.db"
        shutil.copyfile(request.getfixturevalue("empty_database"), path)
        return f"sqlite:///{path}"

    def make(url: str | None = None, **settings: Any) -> World:
        world = World.make(tmp_path, url or database(), copy.deepcopy(data), **settings)
        made.append(world)
        return world

    yield make
    for world in made:
        world.context.close()
    for name in databases:
        if server is not None:
            server.give_back(name)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def crash_at() -> Iterator[Callable[..., type[BaseException]]]:
    """`crash_at(name, number)` ends the process at the numberth time it passes a crashpoint; no `except` sees it."""

    yield dying.crash_at
    crashpoints.install(None)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged."""
    stream = io.StringIO()
    configure(level="debug", stream=stream)
    yield stream
    configure(level="off")
