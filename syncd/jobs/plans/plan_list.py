"""Saved plans as a list: what each would change, what became of it, who approved it. Only reads."""

from __future__ import annotations

from typing import Any

from syncd.clock import iso
from syncd.jobs.context import Context
from syncd.model.plans import PlanStatus
from syncd.store import plans

_WAITING = frozenset({PlanStatus.OFFERED, PlanStatus.APPROVED})


def plan_entries(context: Context, limit: int) -> list[dict[str, Any]]:
    """The newest plans, newest first; `summary` is only of those that wait for an approval or to be applied.

    An open plan that is past its time is `expired`, as its approval would find it.
    """
    now = context.clock.now()
    found: list[dict[str, Any]] = []
    with context.store.read() as conn:
        for header in plans.list_plans(conn, limit):
            approval = plans.approval(conn, header.plan_id)
            waits = header.status in _WAITING and header.expires_at > now
            late = header.status is PlanStatus.OFFERED and header.expires_at <= now
            found.append(
                {
                    "plan_id": header.plan_id,
                    "kind": header.kind,
                    "status": "expired" if late else header.status.value,
                    "created_at": iso(header.created_at),
                    "expires_at": iso(header.expires_at),
                    "approved_by": approval.who if approval is not None else None,
                    "summary": plans.get_plan(conn, header.plan_id).document["summary"] if waits else None,
                }
            )
    return found


def waits_for_approval(context: Context, plan_id: str) -> bool:
    """Whether a plan can be approved now, as far as its state and its time say."""
    with context.store.read() as conn:
        plan = plans.get_plan(conn, plan_id)
    return plan.status is PlanStatus.OFFERED and plan.expires_at > context.clock.now()
