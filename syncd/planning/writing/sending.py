"""Sending rows of one system, kind and field: compare, claim, send, read back, settle. Knows no plan as a whole.

Per record strictly serial, and nothing is sent again before a read has proved that it was not applied
(reliability.md 2.2, I10, I11). No transaction is open during a call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.connectors.port import OwnerWrite, Reading, WriteOutcome, WriteResult
from syncd.crashpoints import crashpoint
from syncd.errors import (
    AuthError,
    CrmError,
    ExitCode,
    ForeignSystemError,
    LeaseHeldError,
    QuotaExhaustedError,
    RateLimitedError,
    RefusedError,
    RetryableError,
    SchemaError,
)
from syncd.model.plans import OWNER_FIELD, OutboxRow, RowState
from syncd.model.records import Team
from syncd.model.refs import Kind, Ref, System
from syncd.planning.writing.applied import Stop
from syncd.planning.writing.compare import Standing, compare
from syncd.planning.writing.doubt import Doubted, doubts, stamp_of, unseen
from syncd.planning.writing.line import Line, stopped_by
from syncd.planning.writing.looks import LOST_WAIT, readings_after
from syncd.planning.writing.settling import PlanContext, Settlement, settle
from syncd.planning.writing.teams import HAS_TEAM, read_teams, restore_teams, with_seats
from syncd.planning.writing.verdicts import after_write, before_write, in_dispute, needs_reading
from syncd.store import ledger, outbox, saved_teams

MAX_ATTEMPTS = 3
SINGLE_ROWS = 5
"""Up to so many rows each is written alone, guarded by the modification time of the compare (salesforce.md 3.3)."""
_SHRINK = 4
_TEAM_KINDS = frozenset({Kind.ACCOUNT, Kind.OPPORTUNITY})


@dataclass(frozen=True, slots=True)
class Ready:
    """A row whose record stands as planned, and its stamp: the reading, when, the team that the write will drop."""

    row: OutboxRow
    reading: Reading
    compared_at: datetime
    team: Team | None


@dataclass(slots=True)
class Tally:
    """How sending went: rows sent, rows refused for good, and what ended it early."""

    sent: int = 0
    refused: int = 0
    stop: Stop | None = None


def send_rows(line: Line, context: PlanContext, rows: Sequence[OutboxRow]) -> Tally:
    """Carry out some rows of one system, kind and field: at most `MAX_ATTEMPTS` sends each, fewer a call each time.

    Every row ends in a final state, or stays approved (in doubt: `sending`) where the tally says what stopped it.
    """
    tally, tries, queue = Tally(), Counter[int](), list(rows)
    while queue and tally.stop is None:
        level = max(tries[row.id] for row in queue)
        if level:
            line.back_off(level)
        system = queue[0].ref.system
        try:
            ready = _compared(line, context, queue, tries)
        except CrmError as error:
            tally.stop = stopped_by(error, system)
            break
        size = max(1, line.writers[system].batch_size // _SHRINK**level)
        if system is System.SALESFORCE and len(ready) <= SINGLE_ROWS:
            size = 1  # one guarded call each, so that freeze and lease are asked before every one of them
        queue = []
        for start in range(0, len(ready), size):
            if tally.stop is None:
                queue += _send(line, context, ready[start : start + size], tries, tally)
    return tally


def check_before_call(line: Line, context: PlanContext) -> Stop | None:
    """What forbids the next write: a freeze, a lost lease, or the plan's end of life."""
    plan = context.plan
    try:
        line.may_write()
    except (RefusedError, LeaseHeldError) as error:
        return Stop(error.code, error.summary, error.exit_code)
    if line.clock.now() >= plan.expires_at:
        return Stop("SYN504", f"plan {plan.plan_id} expired while it was being applied", RefusedError.exit_code)
    return None


