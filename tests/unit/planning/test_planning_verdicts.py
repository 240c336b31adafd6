"""What an answer and the reading after it make of a row: each answer beside each way a record may stand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncd.connectors.port import Reading, WriteOutcome, WriteResult
from syncd.model.plans import LOST_ANSWER, OutboxRow, RowState
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.planning.writing import verdicts
from syncd.planning.writing.doubt import Doubt, Doubted
from syncd.planning.writing.settling import NOT_KEPT

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
REF = Ref(System.SALESFORCE, Kind.ACCOUNT, "0011")
OLD, NEW, OTHER = "005old", "005new", "005other"
ROW = OutboxRow(1, "p", REF, OLD, NEW, "company", None, "f", RowState.SENDING)
ACCEPTED, CONFLICT, REJECTED, RETRY, UNKNOWN = (WriteOutcome(one) for one in WriteOutcome)


def shown(owner: str | None, *, deleted: bool = False) -> Reading:
    return Reading(REF, Record(REF, NOW, {}, owner, None, deleted))


def answer(outcome: WriteOutcome) -> WriteResult:
    return WriteResult(REF, outcome, "A_CODE", "words", "r1")


@pytest.mark.parametrize(
    ("owner", "tried", "in_doubt", "state", "code", "before"),
    [
        (NEW, False, False, RowState.SKIPPED_ALREADY, None, NEW),
        (NEW, True, False, RowState.SKIPPED_ALREADY, LOST_ANSWER, OLD),
        (NEW, False, True, RowState.CONFIRMED, LOST_ANSWER, OLD),
        (OTHER, False, True, RowState.CONFLICT, verdicts.OWNER_CHANGED, OTHER),
    ],
)
def test_a_row_is_ours_only_where_it_was_tried_or_is_in_doubt(
    owner: str, tried: bool, in_doubt: bool, state: RowState, code: str | None, before: str
) -> None:
    found = verdicts.before_write(ROW, shown(owner), tried=tried, in_doubt=in_doubt)
    assert found is not None
    assert (found.state, found.code, found.before, found.after) == (state, code, before, owner)


def test_a_record_that_stands_as_planned_may_be_written() -> None:
    assert verdicts.before_write(ROW, shown(OLD), tried=True, in_doubt=True) is None


@pytest.mark.parametrize("reading", [None, shown(OLD, deleted=True)])
def test_what_is_gone_is_stale(reading: Reading | None) -> None:
    found = verdicts.before_write(ROW, reading, tried=False)
    assert found is not None
    assert (found.state, found.code) == (RowState.STALE, verdicts.GONE)


@pytest.mark.parametrize(
    ("outcome", "owner", "last", "state"),
    [
        (ACCEPTED, NEW, False, RowState.CONFIRMED),
        (ACCEPTED, OLD, False, RowState.CONFLICT),
        (ACCEPTED, OTHER, True, RowState.CONFLICT),
        (REJECTED, OLD, False, RowState.REJECTED),
        (RETRY, OLD, False, None),
        (RETRY, OLD, True, RowState.DEAD),
        (UNKNOWN, OLD, False, None),
        (UNKNOWN, OLD, True, RowState.DEAD),
        (UNKNOWN, NEW, False, RowState.CONFIRMED),
        (UNKNOWN, OTHER, True, RowState.CONFLICT),
        (CONFLICT, OLD, False, None),
        (CONFLICT, OLD, True, RowState.DEAD),
        (CONFLICT, NEW, False, RowState.SKIPPED_ALREADY),
        (CONFLICT, OTHER, False, RowState.CONFLICT),
    ],
)
def test_an_answer_and_a_reading_make_one_end(
    outcome: WriteOutcome, owner: str, last: bool, state: RowState | None
) -> None:
    found = verdicts.after_write(ROW, answer(outcome), shown(owner), last=last)
    assert (found and found.state) == state


def test_who_was_first_is_told_where_a_condition_refused_our_write_and_the_wanted_owner_stands() -> None:
    """The write was certainly not done: the wanted owner is somebody else's doing, and no answer was lost."""
    found = verdicts.after_write(ROW, answer(CONFLICT), shown(NEW), last=False)
    assert found is not None
    assert (found.code, found.before) == (None, NEW)


@pytest.mark.parametrize(
    ("doubt", "state", "code", "before", "after"),
    [
        (Doubt.PUT_BACK, RowState.CONFLICT, NOT_KEPT, OLD, OLD),
        (Doubt.NOT_OURS, RowState.SKIPPED_ALREADY, None, NEW, NEW),
        (Doubt.UNSEEN, RowState.CONFIRMED, LOST_ANSWER, OLD, NEW),
    ],
)
def test_what_is_doubted_ends_without_another_write_and_is_mirrored_as_it_is(
    doubt: Doubt, state: RowState, code: str | None, before: str, after: str
) -> None:
    found = verdicts.after_write(ROW, answer(UNKNOWN), shown(OLD), last=False, doubted=Doubted(doubt, "words"))
    assert found is not None
    assert (found.state, found.code, found.before, found.after) == (state, code, before, after)
    assert found.reading is not None
    assert found.reading.record is not None
    assert found.reading.record.owner == after


@pytest.mark.parametrize("outcome", list(WriteOutcome))
def test_refusals_alone_need_no_reading(outcome: WriteOutcome) -> None:
    assert verdicts.needs_reading(answer(outcome)) is (outcome not in (REJECTED, RETRY))


@pytest.mark.parametrize(("said", "told"), [("words", "words"), (None, "the write did not go through")])
def test_a_row_that_is_given_up_has_the_words_of_the_crm_or_ours(said: str | None, told: str) -> None:
    found = verdicts.after_write(ROW, WriteResult(REF, RETRY, "A_CODE", said), shown(OLD), last=True)
    assert found is not None
    assert found.message == told
