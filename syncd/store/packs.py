"""Packs that were fetched from git: their bytes by revision, and which one is in use. Knows nothing of rules or git."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from syncd.errors import StorageError
from syncd.store.tables import packs
from syncd.store.upserts import upsert

_KEPT = 50
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class StoredPack:
    """A pack in the database: its revision (the hash of its files), the commit it came from, and when it was stored."""

    revision: str
    source: str
    stored_at: datetime


def activate(conn: Connection, revision: str, source: str, files: Mapping[str, bytes], *, now: datetime) -> None:
    """Store a pack's files, by name within it, and let it be the one in use; all in the caller's transaction.

    The fifty newest are kept.
    """
    row = {"revision": revision, "source": source, "stored_at": now, "active": False, "archive": _packed(files)}
    conn.execute(upsert(conn, packs, ("revision",), ("source", "stored_at", "archive")), row)
    conn.execute(update(packs).values(active=packs.c.revision == revision))
    kept = select(packs.c.revision).order_by(packs.c.stored_at.desc(), packs.c.revision).limit(_KEPT)
    names = list(conn.execute(kept).scalars())
    conn.execute(delete(packs).where(packs.c.revision.not_in(names), packs.c.active == False))  # noqa: E712 - SQL


def active(conn: Connection) -> StoredPack | None:
    """The pack in use; None where none was ever fetched."""
    query = select(packs.c.revision, packs.c.source, packs.c.stored_at).where(packs.c.active == True)  # noqa: E712 - SQL
    row = conn.execute(query).one_or_none()
    return None if row is None else StoredPack(*row)


def files(conn: Connection, revision: str) -> Mapping[str, bytes]:
    """The files of a stored pack; StorageError SYN616 for a revision that is not there."""
    archive = conn.execute(select(packs.c.archive).where(packs.c.revision == revision)).scalar()
    if archive is None:
        raise StorageError("SYN616", f"there is no pack of revision {revision} in the database")
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def _packed(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            packed.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
