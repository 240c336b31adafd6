"""Undo: the way back is a plan like any other, over what was really written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from planning_world import (
    HS,
    PEOPLE,
    SF,
    World,
    account,
    answer,
    deal,
    decision,
    email,
    facts,
    opportunity,
    plan_input,
    user_id,
)

from syncd.connectors.port import WriteOutcome
from syncd.errors import ExitCode, InputError, RefusedError
from syncd.model.plans import PlanStatus, SavedPlan
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref
from syncd.planning.proposing.builder import PlanInput
from syncd.planning.proposing.document import changes_of
from syncd.planning.undo import plan_undo
from syncd.store import mirror, outbox, ownership, plans


def book_of(count: int, **changes: object) -> PlanInput:
    books = [facts(number) for number in range(1, count + 1)]
    return plan_input(*((book, decision(book)) for book in books), **changes)


def undo(world: World, target: str, plan_id: str = "undo1") -> SavedPlan:
    with world.store.write() as conn:
        return plan_undo(conn, target, plan_id=plan_id, now=world.clock.now())


def applied(world: World, source: PlanInput) -> SavedPlan:
    plan = world.approved(source)
    world.apply(plan, source)
    return plan


def rows(plan: SavedPlan) -> list[tuple[Ref, str | None, str]]:
    return [(change.ref, change.old, change.new) for change in changes_of(plan)]


def test_an_undo_swaps_what_was_confirmed_and_restores_it(world: World) -> None:
    source = book_of(2, opportunities=[opportunity(1, account(1))])
    before = dict(world.crms[SF].owners)
    plan = applied(world, source)
    back = undo(world, plan.plan_id)
    assert back.kind == "undo"
    assert rows(back) == [
        (account(1), "005anna", "005old"),
        (account(2), "005anna", "005old"),
        (deal(1), "005anna", "005old"),
    ]
    assert world.apply(world.approve(back), source).exit_code == ExitCode.OK
    assert world.crms[SF].owners == before | {account(1): "005old", account(2): "005old", deal(1): "005old"}


def test_an_undo_needs_an_approval(world: World) -> None:
    source = book_of(1)
    back = undo(world, applied(world, source).plan_id)
    assert back.status is PlanStatus.OFFERED
    with pytest.raises(RefusedError) as caught:
        world.apply(back, source)
    assert caught.value.code == "SYN517"


def test_only_confirmed_rows_are_undone(world: World) -> None:
    source = book_of(3)
    plan = world.approved(source)
    world.crms[SF].owners[account(1)] = "005cleo"
    world.crms[SF].owners[account(2)] = "005anna"
    world.apply(plan, source)
    assert rows(undo(world, plan.plan_id)) == [(account(3), "005anna", "005old")]


def test_a_record_that_somebody_edited_since_is_a_conflict_and_stays(world: World) -> None:
    source = book_of(2)
    back = undo(world, applied(world, source).plan_id)
    world.approve(back)
    world.crms[SF].owners[account(1)] = "005cleo"
    report = world.apply(back, source)
    assert world.states(back) == {account(1).id: "conflict", account(2).id: "confirmed"}
    assert world.crms[SF].owners[account(1)] == "005cleo"
    assert report.exit_code == ExitCode.PARTIAL


def test_an_undo_of_an_undo_writes_the_plan_again(world: World) -> None:
    source = book_of(1)
    back = undo(world, applied(world, source).plan_id)
    world.apply(world.approve(back), source)
    forth = undo(world, back.plan_id, "undo2")
    world.apply(world.approve(forth), source)
    assert world.crms[SF].owners[account(1)] == "005anna"


def test_an_undo_lists_what_others_changed_since_before_it_is_approved(world: World) -> None:
    source = book_of(2, opportunities=[opportunity(1, account(1))])
    plan = applied(world, source)
    for ref in (account(1), deal(1)):
        world.crms[SF].owners[ref] = "005cleo"
    moved = Record(account(1), world.clock.now() + timedelta(hours=1), {}, "005cleo", modified_by="005ben")
    world.clock.advance(timedelta(hours=2))
    with world.store.write() as conn:
        mirror.record_reading(conn, [moved], now=world.clock.now(), run_id="r1")
    back = undo(world, plan.plan_id)
    assert rows(back) == [(account(2), "005anna", "005old"), (deal(1), "005anna", "005old")]
    (conflict,) = [item for entry in back.document["decisions"] for item in entry.get("left_out", ())]
    assert (conflict["ref"], conflict["reason"]) == (str(account(1)), "changed-since")
    assert "005cleo since a change by 005ben on 2026-11-20 11:00Z" in conflict["text"]
    assert back.document["summary"]["changes"] == 2
    world.apply(world.approve(back), source)
    assert world.states(back) == {account(2).id: "confirmed", deal(1).id: "conflict"}


def test_a_company_that_is_all_conflict_is_held_in_the_undo(world: World) -> None:
    source = book_of(2)
    plan = applied(world, source)
    with world.store.write() as conn:
        gone = Record(account(1), world.clock.now() + timedelta(hours=1), {}, "005cleo")
        mirror.record_reading(conn, [gone], now=world.clock.now(), run_id="r1")
    document = undo(world, plan.plan_id).document
    outcomes = {entry["company"]: (entry["outcome"], entry["reason"]) for entry in document["decisions"]}
    assert outcomes == {str(account(1)): ("held", "changed-since"), str(account(2)): ("change", "undo")}
    assert (document["summary"]["changes"], document["summary"]["held"]) == (1, 1)


def test_an_owner_who_may_not_own_any_more_is_named_before_the_undo_is_approved(world: World) -> None:
    books = [facts(1), facts(2, owned_by="ben")]
    source = plan_input(*((book, decision(book)) for book in books))
    plan = applied(world, source)
    with world.store.write() as conn:
        people = [User(Ref(SF, Kind.USER, user_id(name, SF)), email(name), name, name != "ben") for name in PEOPLE]
        mirror.store_users(conn, SF, people, now=world.clock.now(), run_id="r1")
    back = undo(world, plan.plan_id)
    assert rows(back) == [(account(1), "005anna", "005old")]
    (item,) = [item for entry in back.document["decisions"] for item in entry.get("left_out", ())]
    assert (item["ref"], item["reason"]) == (str(account(2)), "owner-not-in-system")


def test_an_undo_of_nothing_but_conflicts_is_refused_and_names_one(world: World) -> None:
    source = book_of(1)
    plan = applied(world, source)
    with world.store.write() as conn:
        taken = Record(account(1), world.clock.now() + timedelta(hours=1), {}, "005cleo")
        mirror.record_reading(conn, [taken], now=world.clock.now(), run_id="r1")
    with pytest.raises(RefusedError) as caught:
        undo(world, plan.plan_id)
    assert caught.value.code == "SYN522"
    assert "005cleo" in caught.value.summary


def test_an_undo_of_an_undo_restores_the_rows_that_both_wrote(world: World) -> None:
    source = book_of(3)
    plan = applied(world, source)
    back = undo(world, plan.plan_id)
    world.approve(back)
    world.crms[SF].owners[account(2)] = "005cleo"
    world.apply(back, source)
    forth = undo(world, back.plan_id, "undo2")
    assert rows(forth) == [(account(1), "005old", "005anna"), (account(3), "005old", "005anna")]
    world.apply(world.approve(forth), source)
    owners = world.crms[SF].owners
    assert [owners[account(number)] for number in (1, 2, 3)] == ["005anna", "005cleo", "005anna"]


def test_one_record_is_undone_with_the_opportunities_that_followed_it(world: World) -> None:
    source = book_of(2, opportunities=[opportunity(1, account(1)), opportunity(2, account(2))])
    applied(world, source)
    assert [ref for ref, _, _ in rows(undo(world, str(account(1))))] == [account(1), deal(1)]


def test_a_run_is_undone_by_its_id(world: World) -> None:
    source = book_of(1)
    applied(world, source)
    assert [ref for ref, _, _ in rows(undo(world, "run1"))] == [account(1)]


def test_a_write_whose_answer_was_lost_is_undone_too(world: World) -> None:
    source = book_of(1)
    plan = world.approved(source)
    world.crms[SF].script = [answer(WriteOutcome.UNKNOWN, applied=True)]
    world.apply(plan, source)
    assert len(rows(undo(world, plan.plan_id))) == 1


def test_what_the_native_sync_writes_after_us_is_expected_back(world: World) -> None:
    book = facts(1, systems=(SF, HS))
    source = plan_input((book, decision(book)), expected=frozenset({HS}))
    back = undo(world, applied(world, source).plan_id)
    assert {change.ref: change.expected for change in changes_of(back)} == {account(1, HS): True, account(1): False}
    world.apply(world.approve(back), source)
    with world.store.read() as conn:
        mark = ownership.marks(conn)[account(1, HS)]
    assert (mark.owner, mark.source) == ("77old", "expected")


def test_a_record_that_had_no_owner_cannot_be_undone(world: World) -> None:
    books = [facts(1, owned_by=None), facts(2)]
    source = plan_input(*((book, decision(book)) for book in books))
    plan = applied(world, source)
    back = undo(world, plan.plan_id)
    assert rows(back) == [(account(2), "005anna", "005old")]


def test_the_undo_says_whom_each_account_goes_back_to(world: World) -> None:
    source = book_of(1)
    document = undo(world, applied(world, source).plan_id).document
    (entry,) = document["decisions"]
    assert (entry["owner"]["email"], entry["current_owner"]["email"]) == (email("old"), email("anna"))
    assert (entry["name"], entry["outcome"], entry["reason"]) == ("Company 1", "change", "undo")
    assert document["summary"]["changes"] == 1
    assert document["undoes"] == "plan1"


def test_what_is_undone_already_is_nothing_to_undo(world: World) -> None:
    source = book_of(1)
    plan = applied(world, source)
    world.apply(world.approve(undo(world, plan.plan_id)), source)
    with pytest.raises(RefusedError) as caught:
        undo(world, plan.plan_id, "undo2")
    assert caught.value.code == "SYN522"


def test_a_plan_that_was_never_applied_is_nothing_to_undo(world: World) -> None:
    plan = world.approved(book_of(1))
    with pytest.raises(RefusedError) as caught:
        undo(world, plan.plan_id)
    assert caught.value.code == "SYN522"


def test_a_record_that_syncd_never_wrote_is_nothing_to_undo(world: World) -> None:
    with pytest.raises(RefusedError) as caught:
        undo(world, str(account(1)))
    assert caught.value.code == "SYN522"


def test_an_unknown_target_is_an_input_error(world: World) -> None:
    with pytest.raises(InputError) as caught:
        undo(world, "nonsense")
    assert caught.value.code == "SYN523"


def test_an_undo_is_not_bound_to_the_pack_and_expires_like_a_plan(world: World) -> None:
    source = book_of(1)
    back = world.approve(undo(world, applied(world, source).plan_id))
    assert world.apply(back, source, withdrawn=frozenset({"rev1"})).exit_code == ExitCode.OK
    assert back.expires_at - back.created_at == timedelta(hours=24)


def test_the_undo_remembers_the_restored_owner(world: World) -> None:
    source = book_of(1)
    back = world.approve(undo(world, applied(world, source).plan_id))
    world.apply(back, source)
    with world.store.read() as conn:
        mark = ownership.marks(conn)[account(1)]
        done = ownership.applied(conn)[source.decisions[0].company]["owner"]
        assert outbox.open_refs(conn) == frozenset()
        assert plans.get_plan(conn, back.plan_id).status is PlanStatus.APPLIED
    assert (mark.owner, mark.source) == ("005old", "written")
    assert done.owner == email("old")
