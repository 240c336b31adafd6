"""Whether syncd is ready, and why not: told by what ended well in time, never by a process that merely lives (I27)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from syncd.settings import Settings
from syncd.store import lease, runs

_PERIODS = 2


def unready(settings: Settings, conn: Connection, now: datetime) -> tuple[str, ...]:
    """Why syncd is not ready, each in a sentence; nothing where it is.

    Somebody leads, and the last pull and the last watch that went well ended less than two periods ago. A standby asks
    the same database: it is ready where a leader does its work.
    """
    problems: list[str] = []
    held = lease.current(conn)
    if held is None or held.until <= now:
        problems.append("nobody holds the lease")
    for job, period in (("pull", settings.schedule.pull), ("watch", settings.schedule.watch)):
        ended = runs.last_success(conn, job)
        if ended is None:
            problems.append(f"no {job} has ended well yet")
        elif now - ended > _PERIODS * period:
            age = int((now - ended).total_seconds())
            problems.append(f"the last {job} that went well ended {age} s ago, more than two periods")
    return tuple(problems)
