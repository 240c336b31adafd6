"""Tallies: what syncd's processes counted, summed up for ever, and levels as they were last told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select
from sqlalchemy.sql.dml import Insert

from syncd.store.tables import tallies as tally_table
from syncd.store.upserts import upsert

if TYPE_CHECKING:  # `syncd status` reads this room, and need not pay for the log
    from syncd.telemetry.tally import Counted, Key

_KEY = ("name", "labels")


def save_tally(conn: Connection, counted: Counted) -> None:
    """Add counts to what is known and put levels in the place of theirs, in the caller's transaction."""
    _put(conn, upsert(conn, tally_table, _KEY, add=("value",)), counted.counts)
    _put(conn, upsert(conn, tally_table, _KEY, ("value",)), counted.levels)


def tallies(conn: Connection) -> Mapping[str, tuple[tuple[Mapping[str, str], float], ...]]:
    """Everything that is known: by name, the labels and the value of each, in the order of the labels."""
    found: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    query = select(tally_table.c.name, tally_table.c.labels, tally_table.c.value)
    for name, labels, value in conn.execute(query):
        found.setdefault(name, []).append((labels, value))
    return {name: tuple(sorted(samples, key=lambda each: sorted(each[0].items()))) for name, samples in found.items()}


def _put(conn: Connection, statement: Insert, values: Mapping[Key, float]) -> None:
    rows = [{"name": name, "labels": dict(labels), "value": value} for (name, labels), value in values.items()]
    if rows:
        conn.execute(statement, rows)
