"""Applying plans: what is written, what is not, and what survives a crash at any point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count, pairwise

import pytest
from planning_world import (
    HS,
    NOW,
    SF,
    ScriptedCrm,
    World,
    account,
    answer,
    deal,
    decision,
    directory,
    email,
    facts,
    failing,
    opportunity,
    pack,
    plan_input,
    rep,
    user_id,
)

from syncd import crashpoints
from syncd.connectors.port import OwnerWrite, WriteOutcome, WriteResult
from syncd.errors import (
    AuthError,
    BadDataError,
    ExitCode,
    GuardTrippedError,
    LeaseHeldError,
    QuotaExhaustedError,
    RateLimitedError,
    RefusedError,
    RetryableError,
)
from syncd.model.plans import PlanStatus, RowState, SavedPlan
from syncd.model.records import Team, TeamMember, User
from syncd.model.refs import Kind, Ref
from syncd.planning.ownership import OwnershipHistory, drifted
from syncd.planning.proposing.builder import PlanInput
from syncd.planning.writing.recovery import recover
from syncd.rules.pack import Cap, Guard
from syncd.store import ledger, mirror, outbox, ownership, plans
from syncd.store.tables import owner_marks
from tests.dying import crash_at

BOTH = (SF, HS)


def book_of(count: int, **changes: object) -> PlanInput:
    """A plan's input that gives `count` accounts to anna."""
    books = [facts(number) for number in range(1, count + 1)]
    return plan_input(*((book, decision(book)) for book in books), **changes)


def status(world: World, plan: SavedPlan) -> PlanStatus:
    with world.store.read() as conn:
        return plans.get_plan(conn, plan.plan_id).status


def ready(world: World, count: int = 1, **changes: object) -> tuple[PlanInput, SavedPlan]:
    source = book_of(count, **changes)
    return source, world.approved(source)


def test_an_approved_plan_is_written_read_back_and_applied(world: World) -> None:
    source, plan = ready(world, 3)
    report = world.apply(plan, source)
    assert report.exit_code == ExitCode.OK
    assert report.counts == {RowState.CONFIRMED: 3}
    assert world.crms[SF].effects == [(account(number), "005old", "005anna") for number in (1, 2, 3)]
    assert status(world, plan) is PlanStatus.APPLIED
    assert report.calls == 1 + 3 * 2, "one compare; then few rows are written and read back one by one"


def test_a_confirmed_row_leaves_receipt_mark_applied_decision_reading_and_ledger_rows(world: World) -> None:
    source, plan = ready(world)
    world.apply(plan, source)
    with world.store.read() as conn:
        (receipt,) = outbox.receipts(conn, plan.plan_id)
        mark = ownership.marks(conn)[account(1)]
        done = ownership.applied(conn)[source.decisions[0].company]["owner"]
        record = mirror.get_record(conn, account(1))
        events = [entry.event for entry in ledger.entries(conn, ref=str(account(1)))]
        verified = ledger.verify(conn)
    assert (receipt.before, receipt.after, receipt.request_id) == ("005old", "005anna", "req-1")
    assert (mark.owner, mark.source) == ("005anna", "written")
    assert (done.territory, done.owner, done.pack_revision) == ("emea/dach", email("anna"), "rev1")
    assert record is not None
    assert record.owner == "005anna"
    assert events == ["write.intended", "write.confirmed"]
    assert verified.ok


def test_no_transaction_is_open_during_a_call(world: World) -> None:
    source, plan = ready(world)
    seen: list[bool] = []
    world.crms[SF].before_write = lambda _: seen.append(world.store.in_transaction)
    world.apply(plan, source)
    assert seen == [False]


def test_few_rows_are_guarded_by_the_time_of_the_compare_and_many_are_not(world: World) -> None:
    source, plan = ready(world, 5)
    world.apply(plan, source)
    assert all(write.unmodified_since == NOW for call in world.crms[SF].sent for write in call)


def test_six_rows_go_in_one_batch_without_a_precondition(world: World) -> None:
    source, plan = ready(world, 6)
    world.apply(plan, source)
    (call,) = world.crms[SF].sent
    assert [write.unmodified_since for write in call] == [None] * 6


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [
        (lambda crm: crm.owners.update({account(1): "005ben"}), "conflict", "owner-changed"),
        (lambda crm: crm.owners.update({account(1): "005anna"}), "skipped_already", None),
        (lambda crm: crm.gone.add(account(1)), "stale", "gone"),
    ],
    ids=["edited", "already there", "gone"],
)
def test_the_compare_before_the_write_stops_rows_that_do_not_stand_as_planned(
    world: World, change: object, state: str, code: str | None
) -> None:
    source, plan = ready(world)
    change(world.crms[SF])  # type: ignore[operator]
    report = world.apply(plan, source)
    row = world.rows(plan)[account(1).id]
    assert (row.state.value, row.code) == (state, code)
    assert world.crms[SF].sent == []
    assert report.exit_code == (ExitCode.OK if state == "skipped_already" else ExitCode.PARTIAL)


