"""What a database says of itself, for `doctor`: which server, which schema. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from syncd.store.schema import current_revision


@dataclass(frozen=True, slots=True)
class Facts:
    """A database's server and version in words, and the revision of its schema."""

    server: str
    revision: str | None


def facts(conn: Connection) -> Facts:
    """The facts of an open database."""
    if conn.dialect.name == "sqlite":
        server = f"SQLite {conn.execute(select(func.sqlite_version())).scalar()}"
    else:
        server = f"PostgreSQL {conn.execute(select(func.current_setting('server_version'))).scalar()}"
    return Facts(server, current_revision(conn))


def session_of(conn: Connection) -> int:
    """The number of the server process behind a PostgreSQL connection, as of this transaction."""
    return int(conn.execute(select(func.pg_backend_pid())).scalar_one())