def _compared(line: Line, context: PlanContext, rows: Sequence[OutboxRow], tries: Mapping[int, int]) -> list[Ready]:
    """The rows whose record stands as planned, with its reading; the others are settled. Raises CrmError."""
    system, kind = rows[0].ref.system, rows[0].ref.kind
    now, readings = line.clock.now(), line.read(system, kind, rows)
    ends = _ended_before(line, rows, readings, tries)
    ended = {end.row.id for end in ends}
    standing = [(row, reading) for row in rows if row.id not in ended and (reading := readings.get(row.ref))]
    dropped = rows[0].field == OWNER_FIELD and kind in _TEAM_KINDS  # by a change of owner, and by nothing else
    teams = read_teams(line.readers[system], kind, [row.ref.id for row, _ in standing] if dropped else [])
    ready: list[Ready] = []
    for row, reading in standing:
        hold = teams.hold(row.ref.id)
        if hold is not None:
            ends.append(Settlement(row, RowState.CONFLICT, HAS_TEAM, hold, reading=reading))
        else:
            team = with_seats(teams.teams.get(row.ref.id), context.seats.get(row.ref))
            ready.append(Ready(replace(row, stamp=stamp_of(reading)), reading, now, team))
    settle(line, context, ends)
    return ready


def _ended_before(
    line: Line, rows: Sequence[OutboxRow], readings: Mapping[Ref, Reading], tries: Mapping[int, int]
) -> list[Settlement]:
    """The rows that are not sent, for their record does not stand as planned. Raises CrmError."""
    tried = {row.id for row in rows if row.attempts or tries[row.id]}
    late = [
        row for row in rows if row.id in tried and compare(row, readings.get(row.ref)).standing is Standing.AS_WANTED
    ]
    disputed = doubts(line, late, readings)
    ends: list[Settlement] = []
    for row in rows:
        reading, doubted = readings.get(row.ref), disputed.get(row.id)
        if doubted is not None:
            ends.append(in_dispute(row, reading, doubted))
        elif (end := before_write(row, reading, tried=row.id in tried)) is not None:
            ends.append(end)
    return ends


def _send(
    line: Line, context: PlanContext, chunk: Sequence[Ready], tries: Counter[int], tally: Tally
) -> list[OutboxRow]:
    """Send one call's rows and settle them; returns the rows to try again, each proved not to be applied."""
    rows = [each.row for each in chunk]
    tally.stop = check_before_call(line, context) or _claim(line, chunk)
    if tally.stop is not None:
        return []
    tally.stop = check_before_call(line, context)
    if tally.stop is not None:
        if tally.stop.exit_code is not ExitCode.LEADER:  # else the new leader reads them and settles them
            _reopen(line, rows)
        return []
    try:
        results = _write(line, chunk)
    except RateLimitedError as error:
        _reopen(line, rows)
        tally.stop = _wait_out(line, error, rows)
        return [] if tally.stop is not None else rows
    except CrmError as error:
        _reopen(line, rows)
        tally.stop = stopped_by(error, rows[0].ref.system)
        return []
    tries.update(row.id for row in rows)
    tally.sent += len(rows)
    tally.refused += sum(1 for result in results.values() if result.outcome is WriteOutcome.REJECTED)
    again = _finish(line, context, chunk, results, tries, tally)
    if any(each.team is not None for each in chunk):
        tally.stop = tally.stop or restore_teams(line, rows[0].ref.system)
    return again


def _claim(line: Line, chunk: Sequence[Ready]) -> Stop | None:
    """Write down what is about to be sent, before it is sent; a stop where the lease or the plan is lost."""
    crashpoint("apply.before_claim")
    now, attempt = line.clock.now(), line.entropy.token()
    rows = [each.row for each in chunk]
    try:
        with line.store.write() as conn:
            saved_teams.save(conn, {each.row.id: each.team for each in chunk}, now=now)
            intents = [_intent(row, attempt, line.epoch) for row in rows]
            ledger.append_many(conn, intents, at=now, run_id=line.run_id)
            stamps = {row.id: row.stamp for row in rows if row.stamp is not None}
            outbox.claim(conn, [row.id for row in rows], epoch=line.epoch, attempt=attempt, now=now, stamps=stamps)
    except (LeaseHeldError, RefusedError) as error:
        return Stop(error.code, error.summary, error.exit_code)
    crashpoint("apply.claimed")
    return None


def _intent(row: OutboxRow, attempt: str, epoch: int) -> ledger.NewRow:
    facts: dict[str, str | int | None] = {
        "plan": row.plan_id,
        "outbox": row.id,
        "field": row.field,
        "attempt": attempt,
        "epoch": epoch,
        "from": row.old,
        "to": row.new,
    }
    return ledger.NewRow("write.intended", str(row.ref), facts)


