"""What storing pages of records does to the mirror."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from store_builders import HS, LIVE, OTHER, REP, SF, account, account_ref, deal, page, put

from syncd.errors import ForeignSystemError, StorageError
from syncd.model.cursors import Cursor, Window
from syncd.model.refs import Kind, Ref
from syncd.store import mirror, ownership, tables
from syncd.store.engine import Store
from tests.databases import NOW

LATER = NOW + timedelta(hours=1)


def test_page_and_cursor_are_stored_together(store: Store) -> None:
    cursor = replace(LIVE, window=Window(None, NOW), resume="next")
    with store.write() as conn:
        result = mirror.store_page(conn, page(account(1), account(2)), cursor, now=NOW, run_id="r")
    assert result == mirror.PageResult(read=2, changed=2, deleted=0, owner_changes=0)
    with store.read() as conn:
        assert mirror.get_cursor(conn, SF, Kind.ACCOUNT) == cursor
        assert [record.ref.id for record in mirror.records(conn, SF, Kind.ACCOUNT)] == ["1", "2"]


def test_failing_cursor_takes_the_page_back(store: Store) -> None:
    with store.write() as conn:
        mirror.set_cursor(conn, replace(LIVE, through=NOW))
    with pytest.raises(StorageError), store.write() as conn:
        mirror.store_page(conn, page(account(1)), LIVE, now=NOW, run_id="r")
    with store.read() as conn:
        assert mirror.get_record(conn, account_ref(1)) is None


def test_every_part_of_a_record_survives(store: Store) -> None:
    record = account(
        1,
        fields={"name": "Köln & Söhne 株式会社 🏭", "note": "a\x00b", "broken": "x\udc80y", "lines": "1\r\n2"},
        owner=REP,
        account="001-parent",
        deleted=True,
        merged_into="001-winner",
        merged_from=("9", "8"),
        modified_by=OTHER,
    )
    with store.write() as conn:
        put(conn, record)
    with store.read() as conn:
        stored = mirror.get_record(conn, record.ref)
    assert stored == record
    assert stored.content_hash() == record.content_hash()


def test_a_page_of_strangers_is_stored_as_the_same_records_beside_one_that_is_known(store: Store) -> None:
    odd = (
        account(2, fields={"name": "  Köln  & SÖHNE\x00", "website": "https://WWW.Köln.example/a"}, owner=REP + "\x00"),
        account(3, fields={}, owner=None, deleted=True, merged_into="2", merged_from=("8", "9")),
        account(4, fields={"name": "x\udc80", "domain": "acme.com"}, account="1\udc80", modified_by=OTHER),
    )
    rows, told = [], []
    columns = [column for column in tables.records.c if column.name != "change_seq"]
    query = select(*columns).where(tables.records.c.id != "1").order_by(tables.records.c.id)
    for known in ((), (account(1),)):
        with store.write() as conn:
            conn.execute(tables.records.delete())
            put(conn, *known)
            told.append(put(conn, *known, *odd).changed)
            rows.append([tuple(row) for row in conn.execute(query)])
            sequence = conn.execute(select(tables.records.c.change_seq).order_by(tables.records.c.change_seq))
            assert list(sequence.scalars()) == [*range(1, 4 + len(known))]
    assert rows[0] == rows[1]
    assert (len(rows[0]), told) == (3, [3, 3])


def test_same_content_is_no_change(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1))
        mark = mirror.last_change(conn)
        again = put(conn, account(1), now=LATER)
        assert again == mirror.PageResult(read=1, changed=0, deleted=0, owner_changes=0)
        assert mirror.last_change(conn) == mark


def test_later_stamp_with_same_content_moves_the_stamp_and_is_no_change(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1, at=0))
        assert put(conn, account(1, at=60, modified_by=OTHER)).changed == 0
        stored = mirror.get_record(conn, account_ref(1))
        assert stored.stamp == NOW + timedelta(seconds=60)
        assert stored.modified_by == OTHER
        assert put(conn, account(1, at=30, fields={"name": "Older"})).changed == 0
        assert mirror.get_record(conn, account_ref(1)).fields["name"] == "Company 1"


def test_older_version_never_overwrites_a_newer_one(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1, at=60, fields={"name": "New"}))
        assert put(conn, account(1, at=59, fields={"name": "Old"}, owner=OTHER)).changed == 0
        assert mirror.get_record(conn, account_ref(1)).fields == {"name": "New"}
        assert ownership.owner_changes(conn) == {}


def test_later_reading_with_the_same_stamp_wins(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1, fields={"name": "First"}))
        assert put(conn, account(1, fields={"name": "Second"})).changed == 1
        assert mirror.get_record(conn, account_ref(1)).fields == {"name": "Second"}


@pytest.mark.parametrize("newest_first", [True, False])
def test_newest_of_one_record_in_a_page_wins(store: Store, newest_first: bool) -> None:
    versions = [account(1, at=0, fields={"name": "Old"}), account(1, at=5, fields={"name": "New"})]
    with store.write() as conn:
        result = put(conn, *(versions[::-1] if newest_first else versions))
        assert result == mirror.PageResult(read=2, changed=1, deleted=0, owner_changes=0)
        assert mirror.get_record(conn, account_ref(1)).fields == {"name": "New"}


def test_deletion_and_return_are_changes(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1))
        assert put(conn, account(1, at=1, deleted=True)) == mirror.PageResult(1, 1, 1, 0)
        assert put(conn, account(1, at=2, deleted=True)).deleted == 0
        assert list(mirror.records(conn, SF, Kind.ACCOUNT)) == []
        assert len(list(mirror.records(conn, SF, Kind.ACCOUNT, include_deleted=True))) == 1
        assert put(conn, account(1, at=3)).changed == 1
        assert len(list(mirror.records(conn, SF, Kind.ACCOUNT))) == 1


def test_record_first_seen_deleted_is_no_new_deletion(store: Store) -> None:
    with store.write() as conn:
        assert put(conn, account(1, deleted=True)) == mirror.PageResult(1, 1, 0, 0)


def test_owner_change_is_logged_with_both_instants(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1), deal(1, 1))
        result = put(conn, account(1, at=30, owner=OTHER, modified_by="005-who"), now=LATER)
        assert result.owner_changes == 1
        put(conn, account(1, at=60, owner=None), now=LATER)
        latest = ownership.owner_changes(conn)
        assert latest == {account_ref(1): ownership.OwnerChange(NOW + timedelta(seconds=60), OTHER, None, LATER, None)}
        history = ownership.owner_history(conn, account_ref(1))
    assert [(change.old, change.new, change.modified_by) for change in history] == [
        (REP, OTHER, "005-who"),
        (OTHER, None, None),
    ]


def test_owner_at_first_sight_is_no_change(store: Store) -> None:
    with store.write() as conn:
        assert put(conn, account(1)).owner_changes == 0
        assert ownership.owner_changes(conn, [account_ref(1)]) == {}


def test_changes_are_numbered_once_and_forward(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1), account(2))
        mark = mirror.last_change(conn)
        put(conn, account(2), account(3), account(1, at=1, owner=OTHER))
        assert list(mirror.changed_since(conn, mark)) == [account_ref(3), account_ref(1)]
        assert mirror.last_change(conn) == mark + 2
        assert conn.execute(select(func.count(tables.records.c.change_seq.distinct()))).scalar() == 3


def test_losers_of_a_merge_are_retired_to_the_winner(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1, system=HS), account(2, system=HS))
        merged = account(1, at=5, system=HS, merged_from=("2", "99"))
        assert put(conn, merged) == mirror.PageResult(read=1, changed=2, deleted=1, owner_changes=0)
        loser = mirror.get_record(conn, account_ref(2, HS))
        assert (loser.deleted, loser.merged_into) == (True, "1")
        assert put(conn, merged).changed == 0
        stale_index = account(2, system=HS)
        assert put(conn, stale_index).changed == 0
        assert mirror.get_record(conn, account_ref(2, HS)).deleted
        assert put(conn, account(2, at=60, system=HS)).changed == 1


def test_records_stream_in_the_order_of_their_bytes(store: Store) -> None:
    ids = ["a1", "B1", "A1", "001b", "001B", "é", "z", "Z", "10", "9"]
    with store.write() as conn:
        put(conn, *(account(number) for number in ids), deal(5, 1), account(1, system=HS))
    with store.read() as conn:
        assert [record.ref.id for record in mirror.records(conn, SF, Kind.ACCOUNT)] == sorted(ids)


def test_opportunities_and_children_are_found_by_account(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1), account(2), account(3, account="1"))
        put(conn, deal(2, 1), deal(1, 1), deal(3, 2), deal(4, 1, deleted=True), deal(5, 9))
        found = mirror.records_of_account(conn, [account_ref(1), account_ref(2), account_ref(1, HS)])
        assert [record.ref.id for record in found] == ["006-1", "006-2", "006-3"]
        children = mirror.records_of_account(conn, [account_ref(1)], Kind.ACCOUNT)
        assert [record.ref for record in children] == [account_ref(3)]


def test_thousands_of_records_are_stored_and_found(store: Store) -> None:
    records = [account(f"{number:05}") for number in range(2500)]
    with store.write() as conn:
        assert put(conn, *records).changed == 2500
        assert put(conn, *records).changed == 0
    with store.read() as conn:
        assert list(mirror.records(conn, SF, Kind.ACCOUNT)) == records


def test_page_of_another_kind_or_system_is_refused(store: Store) -> None:
    with store.write() as conn:
        for foreign in (deal(1, 1), account(1, system=HS)):
            with pytest.raises(ValueError, match="holds others"):
                mirror.store_page(conn, page(foreign), LIVE, now=NOW, run_id="r")


def test_cursor_is_fresh_before_the_first_page(store: Store) -> None:
    with store.read() as conn:
        assert mirror.get_cursor(conn, HS, Kind.OPPORTUNITY, "delayed") == Cursor(HS, Kind.OPPORTUNITY, "delayed")


def test_cursors_of_lanes_are_apart(store: Store) -> None:
    delayed = Cursor(HS, Kind.ACCOUNT, "delayed", NOW, Window(NOW, LATER), "token")
    with store.write() as conn:
        mirror.set_cursor(conn, delayed)
        assert mirror.get_cursor(conn, HS, Kind.ACCOUNT, "delayed") == delayed
        assert mirror.get_cursor(conn, HS, Kind.ACCOUNT).through is None


@pytest.mark.parametrize("through", [None, NOW - timedelta(milliseconds=1)])
def test_cursor_never_goes_back(store: Store, through: object) -> None:
    with store.write() as conn:
        mirror.set_cursor(conn, replace(LIVE, through=NOW))
        mirror.set_cursor(conn, replace(LIVE, through=NOW, window=Window(NOW, LATER), resume="2"))
        with pytest.raises(StorageError) as caught:
            mirror.set_cursor(conn, replace(LIVE, through=through))  # type: ignore[arg-type]
        assert caught.value.code == "SYN610"
        assert mirror.get_cursor(conn, SF, Kind.ACCOUNT).resume == "2"


def test_system_is_bound_to_one_organization(store: Store) -> None:
    with store.write() as conn:
        assert mirror.bound_account(conn, SF) is None
        mirror.bind_system(conn, SF, "00D1", now=NOW)
        mirror.bind_system(conn, SF, "00D1", now=NOW)
        mirror.bind_system(conn, HS, "4711", now=NOW)
        with pytest.raises(ForeignSystemError) as caught:
            mirror.bind_system(conn, SF, "00D2", now=NOW)
        assert caught.value.code == "SYN403"
        assert mirror.bound_account(conn, SF) == "00D1"


def test_status_says_how_fresh_and_how_large_each_mirror_is(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1), account(2, deleted=True), deal(1, 1), deal(2, 1))
        mirror.bind_system(conn, HS, "4711", now=NOW)
        mirror.mark_complete(conn, SF, as_of=NOW, run_id="r", mapping_revision="m1")
        mirror.set_outcome(conn, SF, "failed", "salesforce: SYN401 no\x00 answer", now=LATER)
        status = mirror.mirror_status(conn)
    assert status[SF] == mirror.MirrorStatus(
        as_of=NOW,
        complete=True,
        mapping_revision="m1",
        records={Kind.ACCOUNT: 1, Kind.OPPORTUNITY: 2},
        last_outcome="failed",
        last_error="salesforce: SYN401 no\ufffd answer",
    )
    assert status[HS] == mirror.MirrorStatus(None, False, None, {}, None, None)


def test_unknown_outcome_is_refused(store: Store) -> None:
    with store.write() as conn, pytest.raises(ValueError, match="incomplete"):
        mirror.set_outcome(conn, SF, "fine", None, now=NOW)


def test_reading_one_record_puts_it_into_the_mirror_without_a_cursor(store: Store) -> None:
    with store.write() as conn:
        result = mirror.record_reading(conn, iter([account(1)]), now=NOW, run_id=None)
        assert result.changed == 1
        assert mirror.get_cursor(conn, SF, Kind.ACCOUNT).through is None
        assert mirror.get_record(conn, Ref(SF, Kind.ACCOUNT, "none")) is None


def test_stream_may_be_left_half_way(store: Store) -> None:
    with store.write() as conn:
        put(conn, *(account(f"{number:05}") for number in range(1500)))
    with store.read() as conn:
        assert next(mirror.records(conn, SF, Kind.ACCOUNT)).ref.id == "00000"
        assert next(mirror.changed_since(conn, 0)).id == "00000"
    with store.write() as conn:
        assert put(conn, account(1, at=1)).changed == 1
