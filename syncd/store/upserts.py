"""INSERT … ON CONFLICT for both dialects, and the cutting of long lists into statements. Knows no table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    TEXT,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Select,
    Table,
    TableClause,
    bindparam,
    exc,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.dml import Insert

T = TypeVar("T")

CHUNK = 1000
"""Values in one IN list, rows in one batch: well under every driver's limit on parameters."""
LISTED = 10_000
"""Values in one list of `rows_with`, one parameter: making the query costs as much as finding hundreds of rows."""


def upsert(
    conn: Connection,
    table: Table[Any] | TableClause,
    key: Sequence[str],
    update: Sequence[str] = (),
    *,
    add: Sequence[str] = (),
) -> Insert:
    """An INSERT of whole rows that, where `key` exists, sets the columns `update` instead and adds to those of `add`.

    Without either such a row is left as it is.
    """
    return _upsert(conn.dialect.name, table, tuple(key), tuple(update), tuple(add))


@cache
def _upsert(
    dialect: str, table: Table[Any] | TableClause, key: tuple[str, ...], update: tuple[str, ...], add: tuple[str, ...]
) -> Insert:
    """The same statement each time: making one costs as much as running it."""
    statement: Any
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # 15 ms, which commands on SQLite do not pay

        statement = postgresql.insert(table)
    else:
        statement = sqlite.insert(table)
    if not update and not add:
        return statement.on_conflict_do_nothing(index_elements=key)  # type: ignore[no-any-return]
    fresh = statement.excluded
    summed = {name: table.c[name] + fresh[name] for name in add}
    return statement.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=key, set_={name: fresh[name] for name in update} | summed
    )


def insert_new(conn: Connection, table: Table[Any], names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """Put rows in that are not there yet, as the driver takes them: no column type converts anything.

    PostgreSQL copies them, which costs a fraction of an INSERT; a first load has millions. Rows that are there already,
    or break another rule, are refused as by any INSERT.
    """
    columns = ", ".join(names)
    if conn.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        conn.exec_driver_sql(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", list(rows))
        return
    statement = f"COPY {table.name} ({columns}) FROM STDIN"
    error_of_driver: Any = conn.dialect.loaded_dbapi.Error
    driver: Any = conn.connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except error_of_driver as error:
        raise exc.DBAPIError.instance(
            statement, None, error, error_of_driver, hide_parameters=True, dialect=conn.dialect
        ) from error


def rows_with(
    conn: Connection, column: Column[str], values: Sequence[str], columns: tuple[ColumnElement[Any], ...]
) -> CursorResult[*tuple[Any, ...]]:
    """Some columns of the rows whose indexed `column` has one of `values`, which hold no value twice.

    They travel as one parameter: nothing is rendered for each. PostgreSQL goes to the index once a value, whatever its
    statistics say: during a first load they are behind, and it would walk the whole table for every list.
    """
    listed = json.dumps(list(values)) if conn.dialect.name == "sqlite" else list(values)
    return conn.execute(_rows_with(conn.dialect.name, column, columns), {"listed": listed})


@cache
def _rows_with(dialect: str, column: Column[str], columns: tuple[ColumnElement[Any], ...]) -> Select[*tuple[Any, ...]]:
    """The same statement each time: making one costs as much as running it."""
    if dialect == "sqlite":
        listed = func.json_each(bindparam("listed", type_=TEXT)).table_valued("value")
        return select(*columns).where(column.in_(select(listed.c.value)))
    from sqlalchemy.dialects import postgresql

    array = bindparam("listed", type_=postgresql.ARRAY(TEXT))
    wanted = func.unnest(array).table_valued("value", name="wanted").render_derived()
    # an OFFSET keeps the planner from making one join of the two, which it would do by a scan
    found = select(*columns).where(column == wanted.c.value).offset(literal_column("0")).lateral("found")
    return select(*found.c).select_from(wanted.join(found, true()))


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
