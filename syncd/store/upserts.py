"""INSERT … ON CONFLICT for both dialects, and the cutting of long lists into statements. Knows no table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, TableClause
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

T = TypeVar("T")

CHUNK = 1000
"""Values in one IN list, rows in one batch: well under every driver's limit on parameters."""


def upsert(conn: Connection, table: Table[Any] | TableClause, key: Sequence[str], update: Sequence[str] = ()) -> Insert:
    """An INSERT of whole rows that, where `key` exists, sets the columns `update` instead, or nothing for none."""
    statement: Any = postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
    if not update:
        return statement.on_conflict_do_nothing(index_elements=list(key))  # type: ignore[no-any-return]
    fresh = statement.excluded
    return statement.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=list(key), set_={name: fresh[name] for name in update}
    )


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
