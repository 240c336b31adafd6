"""Saved plans and their approvals. A plan's document is bytes that never change: its hash is checked at each read."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, Integer, bindparam, func, select, update

from syncd.errors import InputError, RefusedError, StorageError
from syncd.model.plans import PlanStatus, SavedPlan, canonical_pieces
from syncd.store.tables import approvals, plans

_S = PlanStatus
_NEXT = {
    _S.PREVIEW: {_S.SUPERSEDED, _S.EXPIRED},
    _S.OFFERED: {_S.APPROVED, _S.SUPERSEDED, _S.EXPIRED},
    _S.APPROVED: {_S.APPLIED, _S.SUPERSEDED, _S.EXPIRED},
    _S.APPLIED: set(),
    _S.SUPERSEDED: set(),
    _S.EXPIRED: set(),
}
_LARGE = 4_000_000
"""A larger document, in bytes, is never put together in memory."""


@dataclass(frozen=True, slots=True)
class PlanHeader:
    """A plan without its document, for lists."""

    plan_id: str
    hash: str
    kind: str
    status: PlanStatus
    pack_revision: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved a plan, why, which of the guard's limits they lifted, and the hash of what they saw."""

    plan_id: str
    plan_hash: str
    who: str
    why: str
    limits: tuple[str, ...]
    at: datetime


def save_plan(conn: Connection, plan: SavedPlan) -> None:
    """Save a new plan. StorageError SYN612 if its hash is not its document's, SYN611 if the id is taken."""
    found, size = hashlib.sha256(), 0
    for piece in canonical_pieces(plan.document):
        found.update(piece)
        size += len(piece)
    if found.hexdigest() != plan.hash:
        raise _altered(plan.plan_id)
    if conn.execute(_THERE, {"of": plan.plan_id}).first():
        raise StorageError("SYN611", f"plan {plan.plan_id} is saved already and cannot be changed")
    if plan.status not in (PlanStatus.PREVIEW, PlanStatus.OFFERED):
        raise StorageError("SYN611", f"a new plan is preview or offered, not {plan.status.value}")
    row = {
        "plan_id": plan.plan_id,
        "hash": plan.hash,
        "kind": plan.kind,
        "status": plan.status,
        "pack_revision": plan.pack_revision,
        "created_at": plan.created_at,
        "expires_at": plan.expires_at,
    }
    driver = conn.connection.driver_connection
    if size <= _LARGE or not isinstance(driver, sqlite3.Connection):
        conn.execute(plans.insert(), row | {"document": b"".join(canonical_pieces(plan.document))})
        return
    # SQLite copies a whole value twice: room is made for it, which is then filled
    place = conn.execute(plans.insert().values(document=func.zeroblob(size)), row).lastrowid
    with driver.blobopen(plans.name, plans.c.document.name, place) as blob:
        for piece in canonical_pieces(plan.document):
            blob.write(piece)


def get_plan(conn: Connection, id_or_prefix: str) -> SavedPlan:
    """The plan with this id, or the only one whose id begins so.

    Raises InputError SYN501 for an unknown and SYN502 for an ambiguous one, StorageError SYN612 for a plan that was
    altered in the database.
    """
    plan_id = _resolve(conn, id_or_prefix.strip())
    row = conn.execute(_WHOLE, {"of": plan_id}).one()
    if hashlib.sha256(row.document).hexdigest() != row.hash:
        raise _altered(plan_id)
    document = json.loads(row.document.decode("utf-8", "surrogatepass"))
    return SavedPlan(
        row.plan_id, row.hash, row.kind, row.status, row.pack_revision, row.created_at, row.expires_at, document
    )


def list_plans(conn: Connection, limit: int, *, statuses: Iterable[PlanStatus] | None = None) -> tuple[PlanHeader, ...]:
    """The newest plans, without their documents."""
    if statuses is None:
        found = conn.execute(_NEWEST, {"most": limit})
    else:
        found = conn.execute(_NEWEST_IN, {"most": limit, "states": list(statuses)})
    return tuple(PlanHeader(*row) for row in found)


