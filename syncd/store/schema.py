"""Which schema the database has and which one this code needs; runs the migrations.

Alembic is imported only when there is something to migrate: opening a store that is up to date stays quick.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from sqlalchemy import Connection, inspect, select, table
from sqlalchemy.sql import column

import syncd
from syncd.errors import StorageError

REVISIONS = ("0001",)
"""Every released schema, oldest first; the last is the one this code works with. A test compares it with the folder."""


def migrations_folder() -> Path:
    """The folder of the migrations: beside the package in a source tree, inside it in an installed wheel."""
    root = Path(syncd.__file__).resolve().parent.parent
    # an editable install leaves a stale copy in site-packages: the tree's own always wins, never both
    if (root / "pyproject.toml").is_file() and (root / "migrations" / "env.py").is_file():
        return root / "migrations"
    return Path(str(resources.files("syncd") / "migrations"))


def current_revision(conn: Connection) -> str | None:
    """The schema that the database has; None for a database without one."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()


def require_current(conn: Connection, where: str) -> None:
    """Raise StorageError unless the database has this code's schema: SYN601 without one, SYN602 older or newer."""
    current = current_revision(conn)
    if current is None:
        raise StorageError("SYN601", "the database has no schema yet", where=where, hint="run `syncd db upgrade`")
    if current == REVISIONS[-1]:
        return
    if current in REVISIONS:
        raise StorageError(
            "SYN602",
            f"the database has the older schema {current}; this version of syncd needs {REVISIONS[-1]}",
            where=where,
            hint="stop the daemon, take a backup, run `syncd db upgrade`",
        )
    raise _newer(current, where)


def upgrade(conn: Connection, where: str) -> tuple[str, ...]:
    """Bring the database to this code's schema, in the caller's transaction; returns the revisions that were applied.

    Raises StorageError SYN602 for a schema that is newer than the code, SYN605 for a file of another program.
    """
    current = current_revision(conn)
    if current == REVISIONS[-1]:
        return ()
    if current is not None and current not in REVISIONS:
        raise _newer(current, where)
    if current is None and conn.dialect.name == "sqlite" and inspect(conn).get_table_names():
        raise StorageError(
            "SYN605", "the file is the database of another program", where=where, hint="name another file"
        )
    _migrate(conn)
    return REVISIONS[REVISIONS.index(current) + 1 :] if current else REVISIONS


def _migrate(conn: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def _newer(current: str, where: str) -> StorageError:
    return StorageError(
        "SYN602",
        f"the database has the schema {current}, which is newer than this version of syncd ({REVISIONS[-1]})",
        where=where,
        hint="install the version of syncd that wrote it, or restore a backup taken before the upgrade",
    )
