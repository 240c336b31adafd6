"""The migrated schema is the declared one, on both databases, from scratch and from every released schema."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

from syncd.clock import ManualClock
from syncd.errors import StorageError
from syncd.store import ownership, schema
from syncd.store.engine import Store
from syncd.store.location import parse_url
from syncd.store.tables import metadata


def _shape(conn: Connection) -> dict[str, object]:
    """Everything about the tables that the database can tell, in words that two databases can be compared by."""
    inspector = inspect(conn)
    shape: dict[str, object] = {}
    for table in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
        columns = [
            (c["name"], str(c["type"]), c["nullable"], getattr(c["type"], "collation", None))
            for c in inspector.get_columns(table)
        ]
        shape[table] = {
            "columns": columns,
            "key": inspector.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(
                (f["name"], f["constrained_columns"], f["referred_table"]) for f in inspector.get_foreign_keys(table)
            ),
            "unique": sorted((u["name"], u["column_names"]) for u in inspector.get_unique_constraints(table)),
            "checks": sorted(
                (c["name"], " ".join(c["sqltext"].replace("(", " ").replace(")", " ").split()))
                for c in inspector.get_check_constraints(table)
            ),
            "indexes": sorted((i["name"], i["column_names"], bool(i["unique"])) for i in inspector.get_indexes(table)),
            "options": inspector.get_table_options(table),
        }
    return shape


def test_migrated_schema_is_the_declared_one(store: Store) -> None:
    with store.read() as conn:
        differences = compare_metadata(MigrationContext.configure(conn), metadata)
    assert [item for item in differences if "alembic_version" not in str(item)] == []


def test_indexes_of_some_rows_are_of_the_declared_ones(store: Store) -> None:
    """Nothing else compares what such an index leaves out, and the tables tell PostgreSQL nothing of it."""
    declared = {
        index.name: index.info["where"]
        for table in metadata.sorted_tables
        for index in table.indexes
        if "where" in index.info
    }
    with store.read() as conn:
        inspector, option = inspect(conn), f"{conn.dialect.name}_where"
        made = {
            index["name"]: str(index["dialect_options"][option])
            for table in metadata.tables
            for index in inspector.get_indexes(table)
            if option in index.get("dialect_options", {})
        }
    assert {name: _words(where) for name, where in made.items()} == {
        name: _words(where) for name, where in declared.items()
    }
    assert len(declared) == 5


def _words(condition: str) -> list[str]:
    """The names and values of a condition: PostgreSQL spells `IN` as `= ANY (ARRAY[…::text])`."""
    return re.findall(r"'\w+'|[a-z_]+|NOT NULL", re.sub(r"::\w+|\bANY\b|\bARRAY\b|\bIN\b|\bIS\b", "", condition))


def test_migrated_schema_has_the_shape_of_one_made_from_the_tables(database_url: str, clock: ManualClock) -> None:
    engine = create_engine(parse_url(database_url))
    with engine.begin() as conn:
        metadata.create_all(conn)
        declared = _shape(conn)
        metadata.drop_all(conn)
    engine.dispose()
    migrated = Store.open(database_url, clock=clock, create=True)
    with migrated.read() as conn:
        assert _shape(conn) == declared
    migrated.close()


def test_tables_are_strict_on_sqlite(store: Store) -> None:
    if store.dialect != "sqlite":
        pytest.skip("PostgreSQL always is")
    with store.read() as conn:
        lax = conn.execute(text("SELECT name FROM pragma_table_list WHERE schema = 'main' AND NOT strict")).scalars()
        assert set(lax) == {"alembic_version", "sqlite_schema"}


def test_known_revisions_are_those_of_the_folder() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_folder()))
    script = ScriptDirectory.from_config(config)
    assert tuple(revision.revision for revision in reversed(list(script.walk_revisions()))) == schema.REVISIONS


def test_upgrade_is_done_once(database_url: str, clock: ManualClock) -> None:
    store = Store.open(database_url, clock=clock, create=True)
    assert store.upgrade() == ()
    store.close()


_SECOND = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None
def upgrade() -> None:
    op.execute("CREATE TABLE scratch (x INTEGER)")
    op.execute("INSERT INTO adoptions (at, counts) VALUES ('a', '{{}}')")
    {then}
"""


def test_failed_migration_leaves_the_database_as_it_was(
    database_url: str, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(database_url, clock=clock, create=True)
    folder = tmp_path / "50 % of migrations"
    shutil.copytree(schema.migrations_folder(), folder)
    monkeypatch.setattr(schema, "migrations_folder", lambda: folder)
    monkeypatch.setattr(schema, "REVISIONS", ("0001", "0002"))
    second = folder / "versions" / "0002_second.py"
    second.write_text(_SECOND.format(then="raise RuntimeError('killed half-way')"))
    with pytest.raises(RuntimeError, match="half-way"):
        store.upgrade()
    with store.read() as conn:
        assert schema.current_revision(conn) == "0001"
        assert not inspect(conn).has_table("scratch")
        assert ownership.adopted_at(conn) is None
    second.write_text(_SECOND.format(then="pass") + "# mended\n")
    assert store.upgrade() == ("0002",)
    store.close()
    Store.open(database_url, clock=clock).close()


def test_missing_schema_is_refused_with_the_command_that_makes_it(database_url: str, clock: ManualClock) -> None:
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).touch()
    with pytest.raises(StorageError) as caught:
        Store.open(database_url, clock=clock)
    assert caught.value.code == "SYN601"
    assert "syncd db upgrade" in str(caught.value.hint)


@pytest.mark.parametrize("create", [False, True])
def test_newer_schema_is_refused_and_untouched(store_url: str, clock: ManualClock, create: bool) -> None:
    _set_revision(store_url, "9999")
    with pytest.raises(StorageError) as caught:
        Store.open(store_url, clock=clock, create=create)
    assert caught.value.code == "SYN602"
    assert "newer" in caught.value.summary
    assert "9999" in caught.value.summary


def test_older_schema_is_refused_until_it_is_upgraded(
    store_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "0002"))
    with pytest.raises(StorageError) as caught:
        Store.open(store_url, clock=clock)
    assert caught.value.code == "SYN602"
    assert "older" in caught.value.summary
    assert "syncd db upgrade" in str(caught.value.hint)


def test_alembic_command_alone_is_refused(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_folder()))
    with pytest.raises(RuntimeError, match="syncd db upgrade"):
        command.upgrade(config, "head")


def test_installed_wheel_finds_the_migrations_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "syncd"
    package.mkdir(parents=True)
    (tmp_path / "site-packages" / "migrations").mkdir()
    (tmp_path / "site-packages" / "migrations" / "env.py").touch()
    monkeypatch.setattr(schema.syncd, "__file__", str(package / "__init__.py"))
    monkeypatch.setattr(schema.resources, "files", lambda name: package)
    assert schema.migrations_folder() == package / "migrations"


def _set_revision(url: str, revision: str) -> None:
    engine = create_engine(parse_url(url))
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    engine.dispose()
