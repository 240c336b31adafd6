"""Saving a plan together with its row in the ledger. Knows nothing of how a plan came about, and logs nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from syncd.model.plans import SavedPlan
from syncd.store import ledger, plans


def save_with_record(
    conn: Connection, plan: SavedPlan, *, at: datetime, actor: str | None = None, **more: str | int | None
) -> dict[str, str | int | None]:
    """Save the plan and append `plan.saved` to the ledger; what the ledger says comes back, for the log.

    The caller commits. `more` joins the facts, e.g. what an undo undoes.
    """
    plans.save_plan(conn, plan)
    facts: dict[str, str | int | None] = {
        "plan": plan.plan_id,
        "hash": plan.hash,
        "changes": len(plan.document["changes"]),
        "pack_revision": plan.pack_revision,
        **more,
    }
    ledger.append(conn, at=at, event="plan.saved", ref=None, actor=actor, run_id=None, facts=facts)
    return facts
