"""The examination: all checks side by side, none waited for longer than the patience; what did not end says so.

A check that hangs (a name server that does not answer) is left behind in a thread that ends with the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from syncd.clock import Clock, SystemClock, iso
from syncd.connectors.wire import Wire
from syncd.entropy import Entropy, SystemEntropy
from syncd.errors import ExitCode, StorageError, SyncdError, worst
from syncd.jobs.context import Context
from syncd.jobs.doctor import crm, machine
from syncd.jobs.doctor.patients import Installation, NotAskedError, Patient
from syncd.jobs.doctor.remedies import remedy_of
from syncd.jobs.doctor.verdicts import INSTALLATION, Reporter, Result, Verdict
from syncd.jobs.mapping import configured_systems
from syncd.model.refs import System
from syncd.settings import Settings

FORMAT: Final = 1
PATIENCE: Final = 15.0
"""Seconds after which a check that did not end is reported as such."""


@dataclass(frozen=True, slots=True)
class Task:
    """One check to be made, who reports it, and what mends an error that ends it, where we know better than it."""

    report: Reporter
    work: Callable[[], Iterable[Result]]
    mend: Callable[[SyncdError], str | None] = lambda _: None


def examine(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    wire_of: Callable[[System], Wire] | None = None,
    patience: float = PATIENCE,
) -> tuple[dict[str, Any], ExitCode]:
    """The document of `doctor --format json`, and the exit code: of what failed, the worst."""
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    home = _installation(settings, environ, clock)
    patients = [Patient(system, home, entropy, wire_of) for system in configured_systems(settings)]
    try:
        results = told_once(together(_tasks(home, patients), patience))
    finally:
        for patient in patients:
            patient.close()
        if home.context is not None:
            home.context.close()
    counts = {verdict.value: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    document = {
        "format": FORMAT,
        "at": iso(clock.now()),
        "summary": counts,
        "checks": [shown(each) for each in results],
    }
    return document, worst(result.exit_code for result in results if result.verdict is Verdict.FAIL)


def _installation(settings: Settings, environ: Mapping[str, str], clock: Clock) -> Installation:
    try:
        return Installation(settings, environ, clock, Context.open(settings, clock=clock, environ=environ), None)
    except StorageError as error:
        return Installation(settings, environ, clock, None, error)


def _tasks(home: Installation, patients: Sequence[Patient]) -> list[Task]:
    tasks = []
    for name, each in machine.CHECKS:
        report = Reporter(name, INSTALLATION)
        tasks.append(Task(report, partial(each, home, report)))
    for patient in patients:
        for name, check in crm.checks_of(patient.system):
            report = Reporter(name, patient.system.value)
            mend = partial(remedy_of, patient.system, settings=home.settings)
            tasks.append(Task(report, partial(check, patient, report), mend))
    return tasks


def together(tasks: Sequence[Task], patience: float) -> list[Result]:
    """The results of all tasks, in their order; one that does not end within `patience` seconds is told as such."""
    futures: list[Future[list[Result]]] = []
    for task in tasks:
        future: Future[list[Result]] = Future()
        futures.append(future)
        threading.Thread(target=_run, args=(task, future), name=f"doctor-{task.report.check}", daemon=True).start()
    wait(futures, timeout=patience)
    results: list[Result] = []
    for task, future in zip(tasks, futures, strict=True):
        results += future.result() if future.done() else [_late(task.report, patience)]
    return results


def told_once(results: Iterable[Result]) -> list[Result]:
    """The results, of which those that one and the same error ended say so instead of telling it again."""
    first: dict[tuple[str, str | None, str], str] = {}
    told = []
    for each in results:
        name = each.subject, each.code, each.text
        if each.verdict is Verdict.FAIL and name in first:
            told.append(Reporter(each.check, each.subject).skip(f"not asked to the end: failed as {first[name]} did"))
            continue
        first.setdefault(name, each.check)
        told.append(each)
    return told


def _run(task: Task, future: Future[list[Result]]) -> None:
    try:
        future.set_result(list(task.work()))
    except NotAskedError:
        future.set_result([task.report.skip("not asked: signing in failed")])
    except SyncdError as error:
        future.set_result([task.report.failed(error, task.mend(error))])
    except BaseException as error:  # noqa: BLE001 - the boundary of a thread: a bug ends the command as one
        future.set_exception(error)


def _late(report: Reporter, patience: float) -> Result:
    fix = "run it again; if it stays so, look at the network and the database's locks"
    code = ExitCode.INVALID if report.subject == INSTALLATION else ExitCode.CRM
    return report.fail("SYN705", f"no answer within {patience:.0f} s", fix, code)


def shown(result: Result) -> dict[str, Any]:
    """A finding as documents have it."""
    return {
        "check": result.check,
        "subject": result.subject,
        "verdict": result.verdict.value,
        "text": result.text,
        "fix": result.fix,
        "code": result.code,
    }
