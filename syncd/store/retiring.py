"""The end of a mirror or of a whole installation: what goes from the database, and what stays as proof."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, select, type_coerce, update

from syncd.model.plans import PlanStatus, RowState
from syncd.model.refs import System
from syncd.store import outbox
from syncd.store.columns import Words
from syncd.store.tables import (
    adoptions,
    blocked,
    company_links,
    cursors,
    link_candidates,
    monitor_baselines,
    monitor_states,
    object_schemas,
    owner_marks,
    plans,
    records,
    stage_entries,
    systems,
    teams,
    users,
)
from syncd.store.versions import LINKS, MARKS, RECORDS, raise_version


def in_doubt(conn: Connection, system: System | None = None) -> int:
    """How many writes were sent and not settled yet, of one system or of all."""
    rows = outbox.rows(conn, states=[RowState.SENDING])
    return sum(1 for row in rows if system is None or row.ref.system is system)


def close_plans(conn: Connection, *, now: datetime, why: str) -> tuple[int, int]:
    """Close every plan that is not done, and end its unsent rows as stale; how many plans and rows."""
    waiting = outbox.rows(conn, states=[RowState.APPROVED])
    endings = [outbox.Ending(row.id, RowState.STALE, "closed", why, before=row.old, after=row.old) for row in waiting]
    outbox.finish(conn, endings, now=now)
    open_ = [PlanStatus.PREVIEW, PlanStatus.OFFERED, PlanStatus.APPROVED]
    statement = update(plans).where(plans.c.status.in_(open_)).values(status=PlanStatus.SUPERSEDED)
    return conn.execute(statement).rowcount, len(waiting)


def forget_system(conn: Connection, system: System) -> int:
    """Drop the mirror of one system and everything that is said of its records alone; how many records went.

    The baseline goes with it: the monitors and the owners start anew. Ledger, outbox and receipts stay.
    """
    count = conn.execute(select(func.count()).select_from(records).where(records.c.system == system)).scalar_one()
    for named in (company_links, owner_marks, blocked, stage_entries):
        conn.execute(delete(named).where(type_coerce(named.c.ref, Words).startswith(f"{system.value}:")))
    conn.execute(delete(link_candidates))
    for owned in (records, users, teams, cursors, object_schemas, systems):
        conn.execute(delete(owned).where(owned.c.system == system))
    for common in (adoptions, monitor_baselines, monitor_states):
        conn.execute(delete(common))
    raise_version(conn, RECORDS, LINKS, MARKS)
    return count
