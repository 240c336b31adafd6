"""The mirror's own indexes, left out while a first load fills it and made at its end.

Keeping them up row by row takes longer than the rows: names, domains and parents come in no order, so that each row
touches pages all over the file. A mirror that is complete has them all. Knows nothing of who loads.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Index, column, func, select, table, text

from syncd.store.tables import records, systems

_LEFT_OUT = ("ix_records_account", "ix_records_domain", "ix_records_name_key")
"""Those that no page of a load asks, in the order in which they are made again."""
_MASTER = table("sqlite_master", column("name"), column("tbl_name"))
_OF_SQLITE = select(_MASTER.c.name).where(_MASTER.c.tbl_name == records.name)
_CATALOGUE = table("pg_indexes", column("indexname"), column("tablename"), column("schemaname"))
_OF_POSTGRESQL = select(_CATALOGUE.c.indexname).where(
    _CATALOGUE.c.tablename == records.name, _CATALOGUE.c.schemaname == func.current_schema()
)
_INDEXES: dict[str, Index] = {str(index.name): index for index in records.indexes if index.name in _LEFT_OUT}


def set_aside(conn: Connection) -> bool:
    """Leave out what a load need not keep up, unless a system is complete: then others read the mirror meanwhile.

    Returns whether it is left out now. On PostgreSQL it waits for whoever reads the records.
    """
    if conn.execute(select(systems.c.system).where(systems.c.complete == True)).first() is not None:  # noqa: E712 - SQL
        return False
    for name in _LEFT_OUT:
        _INDEXES[name].drop(conn, checkfirst=True)
    return True


def absent(conn: Connection) -> tuple[str, ...]:
    """The names of the indexes that are left out, to be given to `put_back` one by one."""
    there = _there(conn)
    return tuple(name for name in _LEFT_OUT if name not in there)


def put_back(conn: Connection, name: str) -> None:
    """Make an index that `absent` names; nothing where it is there meanwhile. Takes seconds for millions of rows."""
    index = _INDEXES[name]
    index.dialect_options[conn.dialect.name]["where"] = text(index.info["where"])
    index.create(conn, checkfirst=True)


def _there(conn: Connection) -> Collection[str]:
    """The names of the records' indexes, asked of the catalogue: reflecting each of them would take longer."""
    return set(conn.execute(_OF_SQLITE if conn.dialect.name == "sqlite" else _OF_POSTGRESQL).scalars())
