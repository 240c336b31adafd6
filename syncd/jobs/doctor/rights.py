"""The doctor's question after rights alone, which a daemon asks when it starts and once a day.

What was granted is seldom what was asked for, and people change it later. What lacks is a run that failed, so that the
monitor of jobs tells of it; it is logged when it changes, not at every look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from syncd.clock import iso
from syncd.connectors.wire import Wire
from syncd.entropy import Entropy
from syncd.errors import ExitCode, worst
from syncd.jobs.context import Context
from syncd.jobs.doctor import crm
from syncd.jobs.doctor.examination import FORMAT, PATIENCE, Task, shown, together
from syncd.jobs.doctor.patients import Installation, Patient
from syncd.jobs.doctor.verdicts import Reporter, Result, Verdict
from syncd.jobs.mapping import configured_systems
from syncd.jobs.recording import recorded
from syncd.model.refs import System
from syncd.store import runs

JOB: Final = "rights"
"""The name of the recorded runs."""
_ASKED: Final = ("access", "rights")
_LACKING, _EXCESSIVE = "SYN707", "SYN830"


def examine_rights(
    context: Context,
    environ: Mapping[str, str],
    *,
    wire_of: Callable[[System], Wire] | None = None,
    entropy: Entropy | None = None,
    patience: float = PATIENCE,
) -> tuple[dict[str, Any], ExitCode]:
    """What each CRM grants, as a document like that of `doctor --format json`; the exit code is of what failed."""
    results = _results(context, environ, entropy or context.entropy, wire_of, patience)
    document = {"format": FORMAT, "at": iso(context.clock.now()), "checks": [shown(each) for each in results]}
    document["summary"] = {verdict.value: sum(each.verdict is verdict for each in results) for verdict in Verdict}
    return document, worst(each.exit_code for each in results if each.verdict is Verdict.FAIL)


def record_rights(context: Context, document: Mapping[str, Any]) -> None:
    """Record what was found as a run of `rights`: `failed` where a right lacks, `incomplete` where a CRM did not say.

    Tells `rights.lacking` and `rights.excessive` in the log where the last run found something else.
    """
    lacking = _texts(document, _LACKING, "fail")
    excessive = _texts(document, _EXCESSIVE, "warn")
    unasked = [each for each in document["checks"] if each["verdict"] == "fail" and each["code"] != _LACKING]
    with context.store.read() as conn:
        before = next((run.summary for run in runs.runs(conn, 2, job=JOB) if run.finished_at is not None), {})
    for event, found, known in (
        ("rights.lacking", lacking, before.get("lacking", [])),
        ("rights.excessive", excessive, before.get("excessive", [])),
    ):
        if found and found != known:
            context.log.event(event, found=found)
    with recorded(context, JOB) as run:
        run.summary |= {"lacking": lacking, "excessive": excessive}
        if lacking:
            run.outcome = "failed"
            run.summary["error"] = f"{_LACKING}: {'; '.join(lacking)}"
        elif unasked:
            run.outcome = "incomplete"


def _results(
    context: Context,
    environ: Mapping[str, str],
    entropy: Entropy,
    wire_of: Callable[[System], Wire] | None,
    patience: float,
) -> Sequence[Result]:
    home = Installation(context.settings, environ, context.clock, context, None)
    patients = [Patient(system, home, entropy, wire_of) for system in configured_systems(context.settings)]
    tasks = [
        Task(report := Reporter(name, patient.system.value), partial(check, patient, report))
        for patient in patients
        for name, check in crm.checks_of(patient.system)
        if name in _ASKED
    ]
    try:
        return together(tasks, patience)
    finally:
        for patient in patients:
            patient.close()


def _texts(document: Mapping[str, Any], code: str, verdict: str) -> list[str]:
    return [
        f"{each['subject']}: {each['text']}"
        for each in document["checks"]
        if each["code"] == code and each["verdict"] == verdict
    ]
