"""A write whose answer was lost, and a record that shows the owner of before: never done, or done and put back?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from planning_world import NOW, SF, ScriptedCrm, World, account, deal, decision, facts, opportunity, plan_input

from syncd.connectors.port import OwnerVersion, OwnerWrite, Reading, WriteOutcome, WriteResult
from syncd.errors import ExitCode, RetryableError
from syncd.model.plans import OWNER_FIELD, OutboxRow, RowState, SavedPlan, held_name
from syncd.model.records import Record
from syncd.model.refs import Kind
from syncd.planning.proposing.builder import PlanInput
from syncd.planning.writing.doubt import Doubt, doubts
from syncd.planning.writing.settling import NOT_KEPT
from syncd.planning.writing.verdicts import NOT_SEEN
from syncd.store import mirror, ownership

ONE = account(1)
LOST = RetryableError("SYN430", "read timeout")
LONG_AGO = OwnerVersion(NOW - timedelta(days=90), "005old", "005mei")
BY_US = OwnerVersion(NOW + timedelta(milliseconds=1), "005anna", "005syncd")
BEN_AGREES = OwnerVersion(NOW + timedelta(milliseconds=1), "005anna", "005ben")
BY_BEN = OwnerVersion(NOW + timedelta(milliseconds=2), "005old", "005ben")

Step = Callable[[Sequence[OwnerWrite], ScriptedCrm], tuple[WriteResult, ...]]


def lost(*, applied: bool, saved: str = "005old") -> Step:
    """A call whose answer is lost, and somebody who saves the record, with this owner, in the same moment."""

    def step(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        if applied:
            crm.accept(writes)
        crm.edit(ONE, saved)
        raise LOST

    return step


def prepared(world: World, step: Step, *history: OwnerVersion) -> tuple[PlanInput, SavedPlan]:
    """An approved plan of one row whose first call goes as told, and what the CRM will know of the owners it had."""
    book = facts(1)
    source = plan_input((book, decision(book)))
    plan = world.approved(source)
    world.crms[SF].script = [step]
    world.crms[SF].histories = {(ONE, OWNER_FIELD): history} if history else {}
    return source, plan


def row_of(world: World, plan: SavedPlan) -> OutboxRow:
    return world.rows(plan)[ONE.id]


def mark_of(world: World) -> tuple[str | None, str]:
    with world.store.read() as conn:
        mark = ownership.marks(conn)[ONE]
    return mark.owner, mark.source


@pytest.mark.parametrize("history", [(), (BY_BEN, BY_US, LONG_AGO)], ids=["no history", "history"])
def test_a_person_who_puts_the_owner_back_while_the_answer_is_lost_is_not_overruled(
    world: World, history: tuple[OwnerVersion, ...]
) -> None:
    source, plan = prepared(world, lost(applied=True), *history)
    report = world.apply(plan, source)
    crm = world.crms[SF]
    assert crm.effects == [(ONE, "005old", "005anna")]
    assert crm.owners[ONE] == "005old"
    assert len(crm.sent) == 1
    row = row_of(world, plan)
    assert (row.state, row.code) == (RowState.CONFLICT, NOT_KEPT)
    assert report.exit_code == ExitCode.PARTIAL
    assert mark_of(world) == ("005anna", "written"), "else the record does not show that a person spoke"


def test_the_row_says_who_put_the_owner_back(world: World) -> None:
    source, plan = prepared(world, lost(applied=True), BY_BEN, BY_US, LONG_AGO)
    world.apply(plan, source)
    assert (
        row_of(world, plan).message
        == "the answer was lost, and the owner was put back to 005old by 005ben after the write"
    )


def test_an_edit_of_another_field_hinders_no_second_try_where_the_history_shows_the_owner_untouched(
    world: World,
) -> None:
    source, plan = prepared(world, lost(applied=False), LONG_AGO)
    assert world.apply(plan, source).exit_code == ExitCode.OK
    assert len(world.crms[SF].sent) == 2
    assert world.crms[SF].effects == [(ONE, "005old", "005anna")]


def test_a_record_that_was_changed_meanwhile_is_not_written_again_where_no_history_tells(world: World) -> None:
    source, plan = prepared(world, lost(applied=False))
    world.apply(plan, source)
    assert len(world.crms[SF].sent) == 1
    row = row_of(world, plan)
    assert (row.state, row.code) == (RowState.CONFLICT, NOT_KEPT)
    assert "the write may have been done and put back" in (row.message or "")


def test_a_history_that_lags_behind_the_record_proves_nothing(world: World) -> None:
    source, plan = prepared(world, lost(applied=True), BY_US, LONG_AGO)
    world.apply(plan, source)
    assert len(world.crms[SF].sent) == 1


@pytest.mark.parametrize("applied", [True, False])
def test_the_next_start_judges_a_row_in_doubt_by_the_stamp_of_its_compare(world: World, applied: bool) -> None:
    source, plan = prepared(world, lost(applied=applied), *((BY_BEN, BY_US) if applied else ()), LONG_AGO)
    crm = world.crms[SF]
    crm.read_errors = [None, RetryableError("SYN430", "still down")]
    world.apply(plan, source)
    assert row_of(world, plan).state is RowState.SENDING
    world.lead()
    world.recover()
    row = row_of(world, plan)
    assert (row.state, len(crm.sent)) == (RowState.CONFLICT if applied else RowState.APPROVED, 1)
    assert (row.code == NOT_KEPT) is applied


@pytest.mark.parametrize(
    ("pictures", "moved", "ends", "looks"),
    [
        (3, False, RowState.CONFIRMED, 4),
        (9, False, RowState.APPROVED, 4),
        (9, True, RowState.CONFLICT, 2),
    ],
    ids=["old pictures", "never written", "changed back"],
)
def test_the_next_start_does_not_believe_one_picture_of_before(
    world: World, pictures: int, moved: bool, ends: RowState, looks: int
) -> None:
    source, plan = prepared(world, lost(applied=True, saved="005anna"))
    crm = world.crms[SF]
    crm.read_errors = [None, RetryableError("SYN430", "still down")]
    world.apply(plan, source)
    before = row_of(world, plan).stamp
    assert before is not None
    plain_read, reads = crm.read, count(1)

    def read(kind: Kind, ids: Sequence[str]) -> Mapping[str, Reading]:
        readings = plain_read(kind, ids)
        if next(reads) > pictures:
            return readings
        picture = Record(ONE, before + timedelta(seconds=moved), {}, "005old")
        return {known: replace(reading, record=picture) for known, reading in readings.items()}

    crm.read = read  # type: ignore[method-assign]
    world.lead()
    world.recover()
    assert (row_of(world, plan).state, next(reads) - 1) == (ends, looks)
    assert len(crm.sent) == 1


@pytest.mark.parametrize(
    "history",
    [(), (LONG_AGO,), (replace(BY_US, at=NOW - timedelta(days=1)), LONG_AGO)],
    ids=["no history", "untouched", "wanted once, before the compare"],
)
def test_a_record_that_nobody_changed_is_written_again(world: World, history: tuple[OwnerVersion, ...]) -> None:
    def dropped(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        raise LOST

    source, plan = prepared(world, dropped, *history)
    report = world.apply(plan, source)
    assert report.calls == 1 + 1 + 4 + 1 + 3, "compare, the call that was lost, four looks, its history; then once more"
    assert world.crms[SF].owners[ONE] == "005anna"


@pytest.mark.parametrize("dies", [False, True], ids=["read at once", "read by the next start"])
@pytest.mark.parametrize(
    ("history", "state", "source_of_mark"),
    [
        ((BY_US, LONG_AGO), RowState.CONFIRMED, "written"),
        ((replace(BY_US, by=None), LONG_AGO), RowState.CONFIRMED, "written"),
        ((BEN_AGREES, LONG_AGO), RowState.SKIPPED_ALREADY, "adopted"),
    ],
    ids=["us", "nobody named", "a person"],
)
def test_a_record_that_is_shown_as_before_for_ever_is_not_written_again_where_its_history_has_the_write(
    world: World, history: tuple[OwnerVersion, ...], state: RowState, source_of_mark: str, dies: bool
) -> None:
    """Seed 63052: five pictures of before in a row, over half a minute."""
    source, plan = prepared(world, lost(applied=True, saved="005anna"), *history)
    crm = world.crms[SF]
    picture, plain_read = crm.read(Kind.ACCOUNT, [ONE.id]), crm.read
    if dies:
        crm.read_errors = [None, RetryableError("SYN430", "still down")]

    def read(kind: Kind, ids: Sequence[str]) -> Mapping[str, Reading]:
        plain_read(kind, ids)
        return picture

    crm.read = read  # type: ignore[method-assign]
    world.apply(plan, source)
    if dies:
        world.lead()
        world.recover()
    row = row_of(world, plan)
    assert (row.state, len(crm.sent)) == (state, 1)
    assert mark_of(world)[1] == source_of_mark
    with world.store.read() as conn:
        mirrored = mirror.get_record(conn, ONE)
    assert mirrored is not None
    assert mirrored.owner == "005anna", "else it looks changed back until the next pull"
    assert "the answer was lost" in (row.message or "")


@pytest.mark.parametrize("dies", [False, True], ids=["read at once", "read by the next start"])
@pytest.mark.parametrize(
    ("history", "ours"),
    [((BEN_AGREES, LONG_AGO), False), ((BY_US, LONG_AGO), True), ((), True)],
    ids=["a person", "us", "nothing tells"],
)
def test_who_set_the_wanted_owner_while_the_answer_was_lost_is_asked(
    world: World, history: tuple[OwnerVersion, ...], ours: bool, dies: bool
) -> None:
    source, plan = prepared(world, lost(applied=ours, saved="005anna"), *history)
    if dies:
        world.crms[SF].read_errors = [None, RetryableError("SYN430", "still down")]
    world.apply(plan, source)
    if dies:
        world.lead()
        world.recover()
    row = row_of(world, plan)
    assert row.state is (RowState.CONFIRMED if ours else RowState.SKIPPED_ALREADY)
    assert mark_of(world) == (("005anna", "written") if ours else ("005old", "adopted"))


PICTURES = [
    (timedelta(days=1), timedelta(0), RowState.CONFIRMED),
    (timedelta(days=1), timedelta(hours=-1), RowState.CONFIRMED),
    (timedelta(seconds=2), timedelta(0), RowState.CONFLICT),
    (timedelta(days=1), timedelta(hours=1), RowState.CONFLICT),
]


@pytest.mark.parametrize(
    ("age", "moved", "ends"),
    PICTURES,
    ids=["as compared", "older still", "changed as it was compared", "changed since"],
)
def test_an_accepted_write_that_is_never_shown_is_done_unless_the_record_is_newer_than_it(
    world: World, age: timedelta, moved: timedelta, ends: RowState
) -> None:
    """Seed 81214: each look over 20 seconds was answered with the picture of before, and nobody had edited anything."""
    book = facts(1)
    source = plan_input((book, decision(book)))
    plan, crm = world.approved(source), world.crms[SF]
    stamp = world.clock.now() - age
    crm.stamps[ONE] = stamp
    plain_read = crm.read

    def read(kind: Kind, ids: Sequence[str]) -> Mapping[str, Reading]:
        readings = plain_read(kind, ids)
        if not crm.sent:
            return readings
        picture = Record(ONE, stamp + moved, {}, "005old")
        return {known: replace(reading, record=picture) for known, reading in readings.items()}

    crm.read = read  # type: ignore[method-assign]
    world.apply(plan, source)
    done, row = ends is RowState.CONFIRMED, row_of(world, plan)
    assert (row.state, row.code, len(crm.sent)) == (ends, NOT_SEEN if done else NOT_KEPT, 1)
    assert mark_of(world) == ("005anna", "written")
    with world.store.read() as conn:
        mirrored = mirror.get_record(conn, ONE)
    assert mirrored is not None
    assert mirrored.owner == ("005anna" if done else "005old"), "else it looks changed back until the next pull"
    assert ("taken as done" in (row.message or "")) is done


DEAL = deal(1)


@pytest.mark.parametrize(("history", "ours"), [((BEN_AGREES, LONG_AGO), False), ((BY_US, LONG_AGO), True)])
def test_who_set_the_wanted_owner_of_a_deal_while_the_answer_was_lost_is_asked(
    world: World, history: tuple[OwnerVersion, ...], ours: bool
) -> None:
    def step(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        if ours:
            crm.accept(writes)
        crm.edit(DEAL, "005anna")
        raise LOST

    book = facts(1)
    source = plan_input((book, decision(book)), opportunities=[opportunity(1, ONE)])
    plan = world.approved(source)
    world.crms[SF].script = [None, step]
    world.crms[SF].histories = {(DEAL, OWNER_FIELD): history}
    world.apply(plan, source)
    row = world.rows(plan)[DEAL.id]
    assert row.state is (RowState.CONFIRMED if ours else RowState.SKIPPED_ALREADY)
    assert row.code == ("lost-answer" if ours else None)


@pytest.mark.parametrize("field", ["csm", "territory"])
def test_the_holder_of_a_role_is_asked_for_by_its_field_and_nobody_sets_a_text_of_ours(
    world: World, field: str
) -> None:
    crm = world.crms[SF]
    crm.histories = {(ONE, field): (BEN_AGREES, LONG_AGO), (ONE, OWNER_FIELD): (BY_US, LONG_AGO)}
    row = OutboxRow(1, "plan", ONE, "005old", "005anna", str(ONE), None, "print", RowState.SENDING, 1, field=field)
    row = replace(row, stamp=NOW)
    reading = Reading(ONE, Record(ONE, NOW, {held_name(field): "005anna"}, "005old"), NOW)
    doubted = doubts(world.line(), [row], {ONE: reading})
    assert [each.doubt for each in doubted.values()] == ([Doubt.NOT_OURS] if field == "csm" else [])
    assert crm.calls == (1 if field == "csm" else 0)


def test_a_person_who_sets_the_wanted_owner_between_two_tries_has_spoken(world: World) -> None:
    def locked(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        crm.edit(ONE, "005anna")
        return tuple(WriteResult(write.ref, WriteOutcome.RETRY, "UNABLE_TO_LOCK_ROW") for write in writes)

    source, plan = prepared(world, locked, BEN_AGREES, LONG_AGO)
    world.apply(plan, source)
    assert (row_of(world, plan).state, mark_of(world)[1]) == (RowState.SKIPPED_ALREADY, "adopted")
    assert world.crms[SF].effects == []
