"""Settling rows: their final state with receipt, ledger row, owner mark, refusal and reading, in one transaction.

The only place where a row of the outbox ends. Makes no call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from syncd.connectors.port import Reading
from syncd.crashpoints import crashpoint
from syncd.model.plans import DERIVED_WRITES, Change, OutboxRow, RowState, SavedPlan, Slot
from syncd.model.records import Record, Team
from syncd.model.refs import Kind, Ref
from syncd.planning.proposing.document import changes_of, decisions_by_role
from syncd.planning.writing.applied import DONE
from syncd.planning.writing.charging import charge_receipts
from syncd.planning.writing.line import Line
from syncd.store import ledger, mirror, outbox, ownership
from syncd.store.people import team_of

REMEMBER_REFUSALS_FOR = timedelta(days=7)
NOT_KEPT = "not-kept"
"""The code of a row whose write was done, and whose record shows something else: somebody was there right after us."""

_EVENTS = {
    RowState.CONFIRMED: "write.confirmed",
    RowState.SKIPPED_ALREADY: "write.skipped",
    RowState.STALE: "write.skipped",
    RowState.CONFLICT: "write.conflicted",
    RowState.REJECTED: "write.rejected",
    RowState.BLOCKED: "write.skipped",
    RowState.DEAD: "write.rejected",
}


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one row ends: `code` and `message` say why, `before` and `after` are the values read around the write."""

    row: OutboxRow
    state: RowState
    code: str | None = None
    message: str | None = None
    request_id: str | None = None
    before: str | None = None
    after: str | None = None
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class PlanContext:
    """A plan as settling needs it: its decisions by company and role, the rows that the native sync writes by company.

    `seats` are the team members that an undo gives back, by record.
    """

    plan: SavedPlan
    decisions: Mapping[tuple[str, str], Mapping[str, Any]]
    awaited: Mapping[str, tuple[Change, ...]]
    seats: Mapping[Ref, Team] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: SavedPlan) -> PlanContext:
        """The context of a saved plan."""
        awaited: dict[str, tuple[Change, ...]] = {}
        for change in changes_of(plan):
            if change.expected:
                awaited[change.because] = (*awaited.get(change.because, ()), change)
        seats = {Ref.parse(ref): members for ref, members in plan.document.get("teams", {}).items()}
        teams = {ref: team_of(ref, members) for ref, members in seats.items()}
        return cls(plan, decisions_by_role(plan.document), awaited, teams)


def settle(line: Line, context: PlanContext, settlements: Sequence[Settlement]) -> None:
    """End some rows, all in one transaction, then tell the log."""
    if not settlements:
        return
    crashpoint("apply.before_finish")
    now = line.clock.now()
    with line.store.write() as conn:
        _finish(conn, context, settlements, now=now, run_id=line.run_id)
        records = _records(settlements)
        if records:
            mirror.record_reading(conn, records, now=now, run_id=line.run_id)
    crashpoint("apply.finished")
    for settlement in settlements:
        row = settlement.row
        line.log.event(
            _EVENTS[settlement.state],
            plan_id=row.plan_id,
            outbox_id=row.id,
            ref=str(row.ref),
            state=settlement.state.value,
            code=settlement.code,
        )


def _finish(
    conn: Connection, context: PlanContext, settlements: Sequence[Settlement], *, now: datetime, run_id: str
) -> None:
    """All of it in few statements, however many rows: an apply of a large plan spends its time here."""
    outbox.finish(conn, [_ending(settlement) for settlement in settlements], now=now)
    _carry_out(conn, context, [settlement for settlement in settlements if settlement.state in DONE], now)
    _mark_unkept(conn, settlements, now)
    for settlement in settlements:
        if settlement.state is RowState.REJECTED:
            row, until = settlement.row, now + REMEMBER_REFUSALS_FOR
            code, words = settlement.code or "REFUSED", settlement.message or ""
            ownership.set_blocked(conn, row.slot, row.new, code, words, until, row.fingerprint)
    ledger.append_many(conn, [_ledger_row(settlement, context) for settlement in settlements], at=now, run_id=run_id)


