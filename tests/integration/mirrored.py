"""A small CRM and a mirror of it that is still empty, on either database: what the reliability tests begin with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.clock import ManualClock
from syncd.model.refs import System
from syncd.sandbox.dataset import generate
from syncd.store.engine import Store
from tests.databases import NOW, postgres_server
from tests.unit.jobs.jobs_world import World


@contextmanager
def empty_mirror(dialect: str, folder: Path, only: System) -> Iterator[World]:
    """A world of one system with eight companies; its database is gone afterwards."""
    data = generate(8, 5, as_of=NOW - timedelta(hours=1))
    if dialect == "sqlite":
        url = f"sqlite:///{folder}/syncd.db"
        Store.open(url, clock=ManualClock(NOW), create=True).close()
        world = World.make(folder, url, data, only=only)
        yield world
        world.context.close()
        return
    server = postgres_server()
    name = server.migrated()
    world = World.make(folder, server.url(name), data, only=only)
    yield world
    world.context.close()
    server.give_back(name)


@contextmanager
def machine_in(zone: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine stands in a time zone; without `tzset` the C library goes on in the one it began in."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()
