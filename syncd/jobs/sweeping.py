"""The id sweep: all live ids of each system against the mirror, both ways.

What the system no longer shows is marked deleted, within a guard; what the mirror lacks is read and stored. Increments
see neither a hard delete nor a record that was only now shared with us (salesforce.md 2.6).
"""

from __future__ import annotations

from collections.abc import Callable

from syncd.errors import CrmError, GuardTrippedError
from syncd.jobs.context import Context
from syncd.jobs.pull import PullReport, concluded
from syncd.jobs.reading import KINDS, SystemPull, signed_in
from syncd.jobs.recording import recorded
from syncd.model.refs import Kind, System
from syncd.store import mirror


def sweep(context: Context, *, check: Callable[[], None] = lambda: None) -> PullReport:
    """Compare all live ids with the mirror and mark as deleted what is gone; stops where too much would vanish."""
    with recorded(context, "sweep") as run:
        results = []
        for system in context.systems:
            result, before = SystemPull(system), context.reader(system).calls
            try:
                signed_in(context, system)
                for kind in KINDS:
                    check()
                    result.deleted += _sweep_kind(context, system, kind, run.run_id, check, result)
            except (CrmError, GuardTrippedError) as error:
                result.outcome, result.error = "failed", error
                context.log.bind(run_id=run.run_id, system=system.value).event("pull.failed", error=error)
            result.calls = context.reader(system).calls - before
            results.append(result)
        return concluded(context, run, results)


def _sweep_kind(
    context: Context, system: System, kind: Kind, run_id: str, check: Callable[[], None], result: SystemPull
) -> int:
    began = context.clock.now()
    live: list[str] = []
    for batch in context.reader(system).ids(kind):
        check()
        live += batch
    result.read += len(live)
    share = float(context.settings.limits.mass_delete_share)
    with context.store.write() as conn:
        now = context.clock.now()
        return mirror.mark_vanished(
            conn, system, kind, live, now=now, run_id=run_id, max_share=share, seen_before=began
        )
