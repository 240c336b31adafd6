"""Each index of the mirror's tables has a query that takes it, on both databases: one that nobody asks only costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from sqlalchemy import Connection, event
from store_builders import SF, account, account_ref, deal, put

from syncd.model.refs import Kind
from syncd.store import mirror
from syncd.store.companies import members
from syncd.store.engine import Store
from syncd.store.lookup import find_accounts
from syncd.store.ownership import marks, owner_history
from syncd.store.records import changed_since, last_change, records_of_account
from syncd.store.tables import mirror as tables

QUERIES: dict[str, Callable[[Connection], object]] = {
    "ix_records_account": lambda conn: records_of_account(conn, [account_ref(1)]),
    "ix_records_domain": lambda conn: find_accounts(conn, "acme.com"),
    "ix_records_name_key": lambda conn: find_accounts(conn, "Acme"),
    "ix_records_change_seq": lambda conn: list(changed_since(conn, last_change(conn))),
    "ix_records_live": lambda conn: list(mirror.records(conn, SF, Kind.ACCOUNT)),
    "ix_owner_changes_ref": lambda conn: owner_history(conn, account_ref(1)),
    "ix_company_links_company": lambda conn: members(conn, ["x"]),
    "ix_owner_marks_kind": lambda conn: marks(conn),
}
"""Of each index a function of the store whose query takes it."""


def test_no_index_of_the_mirror_is_forgotten_here() -> None:
    names = ("records", "owner_changes", "stage_entries", "users", "teams", "company_links", "owner_marks")
    found = {str(index.name) for name in names for index in getattr(tables, name).indexes}
    assert found == set(QUERIES)


@pytest.mark.parametrize("index", QUERIES)
def test_an_index_of_the_mirror_is_taken_by_its_query(store: Store, index: str) -> None:
    with store.write() as conn:
        some = account(1, fields={"name": "Acme", "domain": "acme.com"})
        put(conn, some, *(deal(number, number // 5) for number in range(1_000)))
        if store.dialect == "postgresql":  # else the plan hangs on whether the server has counted the rows yet
            conn.exec_driver_sql("ANALYZE")
    asked: list[tuple[str, Any]] = []
    with store.read() as conn:

        def note(_: Connection, __: object, statement: str, parameters: Any, *___: object) -> None:
            asked.append((statement, parameters))

        event.listen(conn.engine, "before_cursor_execute", note)
        try:
            QUERIES[index](conn)
        finally:
            event.remove(conn.engine, "before_cursor_execute", note)
        plans = [line for statement, parameters in asked for line in _explained(conn, statement, parameters)]
    assert any(index in line for line in plans), "\n".join(plans)


def _explained(conn: Connection, statement: str, parameters: Any) -> Iterable[str]:
    """The plan of a statement, line by line; on PostgreSQL as for a table too large to be walked."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [str(row[0]) for row in conn.exec_driver_sql(f"EXPLAIN {statement}", parameters)]
    return [str(row[3]) for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
