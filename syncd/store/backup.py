"""Copies of an SQLite database: made while it is in use, checked before they count. Knows nothing of syncd's tables.

A copy is made by SQLite's own backup, in one step over one snapshot, and never by copying files: a file without its
write-ahead log is an older database, or a damaged one.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from syncd.crashpoints import crashpoint
from syncd.errors import StorageError
from syncd.store.engine import BUSY_TIMEOUT_MS
from syncd.store.failures import storage_errors

SIDE_FILES = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database file."""


def copy_database(source: Path, target: Path) -> int:
    """Copy a database to a file that is not there yet, readable by its owner only; returns its bytes.

    The copy is whole and checked before it has its name. Raises StorageError SYN618 where the file exists or its folder
    does not, SYN605 or SYN623 for a source that is no database or is damaged, SYN607 for a full disk.
    """
    if target.exists():
        raise StorageError("SYN618", "the file exists already", where=str(target), hint="name a new file")
    if not target.parent.is_dir():
        raise StorageError("SYN618", "there is no such folder", where=str(target.parent), hint="create it first")
    draft = target.with_name(f".{target.name}.part")
    draft.unlink(missing_ok=True)
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with (
            storage_errors(str(target)),
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as read,
            closing(sqlite3.connect(draft)) as written,
        ):
            read.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            read.backup(written)
            written.execute("PRAGMA journal_mode=DELETE")
        check_database(draft)
        _keep(draft)
        crashpoint("backup.before_rename")
        draft.replace(target)
        _keep(target.parent)
    except OSError as error:
        text = f"the copy cannot be written: {os.strerror(error.errno or 0)}"
        raise StorageError("SYN607", text, where=str(target), hint="free space, or name another folder") from error
    finally:
        for name in ("", *SIDE_FILES):
            draft.with_name(draft.name + name).unlink(missing_ok=True)
    return target.stat().st_size


def check_database(path: Path) -> None:
    """Raise StorageError SYN623 for a damaged database file, SYN605 for what is no database at all."""
    with storage_errors(str(path)), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as conn:
        found = [str(row[0]) for row in conn.execute("PRAGMA integrity_check(20)")]
        orphans = [f"{row[0]} row {row[1]}" for row in conn.execute("PRAGMA foreign_key_check")]
    problems = [text for text in found if text != "ok"] + [f"{each} refers to nothing" for each in orphans[:20]]
    if problems:
        raise StorageError(
            "SYN623",
            f"the database is damaged: {problems[0]}" + (f" (and {len(problems) - 1} more)" * (len(problems) > 1)),
            where=str(path),
            hint="stop syncd and restore a backup: syncd db restore FILE",
        )


def swap_database(draft: Path, target: Path) -> None:
    """Put a database file where another is. Nobody may have the other open for writing."""
    for name in SIDE_FILES:
        target.with_name(target.name + name).unlink(missing_ok=True)
    crashpoint("restore.before_swap")
    draft.replace(target)
    _keep(target.parent)


def _keep(path: Path) -> None:
    """Have the disk keep what is written there."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
