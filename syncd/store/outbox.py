"""The outbox: rows of approved plans on their way to a CRM, and the receipts of what became of them.

A field of a record has at most one open row. A row becomes `sending` only under the present lease's epoch, and ends in
exactly one final state with a receipt. Knows nothing of how a row is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, exists, func, select, update

from syncd.errors import RefusedError, StorageError
from syncd.model.plans import OWNER_FIELD, Change, OutboxRow, PlanStatus, RowState, Slot
from syncd.model.refs import Ref
from syncd.store import lease
from syncd.store.tables import approvals, outbox, plans
from syncd.store.tables import receipts as receipt_table
from syncd.store.upserts import chunks

OPEN = (RowState.APPROVED, RowState.SENDING)
"""States in which something may still happen to a row."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one row: the state it came to, the CRM's words, and the field's values read before and after.

    `state` is `approved` for a row that was put back because a read proved that nothing was applied.
    """

    id: int
    outbox_id: int
    plan_id: str
    ref: Ref
    field: str
    at: datetime
    state: RowState
    attempt: str | None
    epoch: int | None
    code: str | None
    message: str | None
    request_id: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Ending:
    """What a row comes to, for its receipt: `before` and `after` are the owners read around the write."""

    id: int
    state: RowState
    code: str | None = None
    message: str | None = None
    request_id: str | None = None
    before: str | None = None
    after: str | None = None


def enqueue(conn: Connection, plan_id: str, changes: Sequence[Change]) -> None:
    """Put rows of an approved plan into the outbox.

    Raises RefusedError SYN615 for a plan that is not approved and SYN613 for a field that has an open row already;
    ValueError for an `expected` change, which is never sent.
    """
    if any(change.expected for change in changes):
        raise ValueError("expected changes are awaited, not sent")
    query = select(approvals.c.at).join(plans, plans.c.plan_id == approvals.c.plan_id)
    at = conn.execute(query.where(plans.c.plan_id == plan_id, plans.c.status == PlanStatus.APPROVED)).scalar()
    if at is None:
        raise RefusedError("SYN615", f"plan {plan_id} is not approved", hint="approve it first")
    named = Counter(change.slot for change in changes)
    taken = _open_among(conn, named) or {slot for slot, count in named.items() if count > 1}
    if taken:
        first = min(str(ref) for ref, _ in taken)
        raise RefusedError(
            "SYN613",
            f"{len(taken)} records of plan {plan_id} have a write under way, such as {first}",
            hint="apply or supersede the plan that holds them first",
        )
    if changes:
        conn.execute(outbox.insert(), [_row(plan_id, change, at) for change in changes])


def rows(
    conn: Connection, plan_id: str | None = None, states: Iterable[RowState] | None = None
) -> tuple[OutboxRow, ...]:
    """The rows of a plan or of all, in some states or in any, oldest first."""
    told: dict[str, Any] = {} if plan_id is None else {"of_plan": plan_id}
    told |= {} if states is None else {"of_states": list(states)}
    return tuple(OutboxRow(*row) for row in conn.execute(_rows(*told), told))


def counts(conn: Connection, plan_id: str) -> Mapping[RowState, int]:
    """How many rows of a plan are in each state that any of them is in."""
    query = select(outbox.c.state, func.count()).where(outbox.c.plan_id == plan_id).group_by(outbox.c.state)
    found: dict[RowState, int] = dict(conn.execute(query).all())
    return found


_COLUMNS = [outbox.c[field.name] for field in fields(OutboxRow)]


@cache
def _rows(*told: str) -> Select[*tuple[Any, ...]]:
    """The same statement each time: making one costs as much as running it."""
    query = select(*_COLUMNS).order_by(outbox.c.id)
    if "of_plan" in told:
        query = query.where(outbox.c.plan_id == bindparam("of_plan"))
    if "of_states" in told:
        query = query.where(outbox.c.state.in_(bindparam("of_states", expanding=True)))
    return query


def claim(
    conn: Connection,
    ids: Iterable[int],
    *,
    epoch: int,
    attempt: str,
    now: datetime,
    stamps: Mapping[int, datetime] | None = None,
) -> None:
    """Say that rows are about to be sent (approved to sending), all or none; commit before sending.

    `stamps` are those of their records, as compared, by row id: who reads a row in doubt tells by them whether anybody
    changed the record since.

    Raises LeaseHeldError SYN702 unless `epoch` is the present lease's, SYN720 before that lease may write; RefusedError
    SYN615 for a row whose plan is not approved any more, StorageError SYN611 for a row that is not `approved`.
    """
    wanted = sorted(set(ids))
    lease.require_writing(conn, epoch, now=now)
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
    if stamps:
        held = update(outbox).where(outbox.c.id == bindparam("row")).values(stamp=bindparam("as_compared"))
        conn.execute(held, [{"row": known, "as_compared": stamp} for known, stamp in stamps.items()])


def finish(conn: Connection, endings: Sequence[Ending], *, now: datetime) -> None:
    """End rows in a final state, each with its receipt: `confirmed` from `sending` only, the others from any open one.

    All or none. Raises StorageError SYN611 for a state that is not final or a row that has ended, SYN616 for an
    unknown row.
    """
    for ending in endings:
        if not ending.state.final:
            raise StorageError("SYN611", f"{ending.state.value} is no final state of a row")
    _move(conn, endings, now=now)


def reopen(conn: Connection, endings: Sequence[Ending], *, now: datetime) -> None:
    """Put `sending` rows back to `approved`, after a read proved that nothing was applied; leaves receipts.

    All or none. Raises StorageError SYN611 for a row in another state, SYN616 for an unknown row.
    """
    for ending in endings:
        if ending.state is not RowState.APPROVED:
            raise StorageError("SYN611", f"a row that is put back is approved, not {ending.state.value}")
    _move(conn, endings, now=now)


def states(conn: Connection, plan_id: str, refs: Iterable[Ref], field: str = OWNER_FIELD) -> Mapping[Ref, RowState]:
    """The state of a plan's row for one field of each of these records; those without a row are left out."""
    found: dict[Ref, RowState] = {}
    for batch in chunks(refs):
        query = select(outbox.c.ref, outbox.c.state).where(
            outbox.c.plan_id == plan_id, outbox.c.ref.in_(batch), outbox.c.field == field
        )
        found.update(conn.execute(query).all())
    return found


