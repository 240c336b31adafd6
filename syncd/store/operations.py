"""What the tables say about syncd's own work: rows on their way, how writes ended, notices nobody took. Only reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from sqlalchemy import ColumnElement, Connection, func, select

from syncd.model.plans import LEADS_PLAN, OWNER_FIELD, UNDO, PlanStatus, RowState, Slot
from syncd.model.refs import Ref
from syncd.store.ownership import OwnerChange
from syncd.store.runs import Run, runs
from syncd.store.tables import notices, outbox, owner_changes, plans, receipts

FAILED_STATES = (RowState.REJECTED, RowState.BLOCKED, RowState.DEAD)
"""Ends of a row that mean that the CRM, or the way to it, refused it."""
_DONE_STATES = (RowState.CONFIRMED, RowState.SKIPPED_ALREADY)
_EXAMPLES = 5
_Step = tuple[str | None, str | None]
"""From whom a record went to whom."""


@dataclass(frozen=True, slots=True)
class ReceiverBacklog:
    """Notices of one receiver that failed at least once and are not sent."""

    waiting: int
    given_up: int
    attempts: int
    since: datetime
    reason: str | None


def rows_in(conn: Connection, state: RowState) -> tuple[int, datetime | None]:
    """How many rows of the outbox are in a state, and when the one that has waited longest was last touched."""
    query = select(func.count(), func.min(outbox.c.changed_at)).where(outbox.c.state == state)
    count, oldest = conn.execute(query).one()
    return count, oldest


def write_outcomes(conn: Connection, since: datetime) -> tuple[int, Mapping[str, int], tuple[str, ...]]:
    """Rows that ended since an instant: how many well, how many badly by state and code, and what the CRM said."""
    done, failed, words = 0, Counter[str](), dict[str, None]()
    wanted = (*FAILED_STATES, *_DONE_STATES)
    query = (
        select(receipts.c.state, receipts.c.code, receipts.c.message, func.count())
        .where(receipts.c.at > since, receipts.c.state.in_(wanted))
        .group_by(receipts.c.state, receipts.c.code, receipts.c.message)
        .order_by(func.count().desc(), receipts.c.code, receipts.c.message)
    )
    for state, code, message, count in conn.execute(query):
        if state in _DONE_STATES:
            done += count
            continue
        failed[f"{state.value} {code}" if code else state.value] += count
        if message:
            words.setdefault(message)
    return done, dict(failed), tuple(words)[:_EXAMPLES]


def newest_runs(conn: Connection, job: str, limit: int) -> tuple[Run, ...]:
    """The newest runs of one job, newest first."""
    return runs(conn, limit, job)


def newest_offer(conn: Connection) -> tuple[str, PlanStatus, str] | None:
    """The newest plan that the rules made (no undo, no plan of leads): its id, status and pack revision."""
    query = (
        select(plans.c.plan_id, plans.c.status, plans.c.pack_revision)
        .where(plans.c.kind.not_in(["undo", LEADS_PLAN]))
        .order_by(plans.c.created_at.desc(), plans.c.plan_id)
        .limit(1)
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else (row.plan_id, row.status, row.pack_revision)


def last_applied_plan(conn: Connection) -> str | None:
    """The id of the plan that was applied last."""
    query = select(plans.c.plan_id).where(plans.c.status == PlanStatus.APPLIED)
    return conn.execute(query.order_by(plans.c.created_at.desc(), plans.c.plan_id).limit(1)).scalar()


def backlogs(conn: Connection, since: datetime) -> Mapping[str, ReceiverBacklog]:
    """By receiver: the notices that failed and still wait, and those given up since an instant."""
    troubled = ((notices.c.state == "queued") & (notices.c.outcome.is_not(None))) | (
        (notices.c.state == "failed") & (notices.c.finished_at > since)
    )
    query = (
        select(
            notices.c.receiver,
            notices.c.state,
            notices.c.outcome,
            func.count(),
            func.max(notices.c.attempts),
            func.min(notices.c.created_at),
            func.max(notices.c.id),
        )
        .where(troubled)
        .group_by(notices.c.receiver, notices.c.state, notices.c.outcome)
        .order_by(func.max(notices.c.id))
    )
    found: dict[str, ReceiverBacklog] = {}
    for receiver, state, outcome, count, attempts, first, _ in conn.execute(query):
        old = found.get(receiver) or ReceiverBacklog(0, 0, 0, first, outcome)
        given_up = count if state == "failed" else 0
        found[receiver] = ReceiverBacklog(
            old.waiting + count - given_up,
            old.given_up + given_up,
            max(old.attempts, attempts),
            min(old.since, first),
            outcome,
        )
    return found


def owner_changes_since(conn: Connection, since: datetime) -> Mapping[Ref, tuple[OwnerChange, ...]]:
    """Every owner change with a stamp after an instant, by record, oldest first; see `OwnerChange.taken_back`."""
    found = _changes_since(conn, since, owner_changes.c.field == OWNER_FIELD)
    written = _written_where_undone(conn, since)
    return {ref: _without_undone(changes, written.get(ref, {})) for (ref, _), changes in found.items()}


def _written_where_undone(conn: Connection, since: datetime) -> Mapping[Ref, Mapping[_Step, bool]]:
    """What syncd made of the owners of records that an undo wrote since an instant, and which of it was the undo."""
    undos = select(plans.c.plan_id).where(plans.c.kind == UNDO)
    wrote = (receipts.c.at > since, receipts.c.state == RowState.CONFIRMED, receipts.c.field == OWNER_FIELD)
    undone = frozenset(conn.execute(select(receipts.c.ref).where(*wrote, receipts.c.plan_id.in_(undos))).scalars())
    if not undone:
        return {}
    found: dict[Ref, dict[_Step, bool]] = defaultdict(dict)
    columns = (receipts.c.ref, receipts.c.before, receipts.c.after, receipts.c.plan_id.in_(undos).label("undo"))
    for row in conn.execute(select(*columns).where(*wrote).order_by(receipts.c.id)):
        if row.ref in undone:
            found[row.ref][row.before, row.after] = bool(row.undo)
    return found


def _without_undone(changes: tuple[OwnerChange, ...], written: Mapping[_Step, bool]) -> tuple[OwnerChange, ...]:
    """The changes, those marked that syncd wrote and an undo of its own took back right after."""
    back: set[int] = set()
    for place, (change, then) in enumerate(pairwise(changes)):
        ours, undo = written.get((change.old, change.new)), written.get((then.old, then.new))
        if ours is not None and undo and place not in back and then.new == change.old:
            back |= {place, place + 1}
    return tuple(replace(change, taken_back=True) if at in back else change for at, change in enumerate(changes))


def role_changes_since(conn: Connection, since: datetime) -> Mapping[Slot, tuple[OwnerChange, ...]]:
    """Every change of a role's holder that somebody else made after an instant, by record and role, oldest first."""
    return _changes_since(conn, since, owner_changes.c.field != OWNER_FIELD)


def _changes_since(
    conn: Connection, since: datetime, fields: ColumnElement[bool]
) -> Mapping[Slot, tuple[OwnerChange, ...]]:
    found: dict[Slot, list[OwnerChange]] = defaultdict(list)
    table = owner_changes.c
    query = select(
        table.ref, table.at, table.old, table.new, table.seen_at, table.modified_by, table.source, table.field
    ).where(table.at > since, fields)
    for row in conn.execute(query.order_by(table.at, table.seq)):
        change = OwnerChange(row.at, row.old, row.new, row.seen_at, row.modified_by, row.source, row.field)
        found[row.ref, row.field].append(change)
    return {slot: tuple(changes) for slot, changes in found.items()}
