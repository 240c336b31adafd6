"""Metrics: how syncd is, from its database, its files and its settings alone; no CRM is asked.

The database outlives processes, so any of them, also one started by hand, tells the same.
"""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from syncd import __version__
from syncd.clock import Clock
from syncd.jobs.freezing import frozen_reason
from syncd.jobs.leads.standing import leads_figures
from syncd.jobs.watching.readiness import unready
from syncd.model.plans import PlanStatus, RowState
from syncd.planning.writing.settling import NOT_KEPT
from syncd.report.exposition import Family, exposition
from syncd.settings import Settings
from syncd.store import lease, mirror
from syncd.store.engine import COMMIT_STEPS, Store
from syncd.store.figures import Figures, figures
from syncd.store.systems import MirrorStatus
from syncd.store.tallies import tallies
from syncd.telemetry.tally import LADDERS

_SEVERITIES = ("page", "ticket", "info")
_LIVE = "live"
LADDERS_OF: Mapping[str, tuple[float, ...]] = MappingProxyType({**LADDERS, "db_commit_seconds": COMMIT_STEPS})
"""The steps of every histogram, by its name without `syncd_`."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its type in Prometheus, and what it means."""

    type: str
    text: str


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "syncd_build_info": Metric("gauge", "1, with the version of syncd and of Python as labels"),
        "syncd_up": Metric("gauge", "1 where the database could be read"),
        "syncd_ready": Metric(
            "gauge", "1 where syncd is ready: the database answers, and pulls and watches end well in time"
        ),
        "syncd_leader": Metric("gauge", "1 while some process holds the lease"),
        "syncd_leading": Metric("gauge", "1 on the daemon that leads, 0 on one that stands by; the page alone has it"),
        "syncd_leader_epoch": Metric("gauge", "the lease's epoch; it grows with every takeover"),
        "syncd_writes_frozen": Metric("gauge", "1 while the freeze file stops all writes"),
        "syncd_config_last_reload_successful": Metric(
            "gauge", "1 where the daemon's last reading of settings and pack was good"
        ),
        "syncd_config_last_reload_success_timestamp_seconds": Metric(
            "gauge", "when the daemon last took up settings and pack"
        ),
        "syncd_job_runs_total": Metric("counter", "runs that ended, by outcome: ok, incomplete, failed"),
        "syncd_job_duration_seconds": Metric("histogram", "how long runs took"),
        "syncd_job_misfires_total": Metric(
            "counter",
            "runs that did not end by themselves: killed past the deadline (deadline), or their process died (cut-off)",
        ),
        "syncd_job_last_success_timestamp_seconds": Metric("gauge", "when the last run of a job that went well ended"),
        "syncd_job_last_start_timestamp_seconds": Metric("gauge", "when the newest run of a job began"),
        "syncd_job_last_duration_seconds": Metric("gauge", "how long the newest run of a job took that ended"),
        "syncd_job_last_ok": Metric("gauge", "1 where the newest run of a job that ended went well"),
        "syncd_source_lag_seconds": Metric(
            "gauge", "how far a mirror is behind: now less the instant up to which it is complete"
        ),
        "syncd_object_lag_seconds": Metric(
            "gauge", "how far one kind is behind: now less the instant up to which it was read"
        ),
        "syncd_source_stale": Metric("gauge", "1 where a mirror is too old for alerts and writes"),
        "syncd_cursor_timestamp_seconds": Metric("gauge", "the instant up to which a kind was read, by lane"),
        "syncd_mirror_complete": Metric("gauge", "1 where a mirror was ever complete"),
        "syncd_mirror_rows": Metric("gauge", "live records of a mirror by kind"),
        "syncd_leads": Metric("gauge", "leads by how they stand: waiting, queued, running, overdue"),
        "syncd_lead_oldest_waiting_seconds": Metric("gauge", "how long the lead has waited that waits for longest"),
        "syncd_lead_assignment_seconds": Metric(
            "gauge", "from a lead's creation in the CRM until syncd gave it to somebody, quantiles over 7 days"
        ),
        "syncd_rows_read_total": Metric("counter", "rows that pulls and sweeps read"),
        "syncd_rows_changed_total": Metric("counter", "rows of the mirror that changed: upserted, deleted"),
        "syncd_reconcile_mismatch_rows": Metric("gauge", "records that the last sweep found and the mirror lacked"),
        "syncd_http_requests_total": Metric(
            "counter", "calls to a CRM by how they ended: 2xx, 4xx, 429, 5xx, or timeout, connect, reset, broken"
        ),
        "syncd_http_request_duration_seconds": Metric("histogram", "how long calls to a CRM took"),
        "syncd_http_retries_total": Metric(
            "counter", "calls that were made again right after they failed, by how they had ended"
        ),
        "syncd_rate_wait_seconds_total": Metric("counter", "seconds that calls waited for syncd's own rate limit"),
        "syncd_api_quota_used_ratio": Metric(
            "gauge", "what syncd has used today of the calls that it may make, as the last run knew"
        ),
        "syncd_api_org_used_ratio": Metric(
            "gauge", "what everybody has used today of the organization's calls, as the last run was told"
        ),
        "syncd_plans": Metric("gauge", "saved plans by status"),
        "syncd_outbox_rows": Metric("gauge", "rows of applied plans by state"),
        "syncd_outbox_oldest_age_seconds": Metric("gauge", "how long the oldest row that is not settled has waited"),
        "syncd_outbox_attempts_total": Metric("counter", "attempts to write a row, by what came of them"),
        "syncd_outbox_verify_mismatch_total": Metric(
            "counter", "writes after which another owner than the one written was read back"
        ),
        "syncd_alerts": Metric("gauge", "open alerts by state and severity"),
        "syncd_alerts_fired_total": Metric(
            "counter", "alerts that began to fire; owners that flip are those of OwnershipFlapping"
        ),
        "syncd_notifications_total": Metric("counter", "attempts to deliver a notice"),
        "syncd_notifications_failed_total": Metric("counter", "attempts that a receiver did not take, by reason"),
        "syncd_notifications_suppressed_total": Metric(
            "counter", "alerts that were kept from being told: silenced, inhibited"
        ),
        "syncd_notification_latency_seconds": Metric(
            "histogram", "how long notices took from being due until they were taken"
        ),
        "syncd_notices": Metric("gauge", "notices that were not delivered, by receiver and state"),
        "syncd_notices_oldest_age_seconds": Metric(
            "gauge", "how long the oldest notice has waited that is still to be delivered"
        ),
        "syncd_db_size_bytes": Metric("gauge", "the size of the database"),
        "syncd_db_wal_bytes": Metric("gauge", "the size of SQLite's write-ahead log"),
        "syncd_db_commit_seconds": Metric("histogram", "how long commits of jobs took"),
        "syncd_db_busy_total": Metric("counter", "transactions that waited too long for another writer"),
        "syncd_backup_last_success_timestamp_seconds": Metric(
            "gauge", "when `syncd db backup` last made, or noted, a backup"
        ),
        "syncd_disk_free_bytes": Metric("gauge", "free space where the state folder is"),
    }
)
"""Every metric; docs/metrics.md lists them with their labels."""


