"""Where the database is: which URLs are understood, and which paths can hold an SQLite file safely.

Everything is refused here, in words, before a driver is asked. Knows nothing of tables or connections.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from syncd.errors import StorageError

_NETWORK_FILESYSTEMS = frozenset({"afs", "ceph", "cifs", "gfs2", "glusterfs", "lustre", "nfs", "nfs4", "ocfs2", "smb3"})
_NETWORK_FUSE = frozenset({"fuse.ceph", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"})
_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def parse_url(url: str) -> URL:
    """The URL with its driver named. StorageError SYN603 for anything but a file of SQLite or a PostgreSQL server."""
    hint = "use sqlite:////var/lib/syncd/syncd.db or postgresql://user@host/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageError("SYN603", "the database URL cannot be read", hint=hint) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise StorageError("SYN603", f"databases of type {parsed.drivername!r} are not supported", hint=hint)
    if driver == "sqlite" and (parsed.database in (None, "", ":memory:") or parsed.query):
        raise StorageError("SYN603", "an SQLite URL names a file and nothing else", where=display(parsed), hint=hint)
    return parsed.set(drivername=driver)


def display(url: URL) -> str:
    """The URL as it may be shown: the path of a file, or a server's address without the password."""
    return str(url.database) if url.drivername == "sqlite" else url.render_as_string(hide_password=True)


def prepare_file(path: Path, *, create: bool, mountinfo: Path = Path("/proc/self/mountinfo")) -> None:
    """Make sure that `path` can hold the database; with `create`, make the file, readable by its owner only.

    Raises StorageError: SYN601 where there is no file and none may be made, SYN604 for an unsuitable place.
    """
    where = str(path)
    if path.is_dir():
        raise StorageError("SYN604", "the database path is a folder", where=where, hint="name a file inside it")
    if not path.parent.is_dir():
        raise StorageError(
            "SYN604",
            f"the folder {path.parent} does not exist",
            where=where,
            hint="create it, owned by the user that runs syncd",
        )
    filesystem = filesystem_of(path.parent, mountinfo)
    if filesystem in _NETWORK_FILESYSTEMS | _NETWORK_FUSE:
        raise StorageError(
            "SYN604",
            f"the folder is on a network file system ({filesystem}), where SQLite cannot lock safely",
            where=where,
            hint="move the database to a local disk, or use PostgreSQL",
        )
    if not path.exists():
        if not create:
            raise StorageError("SYN601", "there is no database yet", where=where, hint="run `syncd db upgrade`")
        _create(path)
    if not os.access(path, os.R_OK | os.W_OK) or not os.access(path.parent, os.W_OK):
        raise StorageError(
            "SYN604",
            "the database or its folder cannot be written",
            where=where,
            hint="SQLite writes -wal and -shm files beside the database; run syncd as their owner",
        )


def _create(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageError(
            "SYN604",
            f"the database cannot be created: {error.strerror}",
            where=str(path),
            hint="run syncd as the owner of the folder",
        ) from error


def filesystem_of(folder: Path, mountinfo: Path) -> str | None:
    """The type of the file system that `folder` is on, from Linux's mountinfo; None where that cannot be told."""
    try:
        lines = mountinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    target = folder.resolve()
    for line in lines:
        before, _, after = line.partition(" - ")
        if not after or len(parts := before.split(" ")) < 5:
            continue
        mount = Path(parts[4].replace("\\040", " "))
        if target.is_relative_to(mount) and (found is None or len(mount.parts) >= found[0]):
            found = (len(mount.parts), after.split(" ")[0])
    return found[1] if found else None