def test_an_edit_shows_in_the_conflict_and_in_the_mirror(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].owners[account(1)] = "005ben"
    world.apply(plan, source)
    with world.store.read() as conn:
        record = mirror.get_record(conn, account(1))
        mark = ownership.marks(conn)[account(1)]
    assert record is not None
    assert record.owner == "005ben"
    assert mark.owner == "005old"
    assert "005ben" in str(world.rows(plan)[account(1).id].message)


def test_an_account_whose_team_could_not_be_put_back_is_not_written(world: World) -> None:
    source, plan = ready(world, 2)
    world.crms[SF].teams_of[account(1)] = Team(account(1), (TeamMember("005cleo"),), restorable=False)
    world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "conflict", account(2).id: "confirmed"}
    assert world.rows(plan)[account(1).id].code == "has-team"


def test_teams_that_cannot_be_read_hold_every_account(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].teams_error = AuthError("SYN421", "no access to AccountTeamMember")
    world.apply(plan, source)
    assert world.rows(plan)[account(1).id].code == "has-team"
    assert world.crms[SF].sent == []


def test_a_target_who_left_since_the_plan_is_not_written(world: World) -> None:
    source, plan = ready(world)
    gone = User(Ref(SF, Kind.USER, user_id("anna", SF)), email("anna"), "Anna", active=False)
    with world.store.write() as conn:
        mirror.store_users(conn, SF, [gone], now=NOW, run_id="r1")
    world.apply(plan, source)
    assert world.rows(plan)[account(1).id].code == "owner-not-in-system"
    assert world.crms[SF].sent == []