def open_refs(conn: Connection, field: str = OWNER_FIELD) -> frozenset[Ref]:
    """The records that have an open row for a field, their owner's where none is named."""
    return frozenset(conn.execute(_OPEN_REFS, {"of": field}).scalars())


def open_slots(conn: Connection) -> frozenset[Slot]:
    """Every field of a record that has an open row."""
    return frozenset((ref, field) for ref, field in conn.execute(_OPEN_SLOTS))


_OPEN_REFS = select(outbox.c.ref).where(outbox.c.state.in_(OPEN), outbox.c.field == bindparam("of"))
_OPEN_SLOTS = select(outbox.c.ref, outbox.c.field).where(outbox.c.state.in_(OPEN))


def receipts(conn: Connection, of: str | Ref) -> tuple[Receipt, ...]:
    """The receipts of a plan (its id) or of a record (its ref), oldest first."""
    column = receipt_table.c.ref == of if isinstance(of, Ref) else receipt_table.c.plan_id == of
    query = select(receipt_table).where(column).order_by(receipt_table.c.id)
    return tuple(Receipt(**row) for row in conn.execute(query).mappings())


def _row(plan_id: str, change: Change, at: datetime) -> dict[str, Any]:
    return {
        "plan_id": plan_id,
        "ref": change.ref,
        "field": change.field,
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
        "stamp": None,
        "code": None,
        "message": None,
        "changed_at": at,
    }


def _open_among(conn: Connection, slots: Iterable[Slot]) -> set[Slot]:
    wanted = set(slots)
    found: set[Slot] = set()
    for batch in chunks({ref for ref, _ in wanted}):
        query = select(outbox.c.ref, outbox.c.field).where(outbox.c.ref.in_(batch), outbox.c.state.in_(OPEN))
        found.update((ref, field) for ref, field in conn.execute(query))
    return found & wanted


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


def _move(conn: Connection, endings: Sequence[Ending], *, now: datetime) -> None:
    """Move rows on and write their receipts: few statements, however many rows."""
    known = _known(conn, [ending.id for ending in endings])
    groups: dict[tuple[RowState, str | None, str | None], list[int]] = {}
    for ending in endings:
        row = known.get(ending.id)
        if row is None:
            raise StorageError("SYN616", f"there is no row {ending.id} in the outbox")
        if row.state not in _MAY_COME_FROM.get(ending.state, OPEN):
            raise StorageError("SYN611", f"row {ending.id} is {row.state.value} and cannot become {ending.state.value}")
        groups.setdefault((ending.state, ending.code, ending.message), []).append(ending.id)
    for (state, code, message), ids in groups.items():
        moved = {"state": state, "code": code, "message": message, "changed_at": now}
        if state is RowState.APPROVED:
            moved["attempt"] = None  # nothing is under way any more: how the row ends is no doing of that attempt
        for batch in chunks(ids):
            came_from = outbox.c.state.in_(_MAY_COME_FROM.get(state, OPEN))
            done = conn.execute(update(outbox).where(outbox.c.id.in_(batch), came_from).values(moved)).rowcount
            if done != len(batch):  # a row that is named twice
                raise StorageError("SYN611", f"{len(batch) - done} rows cannot become {state.value}: they ended before")
    if endings:
        conn.execute(receipt_table.insert(), [_receipt(ending, known[ending.id], now) for ending in endings])


_MAY_COME_FROM = {RowState.CONFIRMED: (RowState.SENDING,), RowState.APPROVED: (RowState.SENDING,)}
"""The states that a row comes to another from, where not from every open one."""


def _known(conn: Connection, ids: Sequence[int]) -> dict[int, Row[Any]]:
    columns = (
        outbox.c.id,
        outbox.c.state,
        outbox.c.plan_id,
        outbox.c.ref,
        outbox.c.field,
        outbox.c.attempt,
        outbox.c.epoch,
    )
    found: dict[int, Row[Any]] = {}
    for batch in chunks(ids):
        found.update({row.id: row for row in conn.execute(select(*columns).where(outbox.c.id.in_(batch)))})
    return found


def _receipt(ending: Ending, row: Row[Any], now: datetime) -> dict[str, Any]:
    return {
        "outbox_id": ending.id,
        "plan_id": row.plan_id,
        "ref": row.ref,
        "field": row.field,
        "at": now,
        "state": ending.state,
        "attempt": row.attempt,
        "epoch": row.epoch,
        "code": ending.code,
        "message": ending.message,
        "request_id": ending.request_id,
        "before": ending.before,
        "after": ending.after,
    }
