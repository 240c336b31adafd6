"""PostgreSQL cuts the connection in an apply: what was claimed is read back, nothing is sent twice or lost."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from planning_world import NOW, SF, World, decision, facts, plan_input

from syncd import crashpoints
from syncd.clock import ManualClock
from syncd.errors import ExitCode, StorageError
from syncd.model.plans import RowState
from syncd.store import ledger
from syncd.store.engine import Store
from tests.databases import postgres_server

pytestmark = pytest.mark.postgres
ROWS = 3
LIMIT = 200
COMMIT = "store.before_commit"
STEP = 1 if os.environ.get("SWEEP") == "all" else 2
"""Every commit with `make sweep`, every second one otherwise."""


@pytest.fixture
def url() -> Iterator[str]:
    server = postgres_server()
    name = server.migrated()
    yield server.url(name)
    server.give_back(name)


class Cut:
    """Ends every other session of the database just before the n-th commit, where a transaction is lost with it."""

    def __init__(self, url: str, at: int) -> None:
        self._url = url
        self._left = at
        self.where = ""

    def __call__(self, name: str) -> None:
        self._left -= name == COMMIT
        if self._left == 0 and not self.where:
            self.where = name
            with psycopg.connect(self._url, autocommit=True) as conn:
                query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                conn.execute(query + " AND datname = current_database()")


def test_a_connection_that_is_cut_anywhere_in_an_apply_loses_and_repeats_nothing(url: str) -> None:
    cuts = 0
    for at in range(1, LIMIT, STEP):
        where, felt = _applied_with_a_cut(url, at)
        if not where:
            break
        assert felt, "a commit went through on a connection that is cut"
        cuts += 1
    assert where == "", f"an apply has more than {LIMIT} commits"
    assert cuts >= 3


def _applied_with_a_cut(url: str, at: int) -> tuple[str, bool]:
    """Apply a plan, cut at the n-th crashpoint, then again as the next process does; where it was cut, if felt."""
    server = postgres_server()
    server.empty(url.partition("@/")[2].partition("?")[0])
    clock = ManualClock(NOW)
    store = Store.open(url, clock=clock)
    world = World.make(store, clock)
    books = [facts(number) for number in range(1, ROWS + 1)]
    source = plan_input(*((book, decision(book)) for book in books))
    plan = world.approved(source)
    cut, code = Cut(url, at), ""
    crashpoints.install(cut)
    try:
        world.apply(plan, source)
    except StorageError as error:
        code = error.code
    finally:
        crashpoints.install(None)
        store.close()
    again = Store.open(url, clock=clock)
    world.store = again
    try:
        world.lead()
        world.recover()
        if code:
            assert world.apply(plan, source).exit_code == ExitCode.OK
        assert code == ("SYN608" if cut.where else "")
        effects = [ref for ref, _, _ in world.crms[SF].effects]
        assert len(effects) == len(set(effects)) == ROWS, f"cut at {cut.where}"
        states = {row.state for row in world.rows(plan).values()}
        assert states == {RowState.CONFIRMED}, f"cut at {cut.where}"
        with again.read() as conn:
            assert ledger.verify(conn).ok
    finally:
        again.close()
    return cut.where, bool(code)