def _ending(settlement: Settlement) -> outbox.Ending:
    return outbox.Ending(
        settlement.row.id,
        settlement.state,
        settlement.code,
        settlement.message,
        settlement.request_id,
        settlement.before,
        settlement.after,
    )


def _ledger_row(settlement: Settlement, context: PlanContext) -> ledger.NewRow:
    row = settlement.row
    decision = context.decisions.get((row.because, row.field)) if row.field not in DERIVED_WRITES else None
    facts: dict[str, str | int | None] = {
        "plan": row.plan_id,
        "outbox": row.id,
        "field": row.field,
        "state": settlement.state.value,
        "from": settlement.before,
        "to": row.new,
        "after": settlement.after,
        "code": settlement.code,
        "request_id": settlement.request_id,
    }
    if decision is not None:
        facts["territory"] = decision["territory"]
    payload = {"message": settlement.message} if settlement.message else None
    return ledger.NewRow(_EVENTS[settlement.state], str(row.ref), facts, payload)


def _carry_out(conn: Connection, context: PlanContext, done: Sequence[Settlement], now: datetime) -> None:
    """What is remembered once records have the planned owner: the marks, decisions, and what the sync is to write.

    An owner that somebody else set to the same value is no write of ours, so the mark stays as it is: the word of a
    person who was quicker counts for as long as any (RULES 5, changed by a person). A text of ours has no mark: nobody
    else's word counts there.
    """
    if not done:
        return
    marks: dict[Slot, tuple[str | None, str]] = {}
    decided: dict[tuple[str, str], Mapping[str, Any]] = {}
    for settlement in done:
        row = settlement.row
        if row.field in DERIVED_WRITES:
            continue
        if settlement.state is RowState.CONFIRMED or settlement.code is not None:
            marks[row.slot] = (row.new, "written")
        decision = context.decisions.get((row.because, row.field))
        if row.ref.kind is Kind.ACCOUNT and decision is not None:
            decided[row.because, row.field] = decision
        if row.ref.kind is Kind.ACCOUNT:
            awaited = (each for each in context.awaited.get(row.because, ()) if each.field == row.field)
            marks |= {each.slot: (each.new, "expected") for each in awaited}
    ownership.set_marks(conn, marks, now=now)
    ownership.clear_blocked(conn, [settlement.row.slot for settlement in done])
    for role in sorted({role for _, role in decided}):
        mine = {company: decision for (company, known), decision in decided.items() if known == role}
        applied = {company: _applied(context.plan, decision, now) for company, decision in mine.items()}
        ownership.set_applied(conn, role, applied)
    charge_receipts(conn, context.plan.plan_id, decided.values(), now=now)


def _mark_unkept(conn: Connection, settlements: Sequence[Settlement], now: datetime) -> None:
    """Remember what syncd wrote also where it was changed back at once: only so the record shows a person's word.

    Who puts back the owner that was there before leaves nothing that the mirror could see.
    """
    unkept = [one.row for one in settlements if one.code == NOT_KEPT and one.row.field not in DERIVED_WRITES]
    ownership.set_marks(conn, {row.slot: (row.new, "written") for row in unkept}, now=now)


def _applied(plan: SavedPlan, decision: Mapping[str, Any], now: datetime) -> ownership.AppliedRow:
    """A decision of the plan as what was last applied, with the table of rates that it was made by."""
    owner, as_of = decision["owner"], decision.get("rates_as_of")
    return ownership.AppliedRow(
        decision["territory"],
        owner["email"] if owner else None,
        now,
        plan.pack_revision,
        date.fromisoformat(as_of) if as_of else None,
        decision.get("amounts"),
    )


def _records(settlements: Sequence[Settlement]) -> list[Record]:
    """The fresh readings, the last of each record."""
    records: dict[Ref, Record] = {}
    for settlement in settlements:
        record = settlement.reading.record if settlement.reading is not None else None
        if record is not None:
            records[record.ref] = record
    return list(records.values())
