"""The outbox: rows of approved plans on their way to a CRM, and the receipts of what became of them.

A record has at most one open row. A row becomes `sending` only under the present lease's epoch, and ends in exactly
one final state with a receipt. Knows nothing of how a row is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select, update

from syncd.errors import RefusedError, StorageError
from syncd.model.plans import Change, OutboxRow, PlanStatus, RowState
from syncd.model.refs import Ref
from syncd.store import lease
from syncd.store.tables import approvals, outbox, plans
from syncd.store.tables import receipts as receipt_table
from syncd.store.upserts import chunks

OPEN = (RowState.APPROVED, RowState.SENDING)
"""States in which something may still happen to a row."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one row: the state it came to, the CRM's words, and the owners read before and after.

    `state` is `approved` for a row that was put back because a read proved that nothing was applied.
    """

    id: int
    outbox_id: int
    plan_id: str
    ref: Ref
    at: datetime
    state: RowState
    attempt: str | None
    epoch: int | None
    code: str | None
    message: str | None
    request_id: str | None
    before: str | None
    after: str | None


def enqueue(conn: Connection, plan_id: str, changes: Sequence[Change]) -> None:
    """Put rows of an approved plan into the outbox.

    Raises RefusedError SYN615 for a plan that is not approved and SYN613 for a record that has an open row already;
    ValueError for an `expected` change, which is never sent.
    """
    if any(change.expected for change in changes):
        raise ValueError("expected changes are awaited, not sent")
    query = select(approvals.c.at).join(plans, plans.c.plan_id == approvals.c.plan_id)
    at = conn.execute(query.where(plans.c.plan_id == plan_id, plans.c.status == PlanStatus.APPROVED)).scalar()
    if at is None:
        raise RefusedError("SYN615", f"plan {plan_id} is not approved", hint="approve it first")
    named = Counter(change.ref for change in changes)
    taken = _open_among(conn, list(named)) or {ref for ref, count in named.items() if count > 1}
    if taken:
        raise RefusedError(
            "SYN613",
            f"{len(taken)} records of plan {plan_id} have a write under way, such as {min(map(str, taken))}",
            hint="apply or supersede the plan that holds them first",
        )
    if changes:
        conn.execute(outbox.insert(), [_row(plan_id, change, at) for change in changes])


def rows(
    conn: Connection, plan_id: str | None = None, states: Iterable[RowState] | None = None
) -> tuple[OutboxRow, ...]:
    """The rows of a plan or of all, in some states or in any, oldest first."""
    query = select(outbox).order_by(outbox.c.id)
    if plan_id is not None:
        query = query.where(outbox.c.plan_id == plan_id)
    if states is not None:
        query = query.where(outbox.c.state.in_(list(states)))
    return tuple(
        OutboxRow(
            id=row.id,
            plan_id=row.plan_id,
            ref=row.ref,
            old=row.old,
            new=row.new,
            because=row.because,
            parent=row.parent,
            fingerprint=row.fingerprint,
            state=row.state,
            attempts=row.attempts,
            code=row.code,
            message=row.message,
        )
        for row in conn.execute(query)
    )


def claim(conn: Connection, ids: Iterable[int], *, epoch: int, attempt: str, now: datetime) -> None:
    """Say that rows are about to be sent (approved to sending), all or none; commit before sending.

    Raises LeaseHeldError SYN702 unless `epoch` is the present lease's, RefusedError SYN615 for a row whose plan is not
    approved any more, StorageError SYN611 for a row that is not `approved`.
    """
    wanted = sorted(set(ids))
    lease.require(conn, epoch, now=now)
    may_write = exists().where(
        plans.c.plan_id == outbox.c.plan_id, plans.c.status.in_([PlanStatus.APPROVED, PlanStatus.APPLIED])
    )
    claimed = 0
    for batch in chunks(wanted):
        statement = (
            update(outbox)
            .where(
                outbox.c.id.in_(batch),
                outbox.c.state == RowState.APPROVED,
                lease.is_held(epoch, now),
                may_write,
            )
            .values(
                state=RowState.SENDING,
                attempts=outbox.c.attempts + 1,
                attempt=attempt,
                epoch=epoch,
                changed_at=now,
            )
        )
        claimed += conn.execute(statement).rowcount
    if claimed != len(wanted):
        raise _unclaimable(conn, wanted, attempt)


def finish(
    conn: Connection,
    id: int,  # noqa: A002 - the interface's word
    state: RowState,
    *,
    code: str | None = None,
    message: str | None = None,
    request_id: str | None = None,
    before: str | None = None,
    after: str | None = None,
    now: datetime,
) -> None:
    """End a row in a final state, with its receipt: `confirmed` from `sending` only, the others from any open state.

    Raises StorageError SYN611 for a state that is not final or a row that has ended, SYN616 for an unknown row.
    """
    if not state.final:
        raise StorageError("SYN611", f"{state.value} is no final state of a row")
    allowed = (RowState.SENDING,) if state is RowState.CONFIRMED else OPEN
    _move(conn, id, state, allowed, code=code, message=message, now=now)
    _write_receipt(
        conn, id, state, code=code, message=message, request_id=request_id, before=before, after=after, now=now
    )


def reopen(
    conn: Connection,
    id: int,  # noqa: A002 - the interface's word
    *,
    now: datetime,
    code: str | None = None,
    message: str | None = None,
    before: str | None = None,
) -> None:
    """Put a `sending` row back to `approved`, after a read proved that nothing was applied; leaves a receipt.

    Raises StorageError SYN611 for a row in another state, SYN616 for an unknown row.
    """
    _move(conn, id, RowState.APPROVED, (RowState.SENDING,), code=code, message=message, now=now)
    _write_receipt(conn, id, RowState.APPROVED, code=code, message=message, before=before, now=now)


def open_refs(conn: Connection) -> frozenset[Ref]:
    """The records that have an open row."""
    return frozenset(conn.execute(select(outbox.c.ref).where(outbox.c.state.in_(OPEN))).scalars())


def receipts(conn: Connection, of: str | Ref) -> tuple[Receipt, ...]:
    """The receipts of a plan (its id) or of a record (its ref), oldest first."""
    column = receipt_table.c.ref == of if isinstance(of, Ref) else receipt_table.c.plan_id == of
    query = select(receipt_table).where(column).order_by(receipt_table.c.id)
    return tuple(Receipt(**row) for row in conn.execute(query).mappings())


def oldest_open(conn: Connection) -> datetime | None:
    """When the open row that has waited longest was last touched; None without an open row."""
    query = select(outbox.c.changed_at).where(outbox.c.state.in_(OPEN)).order_by(outbox.c.changed_at).limit(1)
    return conn.execute(query).scalar()


def _row(plan_id: str, change: Change, at: datetime) -> dict[str, Any]:
    return {
        "plan_id": plan_id,
        "ref": change.ref,
        "old": change.old,
        "new": change.new,
        "because": change.because,
        "parent": change.parent,
        "fingerprint": change.fingerprint,
        "money": change.money,
        "state": RowState.APPROVED,
        "attempts": 0,
        "attempt": None,
        "epoch": None,
        "code": None,
        "message": None,
        "changed_at": at,
    }


def _open_among(conn: Connection, refs: Sequence[Ref]) -> set[Ref]:
    found: set[Ref] = set()
    for batch in chunks(refs):
        query = select(outbox.c.ref).where(outbox.c.ref.in_(batch), outbox.c.state.in_(OPEN))
        found.update(conn.execute(query).scalars())
    return found


def _unclaimable(conn: Connection, wanted: Sequence[int], attempt: str) -> Exception:
    """Why not every row could be claimed; raising it takes the whole claim back with the caller's transaction."""
    for batch in chunks(wanted):
        query = (
            select(outbox.c.id, outbox.c.state, outbox.c.attempt, plans.c.plan_id, plans.c.status)
            .join(plans, plans.c.plan_id == outbox.c.plan_id)
            .where(outbox.c.id.in_(batch))
            .order_by(outbox.c.id)
        )
        for row_id, state, by, plan_id, status in conn.execute(query):
            if state is RowState.SENDING and by == attempt:
                continue
            if state is not RowState.APPROVED:
                return StorageError("SYN611", f"row {row_id} is {state.value} and cannot be claimed")
            return RefusedError("SYN615", f"plan {plan_id} is {status.value}: its rows are not sent any more")
    return StorageError("SYN616", "a row to be claimed is not in the outbox")


