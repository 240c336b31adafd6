"""Tallies: what syncd's processes counted, summed up for ever, and levels as they were last told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from syncd.store.tables import tallies as tally_table
from syncd.store.upserts import upsert

if TYPE_CHECKING:  # `syncd status` reads this room, and need not pay for the log
    from syncd.telemetry.tally import Counted, Key


def save_tally(conn: Connection, counted: Counted) -> None:
    """Add counts to what is known and put levels in the place of theirs, in the caller's transaction."""
    for key, amount in counted.counts.items():
        name, labels = key
        mine = (tally_table.c.name == name) & (tally_table.c.labels == dict(labels))
        if not conn.execute(update(tally_table).where(mine).values(value=tally_table.c.value + amount)).rowcount:
            _put(conn, key, amount)
    for key, value in counted.levels.items():
        _put(conn, key, value)


def tallies(conn: Connection) -> Mapping[str, tuple[tuple[Mapping[str, str], float], ...]]:
    """Everything that is known: by name, the labels and the value of each, in the order of the labels."""
    found: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    query = select(tally_table.c.name, tally_table.c.labels, tally_table.c.value)
    for name, labels, value in conn.execute(query):
        found.setdefault(name, []).append((labels, value))
    return {name: tuple(sorted(samples, key=lambda each: sorted(each[0].items()))) for name, samples in found.items()}


def _put(conn: Connection, key: Key, value: float) -> None:
    row = {"name": key[0], "labels": dict(key[1]), "value": value}
    conn.execute(upsert(conn, tally_table, ("name", "labels"), ("value",)), row)
