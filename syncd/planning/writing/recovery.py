"""Recovery: rows that an earlier process left in doubt are read before anything is sent.

Run at every start. A row in `sending` may or may not have been written: the record itself says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from syncd.crashpoints import crashpoint
from syncd.errors import CrmError, ExitCode
from syncd.model.plans import OutboxRow, PlanStatus, RowState
from syncd.model.refs import Kind, System
from syncd.planning.approval import expire
from syncd.planning.writing.applied import Stop
from syncd.planning.writing.doubt import doubts
from syncd.planning.writing.line import Line, stopped_by
from syncd.planning.writing.looks import LOST_WAIT, readings_after
from syncd.planning.writing.settling import PlanContext, Settlement, settle
from syncd.planning.writing.teams import restore_teams
from syncd.planning.writing.verdicts import before_write, in_dispute
from syncd.store import outbox, plans

_BATCH = 100


def recover(line: Line) -> tuple[int, tuple[Stop, ...]]:
    """Settle every row in doubt by reading its record; returns how many, and what kept the others in doubt.

    Written ones end as `confirmed`, unwritten ones are open again (or `stale` where their plan is closed), the rest
    are conflicts. Then plans past their time are closed, so that their rows do not hold back later plans. Sends
    nothing, but puts back the teams that a dead process's writes dropped.
    """
    with line.store.read() as conn:
        rows = sorted(outbox.rows(conn, states=[RowState.SENDING]), key=_group)
    found = _settle_all(line, rows) if rows else (0, ())
    with line.store.write() as conn:
        expire(conn, now=line.clock.now(), run_id=line.run_id)
    settled, doubts = found
    unrestored = [stop for system in sorted(line.writers) if (stop := restore_teams(line, system)) is not None]
    return settled, (*doubts, *unrestored)


def _settle_all(line: Line, rows: Sequence[OutboxRow]) -> tuple[int, tuple[Stop, ...]]:
    """Read and settle the rows batch by batch; trouble with one system does not keep the other's rows in doubt."""
    line.pause(LOST_WAIT)
    settled = 0
    stops: list[Stop] = []
    for (_, system, _), group in groupby(rows, key=_group):
        doubted = list(group)
        if system not in line.readers:
            text = f"{len(doubted)} writes to {system.value} are in doubt, and it is not configured any more"
            stops.append(Stop("SYN518", text, ExitCode.PARTIAL, system.value))
            continue
        for start in range(0, len(doubted), _BATCH):
            batch = doubted[start : start + _BATCH]
            try:
                _settle_batch(line, batch)
            except CrmError as error:
                stops.append(stopped_by(error, system))
                break
            settled += len(batch)
    line.log.event("apply.recovered", rows=settled)
    return settled, tuple(stops)


def _group(row: OutboxRow) -> tuple[str, System, Kind]:
    return row.plan_id, row.ref.system, row.ref.kind


def _settle_batch(line: Line, rows: Sequence[OutboxRow]) -> None:
    readings = readings_after(line, rows)
    disputed = doubts(line, rows, readings)
    with line.store.read() as conn:
        plan = plans.get_plan(conn, rows[0].plan_id)
    closed = plan.status is not PlanStatus.APPROVED or line.clock.now() >= plan.expires_at
    ends: list[Settlement] = []
    unsent: list[OutboxRow] = []
    for row in rows:
        reading = readings.get(row.ref)
        doubted = disputed.get(row.id)
        end = in_dispute(row, reading, doubted) if doubted else before_write(row, reading, tried=True, in_doubt=True)
        if end is None and closed:
            text = "the plan was closed before this row was written"
            end = Settlement(row, RowState.STALE, "closed", text, before=row.old, after=row.old, reading=reading)
        if end is None:
            unsent.append(row)
        else:
            ends.append(end)
    crashpoint("recovery.before_settle")
    settle(line, PlanContext.of(plan), ends)
    with line.store.write() as conn:
        outbox.reopen(conn, [outbox.Ending(row.id, RowState.APPROVED) for row in unsent], now=line.clock.now())
    crashpoint("recovery.settled")
