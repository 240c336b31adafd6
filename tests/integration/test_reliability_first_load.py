"""A first load leaves indexes of the mirror out: whatever ends it, a mirror that is complete has them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from syncd import crashpoints
from syncd.store import engine, indexes, statistics
from tests.databases import DIALECTS
from tests.dying import Crash, crash_at
from tests.integration.mirrored import empty_mirror
from tests.unit.jobs.jobs_world import HUBSPOT, SALESFORCE, World

LEFT_OUT = ("ix_records_account", "ix_records_domain", "ix_records_name_key")


@pytest.fixture(params=DIALECTS)
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Salesforce with eight companies, of which every page counts as a large one."""
    monkeypatch.setattr("syncd.jobs.pulling.reading._LARGE_PAGE", 1)
    with empty_mirror(request.param, tmp_path, SALESFORCE) as made:
        yield made
    crashpoints.install(None)


def absent(world: World) -> tuple[str, ...]:
    with world.context.store.read() as conn:
        return indexes.absent(conn)


def definitions(world: World) -> dict[str, str]:
    """Every index of the records as the database describes it."""
    query = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'records' AND type = 'index'",
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'records'",
    }
    with world.context.store.read() as conn:
        return {name: str(told) for name, told in conn.execute(text(query[conn.dialect.name]))}


def seen_at(world: World, name: str) -> list[tuple[str, ...]]:
    """What is left out each time that a pull passes a crashpoint."""
    seen: list[tuple[str, ...]] = []
    crashpoints.install(lambda at: seen.append(absent(world)) if at == name else None)
    return seen


def test_a_first_load_leaves_indexes_out_and_makes_them_as_they_were(world: World) -> None:
    before, seen = definitions(world), seen_at(world, "pull.page_stored")
    world.pulled()
    assert len(seen) >= 2
    assert set(seen) == {LEFT_OUT}
    assert definitions(world) == before
    assert absent(world) == ()


@pytest.mark.parametrize(
    ("point", "number"),
    [
        ("pull.indexes_left_out", 1),
        ("pull.page_stored", 1),
        ("pull.page_stored", 2),
        ("pull.index_made", 1),
        ("pull.index_made", 3),
    ],
)
def test_a_death_in_a_first_load_is_followed_by_a_pull_that_makes_the_indexes(
    world: World, point: str, number: int
) -> None:
    before = definitions(world)
    crash_at(point, number)
    with pytest.raises(Crash):
        world.pull()
    world.start()
    assert not world.status(SALESFORCE).complete
    world.pulled()
    assert world.status(SALESFORCE).complete
    assert definitions(world) == before
    for kind in world.status(SALESFORCE).records:
        seen = {key: (one.fields["name"], one.owner) for key, one in world.mirrored(SALESFORCE, kind).items()}
        assert seen == world.truth(SALESFORCE, kind)


def test_the_indexes_of_a_complete_mirror_are_let_alone(world: World) -> None:
    world.pulled()
    world.wait(5)
    seen = seen_at(world, "pull.page_stored")
    world.pulled(full=True)
    assert set(seen) == {()}


@pytest.mark.postgres
def test_a_reader_that_takes_long_only_makes_the_load_slower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.jobs.pulling.reading._LARGE_PAGE", 1)
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    with empty_mirror("postgresql", tmp_path, SALESFORCE) as world:
        other = engine.Store.open(world.url, clock=world.clock)
        with other.read() as conn:
            conn.execute(text("SELECT count(*) FROM records")).scalar()
            world.pulled()
        other.close()
        assert absent(world) == ()


def test_small_pages_leave_no_index_out(tmp_path: Path) -> None:
    with empty_mirror("sqlite", tmp_path, HUBSPOT) as world:
        seen = seen_at(world, "pull.page_stored")
        world.pulled()
        crashpoints.install(None)
        assert set(seen) == {()}


@pytest.mark.postgres
def test_a_first_load_leaves_no_table_uncounted(tmp_path: Path) -> None:
    """Else an increment's updates walk all records, until autovacuum comes by."""
    with empty_mirror("postgresql", tmp_path, HUBSPOT) as world:
        world.hubspot.load("companies", [{"name": f"Company {number}"} for number in range(3_000)])
        with world.context.store.write() as conn:  # a database that another test gave back may have counted
            conn.execute(text("UPDATE pg_class SET reltuples = -1 WHERE relname = 'records'"))
        world.pulled()
        with world.context.store.read() as conn:
            assert conn.execute(text("SELECT reltuples FROM pg_class WHERE relname = 'records'")).scalar() == 3_006
            assert statistics.uncounted(conn) == ()
