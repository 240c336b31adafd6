"""How far each mapped field is filled: how many live records have a value, and when the newest of those changed.

A field that nobody fills any more still looks like a field; the count and the age tell. It reads every record once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from syncd.clock import parse_instant
from syncd.model.refs import Kind, System
from syncd.store.tables import records

_QUERIES = {
    "sqlite": """
        SELECT each.key, COUNT(*), MAX(records.stamp) FROM records, json_each(records.fields) AS each
        WHERE records.system = :system AND records.kind = :kind AND records.deleted = 0 GROUP BY each.key
    """,
    "postgresql": """
        SELECT each.key, COUNT(*), MAX(records.stamp) FROM records, json_object_keys(records.fields::json) AS each(key)
        WHERE records.system = :system AND records.kind = :kind AND NOT records.deleted GROUP BY each.key
    """,
}


@dataclass(frozen=True, slots=True)
class Filled:
    """Of how many live records a field has a value, and the stamp of the newest of them."""

    records: int
    newest: datetime | None


def filled_fields(conn: Connection, system: System, kind: Kind) -> tuple[int, Mapping[str, Filled]]:
    """The live records of a kind, and each field that any of them has a value of."""
    live = (records.c.system == system, records.c.kind == kind, records.c.deleted == False)  # noqa: E712 - SQL
    total = conn.execute(select(func.count()).select_from(records).where(*live)).scalar_one()
    asked = {"system": system.value, "kind": kind.value}
    rows = conn.execute(text(_QUERIES[conn.dialect.name]), asked)
    return total, {name: Filled(count, parse_instant(stamp)) for name, count, stamp in rows}