def _move(
    conn: Connection,
    row_id: int,
    state: RowState,
    allowed: Sequence[RowState],
    *,
    code: str | None,
    message: str | None,
    now: datetime,
) -> None:
    statement = (
        update(outbox)
        .where(outbox.c.id == row_id, outbox.c.state.in_(allowed))
        .values(state=state, code=code, message=message, changed_at=now)
    )
    if conn.execute(statement).rowcount == 1:
        return
    current = conn.execute(select(outbox.c.state).where(outbox.c.id == row_id)).scalar()
    if current is None:
        raise StorageError("SYN616", f"there is no row {row_id} in the outbox")
    raise StorageError("SYN611", f"row {row_id} is {current.value} and cannot become {state.value}")


def _write_receipt(
    conn: Connection,
    row_id: int,
    state: RowState,
    *,
    code: str | None,
    message: str | None,
    now: datetime,
    request_id: str | None = None,
    before: str | None = None,
    after: str | None = None,
) -> None:
    row = conn.execute(
        select(outbox.c.plan_id, outbox.c.ref, outbox.c.attempt, outbox.c.epoch).where(outbox.c.id == row_id)
    ).one()
    conn.execute(
        receipt_table.insert(),
        {
            "outbox_id": row_id,
            "plan_id": row.plan_id,
            "ref": row.ref,
            "at": now,
            "state": state,
            "attempt": row.attempt,
            "epoch": row.epoch,
            "code": code,
            "message": message,
            "request_id": request_id,
            "before": before,
            "after": after,
        },
    )
