"""Verdicts: what a CRM's answer and the reading after it make of a row. Pure.

An answer alone confirms nothing: flows, triggers and people change owners after a success, and a lost answer may have
been a write. The reading decides (reliability.md 2.2 and 3.6, F07, F10, F24).
"""

from __future__ import annotations

from dataclasses import replace

from syncd.connectors.port import Reading, WriteOutcome, WriteResult
from syncd.model.plans import LOST_ANSWER, OutboxRow, RowState, with_held_value
from syncd.planning.writing.compare import Standing, compare
from syncd.planning.writing.doubt import Doubt, Doubted
from syncd.planning.writing.settling import NOT_KEPT, Settlement

OWNER_CHANGED = "owner-changed"
"""The code of a row whose field, the owner or another, holds neither what the plan expected nor what it wants."""
GONE = "gone"
NOT_SEEN = "not-seen"
"""The code of a row whose write was accepted, and whose record was never shown but as it was before."""


def before_write(row: OutboxRow, reading: Reading | None, *, tried: bool, in_doubt: bool = False) -> Settlement | None:
    """The end of a row that must not be sent, or None for one whose record stands as planned.

    Rows that were `tried` before, and those `in_doubt` now, are ours where their record has the wanted value: the
    answer was lost, not the write. Only a row in doubt can be confirmed; the code tells the others from mere luck.
    """
    found = compare(row, reading)
    if found.standing is Standing.AS_PLANNED:
        return None
    if found.standing is Standing.AS_WANTED:
        ours = tried or in_doubt
        state = RowState.CONFIRMED if in_doubt else RowState.SKIPPED_ALREADY
        before = row.old if ours else found.value
        return Settlement(row, state, LOST_ANSWER if ours else None, found.text, None, before, found.value, reading)
    if found.standing is Standing.GONE:
        return Settlement(row, RowState.STALE, GONE, found.text, reading=reading)
    return Settlement(row, RowState.CONFLICT, OWNER_CHANGED, found.text, None, found.value, found.value, reading)


def after_write(
    row: OutboxRow, result: WriteResult, reading: Reading | None, *, last: bool, doubted: Doubted | None = None
) -> Settlement | None:
    """The end of a row that was sent, or None where it may be sent again: it was read and was not applied.

    `doubted` is what is doubted of a row whose answer was lost, or whose write does not show.
    """
    if result.outcome is WriteOutcome.REJECTED:
        return Settlement(row, RowState.REJECTED, result.code, result.message, result.request_id, row.old, None)
    if result.outcome is WriteOutcome.RETRY:
        return _dead(row, result) if last else None
    found = compare(row, reading)
    if result.outcome is WriteOutcome.ACCEPTED:
        if doubted is not None:
            return replace(in_dispute(row, reading, doubted, result.request_id), code=NOT_SEEN)
        return _accepted(row, result, reading)
    if doubted is not None:
        return in_dispute(row, reading, doubted, result.request_id)
    if found.standing is Standing.AS_PLANNED:
        return _dead(row, result) if last else None
    return before_write(row, reading, tried=False, in_doubt=result.outcome is WriteOutcome.UNKNOWN)


def in_dispute(row: OutboxRow, reading: Reading | None, doubted: Doubted, request_id: str | None = None) -> Settlement:
    """The end of a row in doubt that its record's value alone would judge wrongly: it is not sent again.

    One that may have been put back has our mark from now on, so that the owner of before counts as the word of whoever
    put it back. One that somebody else carried out has no mark of ours. What does not show yet goes into the mirror as
    it is: else it would look changed back until the next pull.
    """
    if doubted.doubt is Doubt.PUT_BACK:
        return Settlement(row, RowState.CONFLICT, NOT_KEPT, doubted.text, request_id, row.old, row.old, reading)
    done = _as_wanted(row, reading)
    if doubted.doubt is Doubt.UNSEEN:
        return Settlement(row, RowState.CONFIRMED, LOST_ANSWER, doubted.text, request_id, row.old, row.new, done)
    return Settlement(row, RowState.SKIPPED_ALREADY, None, doubted.text, request_id, row.new, row.new, done)


def _as_wanted(row: OutboxRow, reading: Reading | None) -> Reading | None:
    """The reading with the value that was written, no older than the compare: else the mirror would not take it."""
    if reading is None or reading.record is None:
        return reading
    record = with_held_value(reading.record, row.field, row.new)
    return replace(reading, record=replace(record, stamp=max(record.stamp, row.stamp or record.stamp)))


def needs_reading(result: WriteResult) -> bool:
    """Whether an answer says too little without reading the record."""
    return result.outcome not in (WriteOutcome.REJECTED, WriteOutcome.RETRY)


def _accepted(row: OutboxRow, result: WriteResult, reading: Reading | None) -> Settlement:
    found = compare(row, reading)
    if found.standing is Standing.AS_WANTED:
        return Settlement(row, RowState.CONFIRMED, None, None, result.request_id, row.old, found.value, reading)
    text = f"the write was accepted, but {found.text}: a flow, a trigger or a person changed it back"
    return Settlement(row, RowState.CONFLICT, NOT_KEPT, text, result.request_id, row.old, found.value, reading)


def _dead(row: OutboxRow, result: WriteResult) -> Settlement:
    text = result.message or "the write did not go through"
    return Settlement(row, RowState.DEAD, result.code, text, result.request_id, row.old, row.old)
