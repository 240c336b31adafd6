"""Turns what a database driver raises into StorageError, so that nobody above the store sees a driver's error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from syncd.errors import StorageError, SyncdError

_BUSY = ("SYN606", "the database is busy: another process held it for too long", "see `syncd status`; try again")
_FULL = (
    "SYN607",
    "the database cannot be written: the disk is full, failing or read-only",
    "free space, then start again",
)
_DAMAGED = ("SYN605", "the file is not a database of syncd, or it is damaged", "name another file, or restore a backup")
_UNREACHABLE = ("SYN608", "the database server cannot be reached", "check the URL, the server and the credentials")
_PLACE = (
    "SYN604",
    "the database file cannot be opened",
    "run syncd as the owner of the file and its folder, with a limit of open files above 20 (ulimit -n)",
)

_BY_SQLITE_NAME = (
    ("SQLITE_BUSY", _BUSY),
    ("SQLITE_LOCKED", _BUSY),
    ("SQLITE_FULL", _FULL),
    ("SQLITE_IOERR", _FULL),
    ("SQLITE_READONLY", _FULL),
    ("SQLITE_NOTADB", _DAMAGED),
    ("SQLITE_CORRUPT", _DAMAGED),
    ("SQLITE_CANTOPEN", _PLACE),
)
_BY_SQLSTATE = (
    ("55P03", _BUSY),
    ("40001", _BUSY),
    ("40P01", _BUSY),
    ("53100", _FULL),
    ("58", _FULL),
    ("25006", _FULL),
    ("08", _UNREACHABLE),
    ("57P", _UNREACHABLE),
    ("28", _UNREACHABLE),
    ("3D000", _UNREACHABLE),
    ("53300", _UNREACHABLE),
)


@contextmanager
def storage_errors(where: str) -> Iterator[None]:
    """Raise what a driver raises inside the block as an error of syncd's; wrong SQL passes as the bug it is.

    StorageError SYN604 to SYN608 for what a person can mend. SyncdError SYN609 for a row that a constraint or trigger
    refused, without the driver's error: PostgreSQL repeats the row in it.
    """
    try:
        yield
    except (exc.DBAPIError, sqlite3.Error, exc.TimeoutError) as error:
        refusal = _refusal(error)
        if refusal is not None:
            raise SyncdError("SYN609", f"the database refused a row ({refusal})", where=where) from None
        known = _classify(error)
        if known is None:
            raise
        code, summary, hint = known
        raise StorageError(code, f"{summary} ({_words(error)})", where=where, hint=hint) from error


def _refusal(error: exc.DBAPIError | sqlite3.Error | exc.TimeoutError) -> str | None:
    """Which rule refused a row, in words that hold no value of it; None for any other error."""
    driver = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(driver, sqlite3.IntegrityError):
        return str(driver)
    state = getattr(driver, "sqlstate", None) or ""
    if state == "P0001":
        return _words(error)
    if state[:2] in ("22", "23"):
        return f"{getattr(getattr(driver, 'diag', None), 'constraint_name', None) or 'SQLSTATE'} {state}"
    return None


def _classify(error: exc.DBAPIError | sqlite3.Error | exc.TimeoutError) -> tuple[str, str, str] | None:
    if isinstance(error, exc.TimeoutError):
        return _BUSY
    driver = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(driver, sqlite3.Error):
        name = getattr(driver, "sqlite_errorname", "")
        return next((known for prefix, known in _BY_SQLITE_NAME if name.startswith(prefix)), None)
    state = getattr(driver, "sqlstate", None)
    if state is None:
        # libpq gives no SQLSTATE for a server that never answered or went away; psycopg has classes of its own for some
        return _UNREACHABLE if any(each.__name__ == "OperationalError" for each in type(driver).__mro__) else None
    return next((known for prefix, known in _BY_SQLSTATE if state.startswith(prefix)), None)


def _words(error: exc.DBAPIError | sqlite3.Error | exc.TimeoutError) -> str:
    driver = error.orig if isinstance(error, exc.DBAPIError) else error
    return str(driver).strip().splitlines()[0] if str(driver).strip() else type(driver).__name__
