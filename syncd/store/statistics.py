"""What the database knows of how full its tables are, by which it plans queries. Knows nothing of who asks when."""

from __future__ import annotations

from sqlalchemy import Connection, column, func, select, table, text

from syncd.store.tables import metadata

_LARGE_BYTES = 262_144
"""A smaller table is walked in less than a millisecond, whatever is believed of it."""
_CATALOGUE = table("pg_class", column("oid"), column("relname"), column("reltuples"))
_UNCOUNTED = select(_CATALOGUE.c.relname).where(
    _CATALOGUE.c.relname.in_([each.name for each in metadata.sorted_tables]),
    _CATALOGUE.c.oid == func.to_regclass(_CATALOGUE.c.relname),  # the one in our schema
    _CATALOGUE.c.reltuples <= 0,  # -1 where nobody has counted; 0 before PostgreSQL 14
    func.pg_relation_size(_CATALOGUE.c.oid) >= _LARGE_BYTES,
)


def uncounted(conn: Connection) -> tuple[str, ...]:
    """The names of PostgreSQL's large tables that nothing has counted yet, to be given to `count`; none on SQLite.

    Its autovacuum counts within minutes of a load, or never where it is off; until then an UPDATE by primary key walks
    all records of a kind, since any index looks as good as any other: 3 ms a row among 11,000 of them.
    """
    if conn.dialect.name == "sqlite":
        return ()
    return tuple(sorted(conn.execute(_UNCOUNTED).scalars()))


def count(conn: Connection, name: str) -> None:
    """Count a table that `uncounted` names: from a sample, within seconds whatever its size."""
    conn.execute(text(f"ANALYZE {metadata.tables[name].name}"))


def renew(conn: Connection) -> None:
    """Let SQLite count again what has changed much; PostgreSQL's autovacuum does so by itself."""
    if conn.dialect.name == "sqlite":
        conn.execute(text("PRAGMA optimize"))
