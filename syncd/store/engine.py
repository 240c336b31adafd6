"""Opens the database and hands out transactions: many readers, one writer, on SQLite and PostgreSQL alike.

A read sees one snapshot. A write excludes every other write from its first statement on (BEGIN IMMEDIATE on SQLite, a
transaction-level advisory lock on PostgreSQL), so that reading and then writing is never a race. A thread has at most
one transaction; nobody may hold one across an HTTP call (`in_transaction` is what the wire asks).
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    Text,
    bindparam,
    case,
    create_engine,
    event,
    func,
    select,
)

from syncd.clock import Clock
from syncd.crashpoints import crashpoint
from syncd.errors import StorageError
from syncd.store import health, lease, location, schema
from syncd.store.failures import storage_errors

BUSY_TIMEOUT_MS = 10_000
"""How long a transaction waits for another writer before it fails with SYN606."""
JOURNAL_SIZE_LIMIT = 64 * 1024 * 1024
CACHE_KB = 16 * 1024
PAGE_BYTES = 8 * 1024
"""Of a new database: a mirror's rows and indexes are written in half the pages that SQLite would make itself."""
CHECKPOINT_PAGES = 4 * 1024
"""Pages of the log after which it is put into the database; 32 MB, within the journal's limit."""
ADVISORY_CLASS = 0x73796E63
"""First key of every PostgreSQL advisory lock of syncd ("sync"); the second says what is locked."""
WRITE_LOCK = 1
COMMIT_STEPS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Steps of what a commit takes, in seconds, for metrics."""


@dataclass(slots=True)
class Pace:
    """How a store's writes went, for metrics: commits, the seconds that committing took, waits that were too long.

    `steps` are the commits that took no longer than each of COMMIT_STEPS, and longer than the one before.
    """

    commits: int = 0
    seconds: float = 0.0
    busy: int = 0
    steps: list[int] = field(default_factory=lambda: [0] * len(COMMIT_STEPS))

    def committed(self, seconds: float) -> None:
        """Count one commit."""
        self.commits += 1
        self.seconds += seconds
        place = bisect_left(COMMIT_STEPS, seconds)
        if place < len(COMMIT_STEPS):
            self.steps[place] += 1

    def clear(self) -> None:
        """Begin anew."""
        self.commits, self.seconds, self.busy = 0, 0.0, 0
        self.steps = [0] * len(COMMIT_STEPS)


class Store:
    """An open database. Safe to share between threads; not across a fork."""

    def __init__(self, reader: Engine, writer: Engine, *, clock: Clock, where: str) -> None:
        self._reader = reader
        self._writer = writer
        self._where = where
        self._begins_itself = writer.dialect.name == "sqlite"
        self._thread = threading.local()
        self._epoch: int | None = None
        self.clock = clock
        self.pace = Pace()

    @classmethod
    def open(cls, url: str, *, clock: Clock, create: bool = False) -> Store:
        """Open the database that `url` names; with `create`, make the file and bring the schema up to date.

        Raises StorageError: SYN601 for a database that does not exist or has no schema, SYN602 for an older or newer
        schema, SYN603 for a URL it cannot use, SYN604 and SYN605 for an unsuitable place or file, SYN608 for a server
        that cannot be reached.
        """
        parsed = location.parse_url(url)
        where = location.display(parsed)
        if parsed.drivername == "sqlite":
            location.prepare_file(Path(str(parsed.database)), create=create)
            store = cls(
                _sqlite_engine(parsed, writes=False), _sqlite_engine(parsed, writes=True), clock=clock, where=where
            )
        else:
            engine = _postgresql_engine(parsed, where)
            snapshot = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            store = cls(snapshot, engine, clock=clock, where=where)
        try:
            store._check(create)
        except BaseException:
            store.close()
            raise
        return store

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._writer.dialect.name

    @property
    def in_transaction(self) -> bool:
        """Whether this thread has a transaction open; the wire refuses to send then."""
        return getattr(self._thread, "open", False)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only transaction over one snapshot. Keep it short: a long one keeps SQLite's log from shrinking."""
        with self._transaction(self._reader, "BEGIN") as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The one write transaction: commits at the end, rolls back on any exception.

        Raises StorageError SYN606 if another writer does not finish within `BUSY_TIMEOUT_MS`, SYN607 for a full or
        failing disk, SYN608 for a lost server; LeaseHeldError SYN702 where the store is fenced and the lease is
        another's by now; RuntimeError if this thread already has a transaction.
        """
        try:
            with self._transaction(self._writer, "BEGIN IMMEDIATE") as conn:
                if conn.dialect.name == "postgresql":
                    _take_write_lock(conn)
                if self._epoch is not None:
                    lease.require_newest(conn, self._epoch)
                yield conn
                crashpoint("store.before_commit")
                began = self.clock.monotonic()
        except StorageError as error:
            self.pace.busy += error.code == "SYN606"
            raise
        self.pace.committed(self.clock.monotonic() - began)
        crashpoint("store.after_commit")

    @contextmanager
    def beat(self) -> Iterator[Connection]:
        """A write transaction for the lease alone: on PostgreSQL it does not wait for a long write of a child's.

        There the row of the lease is locked by what changes it; SQLite has one writer, whatever it writes.
        """
        with self._transaction(self._writer, "BEGIN IMMEDIATE") as conn:
            yield conn

    def fence(self, epoch: int | None) -> None:
        """Let every write from now on commit only while `epoch` is the newest lease's; None takes the fence away.

        A leader that was paused (a stopped process, a frozen machine) wakes up not knowing that another leads: this is
        what keeps its pages, cursors, plans and receipts out.
        """
        self._epoch = epoch

    def compact(self) -> None:
        """Write the database anew, so that the bytes of what was deleted are gone from its files.

        Takes as long as the database is large, and must not be called inside a transaction.
        """
        with storage_errors(self._where):
            if self.dialect == "sqlite":
                with closing(self._writer.raw_connection()) as raw:
                    for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                        raw.cursor().execute(statement)
                return
            with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                conn.exec_driver_sql("VACUUM FULL")

    def upgrade(self) -> tuple[str, ...]:
        """Bring the schema to this version's, in one transaction; returns the revisions applied, none if up to date."""
        with self.write() as conn:
            return schema.upgrade(conn, self._where)

    def shares_sessions(self) -> bool:
        """Whether two connections that are both open got one session of PostgreSQL in turn: a pooler's doing."""
        sessions = []
        with storage_errors(self._where), self._writer.connect() as first, self._writer.connect() as second:
            for conn in (first, second, first, second):
                with conn.begin():
                    sessions.append(health.session_of(conn))
        return set(sessions[::2]) & set(sessions[1::2]) != set() or len(set(sessions)) > 2

    def close(self) -> None:
        """Close every pooled connection."""
        self._reader.dispose()
        self._writer.dispose()

    @contextmanager
    def _transaction(self, engine: Engine, begin: str) -> Iterator[Connection]:
        """`begin` is what begins it on SQLite: the driver's own begin is too late and does not cover SELECT."""
        if self.in_transaction:
            raise RuntimeError("this thread already has a transaction; pass its connection on instead")
        self._thread.open = True
        try:
            with storage_errors(self._where), engine.connect() as conn, conn.begin():
                if self._begins_itself:
                    driver: Any = conn.connection.driver_connection
                    driver.execute(begin)  # an event of SQLAlchemy's would cost every statement, and this one more
                yield conn
        finally:
            self._thread.open = False

    def _check(self, create: bool) -> None:
        """Refuse an unsuitable database; migrate it if asked and needed."""
        with self.read() as conn:
            if self.dialect == "postgresql":
                _require_utf8(conn, self._where)
            needs_upgrade = schema.current_revision(conn) != schema.REVISIONS[-1]
            if needs_upgrade and not create:
                schema.require_current(conn, self._where)
        if needs_upgrade:
            self.upgrade()


