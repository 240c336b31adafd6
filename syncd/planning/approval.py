"""Approval: a person says yes to one plan, byte for byte, and its rows go into the outbox in the same transaction.

Also the end of plans that are not carried out: superseded by another approval, or expired. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from syncd.crashpoints import crashpoint
from syncd.errors import GuardTrippedError, RefusedError, UsageError
from syncd.model.plans import LEADS_PLAN, Change, PlanStatus, RowState, SavedPlan
from syncd.model.refs import Kind
from syncd.planning.proposing.document import changes_of, tripped_limits
from syncd.planning.proposing.guard import LIMITS
from syncd.store import ledger, outbox, ownership, plans

DAEMON = "syncd"
"""Who approves a plan inside the guard in `apply` mode."""


def approve(
    conn: Connection,
    plan_id: str,
    *,
    who: str,
    why: str,
    limits: Sequence[str] = (),
    now: datetime,
    run_id: str | None = None,
    plan_hash: str | None = None,
) -> SavedPlan:
    """Approve a plan and put its rows into the outbox; the caller commits.

    `plan_id` is an id or a unique prefix; `limits` are the names of guard limits that the approval lifts. Other
    approved plans are superseded: their rows that were not sent are closed. `plan_hash` is the hash of what was shown,
    where the caller knows it. Returns the plan, approved.
    Raises RefusedError (SYN503 preview, SYN504 expired, SYN505 not open any more, SYN509 no baseline, SYN510 a write in
    doubt; SYN614 not what was shown), GuardTrippedError SYN507 naming the limits to pass, UsageError
    SYN508 for an unknown limit.
    """
    plan = plans.get_plan(conn, plan_id)
    _check_limits(limits)
    check_open(plan, now)
    check_baseline(conn)
    _check_guard(plan, limits)
    _supersede_others(conn, plan, who=who, now=now, run_id=run_id)
    plans.approve(conn, plan.plan_id, plan_hash=plan_hash or plan.hash, who=who, why=why, limits=tuple(limits), now=now)
    rows = [change for change in changes_of(plan) if not change.expected]
    _check_in_doubt(conn, rows)
    outbox.enqueue(conn, plan.plan_id, rows)
    ledger.append(
        conn,
        at=now,
        event="plan.approved",
        ref=None,
        actor=who,
        run_id=run_id,
        facts={
            "plan": plan.plan_id,
            "hash": plan.hash,
            "rows": len(rows),
            "limits": ",".join(limits) or None,
            "pack_revision": plan.pack_revision,
        },
        payload={"why": why},
    )
    crashpoint("approval.before_commit")
    return plans.get_plan(conn, plan.plan_id)


def expire(conn: Connection, *, now: datetime, run_id: str | None = None) -> tuple[str, ...]:
    """Close every approved plan that is past its time: rows that were not sent end as `stale`. Returns the plans' ids.

    Rows in doubt (`sending`) stay open until they are read back; a plan that has any is closed the next time.
    """
    closed: list[str] = []
    for plan in unfinished(conn):
        if now >= plan.expires_at:
            _close_rows(conn, plan, code="expired", message="the plan expired before this row was sent", now=now)
            if not outbox.rows(conn, plan.plan_id, [RowState.SENDING]):
                plans.set_status(conn, plan.plan_id, PlanStatus.EXPIRED)
                _tell(conn, "plan.expired", plan, actor=None, now=now, run_id=run_id)
                closed.append(plan.plan_id)
    return tuple(closed)


def check_open(plan: SavedPlan, now: datetime) -> None:
    """RefusedError unless the plan was offered and is still to be had."""
    if plan.status is PlanStatus.PREVIEW:
        raise RefusedError(
            "SYN503",
            f"plan {plan.plan_id} is a preview and cannot be approved",
            hint="the daemon offers a plan at the pack's plan_at times; or make one with `syncd plan`",
        )
    if plan.status is PlanStatus.EXPIRED or (plan.status is PlanStatus.OFFERED and now >= plan.expires_at):
        raise RefusedError("SYN504", f"plan {plan.plan_id} expired at {plan.expires_at:%Y-%m-%d %H:%M}Z", hint=_AGAIN)
    if plan.status is not PlanStatus.OFFERED:
        raise RefusedError("SYN505", f"plan {plan.plan_id} is {plan.status.value} already", hint="see `syncd runs`")


def check_baseline(conn: Connection) -> None:
    """RefusedError SYN509 before `adopt`: until today's owners are the baseline nothing is written."""
    if ownership.adopted_at(conn) is None:
        raise RefusedError("SYN509", "no baseline: today's owners were never adopted", hint="run `syncd adopt`")


