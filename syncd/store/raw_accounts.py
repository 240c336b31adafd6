"""The accounts of a mirror as a few large texts: put together inside the database, so that no row becomes an object.

For whoever makes columns of a whole book. Each text has one line an account; ids, names of owners and JSON as the
mirror keeps it hold no line ends. Knows nothing of what the fields say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Text, func, select, type_coerce

from syncd.model.refs import Kind, System
from syncd.store.tables import applied, records

_ROWS = 50_000
"""So many accounts come at once: some 15 MB of text."""
_LINE = "\n"


@dataclass(frozen=True, slots=True)
class RawAccounts:
    """Live accounts of one system, a line each: `fields` and `merged_from` are JSON; what is not there is empty."""

    system: System
    count: int
    ids: str
    owners: str
    parents: str
    merged_from: str
    fields: str


def raw_accounts(conn: Connection, system: System) -> Iterator[RawAccounts]:
    """The live accounts of a system by id, some tens of thousands at a time."""
    last = ""
    while True:
        some = (
            select(records.c.id, records.c.owner, records.c.account, records.c.merged_from, records.c.fields)
            .where(
                records.c.system == system,
                records.c.kind == Kind.ACCOUNT,
                records.c.deleted == False,  # noqa: E712 - SQL
                records.c.id > last,
            )
            .order_by(records.c.id)
            .limit(_ROWS)
            .subquery()
        )
        told = [_lines(column) for column in (some.c.id, some.c.owner, some.c.account, some.c.merged_from, some.c.fields)]
        count, newest, *texts = conn.execute(select(func.count(), func.max(some.c.id), *told)).one()
        if not count:
            return
        last = newest
        yield RawAccounts(system, count, *texts)


def _lines(column: ColumnElement[object]) -> ColumnElement[str]:
    """All texts of a column, in the order of the rows; a missing one is an empty line."""
    return func.aggregate_strings(func.coalesce(type_coerce(column, Text), ""), _LINE)