def _write(line: Line, chunk: Sequence[Ready]) -> Mapping[Ref, WriteResult]:
    """One call of the writer; an error that leaves the outcome open is an answer for every row.

    Raises RateLimitedError, and the errors where nothing was applied and a person must act.
    """
    rows = [each.row for each in chunk]
    alone = len(chunk) <= SINGLE_ROWS
    writes = [
        OwnerWrite(
            each.row.ref, each.row.old, each.row.new, each.reading.modified_at if alone else None, each.row.field
        )
        for each in chunk
    ]
    writer, kind = line.writers[rows[0].ref.system], rows[0].ref.kind
    try:
        results = writer.write_owners(kind, writes)
    except (RateLimitedError, AuthError, SchemaError, QuotaExhaustedError, ForeignSystemError):
        raise
    except CrmError as error:
        unapplied = isinstance(error, RetryableError) and error.applied is False
        outcome = WriteOutcome.RETRY if unapplied else WriteOutcome.UNKNOWN
        results = tuple(WriteResult(row.ref, outcome, error.code, error.summary) for row in rows)
    crashpoint("apply.sent")
    if len(results) != len(rows):
        text = f"{len(results)} answers came for {len(rows)} rows"
        results = tuple(WriteResult(row.ref, WriteOutcome.UNKNOWN, None, text) for row in rows)
    return dict(zip((row.ref for row in rows), results, strict=True))


def _finish(
    line: Line,
    context: PlanContext,
    chunk: Sequence[Ready],
    results: Mapping[Ref, WriteResult],
    tries: Mapping[int, int],
    tally: Tally,
) -> list[OutboxRow]:
    """Read back what needs it, settle, and return the rows to try again.

    Where the reading fails the rows stay in doubt: the next start reads them before anything else.
    """
    rows = [each.row for each in chunk]
    unread = [row for row in rows if needs_reading(results[row.ref])]
    read_rows = [row for row in rows if not needs_reading(results[row.ref])]
    readings: Mapping[Ref, Reading] = {}
    disputed: Mapping[int, Doubted] = {}
    try:
        lost = [row for row in unread if results[row.ref].outcome is WriteOutcome.UNKNOWN]
        if lost:
            line.pause(LOST_WAIT)
        readings = readings_after(line, unread)
        disputed = {**doubts(line, lost, readings), **_unseen(chunk, results, readings)}
        read_rows = list(rows)
    except CrmError as error:
        tally.stop = stopped_by(error, rows[0].ref.system)
        for row in unread:
            line.log.event("write.unknown", plan_id=row.plan_id, outbox_id=row.id, ref=str(row.ref))
    ends: list[Settlement] = []
    again: list[OutboxRow] = []
    for row in read_rows:
        last = tries[row.id] >= MAX_ATTEMPTS
        end = after_write(row, results[row.ref], readings.get(row.ref), last=last, doubted=disputed.get(row.id))
        if end is None:
            again.append(row)
        else:
            ends.append(end)
    settle(line, context, ends)
    _reopen(line, again, results)
    return again


def _unseen(
    chunk: Sequence[Ready], results: Mapping[Ref, WriteResult], readings: Mapping[Ref, Reading]
) -> dict[int, Doubted]:
    """What is doubted of rows whose writes were accepted, by row id: those that do not show."""
    found: dict[int, Doubted] = {}
    for each in chunk:
        row = each.row
        if results[row.ref].outcome is WriteOutcome.ACCEPTED:
            doubted = unseen(row, readings.get(row.ref), each.compared_at)
            if doubted is not None:
                found[row.id] = doubted
    return found


def _wait_out(line: Line, error: RateLimitedError, rows: Sequence[OutboxRow]) -> Stop | None:
    """Wait as the CRM asks; a stop once that is too long in all."""
    try:
        line.wait_out(error)
    except RateLimitedError as too_long:
        return stopped_by(too_long, rows[0].ref.system)
    return None


def _reopen(line: Line, rows: Sequence[OutboxRow], results: Mapping[Ref, WriteResult] | None = None) -> None:
    """Put rows that were certainly not applied back to approved, with the CRM's words where there are any."""
    if not rows:
        return
    endings: list[outbox.Ending] = []
    for row in rows:
        result = results[row.ref] if results is not None else None
        code, message = (result.code, result.message) if result is not None else (None, None)
        endings.append(outbox.Ending(row.id, RowState.APPROVED, code, message))
    with line.store.write() as conn:
        outbox.reopen(conn, endings, now=line.clock.now())
