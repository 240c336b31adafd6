"""Tables that somebody else keeps in syncd's database, read as text. Never written, and never one of syncd's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnClause, Connection, func, inspect, select, table
from sqlalchemy.sql import column

from syncd.clock import iso
from syncd.store import tables
from syncd.store.upserts import CHUNK

OWN = frozenset(tables.metadata.tables) | {"alembic_version"}
"""The tables that are syncd's."""


def columns_of(conn: Connection, name: str) -> tuple[str, ...] | None:
    """The columns of a table or view, None where there is none of that name."""
    inspector = inspect(conn)
    if name not in inspector.get_table_names() and name not in inspector.get_view_names():
        return None
    return tuple(each["name"] for each in inspector.get_columns(name))


def state_of(conn: Connection, name: str, updated: str) -> str:
    """How many rows a table has and the newest of its column of freshness; empty where it has no such column."""
    if name in OWN or updated not in (columns_of(conn, name) or ()):
        return ""
    newest: ColumnClause[Any] = column(updated)
    last, count = conn.execute(select(func.max(newest), func.count()).select_from(table(name))).one()
    return f"{count} {_text(last)}"


def rows_of(conn: Connection, name: str, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every row, the columns in the order given, as texts; empty for NULL."""
    wanted: list[ColumnClause[Any]] = [column(each) for each in columns]
    query = select(*wanted).select_from(table(name))
    with conn.execute(query, execution_options={"yield_per": CHUNK}) as result:
        for row in result:
            yield tuple(_text(value) for value in row)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return iso(value) if value.tzinfo is not None else value.isoformat()
        case date():
            return value.isoformat()
        case float():
            return f"{Decimal(repr(value)):f}"
        case Decimal():
            return f"{value:f}"
        case list() | tuple():
            return "; ".join(_text(each) for each in value)
        case bytes():
            return value.decode("utf-8", "replace").strip()
        case _:
            return str(value).strip()
