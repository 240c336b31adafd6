"""How syncd is, from its database, its files and its settings alone: no network, no connector, under a second."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from syncd.clock import Clock, iso
from syncd.jobs.freezing import frozen_reason
from syncd.jobs.leads.standing import leads_figures
from syncd.jobs.packs.footprint import footprint
from syncd.jobs.watching.readiness import unready
from syncd.model.plans import PlanStatus, RowState
from syncd.model.refs import System
from syncd.settings import Settings
from syncd.store import episodes, lease, operations, ownership, plans, runs
from syncd.store.cursors import read_through
from syncd.store.engine import Store
from syncd.store.systems import MirrorStatus, mirror_status

FORMAT = 1
_JOBS = ("pull", "plan", "apply", "watch", "delayed-pass", "sweep", "leads")
_OPEN_PLANS = (PlanStatus.OFFERED, PlanStatus.APPROVED)
_WATCH_STATE = "watch"
_LIVE = "live"
_WORST_FIRST = ("page", "ticket", "info")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the parts of the document are made from."""

    settings: Settings
    conn: Connection
    now: datetime


def status(settings: Settings, store: Store, *, clock: Clock) -> dict[str, Any]:
    """Everything on one screen, as JSON."""
    with store.read() as conn:
        asked = _Asked(settings, conn, clock.now())
        adopted = ownership.adopted_at(conn)
        return {
            "format": FORMAT,
            "at": iso(asked.now),
            "mode": settings.mode.value,
            "frozen": frozen_reason(settings.control.freeze_file, asked.now),
            "unready": list(unready(settings, conn, asked.now)),
            "daemon": _daemon(asked),
            "adopted_at": iso(adopted) if adopted else None,
            "systems": _systems(asked),
            "pack": _pack(asked),
            "plans": _plans(asked),
            "outbox": _outbox(asked),
            "leads": leads_figures(settings, conn, asked.now),
            "runs": _runs(asked),
            "alerts": _alerts(asked),
        }


def _daemon(asked: _Asked) -> dict[str, Any]:
    """Whether something listens at the control socket, and who holds the lease."""
    held = lease.current(asked.conn)
    current = held is not None and held.until > asked.now
    path = asked.settings.control.socket
    return {
        "listening": _listens(str(path)),
        "socket": str(path),
        "leader": held.holder if held is not None and current else None,
        "epoch": held.epoch if held is not None and current else None,
    }