def set_status(conn: Connection, plan_id: str, status: PlanStatus) -> None:
    """Move a plan on in its life. StorageError SYN611 where that step is not one; approving goes through `approve`."""
    current = _status(conn, plan_id)
    if current is None:
        raise StorageError("SYN616", f"there is no plan {plan_id}")
    if status is PlanStatus.APPROVED or status not in _NEXT[current]:
        raise StorageError("SYN611", f"plan {plan_id} is {current.value} and cannot become {status.value}")
    _set(conn, plan_id, current, status)


def approve(
    conn: Connection,
    plan_id: str,
    *,
    plan_hash: str,
    who: str,
    why: str,
    limits: Sequence[str],
    now: datetime,
) -> None:
    """Approve an offered plan, byte for byte.

    Raises RefusedError SYN614 for a plan that is not offered, is expired, or whose hash is not `plan_hash`;
    StorageError SYN612 for a plan that was altered in the database.
    """
    plan = get_plan(conn, plan_id)
    if plan.hash != plan_hash:
        raise RefusedError(
            "SYN614", f"plan {plan.plan_id} is not the plan that was shown", hint="look at it again, then approve it"
        )
    if plan.status is not PlanStatus.OFFERED or now >= plan.expires_at:
        state = "expired" if plan.status is PlanStatus.OFFERED else plan.status.value
        raise RefusedError("SYN614", f"plan {plan.plan_id} is {state} and cannot be approved", hint="make a new plan")
    _set(conn, plan.plan_id, PlanStatus.OFFERED, PlanStatus.APPROVED)
    conn.execute(
        approvals.insert(),
        {
            "plan_id": plan.plan_id,
            "plan_hash": plan_hash,
            "who": who,
            "why": why,
            "limits": list(limits),
            "at": now,
        },
    )


def approval(conn: Connection, plan_id: str) -> Approval | None:
    """The approval of a plan, None without one."""
    row = conn.execute(_APPROVAL, {"of": plan_id}).one_or_none()
    if row is None:
        return None
    return Approval(row.plan_id, row.plan_hash, row.who, row.why, tuple(row.limits), row.at)


_NEWEST = (
    select(*(plans.c[one.name] for one in fields(PlanHeader)))
    .order_by(plans.c.created_at.desc(), plans.c.plan_id)
    .limit(bindparam("most", type_=Integer))
)
_NEWEST_IN = _NEWEST.where(plans.c.status.in_(bindparam("states", expanding=True)))
"""Made once: making a statement costs more than running it."""
_THERE = select(plans.c.plan_id).where(plans.c.plan_id == bindparam("of"))
_WHOLE = select(plans).where(plans.c.plan_id == bindparam("of"))
_STATUS = select(plans.c.status).where(plans.c.plan_id == bindparam("of"))
_APPROVAL = select(approvals).where(approvals.c.plan_id == bindparam("of"))


def _resolve(conn: Connection, text: str) -> str:
    if text and conn.execute(_THERE, {"of": text}).first():
        return text
    query = select(plans.c.plan_id).where(plans.c.plan_id.startswith(text, autoescape=True)).order_by(plans.c.plan_id)
    found = conn.execute(query.limit(4)).scalars().all() if text else []
    if not found:
        raise InputError("SYN501", f"there is no plan {text!r}", hint="`syncd runs` lists the plans")
    if len(found) > 1:
        names = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
        raise InputError("SYN502", f"{text!r} begins the id of several plans: {names}", hint="give more of the id")
    return found[0]


def _status(conn: Connection, plan_id: str) -> PlanStatus | None:
    return conn.execute(_STATUS, {"of": plan_id}).scalar()


def _set(conn: Connection, plan_id: str, current: PlanStatus, status: PlanStatus) -> None:
    statement = update(plans).where(plans.c.plan_id == plan_id, plans.c.status == current).values(status=status)
    if conn.execute(statement).rowcount != 1:
        raise StorageError("SYN611", f"plan {plan_id} is not {current.value} any more")


def _altered(plan_id: str) -> StorageError:
    return StorageError(
        "SYN612",
        f"plan {plan_id} is not what its hash says: it was altered after it was saved",
        hint="do not apply it; find out who changed the database, then make a new plan",
    )
