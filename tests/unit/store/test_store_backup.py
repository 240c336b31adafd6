"""Copies of a database in use, an older one made safe to go on from, and what housekeeping takes away."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, text
from store_builders import SF, account, account_ref, approved, change, leading, plan, put

from syncd import crashpoints
from syncd.clock import ManualClock
from syncd.errors import LeaseHeldError, RefusedError, StorageError
from syncd.model.cursors import Cursor
from syncd.model.plans import PlanStatus, RowState
from syncd.model.refs import Kind
from syncd.store import backup, housekeeping, lease, ledger, mirror, outbox, ownership, plans, restoring, runs
from syncd.store.engine import Store
from syncd.store.tables import ledger_payloads
from tests.databases import NOW

DAY = timedelta(days=1)


def file_of(store_url: str) -> Path:
    if not store_url.startswith("sqlite"):
        pytest.skip("PostgreSQL is backed up with its own tools")
    return Path(store_url.removeprefix("sqlite:///"))


def _ledger_row(conn: Connection, event: str = "x", *, at: timedelta = timedelta(0)) -> None:
    ledger.append(
        conn, at=NOW + at, event=event, ref=None, actor=None, run_id=None, facts={}, payload={"name": "Ada Lovelace"}
    )


def test_a_copy_made_while_others_write_is_whole_and_private(
    store: Store, store_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    source, copy = file_of(store_url), tmp_path / "copies" / "syncd.db"
    copy.parent.mkdir()
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            with store.write() as conn:
                _ledger_row(conn)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        size = backup.copy_database(source, copy)
    finally:
        over.set()
        writer.join()
    assert size == copy.stat().st_size > 0
    assert copy.stat().st_mode & 0o077 == 0
    assert [entry.name for entry in copy.parent.iterdir()] == ["syncd.db"], "nothing half-made stays"
    other = Store.open(f"sqlite:///{copy}", clock=clock)
    with other.read() as conn:
        assert ledger.verify(conn).ok
    other.close()


def test_a_backup_never_replaces_a_file(store_url: str, tmp_path: Path) -> None:
    (tmp_path / "there.db").write_text("precious")
    with pytest.raises(StorageError, match="SYN618"):
        backup.copy_database(file_of(store_url), tmp_path / "there.db")
    with pytest.raises(StorageError, match="SYN618"):
        backup.copy_database(file_of(store_url), tmp_path / "nowhere" / "x.db")
    assert (tmp_path / "there.db").read_text() == "precious"


def test_a_damaged_source_gives_no_copy(store: Store, store_url: str, tmp_path: Path) -> None:
    source = file_of(store_url)
    with store.write() as conn:
        put(conn, *(account(number) for number in range(2000)))
    store.close()
    broken = tmp_path / "broken.db"
    shutil.copyfile(source, broken)
    size = broken.stat().st_size
    with broken.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * min(8192, size // 4))
    with pytest.raises(StorageError) as caught:
        backup.copy_database(broken, tmp_path / "copy.db")
    assert caught.value.code in ("SYN623", "SYN605")
    assert not (tmp_path / "copy.db").exists()


def test_a_crash_before_the_copy_has_its_name_leaves_none(store_url: str, tmp_path: Path) -> None:
    source = file_of(store_url)

    def crash(point: str) -> None:
        if point == "backup.before_rename":
            raise KeyboardInterrupt

    crashpoints.install(crash)
    try:
        with pytest.raises(KeyboardInterrupt):
            backup.copy_database(source, tmp_path / "copy.db")
    finally:
        crashpoints.install(None)
    assert not (tmp_path / "copy.db").exists()


def test_a_crash_in_a_restore_leaves_both_databases_and_the_next_one_goes_through(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    target, draft = tmp_path / "before.db", tmp_path / "draft.db"
    for copy in (target, draft):
        backup.copy_database(file_of(store_url), copy)

    def crash(point: str) -> None:
        if point == "restore.before_swap":
            raise KeyboardInterrupt

    crashpoints.install(crash)
    try:
        with pytest.raises(KeyboardInterrupt):
            backup.swap_database(draft, target)
    finally:
        crashpoints.install(None)
    backup.check_database(target)
    backup.swap_database(draft, target)
    backup.check_database(target)
    assert not draft.exists()


def test_a_restored_database_sends_nothing_before_it_was_read(store: Store) -> None:
    """Rows that were in flight are all in doubt, their plan is approved no more, and the epoch is a new one."""
    with store.write() as conn:
        held = leading(conn)
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1), change(2), change(3)])
        ids = [row.id for row in outbox.rows(conn)]
        outbox.claim(conn, ids[:1], epoch=held.epoch, attempt="a", now=NOW)
        outbox.finish(conn, [outbox.Ending(ids[0], RowState.CONFIRMED)], now=NOW)
        outbox.claim(conn, ids[1:2], epoch=held.epoch, attempt="b", now=NOW)
        mirror.set_cursor(conn, Cursor(SF, Kind.ACCOUNT, "live", NOW))
        mirror.mark_complete(conn, SF, as_of=NOW, run_id="r", mapping_revision="m")
        runs.start_run(conn, "r1", "pull", now=NOW)
        done = restoring.mark_restored(conn, now=NOW, who="uid:1", source="b.db", epoch=77)
    assert (done.plans, done.rows) == (1, 2)
    with store.write() as conn:
        states = [row.state for row in outbox.rows(conn)]
        assert states == [RowState.CONFIRMED, RowState.SENDING, RowState.SENDING]
        assert plans.get_plan(conn, "p1").status is PlanStatus.SUPERSEDED
        assert mirror.get_cursor(conn, SF, Kind.ACCOUNT).through is None
        assert not mirror.mirror_status(conn)[SF].complete
        assert ownership.adopted_at(conn) is None
        assert runs.get_run(conn, "r1").outcome == "cut off"  # type: ignore[union-attr]
        assert len(outbox.receipts(conn, "p1")) == 1
        assert ledger.verify(conn).ok
        assert ledger.entries(conn, event="database.restored")[0].facts["rows"] == 2
        fresh = lease.acquire(conn, "me", now=NOW, ttl=timedelta(minutes=1))
        assert fresh.epoch == 78
        with pytest.raises((RefusedError, LeaseHeldError, StorageError)):
            outbox.claim(conn, ids[1:2], epoch=fresh.epoch, attempt="c", now=NOW)


def clean(store: Store, part: str, after: timedelta) -> int:
    with store.write() as conn:
        return housekeeping.PARTS[part](conn, NOW + after - housekeeping.RETENTION[part])


def test_records_gone_for_good_are_dropped_after_thirty_days_and_not_before(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1), account(2))
        mirror.mark_gone(conn, SF, Kind.ACCOUNT, ["2"], now=NOW, run_id="r")
    assert clean(store, "records", 30 * DAY) == 0
    assert clean(store, "records", 30 * DAY + timedelta(seconds=1)) == 1
    with store.read() as conn:
        assert mirror.get_record(conn, account_ref(1)) is not None
        assert mirror.get_record(conn, account_ref(2)) is None


def test_payloads_go_after_four_hundred_days_and_the_chain_still_holds(store: Store) -> None:
    with store.write() as conn:
        _ledger_row(conn)
        _ledger_row(conn, at=399 * DAY)
    assert clean(store, "payloads", 401 * DAY) == 1
    with store.read() as conn:
        assert ledger.verify(conn).ok
        assert conn.execute(select(func.count()).select_from(ledger_payloads)).scalar() == 1


def test_plans_that_nobody_approved_go_and_those_with_receipts_stay(store: Store) -> None:
    with store.write() as conn:
        plans.save_plan(conn, plan("p9", PlanStatus.PREVIEW))
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1)])
    assert clean(store, "plans", 31 * DAY) == 1
    with store.read() as conn:
        assert plans.get_plan(conn, "p1").plan_id == "p1"
        assert len(plans.list_plans(conn, 10)) == 1


def test_the_newest_success_of_each_job_stays_for_ever(store: Store) -> None:
    with store.write() as conn:
        for number, job in enumerate(("pull", "pull", "sweep")):
            runs.start_run(conn, f"r{number}", job, now=NOW + timedelta(minutes=number))
            runs.finish_run(conn, f"r{number}", "ok", now=NOW + timedelta(minutes=number), summary={})
    assert clean(store, "frequent runs", 20 * DAY) == 1
    assert clean(store, "runs", 500 * DAY) == 0
    with store.read() as conn:
        assert [run.run_id for run in runs.runs(conn, 10)] == ["r2", "r1"]


def test_no_part_of_housekeeping_touches_receipts_or_the_chain(store: Store) -> None:
    with store.write() as conn:
        held = leading(conn)
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1)])
        ids = [row.id for row in outbox.rows(conn)]
        outbox.claim(conn, ids, epoch=held.epoch, attempt="a", now=NOW)
        outbox.finish(conn, [outbox.Ending(ids[0], RowState.CONFIRMED)], now=NOW)
        _ledger_row(conn)
    for part in housekeeping.PARTS:
        clean(store, part, 9999 * DAY)
    with store.read() as conn:
        assert len(outbox.receipts(conn, "p1")) == 1
        assert ledger.verify(conn).ok
        assert len(ledger.entries(conn)) >= 1


def test_an_epoch_that_was_taken_over_commits_nothing(store: Store) -> None:
    """The fence: whatever an old leader writes, a page or a plan or a receipt, is refused in its own transaction."""
    with store.write() as conn:
        old = leading(conn, "old")
    store.fence(old.epoch)
    with store.write() as conn:
        put(conn, account(1))
    store.fence(None)
    with store.write() as conn:
        lease.acquire(conn, "new", now=old.until, ttl=timedelta(minutes=1))
    store.fence(old.epoch)
    with pytest.raises(LeaseHeldError, match="SYN702"), store.write() as conn:
        put(conn, account(2))
    store.fence(None)
    with store.read() as conn:
        assert mirror.get_record(conn, account_ref(2)) is None


def test_a_lease_that_ran_out_and_nobody_took_may_still_commit(store: Store, clock: ManualClock) -> None:
    with store.write() as conn:
        held = leading(conn)
    clock.advance(timedelta(hours=1))
    store.fence(held.epoch)
    with store.write() as conn:
        put(conn, account(1))
    store.fence(None)
    with store.read() as conn:
        assert mirror.get_record(conn, account_ref(1)) is not None


def test_an_unmoved_lease_is_taken_whatever_the_wall_clocks_say(store: Store) -> None:
    with store.write() as conn:
        old = lease.acquire(conn, f"there{lease.DAEMON}", now=NOW + timedelta(hours=1), ttl=timedelta(seconds=20))
        with pytest.raises(LeaseHeldError):
            lease.acquire(conn, "me", now=NOW, ttl=timedelta(seconds=20), unmoved=old.epoch + 1)
        taken = lease.acquire(conn, "me", now=NOW, ttl=timedelta(seconds=20), unmoved=old.epoch)
        assert taken.writes_from == NOW + lease.SETTLE
        with pytest.raises(LeaseHeldError, match="SYN720"):
            lease.require_writing(conn, taken.epoch, now=NOW + timedelta(seconds=19))


def test_a_second_takeover_does_not_shorten_the_wait_of_the_first(store: Store) -> None:
    with store.write() as conn:
        lease.acquire(conn, f"a{lease.DAEMON}", now=NOW, ttl=timedelta(seconds=20))
        second = lease.acquire(conn, "b", now=NOW + timedelta(seconds=20), ttl=timedelta(seconds=60))
        assert second.writes_from == NOW + timedelta(seconds=40)
        lease.release(conn, second)
        third = lease.acquire(conn, "c", now=NOW + timedelta(seconds=25), ttl=timedelta(seconds=60))
        assert third.writes_from == NOW + timedelta(seconds=40)


def test_a_full_disk_is_told_and_nothing_half_written_stays(store: Store, store_url: str) -> None:
    """A file that may not grow is what a full disk is to SQLite."""
    file_of(store_url)
    with store.write() as conn:
        put(conn, account(1))
    with store.read() as conn:
        pages = conn.execute(text("PRAGMA page_count")).scalar()
    with store.write() as conn:
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StorageError, match="SYN607"), store.write() as conn:
        put(conn, *(account(number) for number in range(2, 5000)))
    with store.write() as conn:
        conn.exec_driver_sql("PRAGMA max_page_count=1073741823")
    with store.read() as conn:
        assert mirror.get_record(conn, account_ref(1)) is not None
        assert mirror.get_record(conn, account_ref(2)) is None
    with sqlite3.connect(file_of(store_url)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