def _listens(path: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(0.2)
            client.connect(path)
    except (PermissionError, TimeoutError, BlockingIOError):
        return True  # it is there, and not open to us, or too many wait for it
    except OSError:
        return False
    return True


def _systems(asked: _Asked) -> dict[str, Any]:
    known, read = mirror_status(asked.conn), read_through(asked.conn)
    schedule = asked.settings.schedule
    stale_after = schedule.stale_after or 3 * schedule.pull
    return {
        system.value: {
            **_system(known.get(system), asked.now, stale_after),
            "objects": {
                kind.value: {
                    "read_through": iso(through),
                    "lag_seconds": int((asked.now - through).total_seconds()),
                    "stale": asked.now - through > stale_after,
                }
                for (of, kind, lane), through in sorted(read.items())
                if of is system and lane == _LIVE
            },
        }
        for system in _configured(asked.settings)
    }


def _system(known: MirrorStatus | None, now: datetime, stale_after: timedelta) -> dict[str, Any]:
    as_of = known.as_of if known is not None else None
    return {
        "as_of": iso(as_of) if as_of else None,
        "age_seconds": int((now - as_of).total_seconds()) if as_of else None,
        "stale": as_of is None or now - as_of > stale_after,
        "complete": known is not None and known.complete,
        "records": {kind.value: count for kind, count in known.records.items()} if known is not None else {},
        "last_outcome": known.last_outcome if known is not None else None,
        "last_error": known.last_error if known is not None else None,
    }


def _configured(settings: Settings) -> tuple[System, ...]:
    return tuple(system for system in System if getattr(settings, system.value) is not None)


def _pack(asked: _Asked) -> dict[str, Any]:
    """The revision of the pack's files, and whether they are valid: as the last watch found, else checked now.

    The files are not parsed where the last watch saw the same bytes: a large pack takes seconds.
    """
    path = asked.settings.pack.path
    if not path.is_dir():
        return {"path": str(path), "revision": None, "valid": False, "problem": "there is no such folder"}
    seen: Mapping[str, str] = episodes.monitor_state(asked.conn, _WATCH_STATE)
    if seen.get("pack") and seen.get("files") == footprint(path):
        return {"path": str(path), "revision": seen["pack"], "valid": True, "problem": None}
    from syncd.rules.reading.revision import pack_revision

    revision = pack_revision(path)
    if seen.get("pack") == revision:
        return {"path": str(path), "revision": revision, "valid": True, "problem": None}
    problem = _problem(asked.settings, asked.now)
    return {"path": str(path), "revision": revision, "valid": problem is None, "problem": problem}


def _problem(settings: Settings, now: datetime) -> str | None:
    """Why the pack is invalid; imports what checking needs only where it is needed."""
    from syncd.errors import ConfigError, InputError
    from syncd.jobs.packs.packs import open_pack

    try:
        open_pack(settings, settings.pack.path, now=now)
    except (InputError, ConfigError) as error:
        first = next(iter(error.findings), None)
        return f"{error.summary}; first: {first}" if first is not None else str(error)
    return None


def _plans(asked: _Asked) -> list[dict[str, Any]]:
    """The plans that wait for somebody: offered ones for an approval, approved ones for an apply."""
    found = []
    for header in plans.list_plans(asked.conn, 20, statuses=_OPEN_PLANS):
        approval = plans.approval(asked.conn, header.plan_id)
        found.append(
            {
                "plan_id": header.plan_id,
                "kind": header.kind,
                "status": header.status.value,
                "created_at": iso(header.created_at),
                "expires_at": iso(header.expires_at),
                "expired": header.expires_at <= asked.now,
                "approved_by": approval.who if approval is not None else None,
            }
        )
    return [plan for plan in found if not plan["expired"]]


def _outbox(asked: _Asked) -> dict[str, Any]:
    """Writes that are not settled: approved and not sent, and sent with no answer known; with the age of the oldest."""
    found: dict[str, Any] = {}
    for name, state in (("waiting", RowState.APPROVED), ("in_doubt", RowState.SENDING)):
        count, oldest = operations.rows_in(asked.conn, state)
        age = int((asked.now - oldest).total_seconds()) if oldest is not None else None
        found[name] = {"rows": count, "oldest_seconds": age}
    return found


def _runs(asked: _Asked) -> dict[str, Any]:
    """The newest run of each job."""
    newest = {job: next(iter(runs.runs(asked.conn, 1, job=job)), None) for job in _JOBS}
    return {
        job: {
            "run": run.run_id,
            "started_at": iso(run.started_at),
            "finished_at": iso(run.finished_at) if run.finished_at else None,
            "outcome": run.outcome,
        }
        for job, run in newest.items()
        if run is not None
    }


def _alerts(asked: _Asked) -> dict[str, Any]:
    """How many fire, and five of them: the worst first, of these the newest."""
    firing = [episode for episode in episodes.open_episodes(asked.conn) if episode.state == "firing"]
    return {
        "firing": len(firing),
        "by_severity": {
            severity: sum(1 for episode in firing if episode.severity == severity) for severity in _WORST_FIRST
        },
        "newest": [
            {"id": episode.id, "severity": episode.severity, "monitor": episode.monitor, "summary": episode.summary}
            for episode in sorted(firing, key=lambda each: (_WORST_FIRST.index(each.severity), -(each.id or 0)))[:5]
        ],
    }
