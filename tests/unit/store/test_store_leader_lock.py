"""The leader's lock on PostgreSQL: one holder, free when its session ends, refused behind a pooler, cut connections."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import exc

from syncd.clock import ManualClock, SystemClock
from syncd.errors import LeaseHeldError, StorageError
from syncd.jobs.daemon.election import Candidate
from syncd.store import lease
from syncd.store.engine import Store
from syncd.store.failures import storage_errors
from syncd.store.leader_lock import LeaderLock
from tests.databases import NOW, postgres_server

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(clock: ManualClock) -> Iterator[str]:
    server = postgres_server()
    name = server.fresh()
    Store.open(server.url(name), clock=clock, create=True).close()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def locks(url: str) -> Iterator[tuple[LeaderLock, LeaderLock]]:
    pair = LeaderLock(url), LeaderLock(url)
    yield pair
    for lock in pair:
        lock.close()


def cut(url: str, application: str = "syncd-leader") -> int:
    """Let the server end the sessions of an application, as a failover or a firewall would."""
    with psycopg.connect(url, autocommit=True) as conn:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        return len(conn.execute(query + " AND datname = current_database()", (application,)).fetchall())


def test_one_holds_it_and_the_next_gets_it_when_the_session_ends(locks: tuple[LeaderLock, LeaderLock]) -> None:
    one, two = locks
    assert one.take()
    assert one.take(), "asked twice it is still ours, once"
    assert one.holds()
    assert not two.take()
    assert not two.holds()
    one.close()
    assert not one.holds()
    assert two.take()


def test_a_lock_whose_connection_is_cut_is_known_to_be_lost(locks: tuple[LeaderLock, LeaderLock], url: str) -> None:
    one, two = locks
    assert one.take()
    assert cut(url) == 1
    assert not one.holds()
    assert two.take()
    assert not one.take()


def test_a_holder_that_stands_still_is_put_out(locks: tuple[LeaderLock, LeaderLock]) -> None:
    one, two = locks
    assert one.take()
    assert two.evict() == 1
    assert two.take()
    assert not one.holds()


class _Pooler:
    """A pooler in transaction mode: each transaction may go to another server process, and it greets with a made-up
    process number, as PgBouncer does."""

    def __init__(self, folder: Path, server: Path) -> None:
        self._server = str(server / ".s.PGSQL.5432")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen(4)
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ConnectionError):
            startup = _exactly(client, struct.unpack("!i", first := _exactly(client, 4))[0] - 4)
            backends = [self._backend(first + startup) for _ in range(2)]
            for kind, body in backends[0][1]:
                _send(client, kind, struct.pack("!ii", 7, 7) if kind == b"K" else body)
            number = 0
            while True:
                backend = backends[number % 2][0]
                waiting = True
                while waiting:
                    kind, body = _message(client)
                    _send(backend, kind, body)
                    waiting = kind not in (b"Q", b"S")
                while True:
                    kind, body = _message(backend)
                    _send(client, kind, body)
                    if kind == b"Z":
                        number += body == b"I"  # the transaction is over: the next may go elsewhere
                        break

    def _backend(self, startup: bytes) -> tuple[socket.socket, list[tuple[bytes, bytes]]]:
        backend = socket.socket(socket.AF_UNIX)
        backend.connect(self._server)
        self._sockets.append(backend)
        backend.sendall(startup)
        greeting = []
        while not greeting or greeting[-1][0] != b"Z":
            greeting.append(_message(backend))
        return backend, greeting


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def _message(sock: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(sock, 1)
    return kind, _exactly(sock, struct.unpack("!i", _exactly(sock, 4))[0] - 4)


def _send(sock: socket.socket, kind: bytes, body: bytes) -> None:
    sock.sendall(kind + struct.pack("!i", len(body) + 4) + body)


def test_a_pooler_is_detected_and_refused(url: str, tmp_path: Path) -> None:
    pooler = _Pooler(tmp_path, postgres_server().folder)
    lock = LeaderLock(url.replace(str(postgres_server().folder), str(tmp_path)))
    try:
        with pytest.raises(StorageError, match="SYN617") as caught:
            lock.take()
        assert "pooler" in caught.value.summary
        assert "database.url" in str(caught.value.hint)
    finally:
        lock.close()
        pooler.close()


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_real_pgbouncer_is_refused_in_every_mode_that_carries_us(url: str, tmp_path: Path, mode: str) -> None:
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("NOT TESTED WITH A REAL ONE: no pgbouncer on this machine; the stand-in above is")
    server = postgres_server()
    folder = Path(tempfile.mkdtemp(dir=server.folder))
    user = server.folder.owner()
    shutil.chown(folder, user)
    (folder / "ini").write_text(
        f"[databases]\n* = host={server.folder} port=5432 user=syncd\n[pgbouncer]\nlisten_addr =\n"
        f"unix_socket_dir = {folder}\nlisten_port = 5432\nauth_type = any\npool_mode = {mode}\n"
        f"logfile = {folder}/log\nuser = {user}\nignore_startup_parameters = extra_float_digits\n"
    )
    process = subprocess.Popen([program, "-q", str(folder / "ini")], stderr=subprocess.DEVNULL)
    lock = LeaderLock(url.replace(str(server.folder), str(folder)))
    try:
        while not (folder / ".s.PGSQL.5432").exists():
            assert process.poll() is None, "pgbouncer does not start"
            SystemClock().sleep(0.05)
        with pytest.raises(StorageError, match="SYN617"):
            lock.take()
    finally:
        lock.close()
        process.terminate()
        process.wait()


def test_a_server_that_never_answers_is_one_that_cannot_be_reached() -> None:
    timeout = psycopg.errors.ConnectionTimeout("connection timeout expired")
    with pytest.raises(StorageError, match="SYN608"), storage_errors("here"):
        raise exc.OperationalError("connect", None, timeout)


def test_a_server_that_is_away_is_told_in_words(tmp_path: Path) -> None:
    lock = LeaderLock(f"postgresql://syncd@/none?host={tmp_path}")
    with pytest.raises(StorageError, match="SYN608"):
        lock.take()
    assert not lock.holds()


def candidate(store: Store, url: str, clock: ManualClock) -> Candidate:
    return Candidate(store, clock, LeaderLock(url))


def test_a_leader_that_stands_still_is_replaced_within_thirty_seconds(url: str) -> None:
    """Its session and its lock live on; only its lease is renewed no more. Told by our own clock, not by its stamps."""
    theirs, ours = ManualClock(NOW + timedelta(hours=3)), ManualClock(NOW)  # its clock is three hours ahead
    first, second = Store.open(url, clock=theirs), Store.open(url, clock=ours)
    one, two = candidate(first, url, theirs), candidate(second, url, ours)
    try:
        old = one.stand()
        waited = 0
        while True:
            try:
                new = two.stand()
                break
            except LeaseHeldError:
                ours.advance(timedelta(seconds=2))
                waited += 2
                assert waited <= 30
        assert 20 < waited <= 24
        assert new.epoch == old.epoch + 1
        assert new.writes_from == ours.now() + lease.SETTLE
        assert not one.holds()
        with pytest.raises(LeaseHeldError), first.beat() as conn:
            lease.renew(conn, old, now=theirs.now(), ttl=one.ttl)
    finally:
        for each, store in ((one, first), (two, second)):
            each.close()
            store.close()


def test_a_leader_that_renews_is_never_replaced(url: str) -> None:
    clock = ManualClock(NOW)
    store = Store.open(url, clock=clock)
    one, two = candidate(store, url, clock), candidate(store, url, clock)
    try:
        held = one.stand()
        for _ in range(60):
            clock.advance(timedelta(seconds=2))
            with store.beat() as conn:
                held = lease.renew(conn, held, now=clock.now(), ttl=one.ttl)
            with pytest.raises(LeaseHeldError, match="SYN701"):
                two.stand()
        assert one.holds()
    finally:
        one.close()
        two.close()
        store.close()


def test_a_connection_cut_at_any_statement_leaves_one_leader_or_none(url: str) -> None:
    """F35: whichever statement the server's session dies at, a later try leads, and never two of one epoch."""
    clock = SystemClock()
    seen: list[int] = []
    for statement in range(1, 9):
        store = Store.open(url, clock=clock)
        one = Candidate(store, clock, LeaderLock(url))
        done = _Cutter(store, statement)
        with contextlib.suppress(StorageError, LeaseHeldError):
            seen.append(one.stand().epoch)
        done.remove()
        one.close()
        with store.write() as conn:
            held = lease.current(conn)
            if held is not None:
                assert held.epoch >= max(seen, default=0)
                lease.release(conn, held)
        two = Candidate(store, clock, LeaderLock(url))
        epoch = two.stand().epoch
        assert epoch not in seen
        seen.append(epoch)
        two.close()
        with store.write() as conn:
            held = lease.current(conn)
            assert held is not None
            assert held.epoch == epoch
            lease.release(conn, held)
        store.close()


class _Cutter:
    """Ends the session of the store's writer right before its n-th statement."""

    def __init__(self, store: Store, number: int) -> None:
        from sqlalchemy import event

        self._event, self._engine, self._left = event, store._writer, number
        event.listen(self._engine, "before_cursor_execute", self._before)

    def remove(self) -> None:
        self._event.remove(self._engine, "before_cursor_execute", self._before)

    def _before(self, conn: object, cursor: object, statement: str, *rest: object) -> None:
        self._left -= 1
        if self._left == 0:
            pid = cursor.connection.info.backend_pid  # type: ignore[attr-defined]
            with psycopg.connect(cursor.connection.info.dsn, autocommit=True) as other:  # type: ignore[attr-defined]
                other.execute("SELECT pg_terminate_backend(%s, 2000)", (pid,))
