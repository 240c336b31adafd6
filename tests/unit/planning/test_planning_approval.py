"""Approvals: who may have what approved, and what becomes of the plans that are not carried out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from planning_world import SF, World, account, answer, decision, facts, failing, pack, plan_input

from syncd.connectors.port import WriteOutcome
from syncd.errors import AuthError, GuardTrippedError, RefusedError, RetryableError, UsageError
from syncd.model.plans import PlanStatus, RowState, SavedPlan
from syncd.planning.approval import approve, expire
from syncd.planning.proposing.builder import PlanInput
from syncd.rules.pack import Guard
from syncd.store import ledger, outbox, plans


def book_of(count: int, **changes: object) -> PlanInput:
    books = [facts(number) for number in range(1, count + 1)]
    return plan_input(*((book, decision(book)) for book in books), **changes)


def status(world: World, plan: SavedPlan) -> PlanStatus:
    with world.store.read() as conn:
        return plans.get_plan(conn, plan.plan_id).status


def refusal(world: World, plan: SavedPlan, *limits: str) -> str:
    with pytest.raises((RefusedError, GuardTrippedError, UsageError)) as caught:
        world.approve(plan, *limits)
    return caught.value.code


def test_an_approval_says_who_why_and_binds_to_the_hash(world: World) -> None:
    source = book_of(2)
    plan = world.approved(source)
    with world.store.read() as conn:
        approval = plans.approval(conn, plan.plan_id)
        (entry,) = ledger.entries(conn, event="plan.approved")
        rows = outbox.rows(conn, plan.plan_id)
    assert approval is not None
    assert (approval.who, approval.why, approval.plan_hash) == ("mei", "agreed", plan.hash)
    assert (entry.actor, entry.facts["rows"], entry.payload) == ("mei", 2, {"why": "agreed"})
    assert [row.state for row in rows] == [RowState.APPROVED] * 2
    assert plan.status is PlanStatus.APPROVED


def test_a_unique_prefix_names_a_plan(world: World) -> None:
    plan = world.save(book_of(1))
    with world.store.write() as conn:
        found = approve(conn, plan.plan_id[:4], who="mei", why="agreed", now=world.clock.now())
    assert found.plan_id == plan.plan_id


def test_another_hash_than_the_one_that_was_shown_is_refused(world: World) -> None:
    plan = world.save(book_of(1))
    with world.store.write() as conn, pytest.raises(RefusedError):
        approve(conn, plan.plan_id, who="mei", why="agreed", now=world.clock.now(), plan_hash="0" * 64)


def test_a_preview_cannot_be_approved(world: World) -> None:
    assert refusal(world, world.save(book_of(1), offered=False)) == "SYN503"


def test_an_expired_plan_cannot_be_approved(world: World) -> None:
    plan = world.save(book_of(1))
    world.clock.advance(timedelta(hours=24))
    assert refusal(world, plan) == "SYN504"


def test_a_plan_is_approved_once(world: World) -> None:
    assert refusal(world, world.approved(book_of(1))) == "SYN505"


def test_an_approval_has_to_name_every_limit_that_tripped(world: World) -> None:
    source = book_of(3, pack=pack(guard=Guard(changes_max=2, per_rep=2)))
    plan = world.save(source)
    with pytest.raises(GuardTrippedError) as caught:
        world.approve(plan, "changes.max")
    assert caught.value.code == "SYN507"
    assert "--limit per_rep" in str(caught.value.hint)
    assert "--limit changes.max" not in str(caught.value.hint)
    assert status(world, plan) is PlanStatus.OFFERED
    world.approve(plan, "changes.max", "per_rep")
    assert status(world, plan) is PlanStatus.APPROVED
    with world.store.read() as conn:
        (entry,) = ledger.entries(conn, event="plan.approved")
    assert entry.facts["limits"] == "changes.max,per_rep"


def test_an_unknown_limit_is_a_usage_error(world: World) -> None:
    assert refusal(world, world.save(book_of(1)), "change.max") == "SYN508"


def test_nothing_is_approved_before_adoption(world: World) -> None:
    from sqlalchemy import delete

    from syncd.store.tables import adoptions

    with world.store.write() as conn:
        conn.execute(delete(adoptions))
    assert refusal(world, world.save(book_of(1))) == "SYN509"


def test_another_approval_supersedes_a_plan_whose_rows_were_not_sent(world: World) -> None:
    source = book_of(2)
    first = world.approved(source)
    second = world.approve(world.save(source))
    assert status(world, first) is PlanStatus.SUPERSEDED
    assert {row.state for row in world.rows(first).values()} == {RowState.STALE}
    assert {row.code for row in world.rows(first).values()} == {"superseded"}
    assert set(world.states(second).values()) == {"approved"}
    with pytest.raises(RefusedError) as caught:
        world.apply(first, source)
    assert caught.value.code == "SYN505"


def test_an_approval_is_refused_while_a_row_of_its_records_is_in_doubt(world: World) -> None:
    source = book_of(1)
    first = world.approved(source)
    world.crms[SF].script = [failing(RetryableError("SYN430", "timeout"))]
    world.crms[SF].read_errors = [None, AuthError("SYN420", "revoked")]
    world.apply(first, source)
    assert world.states(first) == {account(1).id: "sending"}
    assert refusal(world, world.save(source)) == "SYN510"
    assert status(world, first) is PlanStatus.APPROVED


def test_expiry_closes_rows_that_were_not_sent(world: World) -> None:
    source = book_of(2)
    plan = world.approved(source)
    world.crms[SF].batch_size = 1
    world.crms[SF].script = [None, failing(AuthError("SYN420", "revoked"))]
    world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "confirmed", account(2).id: "approved"}
    world.clock.advance(timedelta(hours=24))
    with world.store.write() as conn:
        assert expire(conn, now=world.clock.now()) == (plan.plan_id,)
    assert world.states(plan) == {account(1).id: "confirmed", account(2).id: "stale"}
    assert status(world, plan) is PlanStatus.EXPIRED


def test_expiry_leaves_plans_that_have_time_left(world: World) -> None:
    plan = world.approved(book_of(1))
    with world.store.write() as conn:
        assert expire(conn, now=world.clock.now()) == ()
    assert set(world.states(plan).values()) == {"approved"}


def test_a_refused_row_does_not_keep_its_plan_open(world: World) -> None:
    source = book_of(1)
    plan = world.approved(source)
    world.crms[SF].script = [answer(WriteOutcome.REJECTED, code="LOCKED")]
    world.apply(plan, source)
    assert status(world, plan) is PlanStatus.APPLIED
