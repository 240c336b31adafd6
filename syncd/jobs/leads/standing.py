"""How leads stand, for monitors, `status` and metrics: read from the store alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from syncd.alerts.leads import NO_LEADS, Leads
from syncd.model.plans import LEADS_PLAN, PlanStatus
from syncd.settings import Settings
from syncd.store import leads as store
from syncd.store import plans, runs
from syncd.store.leads import LeadState

SPEED_OF = timedelta(days=7)
"""So far back leads count for the speed with which they are given to people."""
_LEAST_FRESH = timedelta(minutes=5)
_LOOKED_BACK = 20


def leads_view(settings: Settings, conn: Connection, now: datetime) -> Leads:
    """What monitors see of leads."""
    if not settings.leads.read:
        return NO_LEADS
    last = runs.last_success(conn, "leads")
    fresh = last is not None and now - last <= max(3 * settings.schedule.leads, _LEAST_FRESH)
    offered = plans.list_plans(conn, _LOOKED_BACK, statuses=[PlanStatus.OFFERED])
    waits = next((each.plan_id for each in offered if each.kind == LEADS_PLAN and now < each.expires_at), None)
    return Leads(True, fresh, store.open_tracks(conn), waits)


def leads_figures(settings: Settings, conn: Connection, now: datetime) -> dict[str, Any] | None:
    """How many leads wait, run and are overdue, and how soon leads were given out; None where leads are not read.

    `speed` is from the lead's creation in the CRM to the instant at which it was given to somebody, over 7 days.
    """
    if not settings.leads.read:
        return None
    tracks = store.open_tracks(conn)
    waiting = [track.waiting_since or track.created_at for track in tracks if track.state is LeadState.WAITING]
    overdue = [track for track in tracks if track.state is LeadState.ASSIGNED and track.breached_at is not None]
    took = sorted((given - created).total_seconds() for created, given in store.assigned_since(conn, now - SPEED_OF))
    return {
        "waiting": len(waiting),
        "oldest_waiting_seconds": int((now - min(waiting)).total_seconds()) if waiting else None,
        "queued": sum(1 for track in tracks if track.state is LeadState.QUEUED),
        "running": sum(1 for track in tracks if track.state is LeadState.ASSIGNED) - len(overdue),
        "overdue": len(overdue),
        "speed": {
            "days": SPEED_OF.days,
            "leads": len(took),
            "p50_seconds": percentile(took, 50),
            "p95_seconds": percentile(took, 95),
        },
    }


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The smallest value that at least so many percent of the values are not above; None of none."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
