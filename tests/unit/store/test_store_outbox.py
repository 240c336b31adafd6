"""Rows of approved plans: one open row a record, fenced claims, one end, evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from store_builders import OTHER, REP, account_ref, approved, change, leading, plan

from syncd.errors import LeaseHeldError, RefusedError, StorageError, SyncdError
from syncd.model.plans import PlanStatus, RowState
from syncd.model.refs import Ref
from syncd.store import lease, outbox, plans, tables
from syncd.store.engine import Store
from syncd.store.outbox import Ending
from tests.databases import NOW

LATER = NOW + timedelta(seconds=30)
FINAL = [state for state in RowState if state.final]


def _sending(store: Store) -> int:
    """One row in `sending` under epoch 1; returns its id."""
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1)])
        (row,) = outbox.rows(conn)
        outbox.claim(conn, [row.id], epoch=leading(conn).epoch, attempt="a1", now=LATER)
    return row.id


def test_rows_come_out_as_they_went_in(store: Store) -> None:
    parent = account_ref(1)
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1, money="1.5"), change(2, parent=parent)])
        first, second = outbox.rows(conn, "p1")
        assert (first.ref, first.old, first.new, first.fingerprint) == (account_ref(1), REP, OTHER, "fp-1")
        assert (first.state, first.attempts, first.parent, second.parent) == (RowState.APPROVED, 0, None, parent)
        assert outbox.rows(conn, "p2") == ()
        assert outbox.rows(conn, states=[RowState.SENDING]) == ()
        assert outbox.rows(conn, states=[RowState.APPROVED, RowState.SENDING]) == (first, second)
        assert outbox.open_refs(conn) == {account_ref(1), account_ref(2)}


def test_plan_without_rows_is_fine(store: Store) -> None:
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [])
        assert outbox.rows(conn) == ()


@pytest.mark.parametrize("status", [None, PlanStatus.OFFERED, PlanStatus.SUPERSEDED])
def test_rows_of_a_plan_that_is_not_approved_are_refused(store: Store, status: PlanStatus | None) -> None:
    with store.write() as conn:
        if status is PlanStatus.OFFERED:
            plans.save_plan(conn, plan())
        elif status is not None:
            approved(conn)
            plans.set_status(conn, "p1", status)
        with pytest.raises(RefusedError) as caught:
            outbox.enqueue(conn, "p1", [change(1)])
    assert caught.value.code == "SYN615"


def test_record_has_one_open_row(store: Store) -> None:
    with store.write() as conn:
        approved(conn)
        approved(conn, "p2")
        outbox.enqueue(conn, "p1", [change(1)])
        with pytest.raises(RefusedError) as caught:
            outbox.enqueue(conn, "p2", [change(2), change(1)])
        assert caught.value.code == "SYN613"
        assert str(account_ref(1)) in caught.value.summary
        outbox.finish(conn, [Ending(outbox.rows(conn)[0].id, RowState.STALE)], now=NOW)
        outbox.enqueue(conn, "p2", [change(2), change(1)])


def test_record_named_twice_by_a_plan_is_refused(store: Store) -> None:
    with store.write() as conn:
        approved(conn)
        with pytest.raises(RefusedError):
            outbox.enqueue(conn, "p1", [change(1), change(1, new="x")])


def test_database_itself_refuses_a_second_open_row(store: Store) -> None:
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1), change(2)])
    with pytest.raises(SyncdError) as caught, store.write() as conn:
        conn.execute(update(tables.outbox).values(ref=account_ref(1)))
    assert caught.value.code == "SYN609"


def test_expected_changes_are_never_enqueued(store: Store) -> None:
    with store.write() as conn:
        approved(conn)
        with pytest.raises(ValueError, match="awaited"):
            outbox.enqueue(conn, "p1", [change(1, expected=True)])


def test_claim_counts_the_attempt(store: Store) -> None:
    row_id = _sending(store)
    with store.write() as conn:
        (row,) = outbox.rows(conn, states=[RowState.SENDING])
        assert (row.id, row.attempts) == (row_id, 1)
        outbox.reopen(conn, [Ending(row_id, RowState.APPROVED)], now=LATER)
        outbox.claim(conn, [row_id], epoch=1, attempt="a2", now=LATER)
        assert outbox.rows(conn)[0].attempts == 2


def test_claim_keeps_for_each_row_the_stamp_that_its_record_had(store: Store) -> None:
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1), change(2), change(3)])
        ids = [row.id for row in outbox.rows(conn)]
        stamps = {ids[0]: NOW, ids[1]: LATER}
        outbox.claim(conn, ids, epoch=leading(conn).epoch, attempt="a1", now=LATER, stamps=stamps)
        assert [row.stamp for row in outbox.rows(conn)] == [NOW, LATER, None]


def test_claim_is_fenced_by_the_epoch(store: Store) -> None:
    """The old leader wakes up after another took the lease over: it claims nothing."""
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1)])
        ids = [row.id for row in outbox.rows(conn)]
        old = leading(conn, "old")
        new = lease.acquire(conn, "new", now=old.until, ttl=timedelta(minutes=1))
        with pytest.raises(LeaseHeldError) as caught:
            outbox.claim(conn, ids, epoch=old.epoch, attempt="a", now=old.until)
        assert caught.value.code == "SYN702"
        assert outbox.rows(conn)[0].state is RowState.APPROVED
        with pytest.raises(LeaseHeldError) as caught:
            outbox.claim(conn, ids, epoch=new.epoch, attempt="a", now=old.until)
        assert caught.value.code == "SYN720", "a call of the old leader may still be under way"
        outbox.claim(conn, ids, epoch=new.epoch, attempt="a", now=old.until + lease.SETTLE)


@pytest.mark.parametrize("when", [timedelta(minutes=1), timedelta(hours=1)])
def test_claim_needs_a_lease_that_has_not_run_out(store: Store, when: timedelta) -> None:
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1)])
        epoch = leading(conn).epoch
        with pytest.raises(LeaseHeldError):
            outbox.claim(conn, [outbox.rows(conn)[0].id], epoch=epoch, attempt="a", now=NOW + when)


def test_claim_without_any_lease_is_refused(store: Store) -> None:
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1)])
        for epoch in (0, 1):
            with pytest.raises(LeaseHeldError):
                outbox.claim(conn, [outbox.rows(conn)[0].id], epoch=epoch, attempt="a", now=NOW)


def test_claim_takes_all_rows_or_none(store: Store) -> None:
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1), change(2)])
        first, second = (row.id for row in outbox.rows(conn))
        epoch = leading(conn).epoch
        outbox.claim(conn, [second], epoch=epoch, attempt="a1", now=NOW)
    for ids, code in (([first, second], "SYN611"), ([first, 99], "SYN616")):
        with pytest.raises(StorageError) as caught, store.write() as conn:
            outbox.claim(conn, ids, epoch=epoch, attempt="a2", now=NOW)
        assert caught.value.code == code
    with store.read() as conn:
        assert [row.state for row in outbox.rows(conn)] == [RowState.APPROVED, RowState.SENDING]


def test_rows_of_a_superseded_plan_are_not_claimed(store: Store) -> None:
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1)])
        epoch = leading(conn).epoch
        plans.set_status(conn, "p1", PlanStatus.SUPERSEDED)
        with pytest.raises(RefusedError) as caught:
            outbox.claim(conn, [outbox.rows(conn)[0].id], epoch=epoch, attempt="a", now=NOW)
    assert caught.value.code == "SYN615"


@pytest.mark.parametrize("state", FINAL)
def test_sent_row_ends_once_with_evidence(store: Store, state: RowState) -> None:
    row_id = _sending(store)
    with store.write() as conn:
        outbox.finish(conn, [Ending(row_id, state, "C", "m\x00", "req-1", REP, OTHER)], now=LATER)
        assert (outbox.rows(conn)[0].state, outbox.rows(conn)[0].code) == (state, "C")
        (receipt,) = outbox.receipts(conn, "p1")
        assert (receipt.outbox_id, receipt.state, receipt.attempt, receipt.epoch) == (row_id, state, "a1", 1)
        assert (receipt.request_id, receipt.before, receipt.after, receipt.at) == ("req-1", REP, OTHER, LATER)
        assert receipt.message == "m\ufffd"
        assert outbox.open_refs(conn) == frozenset()
        for again in RowState:
            with pytest.raises(StorageError) as caught:
                outbox.finish(conn, [Ending(row_id, again)], now=LATER)
            assert caught.value.code == "SYN611"
        assert outbox.receipts(conn, account_ref(1)) == (receipt,)


@pytest.mark.parametrize("state", list(RowState))
def test_unsent_row_ends_in_anything_but_confirmed(store: Store, state: RowState) -> None:
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(1)])
        row_id = outbox.rows(conn)[0].id
        if state.final and state is not RowState.CONFIRMED:
            outbox.finish(conn, [Ending(row_id, state)], now=LATER)
            assert outbox.receipts(conn, "p1")[0].attempt is None
            return
        with pytest.raises(StorageError) as caught:
            outbox.finish(conn, [Ending(row_id, state)], now=LATER)
        assert caught.value.code == "SYN611"
        assert outbox.receipts(conn, "p1") == ()


def test_only_a_row_in_doubt_is_reopened(store: Store) -> None:
    row_id = _sending(store)
    with store.write() as conn:
        outbox.reopen(conn, [Ending(row_id, RowState.APPROVED, "UNABLE_TO_LOCK_ROW", before=REP)], now=LATER)
        assert outbox.rows(conn)[0].state is RowState.APPROVED
        (receipt,) = outbox.receipts(conn, "p1")
        assert (receipt.state, receipt.code, receipt.before) == (RowState.APPROVED, "UNABLE_TO_LOCK_ROW", REP)
        with pytest.raises(StorageError):
            outbox.reopen(conn, [Ending(row_id, RowState.APPROVED)], now=LATER)
        outbox.finish(conn, [Ending(row_id, RowState.DEAD)], now=LATER)
        with pytest.raises(StorageError):
            outbox.reopen(conn, [Ending(row_id, RowState.APPROVED)], now=LATER)


def test_rows_end_together_or_not_at_all(store: Store) -> None:
    """Many rows are a few statements, and one that cannot end keeps the others open."""
    with store.write() as conn:
        approved(conn)
        outbox.enqueue(conn, "p1", [change(number) for number in range(1, 4)])
        ids = [row.id for row in outbox.rows(conn)]
        outbox.finish(conn, [Ending(ids[0], RowState.STALE, "x", "y")], now=LATER)
    for endings in (
        [Ending(ids[1], RowState.STALE), Ending(ids[0], RowState.DEAD)],
        [Ending(ids[1], RowState.STALE), Ending(ids[2], RowState.CONFIRMED)],
        [Ending(ids[1], RowState.STALE), Ending(ids[1], RowState.STALE)],
        [Ending(ids[1], RowState.STALE), Ending(ids[1], RowState.DEAD)],
    ):
        with pytest.raises(StorageError) as caught, store.write() as conn:
            outbox.finish(conn, endings, now=LATER)
        assert caught.value.code == "SYN611"
    with store.write() as conn:
        assert [row.state for row in outbox.rows(conn)][1:] == [RowState.APPROVED] * 2
        outbox.finish(conn, [Ending(ids[1], RowState.STALE), Ending(ids[2], RowState.CONFLICT, "c")], now=LATER)
        assert outbox.states(conn, "p1", [account_ref(2), account_ref(3), account_ref(9)]) == {
            account_ref(2): RowState.STALE,
            account_ref(3): RowState.CONFLICT,
        }
        assert [(one.outbox_id, one.code) for one in outbox.receipts(conn, "p1")] == [
            (ids[0], "x"),
            (ids[1], None),
            (ids[2], "c"),
        ]


def test_unknown_row_is_told(store: Store) -> None:
    with store.write() as conn:
        for act, state in ((outbox.finish, RowState.DEAD), (outbox.reopen, RowState.APPROVED)):
            with pytest.raises(StorageError) as caught:
                act(conn, [Ending(9, state)], now=NOW)
            assert caught.value.code == "SYN616"


def test_receipts_of_a_record_span_plans(store: Store) -> None:
    with store.write() as conn:
        for plan_id in ("p1", "p2"):
            approved(conn, plan_id)
            outbox.enqueue(conn, plan_id, [change(1), change(2)])
            ended = [Ending(row.id, RowState.SKIPPED_ALREADY) for row in outbox.rows(conn, plan_id)]
            outbox.finish(conn, ended, now=LATER)
        found = outbox.receipts(conn, Ref.parse(str(account_ref(1))))
    assert [receipt.plan_id for receipt in found] == ["p1", "p2"]
