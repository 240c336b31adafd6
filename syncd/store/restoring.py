"""What an older database needs before it may be used again: the world went on without it.

Everything that says what the CRMs hold is out of date, and what was about to be sent may have been sent since. So every
row in flight is in doubt, no plan is approved any more, the mirror is read anew as a whole, and the baseline is taken
anew. The ledger, the receipts and the memory of who got what stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from syncd.model.plans import PlanStatus, RowState
from syncd.store import ledger, runs
from syncd.store.outbox import OPEN
from syncd.store.tables import (
    adoptions,
    cursors,
    leases,
    monitor_baselines,
    monitor_states,
    notices,
    outbox,
    owner_marks,
    plans,
    systems,
)
from syncd.store.tables import runs as run_table
from syncd.store.versions import MARKS, RECORDS, raise_version

ATTEMPT = "restored"
"""The attempt under which rows in flight are put in doubt: a read tells whether they were written."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was in an older database: plans that are closed now, rows in doubt, and notices that are not sent again."""

    plans: int
    rows: int
    notices: int


def mark_restored(conn: Connection, *, now: datetime, who: str, source: str, epoch: int) -> Restored:
    """Make an older database safe to go on from, in the caller's transaction; writes a row of the ledger.

    `epoch` is the highest that any process may hold in the world: the next lease gets a higher one.
    """
    closed = conn.execute(
        update(plans)
        .where(plans.c.status.in_([PlanStatus.PREVIEW, PlanStatus.OFFERED, PlanStatus.APPROVED]))
        .values(status=PlanStatus.SUPERSEDED)
    ).rowcount
    doubted = {"state": RowState.SENDING, "attempt": ATTEMPT, "changed_at": now}
    rows = conn.execute(update(outbox).where(outbox.c.state.in_(OPEN)).values(doubted)).rowcount
    unsent = {"state": "failed", "finished_at": now, "outcome": "restored"}
    told = conn.execute(update(notices).where(notices.c.state.in_(["queued", "sending"])).values(unsent)).rowcount
    forget_mirror_state(conn)
    for table in (adoptions, owner_marks, monitor_baselines, monitor_states):
        conn.execute(delete(table))
    raise_version(conn, RECORDS, MARKS)
    conn.execute(
        update(run_table)
        .where(run_table.c.finished_at.is_(None))
        .values(outcome=runs.CUT_OFF, finished_at=now, summary={"error": "the database was restored"})
    )
    known = conn.execute(select(func.max(leases.c.epoch))).scalar() or 0
    conn.execute(update(leases).values(holder=None, epoch=max(known, epoch), writes_from=None))
    facts: dict[str, str | int | None] = {"plans": closed, "rows": rows, "notices": told, "from": source}
    ledger.append(conn, at=now, event="database.restored", ref=None, actor=who, run_id=None, facts=facts)
    return Restored(closed, rows, told)


def forget_mirror_state(conn: Connection) -> None:
    """Let every mirror count as never read to the end: nothing is planned before all of it was read again."""
    conn.execute(delete(cursors))
    conn.execute(update(systems).values(complete=False, complete_run=None, as_of=None))
