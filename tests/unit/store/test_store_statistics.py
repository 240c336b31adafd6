"""PostgreSQL is told how full its tables are once a load has filled them: until then it plans badly."""

from __future__ import annotations

import pytest
from sqlalchemy import text, update
from store_builders import account, put

from syncd.store import statistics
from syncd.store.engine import Store
from syncd.store.tables import records

MANY = 3_000
BY_KEY = "UPDATE records SET run_id = 'x' WHERE id = '7' AND system = 'salesforce' AND kind = 'account'"


@pytest.fixture
def small(store: Store) -> Store:
    """A database all of whose tables are small: emptied by DELETE, they are as large as the tests before left them."""
    with store.write() as conn:
        for name in statistics.uncounted(conn):
            conn.execute(text(f"TRUNCATE {name} CASCADE"))
    return store


@pytest.fixture
def loaded(small: Store) -> Store:
    """Almost a megabyte of records in a database that has counted nothing yet."""
    with small.write() as conn:
        if small.dialect == "postgresql":  # a database that another test gave back may have counted
            conn.execute(text("UPDATE pg_class SET reltuples = -1 WHERE relname = 'records'"))
            conn.execute(text("DELETE FROM pg_statistic WHERE starelid = 'records'::regclass"))
        put(conn, *(account(number) for number in range(MANY)))
    return small


def test_a_table_that_a_load_filled_is_uncounted_until_it_is_counted(loaded: Store) -> None:
    with loaded.write() as conn:
        names = statistics.uncounted(conn)
        assert names == (("records",) if loaded.dialect == "postgresql" else ())
        for name in names:
            statistics.count(conn, name)
        assert statistics.uncounted(conn) == ()


def test_small_tables_need_no_counting(small: Store) -> None:
    with small.write() as conn:
        put(conn, account(1))
        assert statistics.uncounted(conn) == ()


def test_an_update_by_key_takes_the_primary_key_of_a_counted_table(loaded: Store) -> None:
    with loaded.write() as conn:
        for name in statistics.uncounted(conn):
            statistics.count(conn, name)
        explain = "EXPLAIN" if loaded.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
        plan = "\n".join(str(row) for row in conn.execute(text(f"{explain} {BY_KEY}")))
    assert "pk_records" in plan or "autoindex_records_1" in plan


def test_only_our_own_tables_can_be_counted(store: Store) -> None:
    with store.write() as conn, pytest.raises(KeyError):
        statistics.count(conn, "pg_class; DROP TABLE records")


def test_renewing_changes_nothing_that_is_stored(loaded: Store) -> None:
    with loaded.write() as conn:
        conn.execute(update(records).values(run_id="after"))
        statistics.renew(conn)
        assert conn.execute(text("SELECT count(*) FROM records WHERE run_id = 'after'")).scalar() == MANY