def test_a_refusal_is_final_and_remembered_for_seven_days_in_the_words_of_the_crm(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].script = [answer(WriteOutcome.REJECTED, code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="Locked")]
    report = world.apply(plan, source)
    row = world.rows(plan)[account(1).id]
    with world.store.read() as conn:
        blocked = ownership.blocked(conn)[account(1), "owner"]
    assert (row.state, row.code, row.message) == (RowState.REJECTED, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Locked")
    assert (blocked.new_owner, blocked.code, blocked.message) == ("005anna", row.code, "Locked")
    assert blocked.until == NOW + timedelta(days=7)
    assert report.exit_code == ExitCode.PARTIAL
    assert len(world.crms[SF].sent) == 1


def test_a_refused_change_is_blocked_in_the_next_plan(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].script = [answer(WriteOutcome.REJECTED, code="LOCKED", message="in approval")]
    world.apply(plan, source)
    with world.store.read() as conn:
        again = replace(source, blocked=ownership.blocked(conn))
    next_plan = world.save(again)
    assert [entry["outcome"] for entry in next_plan.document["decisions"]] == ["blocked"]


def test_a_row_lock_is_tried_again_and_every_try_is_in_the_ledger(world: World) -> None:
    source, plan = ready(world)
    locked = answer(WriteOutcome.RETRY, code="UNABLE_TO_LOCK_ROW")
    world.crms[SF].script = [locked, locked]
    report = world.apply(plan, source)
    assert report.exit_code == ExitCode.OK
    assert world.rows(plan)[account(1).id].attempts == 3
    assert world.clock.now() > NOW
    with world.store.read() as conn:
        assert len(ledger.entries(conn, event="write.intended")) == 3


def test_three_failed_tries_are_the_end_of_a_row(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].script = [answer(WriteOutcome.RETRY, code="UNABLE_TO_LOCK_ROW")] * 4
    report = world.apply(plan, source)
    row = world.rows(plan)[account(1).id]
    assert (row.state, row.code, row.attempts) == (RowState.DEAD, "UNABLE_TO_LOCK_ROW", 3)
    assert report.exit_code == ExitCode.PARTIAL


def test_every_try_compares_again(world: World) -> None:
    source, plan = ready(world)

    def locked_while_somebody_edits(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        crm.owners[account(1)] = "005ben"
        return tuple(WriteResult(write.ref, WriteOutcome.RETRY, "UNABLE_TO_LOCK_ROW") for write in writes)

    world.crms[SF].script = [locked_while_somebody_edits]
    world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "conflict"}
    assert world.crms[SF].owners[account(1)] == "005ben"


@pytest.mark.parametrize(
    "step",
    [
        answer(WriteOutcome.UNKNOWN, applied=True),
        failing(RetryableError("SYN430", "read timeout"), applied=True),
        failing(BadDataError("SYN431", "HTML instead of JSON"), applied=True),
    ],
    ids=["unknown", "lost answer", "unreadable answer"],
)
def test_a_lost_answer_of_an_applied_write_is_confirmed_by_reading_and_not_sent_again(
    world: World, step: object
) -> None:
    source, plan = ready(world)
    world.crms[SF].script = [step]  # type: ignore[list-item]
    report = world.apply(plan, source)
    assert report.exit_code == ExitCode.OK
    assert world.rows(plan)[account(1).id].code == "lost-answer"
    assert len(world.crms[SF].sent) == len(world.crms[SF].effects) == 1


def test_an_account_of_which_nobody_asked_yet_who_gave_it_away_is_not_written(world: World) -> None:
    source, plan = ready(world, 20)
    with world.store.write() as conn:
        conn.execute(owner_marks.delete().where(owner_marks.c.ref == account(1)))
    world.apply(plan, source)
    row = world.rows(plan)[account(1).id]
    assert (row.state, row.code) == (RowState.STALE, "unseen")
    assert world.crms[SF].owners[account(1)] == "005old"
    assert Counter(world.states(plan).values()) == {"stale": 1, "confirmed": 19}


def test_a_lost_answer_of_a_write_that_was_not_applied_is_sent_again_after_a_read(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].script = [failing(RetryableError("SYN430", "reset"))]
    report = world.apply(plan, source)
    assert report.exit_code == ExitCode.OK
    assert len(world.crms[SF].sent) == 2
    assert len(world.crms[SF].effects) == 1


@pytest.mark.parametrize(
    ("look", "ends"),
    [(1, RowState.CONFIRMED), (4, RowState.CONFIRMED), (5, RowState.SKIPPED_ALREADY)],
    ids=["at once", "at the last look", "when it is compared again"],
)
def test_a_lost_write_that_shows_late_is_ours_and_not_sent_again(world: World, look: int, ends: RowState) -> None:
    source, plan = ready(world)
    crm = world.crms[SF]

    def lands_later(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        late.append(writes[0])
        return (WriteResult(writes[0].ref, WriteOutcome.UNKNOWN),)

    late: list[OwnerWrite] = []
    crm.script = [lands_later]
    reads = iter([*[None] * look, late])
    plain_read = crm.read

    def read(kind: Kind, ids: Sequence[str]) -> object:
        for write in next(reads, None) or ():
            crm.apply(write)
        return plain_read(kind, ids)

    crm.read = read  # type: ignore[assignment, method-assign]
    world.apply(plan, source)
    row = world.rows(plan)[account(1).id]
    assert (row.state, row.code) == (ends, "lost-answer")
    assert len(crm.sent) == len(crm.effects) == 1
    with world.store.read() as conn:
        assert ownership.marks(conn)[account(1)].source == "written"


def test_a_read_back_that_lags_behind_the_write_is_looked_at_twice(world: World) -> None:
    source, plan = ready(world)
    crm = world.crms[SF]
    plain_read = crm.read
    lagging = iter([False, True, False])

    def read(kind: Kind, ids: Sequence[str]) -> object:
        readings = plain_read(kind, ids)
        if next(lagging):
            return {key: replace(one, record=replace(one.record, owner="005old")) for key, one in readings.items()}
        return readings

    crm.read = read  # type: ignore[assignment, method-assign]
    assert world.apply(plan, source).counts == {RowState.CONFIRMED: 1}
    assert len(crm.sent) == 1


@pytest.mark.parametrize(
    ("pictures", "moved", "ends"),
    [(2, False, RowState.CONFIRMED), (2, True, RowState.CONFLICT), (9, False, RowState.CONFLICT)],
    ids=["old pictures", "changed back", "for ever"],
)
def test_a_record_with_the_stamp_of_before_an_accepted_write_is_an_old_picture(
    world: World, pictures: int, moved: bool, ends: RowState
) -> None:
    """Seed 30025: two old answers in a row were believed, and told as changed back by a person."""
    source, plan = ready(world)
    crm = world.crms[SF]
    plain_read, looks, stamps = crm.read, count(), []

    def read(kind: Kind, ids: Sequence[str]) -> object:
        readings = plain_read(kind, ids)
        look = next(looks)
        stamps.extend(one.record.stamp for one in readings.values())
        if not 0 < look <= pictures:  # the first is the compare
            return readings
        stamp = stamps[0] + timedelta(seconds=1 if moved else 0)
        return {
            key: replace(one, record=replace(one.record, owner="005old", stamp=stamp)) for key, one in readings.items()
        }

    crm.read = read  # type: ignore[assignment, method-assign]
    assert world.apply(plan, source).counts == {ends: 1}
    assert next(looks) == (4 if ends is RowState.CONFIRMED else 3 if moved else 5)
    assert len(crm.sent) == 1


def test_a_lost_answer_that_cannot_be_read_stays_in_doubt_and_is_settled_at_the_next_start(world: World) -> None:
    source, plan = ready(world)
    crm = world.crms[SF]
    crm.script = [failing(RetryableError("SYN430", "read timeout"), applied=True)]
    crm.read_errors = [None, RetryableError("SYN430", "still down")]
    report = world.apply(plan, source)
    assert report.exit_code == ExitCode.CRM
    assert world.states(plan) == {account(1).id: "sending"}
    again = world.apply(plan, source)
    assert again.recovered == 1
    assert again.exit_code == ExitCode.OK
    assert len(crm.effects) == len(crm.sent) == 1


def test_a_precondition_that_failed_on_another_field_is_compared_and_sent_again(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].script = [answer(WriteOutcome.CONFLICT, code="412")]
    assert world.apply(plan, source).exit_code == ExitCode.OK
    assert len(world.crms[SF].sent) == 2


def test_a_precondition_that_failed_on_the_owner_is_a_conflict(world: World) -> None:
    source, plan = ready(world)

    def edited_between(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        crm.owners[account(1)] = "005ben"
        return (WriteResult(writes[0].ref, WriteOutcome.CONFLICT, "412"),)

    world.crms[SF].script = [edited_between]
    world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "conflict"}
    assert world.crms[SF].owners[account(1)] == "005ben"


@pytest.mark.parametrize("owner", ["005cleo", "005old"], ids=["somebody-else", "who-had-it-before"])
def test_an_accepted_write_that_is_changed_back_is_a_conflict_and_the_word_of_a_person(
    world: World, owner: str
) -> None:
    source, plan = ready(world)
    world.crms[SF].after_write = lambda crm: crm.owners.update({account(1): owner})
    report = world.apply(plan, source)
    row = world.rows(plan)[account(1).id]
    assert (row.state, row.code) == (RowState.CONFLICT, "not-kept")
    assert report.exit_code == ExitCode.PARTIAL
    assert len(world.crms[SF].sent) == 1
    with world.store.read() as conn:
        history = OwnershipHistory(ownership.marks(conn), ownership.owner_changes(conn))
        record = mirror.get_record(conn, account(1))
    assert record is not None
    assert [(one.was, one.now) for one in drifted([record], history)] == [("005anna", owner)]


def test_opportunities_are_written_after_their_account_and_only_if_it_was(world: World) -> None:
    deals = [opportunity(1, account(1)), opportunity(2, account(2))]
    source, plan = ready(world, 2, opportunities=deals)
    world.crms[SF].owners[account(2)] = "005cleo"
    world.apply(plan, source)
    assert world.states(plan) == {
        account(1).id: "confirmed",
        account(2).id: "conflict",
        deal(1).id: "confirmed",
        deal(2).id: "blocked",
    }
    assert [call[0].ref.kind for call in world.crms[SF].sent] == [Kind.ACCOUNT, Kind.OPPORTUNITY]


def test_an_opportunity_waits_for_an_account_that_is_still_open(world: World) -> None:
    source, plan = ready(world, 1, opportunities=[opportunity(1, account(1))])
    world.crms[SF].script = [failing(QuotaExhaustedError("SYN440", "the day is used up"))]
    report = world.apply(plan, source)
    assert report.exit_code == ExitCode.CRM
    assert world.states(plan) == {account(1).id: "approved", deal(1).id: "approved"}
    assert status(world, plan) is PlanStatus.APPROVED
    assert world.apply(plan, source).exit_code == ExitCode.OK


def test_one_system_in_trouble_does_not_stop_the_other(world: World) -> None:
    book = facts(1, systems=BOTH)
    source = plan_input((book, decision(book)), writers=frozenset(BOTH))
    plan = world.approved(source)
    world.crms[HS].script = [failing(AuthError("SYN420", "token revoked"))]
    report = world.apply(plan, source)
    assert world.states(plan) == {account(1, HS).id: "approved", account(1, SF).id: "confirmed"}
    assert [stop.system for stop in report.stops] == ["hubspot"]
    assert report.exit_code == ExitCode.CRM


def test_a_stale_system_waits(world: World) -> None:
    source, plan = ready(world)
    report = world.apply(plan, source, stale_systems=frozenset({SF}))
    assert world.states(plan) == {account(1).id: "approved"}
    assert [stop.code for stop in report.stops] == ["SYN519"]
    assert report.exit_code == ExitCode.PARTIAL


def test_a_rate_limit_is_waited_out_and_is_no_attempt(world: World) -> None:
    source, plan = ready(world)
    limited = failing(RateLimitedError("SYN441", "429", wait=40.0))
    world.crms[SF].script = [limited] * 4
    report = world.apply(plan, source)
    assert report.exit_code == ExitCode.OK
    assert world.clock.now() - NOW >= timedelta(seconds=160)


def test_a_rate_limit_that_lasts_too_long_stops_and_leaves_the_rows_approved(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].script = [failing(RateLimitedError("SYN441", "429", wait=86400.0))]
    report = world.apply(plan, source)
    assert report.exit_code == ExitCode.CRM
    assert world.states(plan) == {account(1).id: "approved"}
    assert world.clock.now() - NOW < timedelta(minutes=1)


def test_waiting_keeps_the_lease_alive(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].script = [failing(RateLimitedError("SYN441", "429", wait=60.0))]
    asked: list[float] = []
    line = world.line(may_write=lambda: asked.append(world.clock.monotonic()))
    world.apply(plan, source, line=line)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert max(gaps) <= 10


def test_the_brake_stops_after_too_many_refusals_and_leaves_the_rest_approved(world: World) -> None:
    source, plan = ready(world, 30)
    world.crms[SF].batch_size = 10

    def refuse_two(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        taken = crm.accept(writes[2:])
        refused = tuple(WriteResult(write.ref, WriteOutcome.REJECTED, "LOCKED", "no") for write in writes[:2])
        return refused + taken

    world.crms[SF].script = [refuse_two]
    report = world.apply(plan, source)
    assert report.counts == {RowState.APPROVED: 20, RowState.CONFIRMED: 8, RowState.REJECTED: 2}
    assert [stop.code for stop in report.stops] == ["SYN520"]
    assert report.exit_code == ExitCode.PARTIAL


def test_a_tenth_refused_does_not_brake(world: World) -> None:
    source, plan = ready(world, 30)
    world.crms[SF].batch_size = 10

    def refuse_one(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        return (WriteResult(writes[0].ref, WriteOutcome.REJECTED, "LOCKED", "no"), *crm.accept(writes[1:]))

    world.crms[SF].script = [refuse_one]
    assert world.apply(plan, source).counts == {RowState.CONFIRMED: 29, RowState.REJECTED: 1}


def test_rows_that_failed_together_are_tried_in_smaller_calls(world: World) -> None:
    source, plan = ready(world, 16)
    world.crms[SF].batch_size = 16
    world.crms[SF].script = [answer(WriteOutcome.RETRY, code="LIMIT_EXCEEDED")]
    world.apply(plan, source)
    assert [len(call) for call in world.crms[SF].sent] == [16, 4, 4, 4, 4]


def test_a_freeze_stops_before_the_next_call(world: World) -> None:
    source, plan = ready(world, 20)
    world.crms[SF].batch_size = 10

    def freeze(_: ScriptedCrm) -> None:
        world.frozen = RefusedError("SYN512", "writes are frozen")

    world.crms[SF].after_write = freeze
    report = world.apply(plan, source)
    assert report.counts == {RowState.APPROVED: 10, RowState.CONFIRMED: 10}
    assert report.exit_code == ExitCode.REFUSED
    assert len(world.crms[SF].sent) == 1


def test_a_freeze_between_claim_and_call_sends_nothing_and_opens_the_rows_again(world: World) -> None:
    source, plan = ready(world)

    def freeze(reached: str) -> None:
        if reached == "apply.claimed":
            world.frozen = RefusedError("SYN512", "writes are frozen")

    crashpoints.install(freeze)
    try:
        world.apply(plan, source)
    finally:
        crashpoints.install(None)
    assert world.crms[SF].sent == []
    assert world.states(plan) == {account(1).id: "approved"}


def test_a_lost_lease_stops_before_the_call_and_leaves_the_rows_to_the_new_leader(world: World) -> None:
    source, plan = ready(world, 2)
    line = world.line()
    world.lead()
    with pytest.raises(LeaseHeldError):
        world.apply(plan, source, line=replace_may_write(world, line))
    assert world.crms[SF].sent == []


def replace_may_write(world: World, line: object) -> object:
    from syncd.store import lease

    def may_write() -> None:
        with world.store.read() as conn:
            lease.require(conn, line.epoch, now=world.clock.now())  # type: ignore[attr-defined]

    return world.line(epoch=line.epoch, may_write=may_write)  # type: ignore[attr-defined]


def test_a_claim_under_an_old_epoch_sends_nothing(world: World) -> None:
    source, plan = ready(world)
    line = world.line(may_write=lambda: None)
    world.lead()
    report = world.apply(plan, source, line=line)
    assert report.exit_code == ExitCode.LEADER
    assert world.crms[SF].sent == []
    assert world.states(plan) == {account(1).id: "approved"}


def test_a_long_apply_ends_with_the_write_window(world: World) -> None:
    source = book_of(20, pack=pack(guard=Guard(windows=("Fri 06:00-12:00",))))
    plan = world.approved(source)
    world.crms[SF].batch_size = 10
    world.crms[SF].after_write = lambda _: world.clock.advance(timedelta(hours=3))
    report = world.apply(plan, source)
    assert report.counts == {RowState.APPROVED: 10, RowState.CONFIRMED: 10}
    assert [stop.code for stop in report.stops] == ["SYN515"]


def test_a_plan_that_expires_while_it_is_applied_stops_there(world: World) -> None:
    source, plan = ready(world, 20)
    world.crms[SF].batch_size = 10
    world.crms[SF].after_write = lambda _: world.clock.advance(timedelta(hours=25))
    report = world.apply(plan, source)
    assert report.counts == {RowState.APPROVED: 10, RowState.CONFIRMED: 10}
    assert [stop.code for stop in report.stops] == ["SYN504"]
    assert len(world.crms[SF].sent) == 1


def test_expected_rows_are_never_sent_and_awaited_once_ours_is_confirmed(world: World) -> None:
    book = facts(1, systems=BOTH)
    source = plan_input((book, decision(book)), writers=frozenset({SF}), expected=frozenset({HS}))
    plan = world.approved(source)
    report = world.apply(plan, source)
    assert report.exit_code == ExitCode.OK
    assert world.crms[HS].sent == []
    with world.store.read() as conn:
        mark = ownership.marks(conn)[account(1, HS)]
    assert (mark.owner, mark.source) == ("77anna", "expected")


def test_a_person_who_set_the_planned_owner_first_keeps_the_last_word(world: World) -> None:
    source, plan = ready(world)
    with world.store.read() as conn:
        before = ownership.marks(conn)
    world.crms[SF].owners[account(1)] = "005anna"
    world.apply(plan, source)
    with world.store.read() as conn:
        assert ownership.marks(conn) == before
        record = mirror.get_record(conn, account(1))
        history = OwnershipHistory(before, ownership.owner_changes(conn))
    assert record is not None
    assert record.owner == "005anna"
    assert [one.now for one in drifted([record], history)] == ["005anna"]


# refusals of the whole plan


def refused(world: World, plan: SavedPlan, source: PlanInput, **orders: object) -> str:
    with pytest.raises(RefusedError) as caught:
        world.apply(plan, source, **orders)  # type: ignore[arg-type]
    assert world.crms[SF].sent == []
    return caught.value.code


def test_observe_mode_never_writes(world: World) -> None:
    source, plan = ready(world)
    assert refused(world, plan, source, mode="observe") == "SYN511"


def test_a_plan_that_nobody_approved_is_refused_in_approve_mode(world: World) -> None:
    source = book_of(1)
    world.seed(source)
    assert refused(world, world.save(source), source) == "SYN517"


def test_apply_mode_writes_an_offered_plan_inside_the_guard(world: World) -> None:
    source = book_of(1)
    world.seed(source)
    plan = world.save(source)
    assert world.apply(plan, source, mode="apply").exit_code == ExitCode.OK
    with world.store.read() as conn:
        approval = plans.approval(conn, plan.plan_id)
    assert approval is not None
    assert approval.who == "syncd"


def test_apply_mode_does_not_write_a_plan_over_the_guard(world: World) -> None:
    source = book_of(2, pack=pack(guard=Guard(changes_max=1)))
    world.seed(source)
    plan = world.save(source)
    with pytest.raises(GuardTrippedError) as caught:
        world.apply(plan, source, mode="apply")
    assert caught.value.code == "SYN507"
    assert world.crms[SF].sent == []
    assert status(world, plan) is PlanStatus.OFFERED


def test_frozen_writes_refuse_a_plan(world: World) -> None:
    source, plan = ready(world)
    world.frozen = RefusedError("SYN512", "writes are frozen")
    assert refused(world, plan, source) == "SYN512"
    assert world.states(plan) == {account(1).id: "approved"}


def test_an_expired_plan_is_refused_and_its_rows_are_closed(world: World) -> None:
    source, plan = ready(world)
    world.clock.advance(timedelta(hours=24))
    assert refused(world, plan, source) == "SYN504"
    assert world.states(plan) == {account(1).id: "stale"}
    assert status(world, plan) is PlanStatus.EXPIRED


def test_an_applied_plan_is_refused(world: World) -> None:
    source, plan = ready(world)
    world.apply(plan, source)
    world.crms[SF].sent.clear()
    assert refused(world, plan, source) == "SYN516"


def test_a_plan_of_a_withdrawn_pack_revision_is_refused_and_closed(world: World) -> None:
    source, plan = ready(world)
    assert refused(world, plan, source, withdrawn=frozenset({"rev1"})) == "SYN513"
    assert world.states(plan) == {account(1).id: "stale"}


def test_writes_outside_the_window_need_an_approval_that_names_it(world: World) -> None:
    guard = Guard(windows=("Sat 06:00-20:00",))
    source = book_of(1, pack=pack(guard=guard))
    plan = world.approved(source)
    with pytest.raises(GuardTrippedError) as caught:
        world.apply(plan, source)
    assert caught.value.code == "SYN515"
    assert world.crms[SF].sent == []


def test_apply_mode_outside_the_window_leaves_the_plan_offered(world: World) -> None:
    source = book_of(1, pack=pack(guard=Guard(windows=("Sat 06:00-20:00",))))
    world.seed(source)
    plan = world.save(source)
    with pytest.raises(GuardTrippedError):
        world.apply(plan, source, mode="apply")
    assert status(world, plan) is PlanStatus.OFFERED
    assert world.states(plan) == {}


def test_an_approval_that_names_the_windows_lifts_them(world: World) -> None:
    guard = Guard(windows=("Sat 06:00-20:00",))
    source = book_of(1, pack=pack(guard=guard))
    plan = world.approved(source, "windows")
    assert world.apply(plan, source).exit_code == ExitCode.OK


def changed_country(source: PlanInput, *numbers: int) -> PlanInput:
    """The same book after the lock of some accounts changed, which every decision reads."""
    books = dict(source.facts)
    for number in numbers:
        book = books[str(account(number))]
        books[book.key] = replace(book, values={**book.values, "locked": False})
    return replace(source, facts=books)


def test_a_plan_with_more_than_a_tenth_stale_rows_is_refused_and_closed(world: World) -> None:
    source, plan = ready(world, 10)
    assert refused(world, plan, changed_country(source, 1, 2)) == "SYN514"
    assert set(world.states(plan).values()) == {"stale"}
    assert status(world, plan) is PlanStatus.SUPERSEDED


def test_a_tenth_of_stale_rows_is_skipped_and_the_rest_written(world: World) -> None:
    source, plan = ready(world, 10)
    report = world.apply(plan, changed_country(source, 1))
    assert report.counts == {RowState.CONFIRMED: 9, RowState.STALE: 1}
    assert report.exit_code == ExitCode.PARTIAL
    assert world.states(plan)[account(1).id] == "stale"


def test_an_owner_that_the_mirror_saw_change_is_a_conflict_and_no_staleness(world: World) -> None:
    source, plan = ready(world, 2)
    books = dict(source.facts)
    first = books[str(account(1))]
    books[first.key] = replace(first, owner_ids={SF: "005ben"})
    report = world.apply(plan, replace(source, facts=books))
    assert report.counts == {RowState.CONFIRMED: 1, RowState.CONFLICT: 1}


def test_rows_that_the_rules_now_hold_are_stale(world: World) -> None:
    source, plan = ready(world, 10)
    now_held = [replace(one, outcome="held", reason="dispute") for one in source.decisions[:1]]
    report = world.apply(plan, replace(source, decisions=[*now_held, *source.decisions[1:]]))
    assert report.counts == {RowState.CONFIRMED: 9, RowState.STALE: 1}
    assert "dispute" in str(world.rows(plan)[account(1).id].message)


def test_a_rep_who_left_makes_rows_stale(world: World) -> None:
    source, plan = ready(world)
    left = replace(source, directory=directory(rep("anna", active_in=frozenset())))
    assert refused(world, plan, left) == "SYN514"


def test_loads_are_no_staleness_but_caps_are_counted_again(world: World) -> None:
    from planning_world import territory

    rules = pack(roles={"owner": (territory(cap=Cap(total=11)),)})
    source, plan = ready(world, 10, pack=rules)
    other_pick = [replace(one, owner=replace(one.owner, email=email("ben"))) for one in source.decisions]  # type: ignore[type-var]
    newcomers = [facts(number, owned_by="anna") for number in (51, 52)]
    kept = [decision(book) for book in newcomers]
    grown = replace(
        source,
        decisions=[*other_pick, *kept],
        facts={**source.facts, **{book.key: book for book in newcomers}},
    )
    report = world.apply(plan, grown)
    assert report.counts == {RowState.CONFIRMED: 9, RowState.STALE: 1}
    assert "cap of 11 accounts in emea/dach" in str(world.rows(plan)[account(9).id].message)


# crashes

CRASHPOINTS = (
    "apply.before_claim",
    "apply.claimed",
    "apply.sent",
    "apply.before_finish",
    "apply.finished",
    "store.before_commit",
    "store.after_commit",
)


@pytest.mark.parametrize("name", CRASHPOINTS)
@pytest.mark.parametrize("occurrence", [1, 2, 3])
def test_a_crash_at_any_point_ends_in_one_write_of_each_row(
    world: World, crash: type[Exception], name: str, occurrence: int
) -> None:
    source, plan = ready(world, 3, opportunities=[opportunity(1, account(1))])
    world.crms[SF].batch_size = 2
    crash_at(name, occurrence, crash)
    try:
        world.apply(plan, source)
    except crash:
        world.lead()
    crashpoints.install(None)
    if status(world, plan) is not PlanStatus.APPLIED:
        report = world.apply(plan, source)
        assert report.exit_code == ExitCode.OK
    assert set(world.states(plan).values()) == {"confirmed"}
    assert sorted(ref.id for ref, _, _ in world.crms[SF].effects) == sorted(world.states(plan))
    with world.store.read() as conn:
        assert ledger.verify(conn).ok


@pytest.mark.parametrize(
    "name", ["recovery.before_settle", "recovery.settled", "apply.before_finish", "apply.finished"]
)
def test_a_crash_of_the_recovery_is_recovered_from(world: World, crash: type[Exception], name: str) -> None:
    source, plan = ready(world, 2)
    crash_at("apply.sent", 1, crash)
    with pytest.raises(crash):
        world.apply(plan, source)
    world.lead()
    crash_at(name, 1, crash)
    with pytest.raises(crash):
        world.apply(plan, source)
    world.lead()
    world.apply(plan, source)
    assert set(world.states(plan).values()) == {"confirmed"}
    assert len(world.crms[SF].effects) == 2


def test_recovery_reopens_what_was_not_applied_and_conflicts_what_somebody_changed(
    world: World, crash: type[Exception]
) -> None:
    source, plan = ready(world, 6)
    crash_at("apply.claimed", 1, crash)
    with pytest.raises(crash):
        world.apply(plan, source)
    assert set(world.states(plan).values()) == {"sending"}
    world.crms[SF].owners[account(2)] = "005cleo"
    world.lead()
    assert recover(world.line()) == (6, ())
    assert world.states(plan) == {
        account(number).id: "conflict" if number == 2 else "approved" for number in range(1, 7)
    }


def test_few_salesforce_rows_are_written_one_by_one_and_a_freeze_stops_between_them(world: World) -> None:
    source, plan = ready(world, 4)
    asked = 0

    def may_write() -> None:
        nonlocal asked
        asked += 1
        if len(world.crms[SF].effects) == 2:
            raise RefusedError("SYN512", "writes are frozen")

    report = world.apply(plan, source, line=world.line(may_write=may_write))
    assert len(world.crms[SF].effects) == 2
    assert [stop.code for stop in report.stops] == ["SYN512"]
    assert sorted(world.states(plan).values()) == ["approved", "approved", "confirmed", "confirmed"]


def test_recovery_of_an_expired_plan_does_not_open_its_rows_again(world: World, crash: type[Exception]) -> None:
    source, plan = ready(world)
    crash_at("apply.claimed", 1, crash)
    with pytest.raises(crash):
        world.apply(plan, source)
    world.clock.advance(timedelta(hours=30))
    world.lead()
    recover(world.line())
    assert world.states(plan) == {account(1).id: "stale"}


def test_recovery_does_not_open_rows_of_a_superseded_plan(world: World, crash: type[Exception]) -> None:
    source, plan = ready(world)
    crash_at("apply.claimed", 1, crash)
    with pytest.raises(crash):
        world.apply(plan, source)
    other = facts(7)
    world.approved(plan_input((other, decision(other))))
    assert status(world, plan) is PlanStatus.SUPERSEDED
    world.lead()
    recover(world.line())
    assert world.states(plan) == {account(1).id: "stale"}


def test_recovery_closes_plans_past_their_time_so_that_they_hold_nothing_back(world: World) -> None:
    _, plan = ready(world)
    world.clock.advance(timedelta(hours=24))
    recover(world.line())
    assert world.states(plan) == {account(1).id: "stale"}
    assert status(world, plan) is PlanStatus.EXPIRED


def test_recovery_says_which_rows_of_a_system_that_is_gone_stay_in_doubt(world: World, crash: type[Exception]) -> None:
    source, plan = ready(world)
    crash_at("apply.sent", 1, crash)
    with pytest.raises(crash):
        world.apply(plan, source)
    settled, stops = recover(world.line(readers={}, writers={}))
    assert (settled, [stop.code for stop in stops]) == (0, ["SYN518"])


def test_recovery_leaves_rows_in_doubt_while_the_crm_is_down(world: World, crash: type[Exception]) -> None:
    source, plan = ready(world)
    crash_at("apply.sent", 1, crash)
    with pytest.raises(crash):
        world.apply(plan, source)
    world.lead()
    world.crms[SF].read_errors = [RetryableError("SYN430", "down")]
    report = world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "sending"}
    assert report.exit_code == ExitCode.CRM
    assert len(world.crms[SF].sent) == 1


def test_nothing_is_written_before_adoption(world: World) -> None:
    from sqlalchemy import delete

    from syncd.store.tables import adoptions

    source = book_of(1)
    world.seed(source)
    plan = world.save(source)
    with world.store.write() as conn:
        conn.execute(delete(adoptions))
    assert refused(world, plan, source) == "SYN509"
