"""The database's connection is cut at each statement of a job, or a commit's answer is lost: the next run mends it.

F35 on a real PostgreSQL. Every n-th statement is tried (`CUT=1` tries each); what counts is that nothing is written
twice, nothing is lost, and the job that is run anew ends where it would have ended.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from jobs_world import HUBSPOT, SALESFORCE, World
from sqlalchemy import event

from syncd.errors import ExitCode, StorageError, SyncdError
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.plan import make_plan
from syncd.store import ledger

CUT = int(os.environ.get("CUT", "0"))
"""The distance of the statements that are tried; 0: three or four of each job."""


POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)
ON_POSTGRESQL = pytest.mark.parametrize("make_world", [POSTGRESQL], indirect=True)
WAYS = pytest.mark.parametrize("commits", [False, True], ids=["each statement", "unknown commit"])


class Statements:
    """Counts what is sent to the database, and cuts the connection at one of them."""

    def __init__(self, cut_at: int | None, *, commits: bool) -> None:
        self.count = 0
        self.fired = False
        self._cut_at = cut_at
        self._commits = commits

    @contextmanager
    def watching(self, world: World) -> Iterator[None]:
        engine = world.context.store._writer
        dialect, do_commit = engine.dialect, engine.dialect.do_commit
        event.listen(engine, "before_cursor_execute", self._before)

        def committed(connection: Any) -> None:
            do_commit(connection)
            if self._commits and self._due():
                _terminate(connection)
                raise psycopg.OperationalError("the connection was lost in the answer to COMMIT")

        dialect.do_commit = committed  # type: ignore[method-assign]
        try:
            yield
        finally:
            dialect.do_commit = do_commit  # type: ignore[method-assign]
            event.remove(engine, "before_cursor_execute", self._before)

    def _due(self) -> bool:
        self.count += 1
        due = self.count == self._cut_at
        self.fired = self.fired or due
        return due

    def _before(self, conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not self._commits and self._due():
            _terminate(cursor.connection)


def _terminate(connection: Any) -> None:
    raw = getattr(connection, "driver_connection", None) or connection
    with psycopg.connect(raw.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 2000)", (raw.info.backend_pid,))


def changes_in_the_crms(world: World) -> dict[tuple[str, str], int]:
    """How often each record was effectively changed by the API."""
    found: dict[tuple[str, str], int] = {}
    for system, face in ((SALESFORCE, world.salesforce), (HUBSPOT, world.hubspot)):
        for entry in face.journal.entries:
            for effect in entry.effects if entry.source == "api" else ():
                if "OwnerId" in effect or "hubspot_owner_id" in effect:
                    key = (system.value, effect.split(":")[0])
                    found[key] = found.get(key, 0) + 1
    return found


def ready(world: World) -> str:
    """The id of a plan that is approved and not applied."""
    world.pulled()
    world.adopt()
    return world.approve(make_plan(world.context))


def applied(world: World, plan_id: str) -> ExitCode:
    """How an apply ends."""
    try:
        with leadership(world.context) as leader:
            return apply(world.context, leader, plan_id).exit_code
    except SyncdError as error:
        return error.exit_code


def resumed(world: World, plan_id: str) -> ExitCode:
    """How the next apply ends, once a lease whose taking was committed and never heard of has run out."""
    code = ExitCode.LEADER
    for _ in range(5):
        world.wait(1)
        code = applied(world, plan_id)
        if code is not ExitCode.LEADER:
            break
    return code


def places(count: int) -> range:
    return range(1, count + 1, CUT or max(1, count // 3))


@WAYS
@ON_POSTGRESQL
@pytest.mark.filterwarnings("ignore:.*ServerCursor:ResourceWarning")  # SQLAlchemy closes none of a lost connection
def test_an_apply_whose_connection_is_cut_is_finished_by_the_next_and_writes_nothing_twice(
    make_world: Callable[..., World], commits: bool
) -> None:
    whole, statements = make_world(), Statements(None, commits=commits)
    plan_id = ready(whole)
    with statements.watching(whole):
        assert applied(whole, plan_id) is ExitCode.OK
    expected = changes_in_the_crms(whole)
    assert set(expected.values()) == {1}
    for at in places(statements.count):
        world, cutting = make_world(), Statements(at, commits=commits)
        plan_id = ready(world)
        with cutting.watching(world):
            applied(world, plan_id)
        assert cutting.fired
        world.start()
        assert resumed(world, plan_id) in (ExitCode.OK, ExitCode.REFUSED), f"cut at {at} of {statements.count}"
        assert changes_in_the_crms(world) == expected, f"cut at {at} of {statements.count}"
        with world.context.store.read() as conn:
            assert ledger.verify(conn).ok, f"cut at {at} of {statements.count}"
        world.context.store.close()  # there are worlds by the hundred, and PostgreSQL takes so many connections only


@WAYS
@ON_POSTGRESQL
def test_a_pull_whose_connection_is_cut_loses_no_row(make_world: Callable[..., World], commits: bool) -> None:
    world = make_world()
    world.pulled()
    statements = Statements(None, commits=commits)
    with statements.watching(world):
        world.wait()
        world.edit_salesforce(world.accounts(SALESFORCE)[0], Name="0")
        world.edit_hubspot(world.accounts(HUBSPOT)[0], name="0")
        world.pulled()
    for at in places(statements.count):
        world.wait()
        world.edit_salesforce(world.accounts(SALESFORCE)[at % 5], Name=f"SF {at}")
        world.edit_hubspot(world.accounts(HUBSPOT)[at % 5], name=f"HS {at}")
        cutting = Statements(at, commits=commits)
        with cutting.watching(world), suppress(StorageError):
            world.pull()
        assert cutting.fired
        world.start()
        world.wait()
        world.pulled()
        world.assert_equal()
