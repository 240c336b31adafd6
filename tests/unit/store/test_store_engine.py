"""Opening databases, and what a transaction promises."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from store_builders import SF, account, put

from syncd import crashpoints
from syncd.clock import ManualClock
from syncd.errors import ExitCode, StorageError, SyncdError, page_of
from syncd.model.refs import Kind
from syncd.store import engine, location, mirror
from syncd.store.engine import Store


@pytest.fixture
def sqlite_store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/own.db", clock=clock, create=True)
    yield store
    store.close()


def _refusal(url: str, clock: ManualClock, *, create: bool = True) -> StorageError:
    with pytest.raises(StorageError) as caught:
        Store.open(url, clock=clock, create=create)
    assert page_of(caught.value.code)
    assert caught.value.hint
    return caught.value


def test_new_file_is_readable_by_its_owner_only(sqlite_store: Store, tmp_path: Path) -> None:
    with sqlite_store.write() as conn:
        put(conn, account(1))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"own.db": 0o600, "own.db-wal": 0o600, "own.db-shm": 0o600}


@pytest.mark.usefixtures("engines_of_production")
def test_every_sqlite_connection_is_safe(sqlite_store: Store) -> None:
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "recursive_triggers": 1,
    }
    for transaction in (sqlite_store.read, sqlite_store.write):
        with transaction() as conn:
            found = {name: conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in expected}
            assert found == expected
            assert conn.exec_driver_sql("PRAGMA journal_size_limit").scalar() == engine.JOURNAL_SIZE_LIMIT


def test_missing_file_is_refused_unless_it_may_be_made(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path}/none.db"
    assert _refusal(url, clock, create=False).code == "SYN601"
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_named(tmp_path: Path, clock: ManualClock) -> None:
    refused = _refusal(f"sqlite:///{tmp_path}/no/such/syncd.db", clock)
    assert refused.code == "SYN604"
    assert f"{tmp_path}/no/such" in refused.summary


def test_folder_as_database_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    assert _refusal(f"sqlite:///{tmp_path}", clock).code == "SYN604"


def test_place_that_cannot_be_written_is_refused(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "syncd.db"
    path.touch()
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # root may write everywhere
    refused = _refusal(f"sqlite:///{path}", clock)
    assert refused.code == "SYN604"
    assert "cannot be written" in refused.summary


def test_file_that_cannot_be_made_is_refused(clock: ManualClock) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("needs a folder in which nobody can make files")
    refused = _refusal("sqlite:////proc/syncd.db", clock)
    assert refused.code == "SYN604"
    assert "cannot be created" in refused.summary


@pytest.mark.parametrize("content", [b"hello world" * 1000, b"id,name\n1,Acme\n" * 100])
def test_file_that_is_no_database_is_refused_and_untouched(tmp_path: Path, clock: ManualClock, content: bytes) -> None:
    path = tmp_path / "accounts.csv"
    path.write_bytes(content)
    assert _refusal(f"sqlite:///{path}", clock).code == "SYN605"
    assert path.read_bytes() == content


def test_database_of_another_program_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    assert _refusal(f"sqlite:///{path}", clock).code == "SYN605"


def test_damaged_database_is_no_traceback(sqlite_store: Store, tmp_path: Path, clock: ManualClock) -> None:
    with sqlite_store.write() as conn:
        put(conn, *(account(number) for number in range(300)))
    sqlite_store.close()
    path = tmp_path / "own.db"
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        _count(Store.open(f"sqlite:///{path}", clock=clock))
    assert caught.value.code == "SYN605"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "not a url",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x.db?mode=ro",
        "mysql://u@h/d",
        "postgresql+asyncpg://u@h/d",
    ],
)
def test_url_that_names_no_database_is_refused(url: str, clock: ManualClock) -> None:
    assert _refusal(url, clock).code == "SYN603"


def test_unreachable_server_is_named_without_its_password(clock: ManualClock) -> None:
    refused = _refusal("postgresql://syncd:canary@127.0.0.1:1/syncd", clock)
    assert refused.code == "SYN608"
    assert "127.0.0.1" in str(refused)
    assert "canary" not in f"{refused} {refused.hint} {refused.__cause__}"


def test_network_file_system_is_refused(tmp_path: Path) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(
        f"20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 0:40 / {tmp_path} rw,relatime shared:1 - nfs4 server:/export rw\n"
    )
    with pytest.raises(StorageError) as caught:
        location.prepare_file(tmp_path / "syncd.db", create=True, mountinfo=mountinfo)
    assert caught.value.code == "SYN604"
    assert "nfs4" in caught.value.summary
    assert location.filesystem_of(Path("/"), mountinfo) == "ext4"
    location.prepare_file(tmp_path / "syncd.db", create=True, mountinfo=tmp_path / "no such file")


def test_write_commits_at_its_end_and_not_before(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1))
        assert _count_elsewhere(store) == 0
    assert _count_elsewhere(store) == 1


def test_exception_takes_everything_back(store: Store) -> None:
    def fail() -> None:
        with store.write() as conn:
            put(conn, account(1))
            conn.execute(text("CREATE TABLE scratch (x INTEGER)"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.write() as conn:
        assert list(mirror.records(conn, SF, Kind.ACCOUNT)) == []
        conn.execute(text("CREATE TABLE scratch (x INTEGER)"))
        conn.execute(text("DROP TABLE scratch"))


def test_read_transaction_cannot_write(store: Store) -> None:
    with pytest.raises((StorageError, DBAPIError)), store.read() as conn:
        put(conn, account(1))
    assert _count_elsewhere(store) == 0


def test_read_sees_one_snapshot(store: Store) -> None:
    with store.read() as conn:
        assert mirror.last_change(conn) == 0
        _in_thread(lambda: _write_one(store))
        assert mirror.last_change(conn) == 0
    assert _count_elsewhere(store) == 1


@pytest.mark.parametrize("outer", ["read", "write"])
@pytest.mark.parametrize("inner", ["read", "write"])
def test_thread_has_one_transaction_at_a_time(store: Store, outer: str, inner: str) -> None:
    with getattr(store, outer)(), pytest.raises(RuntimeError), getattr(store, inner)():
        pass
    with getattr(store, inner)():
        pass


def test_open_transaction_is_known_to_its_thread_only(store: Store) -> None:
    seen = []
    assert not store.in_transaction
    with store.write():
        assert store.in_transaction
        _in_thread(lambda: seen.append(store.in_transaction))
    with store.read():
        assert store.in_transaction
    assert not store.in_transaction
    assert seen == [False]


def test_commit_stands_between_its_crashpoints(store: Store) -> None:
    passed: list[tuple[str, int]] = []
    crashpoints.install(lambda name: passed.append((name, _count_elsewhere(store))))
    try:
        with store.write() as conn:
            put(conn, account(1))
    finally:
        crashpoints.install(None)
    assert passed == [("store.before_commit", 0), ("store.after_commit", 1)]


def test_crash_before_the_commit_leaves_nothing(store: Store) -> None:
    class Killed(BaseException):
        pass

    def kill(name: str) -> None:
        if name == "store.before_commit":
            raise Killed

    crashpoints.install(kill)
    try:
        with pytest.raises(Killed), store.write() as conn:
            put(conn, account(1))
    finally:
        crashpoints.install(None)
    assert not store.in_transaction
    assert _count_elsewhere(store) == 0


def test_writers_wait_for_each_other_and_lose_nothing(store: Store) -> None:
    """Read, then write, in several threads: with a deferred transaction this is SQLITE_BUSY_SNAPSHOT at once."""

    def work(start: int) -> None:
        for number in range(start, start + 15):
            with store.write() as conn:
                mirror.last_change(conn)
                put(conn, account(number))

    failures = _in_threads([lambda start=start: work(start) for start in (0, 100, 200)])  # type: ignore[misc]
    assert failures == []
    assert _count_elsewhere(store) == 45


def test_reader_is_not_blocked_by_a_writer(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1))
        assert _count_elsewhere(store) == 0


def test_writer_that_waits_too_long_is_told_so(
    store_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    one, other = Store.open(store_url, clock=clock), Store.open(store_url, clock=clock)
    with one.write() as conn:
        put(conn, account(1))
        with pytest.raises(StorageError) as caught, other.write():
            pass
    assert caught.value.code == "SYN606"
    with other.write() as conn:
        put(conn, account(2))
    one.close()
    other.close()


def test_full_disk_stores_nothing_of_the_transaction(sqlite_store: Store) -> None:
    """SQLite rolls back by itself then; what the caller still sends must not commit on its own."""

    def fill() -> None:
        with sqlite_store.write() as conn:
            put(conn, account("first"))
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
            conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            try:
                put(conn, *(account(number, fields={"name": "x" * 500}) for number in range(2000)))
            except DBAPIError:
                conn.exec_driver_sql("PRAGMA max_page_count=1000000")
                put(conn, account("after"))

    with pytest.raises(StorageError) as caught:
        fill()
    assert caught.value.code == "SYN607"
    assert _count_elsewhere(sqlite_store) == 0
    with sqlite_store.write() as conn:
        put(conn, account("later"))
    assert _count_elsewhere(sqlite_store) == 1


def test_lost_server_connection_is_a_storage_error(store: Store) -> None:
    if store.dialect == "sqlite":
        pytest.skip("there is no server to lose")

    def lose() -> None:
        with store.write() as conn:
            pid = conn.execute(text("SELECT pg_backend_pid()")).scalar()
            _in_thread(lambda: _terminate(store, pid))
            put(conn, account(1))

    with pytest.raises(StorageError) as caught:
        lose()
    assert caught.value.code == "SYN608"
    assert _count_elsewhere(store) == 0


def test_refused_row_is_a_bug_told_without_its_values(store: Store) -> None:
    with pytest.raises(SyncdError) as caught, store.write() as conn:
        conn.execute(text("INSERT INTO users (email) VALUES (:email)"), {"email": "canary@example.com"})
    assert caught.value.code == "SYN609"
    assert caught.value.exit_code is ExitCode.BUG
    shown = "".join(traceback.format_exception(caught.value))
    assert "canary@example.com" not in shown.replace('{"email": "canary@example.com"}', "")


def _write_one(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1))


def _terminate(store: Store, pid: int) -> None:
    with store.read() as conn:
        conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


def _count_elsewhere(store: Store) -> int:
    """How many accounts another thread sees."""
    counts: list[int] = []

    assert _in_threads([lambda: counts.append(_count(store))]) == []
    return counts[0]


def _count(store: Store) -> int:
    with store.read() as conn:
        return len(list(mirror.records(conn, SF, Kind.ACCOUNT)))


def _in_thread(work: object) -> None:
    assert _in_threads([work]) == []


def _in_threads(works: list) -> list[BaseException]:  # type: ignore[type-arg]
    failures: list[BaseException] = []

    def guarded(work) -> None:  # type: ignore[no-untyped-def]
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return failures
