"""Metrics: how syncd is, as gauges, from its database, its files and its settings alone; no CRM is asked.

The database outlives processes, so any of them, also one started by hand, tells the same.
"""

from __future__ import annotations

import os
import platform
from datetime import datetime
from pathlib import Path

from syncd import __version__
from syncd.clock import Clock
from syncd.jobs.freezing import frozen_reason
from syncd.jobs.readiness import unready
from syncd.model.plans import PlanStatus, RowState
from syncd.report.exposition import Family, exposition
from syncd.settings import Settings
from syncd.store import lease, mirror
from syncd.store.engine import Store
from syncd.store.figures import Figures, figures
from syncd.store.systems import MirrorStatus

_SEVERITIES = ("page", "ticket", "info")

METRICS: dict[str, str] = {
    "syncd_build_info": "1, with the version of syncd and of Python as labels",
    "syncd_up": "1 where the database could be read",
    "syncd_ready": "1 where syncd is ready: the database answers, and pulls and watches end well in time",
    "syncd_leader": "1 while some process holds the lease",
    "syncd_leader_epoch": "the lease's epoch; it grows with every takeover",
    "syncd_writes_frozen": "1 while the freeze file stops all writes",
    "syncd_job_last_success_timestamp_seconds": "when the last run of a job that went well ended",
    "syncd_job_last_start_timestamp_seconds": "when the newest run of a job began",
    "syncd_job_last_duration_seconds": "how long the newest run of a job took that ended",
    "syncd_job_last_ok": "1 where the newest run of a job that ended went well",
    "syncd_source_lag_seconds": "how far a mirror is behind: now less the instant up to which it is complete",
    "syncd_source_stale": "1 where a mirror is too old for alerts and writes",
    "syncd_mirror_complete": "1 where a mirror was ever complete",
    "syncd_mirror_rows": "live records of a mirror by kind",
    "syncd_plans": "saved plans by status",
    "syncd_outbox_rows": "rows of applied plans by state",
    "syncd_outbox_oldest_age_seconds": "how long the oldest row that is not settled has waited",
    "syncd_alerts": "open alerts by state and severity",
    "syncd_notices": "notices that were not delivered, by receiver and state",
    "syncd_notices_oldest_age_seconds": "how long the oldest notice has waited that is still to be delivered",
    "syncd_db_size_bytes": "the size of the database",
    "syncd_db_wal_bytes": "the size of SQLite's write-ahead log",
    "syncd_disk_free_bytes": "free space where the state folder is",
}
"""Every metric and what it means; docs/metrics.md lists them."""


class _Sheet:
    def __init__(self) -> None:
        self.families = {name: Family(name, text) for name, text in METRICS.items()}

    def put(self, name: str, value: float | None, **labels: str) -> None:
        self.families[f"syncd_{name}"].put(value, **labels)


def metrics_text(settings: Settings, store: Store, *, clock: Clock) -> str:
    """All metrics in Prometheus' text format; StorageError where the database cannot be read."""
    now = clock.now()
    with store.read() as conn:
        found, mirrors, held = figures(conn), mirror.mirror_status(conn), lease.current(conn)
        problems = unready(settings, conn, now)
    sheet = _Sheet()
    sheet.put("build_info", 1, version=__version__, python=platform.python_version())
    sheet.put("up", 1)
    sheet.put("ready", not problems)
    sheet.put("leader", held is not None and held.until > now)
    sheet.put("leader_epoch", held.epoch if held is not None else None)
    sheet.put("writes_frozen", frozen_reason(settings.control.freeze_file, now) is not None)
    _put_jobs(sheet, found)
    for system, known in mirrors.items():
        _put_mirror(sheet, settings, system.value, known, now)
    _put_work(sheet, found, now)
    free = os.statvfs(settings.state_dir) if settings.state_dir.is_dir() else None
    sheet.put("disk_free_bytes", free.f_bavail * free.f_frsize if free is not None else None)
    return exposition(sheet.families.values())


def write_textfile(path: Path, text: str) -> None:
    """Put metrics where node_exporter's textfile collector reads them, as a whole; OSError where that fails."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o644)
    draft.replace(path)


def _put_jobs(sheet: _Sheet, found: Figures) -> None:
    for job, known in sorted(found.jobs.items()):
        sheet.put("job_last_success_timestamp_seconds", _seconds(known.last_success), job=job)
        sheet.put("job_last_start_timestamp_seconds", _seconds(known.started_at), job=job)
        if known.finished_at is not None:
            took = (known.finished_at - known.started_at).total_seconds()
            sheet.put("job_last_duration_seconds", took, job=job)
            sheet.put("job_last_ok", known.outcome == "ok", job=job)


def _put_mirror(sheet: _Sheet, settings: Settings, system: str, known: MirrorStatus, now: datetime) -> None:
    stale_after = settings.schedule.stale_after or 3 * settings.schedule.pull
    lag = now - known.as_of if known.as_of is not None else None
    sheet.put("source_lag_seconds", lag.total_seconds() if lag is not None else None, system=system)
    sheet.put("source_stale", lag is None or lag > stale_after, system=system)
    sheet.put("mirror_complete", known.complete, system=system)
    for kind, count in known.records.items():
        sheet.put("mirror_rows", count, system=system, kind=kind.value)


def _put_work(sheet: _Sheet, found: Figures, now: datetime) -> None:
    for status_ in PlanStatus:
        sheet.put("plans", found.plans.get(status_.value, 0), status=status_.value)
    for state in RowState:
        sheet.put("outbox_rows", found.outbox.get(state.value, 0), state=state.value)
    for name in ("pending", "firing"):
        for severity in _SEVERITIES:
            sheet.put("alerts", found.alerts.get((name, severity), 0), state=name, severity=severity)
    for (receiver, name), count in sorted(found.notices.items()):
        sheet.put("notices", count, receiver=receiver, state=name)
    for metric, since in (("outbox", found.oldest_open_row), ("notices", found.oldest_notice)):
        sheet.put(f"{metric}_oldest_age_seconds", (now - since).total_seconds() if since is not None else 0)
    sheet.put("db_size_bytes", found.size)
    sheet.put("db_wal_bytes", found.wal)


def _seconds(instant: datetime | None) -> float | None:
    return instant.timestamp() if instant is not None else None
