"""JobFailing: one of syncd's jobs failed several times in a row, or the look at rights found that some lack.

What has an alert of its own is not counted here.
"""

from __future__ import annotations

from syncd.alerts import options
from syncd.alerts.operations import JobHealth
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.clock import iso

NAME = "JobFailing"
_RUNS = 3
_RIGHTS = "rights"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each job that ever ran."""
    most = options.count(view.rule(NAME), "runs", _RUNS)
    return Evaluation(tuple(_signal(job, view.operations.jobs[job], most) for job in sorted(view.operations.jobs)))


def _signal(job: str, health: JobHealth, most: int) -> Signal:
    if job == _RIGHTS:
        return _lacking(health)
    last = f"the last good run ended {iso(health.last_success)}" if health.last_success else "it never ended well"
    return Signal(
        subject=job,
        labels={"job": job},
        summary=f"the job {job} failed {health.failures} times in a row",
        detail={
            "who": [],
            "evidence": [last, health.error or "the process died without a word: look at the log for error.unhandled"],
            "since": iso(health.since) if health.since else None,
            "command": f"syncd runs --job {job} --limit 5",
        },
        condition=Condition.FIRING if health.failures >= most else Condition.CLEAR,
    )


def _lacking(health: JobHealth) -> Signal:
    """Rights that a CRM does not grant: told at the first look, as a ticket. A look that died says nothing of them."""
    found = (health.error or "").partition(": ")[2].split("; ")
    return Signal(
        subject=_RIGHTS,
        labels={"job": _RIGHTS},
        summary=f"a CRM does not grant what syncd needs: {found[0]}{f' and {len(found) - 1} more' * (len(found) > 1)}",
        detail={
            "who": [],
            "evidence": found,
            "since": iso(health.since) if health.since else None,
            "command": "syncd doctor --rights",
        },
        condition=Condition.FIRING if health.failures and health.error else Condition.CLEAR,
        severity="ticket",
    )


MONITOR = Monitor(NAME, evaluate, "page", reads_book=False, options=frozenset({"runs"}))
