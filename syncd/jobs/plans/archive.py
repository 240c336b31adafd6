"""The archive: runs and saved plans as they were, found by their ids. Only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from syncd.clock import iso
from syncd.errors import InputError
from syncd.jobs.context import Context
from syncd.model.plans import SavedPlan
from syncd.store import ledger, outbox, plans
from syncd.store import runs as run_store

Found = tuple[Mapping[str, Any], tuple[Mapping[str, Any], Mapping[str, Any]] | None]


def find(context: Context, target: str) -> Found:
    """What an id names: a run as a document, or a plan's document with its fate (the run's is empty then).

    Raises InputError SYN531 where it is neither, SYN502 where it begins the ids of several plans, StorageError SYN612
    for a plan that was altered in the database.
    """
    with context.store.read() as conn:
        try:
            plan = plans.get_plan(conn, target)
        except InputError as error:
            if error.code != "SYN501":
                raise
        else:
            return {}, (plan.document, _fate(conn, plan))
        run = run_store.get_run(conn, target.strip())
        if run is None:
            hint = "`syncd runs` lists runs; the id of a plan stands in its first line"
            raise InputError("SYN531", f"there is no run and no plan {target!r}", hint=hint)
        return _run(conn, run), None


def run_entry(run: run_store.Run) -> dict[str, Any]:
    """A run as a document."""
    return {
        "run": run.run_id,
        "job": run.job,
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at) if run.finished_at else None,
        "outcome": run.outcome,
        "summary": dict(run.summary or {}),
    }


def _run(conn: Connection, run: run_store.Run) -> dict[str, Any]:
    entries = ledger.entries(conn, run_id=run.run_id)
    return {
        "format": 1,
        **run_entry(run),
        "ledger": {
            "first": entries[0].seq if entries else None,
            "last": entries[-1].seq if entries else None,
            "events": dict(sorted(Counter(entry.event for entry in entries).items())),
        },
    }


def _fate(conn: Connection, plan: SavedPlan) -> dict[str, Any]:
    approval = plans.approval(conn, plan.plan_id)
    rows = {state.value: count for state, count in outbox.counts(conn, plan.plan_id).items()}
    return {
        "plan_id": plan.plan_id,
        "hash": plan.hash,
        "status": plan.status.value,
        "rows": dict(sorted(rows.items())),
        "approval": None
        if approval is None
        else {"who": approval.who, "why": approval.why, "limits": list(approval.limits), "at": iso(approval.at)},
    }