def _sqlite_engine(url: URL, *, writes: bool) -> Engine:
    """An engine whose driver begins no transaction by itself: the store says when one begins, and how."""
    engine = create_engine(url, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        # FULL: the outbox's state is a promise made to another system, and NORMAL may lose the last commits
        pragmas = [f"page_size={PAGE_BYTES}"]  # before the first page is written, and of no effect later
        pragmas += [f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"]
        # without recursive_triggers an INSERT OR REPLACE deletes rows of the ledger past its triggers
        pragmas += ["recursive_triggers=ON", f"journal_size_limit={JOURNAL_SIZE_LIMIT}"]
        # a first load fills indexes far larger than the 2 MB of pages that SQLite keeps by itself
        loading = [f"cache_size=-{CACHE_KB}", f"wal_autocheckpoint={CHECKPOINT_PAGES}"]
        pragmas += loading if writes else ["query_only=ON"]
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "handle_error")
    def _failed(context: ExceptionContext) -> None:
        # A full disk rolls the transaction back inside SQLite; what came after would commit by itself
        conn = context.connection
        if conn is not None and conn.in_transaction() and not conn.connection.in_transaction:
            event.listen(conn, "before_cursor_execute", _refuse)

    def _refuse(*_: object) -> None:
        raise StorageError("SYN607", "the transaction was rolled back by the database", where=str(url.database))

    return engine


def _postgresql_engine(url: URL, where: str) -> Engine:
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"application_name": "syncd", "connect_timeout": 10, "client_encoding": "utf8"},
        )
    except ImportError as error:
        raise StorageError(
            "SYN603", "the PostgreSQL driver is not installed", where=where, hint="install syncd[postgres]"
        ) from error

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # the twin of SQLite's FULL; a stronger setting of the administrator's stays
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        # a plan kept from when a table was empty walks all of it for every list of ids of a first load
        connection.execute("SET plan_cache_mode = force_custom_plan")
        # our statements are short: compiling one that looks costly takes longer than all of its rows
        connection.execute("SET jit = off")
        connection.commit()

    return engine


_BOUNDED = func.set_config("lock_timeout", bindparam("most", type_=Text), True).is_not(None)
_WRITE_LOCK = select(case((_BOUNDED, func.pg_advisory_xact_lock(ADVISORY_CLASS, WRITE_LOCK))))
"""A CASE asks its condition first: the wait is bounded before it begins, in one round to the server."""


def _take_write_lock(conn: Connection) -> None:
    """Wait for the one write transaction of the database; the lock goes with the transaction, also behind a pooler."""
    conn.execute(_WRITE_LOCK, {"most": str(BUSY_TIMEOUT_MS)})


def _require_utf8(conn: Connection, where: str) -> None:
    encoding = conn.execute(select(func.current_setting("server_encoding"))).scalar()
    if encoding != "UTF8":
        raise StorageError(
            "SYN604",
            f"the database has the encoding {encoding}",
            where=where,
            hint="create it with ENCODING 'UTF8' TEMPLATE template0",
        )
