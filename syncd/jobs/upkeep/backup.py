"""Backing up and restoring: a checked copy while syncd runs, and an older database made safe to go on from."""

from __future__ import annotations

import shutil
from pathlib import Path

from syncd.clock import Clock, iso
from syncd.errors import StorageError
from syncd.jobs.leadership import COMMAND_TTL, holder_is_gone, holder_name
from syncd.store import backup as copies
from syncd.store import lease, ledger
from syncd.store.engine import Store
from syncd.store.location import display, parse_url
from syncd.store.restoring import Restored, mark_restored
from syncd.store.tallies import save_tally
from syncd.telemetry.tally import Tally

BACKUP = "backup_last_success_timestamp_seconds"
"""The metric that says when the last backup was made."""
_DUMP = 'pg_dump --format=custom --file=syncd.dump --dbname="{url}"'


def back_up(url: str, target: Path, *, clock: Clock) -> int:
    """Copy the SQLite database to a new file, while it is in use, and note that; returns the copy's bytes.

    Raises StorageError SYN619 for PostgreSQL, with the command that does it there, and as `copy_database`.
    """
    instead = "back up with the server's own tool, then run `syncd db backup --noted`"
    size = copies.copy_database(_file_of(url, instead), target)
    try:
        note_backup(url, clock=clock)
    except StorageError as error:
        if error.code not in ("SYN602", "SYN607"):  # before an upgrade, or on a full disk: the copy is what counts
            raise
    return size


def note_backup(url: str, *, clock: Clock) -> None:
    """Remember that a backup was made now, for the metric of its age; StorageError as `Store.open`."""
    tally = Tally()
    tally.level(BACKUP, clock.now().timestamp())
    store = Store.open(url, clock=clock)
    try:
        with store.write() as conn:
            save_tally(conn, tally.take())
    finally:
        store.close()


def restore(url: str, source: Path, *, clock: Clock, who: str) -> tuple[Restored, Path | None]:
    """Put a backup in the place of the database and mark it as restored; the file that the old one was kept as.

    The backup is checked, upgraded and marked as a copy before the old database is touched, and the old one is kept.
    Raises StorageError SYN619 for PostgreSQL, SYN620 for a file that is no backup of syncd, SYN623 for a damaged one;
    LeaseHeldError SYN701 while a daemon or a command runs.
    """
    target = _file_of(url, "restore with pg_restore, then run `syncd db restore --in-place`")
    if not source.is_file():
        raise StorageError("SYN620", "there is no such backup", where=str(source), hint="name a file of `db backup`")
    draft = target.with_name(f".{target.name}.restoring")
    _forget(draft)
    try:
        copies.copy_database(source, draft)
        _prove(f"sqlite:///{draft}", clock)
        aside, epoch = _put_aside(url, target, clock) if target.exists() else (None, 0)
        done = _mark(f"sqlite:///{draft}", clock=clock, who=who, source=source.name, epoch=epoch)
        copies.swap_database(draft, target)
    finally:
        _forget(draft)
    return done, aside


def restore_in_place(url: str, *, clock: Clock, who: str) -> Restored:
    """Mark the database itself as restored, where another tool did it (pg_restore, a snapshot of the disk).

    Raises LeaseHeldError SYN701 while a daemon or a command runs.
    """
    epoch = _fence_off(url, clock)
    return _mark(url, clock=clock, who=who, source="in place", epoch=epoch)


def verify(url: str, store: Store) -> ledger.LedgerVerification:
    """Check the file itself (SQLite) and the ledger's chain; StorageError SYN623 for a damaged file."""
    parsed = parse_url(url)
    if parsed.drivername == "sqlite":
        copies.check_database(Path(str(parsed.database)))
    with store.read() as conn:
        return ledger.verify(conn)


def _file_of(url: str, instead: str) -> Path:
    parsed = parse_url(url)
    if parsed.drivername != "sqlite":
        where = display(parsed)
        hint = f"{instead}: {_DUMP.format(url=where.replace('+psycopg', ''))}"
        raise StorageError("SYN619", "this is done for SQLite only", where=where, hint=hint)
    return Path(str(parsed.database))


def _forget(draft: Path) -> None:
    for name in ("", *copies.SIDE_FILES):
        draft.with_name(draft.name + name).unlink(missing_ok=True)


def _prove(url: str, clock: Clock) -> None:
    """Bring a copy to this version's schema and verify its ledger; StorageError SYN602, SYN605 or SYN620 otherwise."""
    store = Store.open(url, clock=clock, create=True)
    try:
        with store.read() as conn:
            chain = ledger.verify(conn)
    finally:
        store.close()
    if not chain.ok:
        hint = "choose another backup; see `syncd db verify`"
        raise StorageError("SYN620", f"the backup does not verify: {chain.text}", hint=hint)


def _put_aside(url: str, target: Path, clock: Clock) -> tuple[Path, int]:
    """Keep a copy of the present database, with nobody at work on it; its place, and its lease's epoch."""
    epoch = _fence_off(url, clock)
    stamp = iso(clock.now())[:19].replace(":", "").replace("-", "")
    aside = target.with_name(f"{target.name}.before-restore-{stamp}")
    try:
        copies.copy_database(target, aside)
    except StorageError as error:
        if error.code not in ("SYN605", "SYN623"):
            raise
        shutil.copyfile(target, aside)  # damaged: kept as it is, for whoever wants to look at it
    return aside, epoch


def _fence_off(url: str, clock: Clock) -> int:
    """Take the lease of the present database, so that nobody works on it any more; its epoch.

    A database that is damaged or of another version cannot be asked: then nobody can work on it either.
    """
    try:
        store = Store.open(url, clock=clock)
    except StorageError:
        return 0
    try:
        with store.write() as conn:
            held = lease.acquire(conn, holder_name(), now=clock.now(), ttl=COMMAND_TTL, gone=holder_is_gone)
        return held.epoch
    finally:
        store.close()


def _mark(url: str, *, clock: Clock, who: str, source: str, epoch: int) -> Restored:
    store = Store.open(url, clock=clock)
    try:
        with store.write() as conn:
            return mark_restored(conn, now=clock.now(), who=who, source=source, epoch=epoch)
    finally:
        store.close()
