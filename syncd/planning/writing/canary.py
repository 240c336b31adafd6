"""The canary: one per cent of a large plan is written first and looked at, before the rest follows.

What a flow, a trigger or a workflow of the CRM does with our writes shows in the records themselves: an owner that did
not hold, an opportunity that moved though no plan says so. Then the rest waits for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.errors import CrmError, ExitCode
from syncd.model.plans import OWNER_FIELD, OutboxRow, RowState, held_value
from syncd.model.refs import Kind, Ref, System
from syncd.planning.writing.applied import Stop
from syncd.planning.writing.line import Line, stopped_by
from syncd.store import ledger, mirror, outbox

SMALLEST_PLAN = 100
"""Fewer accounts than this in one system are written without a canary."""
SHARE = 100
"""One row in so many is a canary."""
WAIT = 5.0
"""Seconds before the canary is looked at: flows that run after a save need a moment."""
HALTED = "SYN524"
"""The code of the stop that a canary which found something makes."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Moved:
    """A record whose owner (or the field that was written) changed although no row of the plan says so."""

    ref: Ref
    before: str | None
    after: str | None


def canary_size(rows: Sequence[OutboxRow], batch_size: int) -> int:
    """How many rows of one system and kind go first: 0 for a small plan, or where some of it was written before."""
    started = any(row.attempts for row in rows)
    if len(rows) < SMALLEST_PLAN or started or rows[0].ref.kind is not Kind.ACCOUNT:
        return 0
    return min(-(-len(rows) // SHARE), batch_size)


def look(line: Line, plan_id: str, sent: Sequence[OutboxRow]) -> Stop | None:
    """Look at what became of the canary's rows; a stop where something happened that the plan does not hold."""
    line.pause(WAIT)
    system = sent[0].ref.system
    with line.store.read() as conn:
        rows = {row.slot: row for row in outbox.rows(conn, plan_id)}
    written = [rows[row.slot] for row in sent if rows[row.slot].state is RowState.CONFIRMED]
    owners = sent[0].field == OWNER_FIELD
    try:
        reverted = _reverted(line, system, written)
        moved = _moved_children(line, system, written, frozenset(ref for ref, _ in rows)) if owners else []
    except CrmError as error:
        return stopped_by(error, system)
    found = [*reverted, *moved]
    _write_down(line, plan_id, len(written), found)
    if not found:
        return None
    what = "owners" if owners else f"values of {sent[0].field}"
    parts = [f"{len(reverted)} of {len(written)} {what} did not hold"] if reverted else []
    deals = "opportunity" if len(moved) == 1 else "opportunities"
    parts += [f"{len(moved)} {deals} moved that the plan does not hold"] if moved else []
    named = ", ".join(str(each.ref) for each in found[:_NAMED])
    text = f"the canary found that {' and '.join(parts)} ({named}); the rest waits for a person"
    return Stop(HALTED, text, ExitCode.PARTIAL)


def _reverted(line: Line, system: System, rows: Sequence[OutboxRow]) -> list[Moved]:
    """The rows whose record has another owner, or another value in their field, again."""
    readings = line.read(system, Kind.ACCOUNT, rows) if rows else {}
    found: list[Moved] = []
    for row in rows:
        reading = readings.get(row.ref)
        record = reading.record if reading is not None else None
        present = held_value(record, row.field) if record is not None else None
        if record is None or present != row.new:
            found.append(Moved(row.ref, row.new, present))
    return found


def _moved_children(line: Line, system: System, rows: Sequence[OutboxRow], planned: frozenset[Ref]) -> list[Moved]:
    """The opportunities of the written accounts that have another owner than the mirror says, and stand in no row."""
    with line.store.read() as conn:
        children = mirror.records_of_account(conn, [row.ref for row in rows])
    known = {child.ref: child.owner for child in children if child.ref not in planned}
    if not known:
        return []
    readings = line.read_refs(system, Kind.OPPORTUNITY, sorted(known))
    return [
        Moved(ref, known[ref], reading.record.owner)
        for ref, reading in sorted(readings.items())
        if reading.record is not None and reading.record.owner != known[ref]
    ]


def _write_down(line: Line, plan_id: str, written: int, found: Sequence[Moved]) -> None:
    now = line.clock.now()
    with line.store.write() as conn:
        for each in found:
            ledger.append(
                conn,
                at=now,
                event="canary.moved",
                ref=str(each.ref),
                actor=None,
                run_id=line.run_id,
                facts={"plan": plan_id, "from": each.before, "to": each.after},
            )
        facts: dict[str, str | int | None] = {"plan": plan_id, "written": written, "moved": len(found)}
        ledger.append(conn, at=now, event="canary.looked", ref=None, actor=None, run_id=line.run_id, facts=facts)
    line.log.event("canary.halted" if found else "canary.passed", plan_id=plan_id, written=written, moved=len(found))