class _Sheet:
    def __init__(self) -> None:
        self.families = {name: Family(name, metric.text, metric.type) for name, metric in METRICS.items()}

    def put(self, name: str, value: float | None, suffix: str = "", /, **labels: str) -> None:
        self.families[f"syncd_{name}"].put(value, suffix, **labels)

    def put_tally(self, name: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> None:
        """What processes counted under a name; one that this version does not know is left out."""
        family, suffix = name, ""
        for ending in ("_sum", "_count"):
            if f"syncd_{name}" not in METRICS and name.endswith(ending):
                family, suffix = name.removesuffix(ending), ending
        if f"syncd_{family}" in METRICS:
            for labels, value in samples:
                self.put(family, value, suffix, **labels)

    def put_ladder(self, name: str, counted: Mapping[str, Sequence[tuple[Mapping[str, str], float]]]) -> None:
        """A histogram from what processes counted step by step: Prometheus wants each step with all below it."""
        steps: Counter[tuple[frozenset[tuple[str, str]], str]] = Counter()
        for labels, value in counted.get(f"{name}_bucket", ()):
            rest = frozenset((key, text) for key, text in labels.items() if key != "le")
            steps[rest, labels["le"]] += int(value)
        for labels, number in counted.get(f"{name}_count", ()):
            below = 0
            for step in LADDERS_OF[name]:
                below += steps[frozenset(labels.items()), f"{step:g}"]
                self.put(name, below, "_bucket", **labels, le=f"{step:g}")
            self.put(name, number, "_bucket", **labels, le="+Inf")


def metrics_text(settings: Settings, store: Store, *, clock: Clock, leading: bool | None = None) -> str:
    """All metrics in Prometheus' text format; StorageError where the database cannot be read.

    `leading` is whether the daemon that asks leads; None for who is no daemon.
    """
    now = clock.now()
    with store.read() as conn:
        found, mirrors, held = figures(conn), mirror.mirror_status(conn), lease.current(conn)
        problems, counted = unready(settings, conn, now), tallies(conn)
        leads = leads_figures(settings, conn, now)
    sheet = _Sheet()
    sheet.put("build_info", 1, version=__version__, python=platform.python_version())
    sheet.put("up", 1)
    sheet.put("ready", not problems)
    sheet.put("leader", held is not None and held.until > now)
    sheet.put("leading", leading)
    sheet.put("leader_epoch", held.epoch if held is not None else None)
    sheet.put("writes_frozen", frozen_reason(settings.control.freeze_file, now) is not None)
    _put_jobs(sheet, found)
    for system, known in mirrors.items():
        _put_mirror(sheet, settings, found, system.value, known, now)
    _put_work(sheet, found, now)
    _put_leads(sheet, leads)
    for name in LADDERS_OF:
        sheet.put_ladder(name, counted)
    for name, samples in counted.items():
        sheet.put_tally(name, samples)
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


def _put_mirror(
    sheet: _Sheet, settings: Settings, found: Figures, system: str, known: MirrorStatus, now: datetime
) -> None:
    stale_after = settings.schedule.stale_after or 3 * settings.schedule.pull
    lag = now - known.as_of if known.as_of is not None else None
    sheet.put("source_lag_seconds", lag.total_seconds() if lag is not None else None, system=system)
    sheet.put("source_stale", lag is None or lag > stale_after, system=system)
    sheet.put("mirror_complete", known.complete, system=system)
    for (of, kind_, lane), through in sorted(found.cursors.items()):
        if of == system:
            sheet.put("cursor_timestamp_seconds", through.timestamp(), system=system, kind=kind_, lane=lane)
            if lane == _LIVE:
                sheet.put("object_lag_seconds", (now - through).total_seconds(), system=system, kind=kind_)
    for kind, count in known.records.items():
        sheet.put("mirror_rows", count, system=system, kind=kind.value)


def _put_leads(sheet: _Sheet, known: Mapping[str, Any] | None) -> None:
    if known is None:
        return
    for state in ("waiting", "queued", "running", "overdue"):
        sheet.put("leads", known[state], state=state)
    sheet.put("lead_oldest_waiting_seconds", known["oldest_waiting_seconds"] or 0)
    for quantile, name in (("0.5", "p50_seconds"), ("0.95", "p95_seconds")):
        sheet.put("lead_assignment_seconds", known["speed"][name], quantile=quantile)


def _put_work(sheet: _Sheet, found: Figures, now: datetime) -> None:
    for status_ in PlanStatus:
        sheet.put("plans", found.plans.get(status_.value, 0), status=status_.value)
    for state in RowState:
        sheet.put("outbox_rows", found.outbox.get(state.value, 0), state=state.value)
    outcomes: Counter[str] = Counter()
    for (outcome, _), count in found.attempts.items():
        outcomes[outcome] += count
    for outcome, count in sorted(outcomes.items()):
        sheet.put("outbox_attempts_total", count, outcome=outcome)
    sheet.put("outbox_verify_mismatch_total", sum(n for (_, code), n in found.attempts.items() if code == NOT_KEPT))
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
