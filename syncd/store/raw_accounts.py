"""The accounts and opportunities of a mirror as a few large texts, put together inside the database.

No row becomes an object. An id holds no line end, and neither does JSON as the mirror keeps it. Knows nothing of what
the fields say.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, Text, case, func, select, type_coerce

from syncd.model.plans import OWNER_FIELD
from syncd.model.raw_accounts import RawAccounts
from syncd.model.refs import Kind, System
from syncd.store.tables import applied, records

_ROWS = 20_000
"""So many accounts come at once: some 10 MB of text."""
_LINE = "\n"


def raw_accounts(conn: Connection, system: System) -> Iterator[RawAccounts]:
    """The live accounts of a system by id, some tens of thousands at a time."""
    return _raw(conn, system, Kind.ACCOUNT)


def raw_opportunities(conn: Connection, system: System) -> Iterator[RawAccounts]:
    """The live opportunities of a system in the same way; what they have as a parent is their account."""
    return _raw(conn, system, Kind.OPPORTUNITY)


def _raw(conn: Connection, system: System, kind: Kind) -> Iterator[RawAccounts]:
    last = ""
    while True:
        some = (
            select(records.c.id, records.c.owner, records.c.account, records.c.merged_from, records.c.fields)
            .where(
                records.c.system == system,
                records.c.kind == kind,
                records.c.deleted == False,  # noqa: E712 - SQL
                records.c.id > last,
            )
            .order_by(records.c.id)
            .limit(_ROWS)
            .subquery()
        )
        columns = (some.c.id, some.c.owner, some.c.account, some.c.merged_from, some.c.fields)
        told = [_lines(column) for column in columns]
        count, newest, *texts = conn.execute(select(func.count(), func.max(some.c.id), *told)).one()
        if not count:
            return
        last = newest
        yield RawAccounts(system, count, *texts)


def territories_applied(conn: Connection) -> Iterator[tuple[int, str, str, str]]:
    """The companies to which a territory was applied for the owner: how many, then keys, paths and owners, a line each.

    An owner whose decision hangs on amounts, and with them on a table of rates, is left empty.
    """
    last, owner = "", case((applied.c.amounts.is_(None), type_coerce(applied.c.owner, Text)), else_="")
    while True:
        some = (
            select(applied.c.company, applied.c.territory, owner.label("owner"))
            .where(applied.c.company > last, applied.c.role == OWNER_FIELD, applied.c.territory.is_not(None))
            .order_by(applied.c.company)
            .limit(_ROWS)
            .subquery()
        )
        texts = (_lines(some.c.company), _lines(some.c.territory), _lines(some.c.owner))
        count, last, companies, territories, owners = conn.execute(
            select(func.count(), func.max(some.c.company), *texts)
        ).one()
        if not count:
            return
        yield count, companies, territories, owners


def _lines(column: ColumnElement[object]) -> ColumnElement[str]:
    """All texts of a column, in the order of the rows; a missing one is an empty line."""
    return func.aggregate_strings(func.coalesce(type_coerce(column, Text), ""), _LINE)
