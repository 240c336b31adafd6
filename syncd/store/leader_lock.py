"""The one leader among several machines on PostgreSQL: an advisory lock on a connection of its own.

The lock goes with its connection: where the leader's process or machine dies, the server gives it to the next within
seconds. It says who may try for the lease; the lease's epoch, not the lock, keeps out a leader that was paused. Knows
nothing of jobs or signals.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from syncd.errors import StorageError
from syncd.store import location
from syncd.store.engine import ADVISORY_CLASS, WRITE_LOCK
from syncd.store.failures import storage_errors

LEADER_LOCK: Final = 2
"""Second key of the leader's lock; the first is ADVISORY_CLASS. Advisory locks belong to one database of a server."""
_KEEPALIVE: Final = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 3, "keepalives_count": 3}
"""The client's side: a server that is gone is noticed within 14 s."""
_SESSION: Final = (
    # The server's side of the same, so that the lock of a machine that vanished is free within 15 s.
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 3",
    "SET tcp_keepalives_count = 3",
    "SET statement_timeout = '5s'",
    "SET idle_in_transaction_session_timeout = 0",
)
_HOLDERS: Final = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = :class AND objid = :key AND objsubid = 2"
    " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class LeaderLock:
    """A session of its own that holds, or waits to hold, the leader's lock. One thread at a time."""

    def __init__(self, url: str) -> None:
        parsed = location.parse_url(url)
        self._where = location.display(parsed)
        self._engine = create_engine(
            parsed,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args={"application_name": "syncd-leader", "connect_timeout": 10, **_KEEPALIVE},
        )
        self._conn: Connection | None = None

    def take(self) -> bool:
        """Take the lock if it is free; whether it is ours.

        Raises StorageError SYN617 behind a connection pooler, SYN608 where the server cannot be reached.
        """
        with storage_errors(self._where):
            conn = self._connected()
            keys = {"class": ADVISORY_CLASS, "key": LEADER_LOCK}
            if self._is_mine(conn):
                return True
            return bool(conn.execute(text("SELECT pg_try_advisory_lock(:class, :key)"), keys).scalar())

    def holds(self) -> bool:
        """Whether the lock is still ours, asked of the server; False where the connection is lost."""
        if self._conn is None:
            return False
        try:
            with storage_errors(self._where):
                return self._is_mine(self._conn)
        except StorageError:
            self.close()
            return False

    def evict(self) -> int:
        """End the sessions that hold the leader's lock or the lock of writes; returns how many were told to end.

        Only for a candidate that has seen the leader's lease run out: its process stands still and keeps its sockets
        open, so the server would wait for it for ever. StorageError SYN608 where the server cannot be reached.
        """
        ended = 0
        with storage_errors(self._where):
            conn = self._connected()
            for key in (LEADER_LOCK, WRITE_LOCK):
                holders = conn.execute(_HOLDERS, {"class": ADVISORY_CLASS, "key": key}).scalars().all()
                for pid in holders:
                    if pid != self._backend(conn):
                        ended += bool(conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid}).scalar())
        return ended

    def close(self) -> None:
        """Give the lock back and end the session."""
        if self._conn is not None:
            self._conn.invalidate()
            self._conn.close()
            self._conn = None
        self._engine.dispose()

    def _connected(self) -> Connection:
        if self._conn is not None and self._alive(self._conn):
            return self._conn
        self.close()
        conn = self._engine.connect()
        try:
            for statement in _SESSION:
                conn.exec_driver_sql(statement)
            _require_direct(conn, self._where)
        except BaseException:
            conn.invalidate()
            conn.close()
            raise
        self._conn = conn
        return conn

    def _alive(self, conn: Connection) -> bool:
        try:
            with storage_errors(self._where):
                conn.exec_driver_sql("SELECT 1")
        except StorageError:
            return False
        return True

    def _is_mine(self, conn: Connection) -> bool:
        holders = conn.execute(_HOLDERS, {"class": ADVISORY_CLASS, "key": LEADER_LOCK}).scalars().all()
        return self._backend(conn) in holders

    def _backend(self, conn: Connection) -> int:
        return int(conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def _require_direct(conn: Connection, where: str) -> None:
    """Refuse a pooler: it makes up the process number of its greeting, and may hand each statement to another server
    process, which would lose the lock or give it to a stranger."""
    greeted = conn.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
    seen = {int(conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()) for _ in range(2)}
    if seen != {greeted}:
        raise StorageError(
            "SYN617",
            "a connection pooler stands before the database, and a lock on a session is lost behind it",
            where=where,
            hint="name the server itself in database.url (its own port, not the pooler's)",
        )