_AGAIN = "make a new plan with `syncd plan`"


def _check_limits(limits: Sequence[str]) -> None:
    unknown = [name for name in limits if name not in LIMITS]
    if unknown:
        raise UsageError("SYN508", f"no limit is named {unknown[0]!r}", hint=f"limits: {', '.join(LIMITS)}")


def _check_guard(plan: SavedPlan, limits: Sequence[str]) -> None:
    missing = [name for name in tripped_limits(plan.document) if name not in limits]
    if missing:
        texts = [trip["text"] for trip in plan.document["guard"]["tripped"] if trip["limit"] in missing]
        raise GuardTrippedError(
            "SYN507",
            f"plan {plan.plan_id} is over {', '.join(missing)}: {'; '.join(texts)}",
            hint="approve it with " + " ".join(f"--limit {name}" for name in missing) + " if that is meant",
        )


def _check_in_doubt(conn: Connection, rows: Sequence[Change]) -> None:
    """One open row for each field of a record: what was sent and not read back yet is settled first."""
    doubted = sorted(str(ref) for ref, _ in outbox.open_slots(conn) & {change.slot for change in rows})
    if doubted:
        raise RefusedError(
            "SYN510",
            f"{len(doubted)} records of the plan have a write in doubt, such as {doubted[0]}",
            hint="run `syncd apply` of the plan that wrote them, which reads them back first",
        )


def unfinished(conn: Connection) -> list[SavedPlan]:
    """The approved plans that have rows which were not sent, or are in doubt: `apply_plan` goes on with them."""
    ids = sorted({row.plan_id for row in outbox.rows(conn, states=_OPEN)})
    found = [plans.get_plan(conn, plan_id) for plan_id in ids]
    return [plan for plan in found if plan.status is PlanStatus.APPROVED]


_OPEN = (RowState.APPROVED, RowState.SENDING)


def _supersede_others(conn: Connection, plan: SavedPlan, *, who: str, now: datetime, run_id: str | None) -> None:
    """Close the other approved plans: rows never sent end as `stale`, rows in doubt stay open until they are read.

    A plan of leads leaves those of accounts alone, and the other way round: they have no record in common, but for one
    that hands over the leads of somebody who leaves.
    """
    hands_over = any(change.ref.kind is Kind.LEAD for change in changes_of(plan))
    for other in unfinished(conn):
        apart = (other.kind == LEADS_PLAN) is not (plan.kind == LEADS_PLAN)
        if apart and not (other.kind == LEADS_PLAN and hands_over):
            continue
        _close_rows(conn, other, code="superseded", message=f"plan {plan.plan_id} was approved instead", now=now)
        plans.set_status(conn, other.plan_id, PlanStatus.SUPERSEDED)
        _tell(conn, "plan.superseded", other, actor=who, now=now, run_id=run_id)


def _close_rows(conn: Connection, plan: SavedPlan, *, code: str, message: str, now: datetime) -> None:
    unsent = outbox.rows(conn, plan.plan_id, [RowState.APPROVED])
    outbox.finish(conn, [outbox.Ending(row.id, RowState.STALE, code, message) for row in unsent], now=now)


def _tell(
    conn: Connection, event: str, plan: SavedPlan, *, actor: str | None, now: datetime, run_id: str | None
) -> None:
    ledger.append(conn, at=now, event=event, ref=None, actor=actor, run_id=run_id, facts={"plan": plan.plan_id})
