"""What alerts remember of forecasts: the newest one that was kept, while it is young enough to say something."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from syncd.alerts.view import Forecasted
from syncd.store import runs

JOB = "forecast"
"""The name under which forecasts are recorded."""
SAYS_FOR = timedelta(days=7)
_LOOKED_BACK = 20


def forecasts_kept(conn: Connection, now: datetime) -> Mapping[tuple[str, str], Forecasted]:
    """The forecasts of the last week by territory and name of period, of each the newest."""
    found: dict[tuple[str, str], Forecasted] = {}
    for run in runs.runs(conn, _LOOKED_BACK, job=JOB):
        at = run.finished_at
        if at is None or run.outcome != "ok" or not now - SAYS_FOR <= at <= now:
            continue
        for path, told in run.summary.get("territories", {}).items():
            mean, low, high = (Decimal(told[name]) for name in ("forecast", "low", "high"))
            chance = Decimal(str(told["chance"]))
            found.setdefault((path, run.summary["period"]), Forecasted(at, mean, low, high, chance))
    return found
