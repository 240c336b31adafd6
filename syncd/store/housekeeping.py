"""Retention: what is dropped from the database, and when. Receipts and the ledger's chain stay for ever.

Each call takes away a bounded number of rows in the caller's short transaction; the caller repeats it until nothing is
left. Knows nothing of schedules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Connection, delete, exists, func, select

from syncd.model.plans import PlanStatus
from syncd.model.refs import Kind, Ref
from syncd.store.scores import drop_scores
from syncd.store.stage_entries import forget_ways
from syncd.store.tables import (
    approvals,
    company_links,
    episodes,
    lead_tracks,
    ledger,
    ledger_payloads,
    notices,
    outbox,
    owner_changes,
    owner_marks,
    plans,
    records,
    silences,
    teams,
)
from syncd.store.tables import runs as run_table

BATCH = 2_000
"""Rows that one call takes away at most."""
RETENTION: Mapping[str, timedelta] = MappingProxyType(
    {
        "records": timedelta(days=30),
        "payloads": timedelta(days=400),
        "plans": timedelta(days=30),
        "runs": timedelta(days=400),
        "frequent runs": timedelta(days=14),
        "episodes": timedelta(days=400),
        "owner changes": timedelta(days=400),
        "silences": timedelta(days=400),
        "scores": timedelta(days=400),
    }
)
"""How long what is kept: records from when they were gone from the CRM for good, payloads of the ledger (the personal
part), plans that nobody approved, runs (those that come every few minutes shorter), alerts that are over with their
notices, changes of owners seen, silences that ended, and scores that a later one has replaced."""
_FREQUENT = ("watch", "pull", "preview", "delayed-pass", "pack", "leads")


def _records(conn: Connection, before: datetime) -> int:
    """Records that are gone for good, with what is known of them alone: link, mark, team, the way of a deal or lead."""
    gone = (records.c.deleted == True) & (records.c.changed_at < before)  # noqa: E712 - SQL
    query = select(records.c.system, records.c.kind, records.c.id).where(gone).limit(BATCH)
    found = conn.execute(query).all()
    for system, kind, record_id in found:
        ref = Ref(system, kind, record_id)
        conn.execute(delete(company_links).where(company_links.c.ref == ref))
        conn.execute(delete(owner_marks).where(owner_marks.c.ref == ref))
        conn.execute(delete(teams).where(teams.c.system == system, teams.c.account == record_id))
        if kind is Kind.OPPORTUNITY:
            forget_ways(conn, [ref])
        if kind is Kind.LEAD:
            conn.execute(delete(lead_tracks).where(lead_tracks.c.system == system, lead_tracks.c.id == record_id))
        mine = (records.c.id == record_id) & (records.c.system == system) & (records.c.kind == kind)
        conn.execute(delete(records).where(mine))
    return len(found)


def _payloads(conn: Connection, before: datetime) -> int:
    """Payloads and salts: the chain holds without them."""
    old = select(ledger.c.seq).where(ledger.c.at < before, ledger.c.seq == ledger_payloads.c.seq)
    seqs = list(conn.execute(select(ledger_payloads.c.seq).where(exists(old)).limit(BATCH)).scalars())
    conn.execute(delete(ledger_payloads).where(ledger_payloads.c.seq.in_(seqs)))
    return len(seqs)


def _plans(conn: Connection, before: datetime) -> int:
    """Plans that were never approved and have no row in the outbox."""
    kept = exists().where(approvals.c.plan_id == plans.c.plan_id) | exists().where(outbox.c.plan_id == plans.c.plan_id)
    open_ = plans.c.status == PlanStatus.APPROVED
    query = select(plans.c.plan_id).where(plans.c.created_at < before, ~kept, ~open_).limit(BATCH)
    ids = list(conn.execute(query).scalars())
    conn.execute(delete(plans).where(plans.c.plan_id.in_(ids)))
    return len(ids)


def _runs(conn: Connection, before: datetime, *, frequent: bool = False) -> int:
    """Runs, but the newest success of each job: what is due is told by it."""
    newest = (
        select(func.max(run_table.c.started_at)).where(run_table.c.outcome == "ok").group_by(run_table.c.job)
    ).scalar_subquery()
    query = select(run_table.c.run_id).where(run_table.c.started_at < before, run_table.c.started_at.not_in(newest))
    if frequent:
        query = query.where(run_table.c.job.in_(_FREQUENT))
    ids = list(conn.execute(query.limit(BATCH)).scalars())
    conn.execute(delete(run_table).where(run_table.c.run_id.in_(ids)))
    return len(ids)


def _frequent_runs(conn: Connection, before: datetime) -> int:
    return _runs(conn, before, frequent=True)


def _episodes(conn: Connection, before: datetime) -> int:
    """Alerts that are over, with their notices."""
    query = select(episodes.c.id).where(episodes.c.state == "resolved", episodes.c.resolved_at < before).limit(BATCH)
    ids = list(conn.execute(query).scalars())
    conn.execute(delete(notices).where(notices.c.episode_id.in_(ids)))
    conn.execute(delete(episodes).where(episodes.c.id.in_(ids)))
    return len(ids)


def _owner_changes(conn: Connection, before: datetime) -> int:
    query = select(owner_changes.c.seq).where(owner_changes.c.seen_at < before).limit(BATCH)
    seqs = list(conn.execute(query).scalars())
    conn.execute(delete(owner_changes).where(owner_changes.c.seq.in_(seqs)))
    return len(seqs)


def _silences(conn: Connection, before: datetime) -> int:
    ids = list(conn.execute(select(silences.c.id).where(silences.c.ends_at < before).limit(BATCH)).scalars())
    conn.execute(delete(silences).where(silences.c.id.in_(ids)))
    return len(ids)


def _scores(conn: Connection, before: datetime) -> int:
    """Scores that a later run has replaced."""
    return drop_scores(conn, before, BATCH)


PARTS: Mapping[str, Callable[[Connection, datetime], int]] = MappingProxyType(
    {
        "records": _records,
        "payloads": _payloads,
        "plans": _plans,
        "frequent runs": _frequent_runs,
        "runs": _runs,
        "episodes": _episodes,
        "owner changes": _owner_changes,
        "silences": _silences,
        "scores": _scores,
    }
)
"""What takes away the rows of each part that are older than an instant; a call returns how many it took."""
