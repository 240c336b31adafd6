"""`db upgrade` takes the database of every release to today's schema, with every row, on both databases."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from syncd import __version__
from syncd.clock import ManualClock
from syncd.errors import StorageError
from syncd.model.refs import Kind, System
from syncd.store import ledger, mirror, ownership, runs
from syncd.store.engine import Store
from syncd.store.schema import REVISIONS
from syncd.store.tables import metadata
from tests.databases import NOW, postgres_server
from tests.migration.release import ACCOUNTS, RELEASED, revision_hash

FIXTURES = sorted(RELEASED.glob("*.sql"))


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database as a release left it. One whose release is still being made may be older than its migration."""
    fixture: Path = request.param
    text = fixture.read_text(encoding="utf-8")
    revision, digest = text.partition("\n")[0].removeprefix("-- migration ").split()
    if revision == REVISIONS[-1] and digest != revision_hash():
        assert "dev" in __version__, f"migration {revision} was changed after its release"
        pytest.skip(f"migration {revision} is not released and was edited since: make schema-fixture RELEASE=0.1")
    if ".sqlite." in fixture.name:
        path = tmp_path / "syncd.db"
        with closing(sqlite3.connect(path)) as conn:
            conn.executescript(text)
        yield f"sqlite:///{path}"
        return
    server = postgres_server()
    name = server.fresh()
    with psycopg.connect(server.url(name), autocommit=True) as session:
        session.execute(text.encode())
    yield server.url(name)
    server.drop(name)


@pytest.mark.parametrize("url", FIXTURES, indirect=True, ids=lambda path: path.stem)
def test_the_database_of_a_release_is_upgraded_with_every_row(url: str) -> None:
    clock = ManualClock(NOW)
    store = Store.open(url, clock=clock, create=True)
    try:
        with store.read() as conn:
            differences = compare_metadata(MigrationContext.configure(conn), metadata)
            assert [item for item in differences if "alembic_version" not in str(item)] == []
            names = [record.fields["name"] for record in mirror.records(conn, System.SALESFORCE, Kind.ACCOUNT)]
            assert sorted(names) == [f"Müller {number}" for number in range(ACCOUNTS)]
            assert ledger.verify(conn).ok
            assert len(ledger.entries(conn, event="baseline.adopted")) == ACCOUNTS
            assert ownership.adopted_at(conn) == NOW
            assert [(run.job, run.outcome) for run in runs.runs(conn, 5)] == [("pull", "ok")]
    finally:
        store.close()


def test_there_is_a_fixture_for_every_released_schema_on_both_databases() -> None:
    page = (RELEASED.parents[2] / "CHANGELOG.md").read_text()
    released = re.findall(r"^## \[?(\d+\.\d+)[.\d]*\]?", page, re.MULTILINE)
    for name in {"0.1", *released}:
        for database in ("sqlite", "postgresql"):
            assert (RELEASED / f"{name}.{database}.sql").is_file(), f"make schema-fixture RELEASE={name}"


def test_a_newer_database_is_refused_by_an_older_syncd_in_words(store_url: str, clock: ManualClock) -> None:
    store = Store.open(store_url, clock=clock)
    with store.write() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    for create in (False, True):
        with pytest.raises(StorageError, match="SYN602") as caught:
            Store.open(store_url, clock=clock, create=create)
        assert "restore" in str(caught.value.hint) or "newer" in caught.value.summary
