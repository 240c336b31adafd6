"""Pulling: every system read into the mirror, and companies linked where anything changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from syncd.errors import CrmError, ExitCode, worst
from syncd.jobs.context import Context
from syncd.jobs.mapping import field_catalogue, read_kinds
from syncd.jobs.pulling.cursors import sound_cursor
from syncd.jobs.pulling.linking import link_mirror
from syncd.jobs.pulling.reading import Reading, SystemPull, signed_in
from syncd.jobs.recording import Run, recorded
from syncd.model.cursors import Window
from syncd.model.refs import System
from syncd.store import statistics

_DELAY = timedelta(hours=1)
_DELAYED_OVERLAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class PullReport:
    """A pull of several systems."""

    run_id: str
    systems: tuple[SystemPull, ...]
    joined: int
    split: int

    @property
    def exit_code(self) -> ExitCode:
        """OK, or the worst code of what went wrong."""
        return worst(pull.error.exit_code for pull in self.systems if pull.error is not None)


def pull(
    context: Context,
    *,
    systems: Sequence[System] | None = None,
    full: bool = False,
    check: Callable[[], None] = lambda: None,
    show: Callable[[str], None] = lambda _: None,
) -> PullReport:
    """Read users, accounts, opportunities and teams of the systems into the mirror, then link companies.

    `full` reads everything again instead of what changed. One system's failure does not stop the other's pull.
    `check` is called before each page and may raise to end the run (a lost lease). Raises ConfigError SYN108 or SYN284
    for a mapping that no pack could be read with: before anything is read again under it.
    """
    field_catalogue(context.settings)
    with recorded(context, "pull", {"full": full}) as run:
        results = []
        for system in systems or context.systems:
            log = context.log.bind(run_id=run.run_id, system=system.value)
            results.append(Reading(context, log, system, run.run_id, check, show).run(full=full))
        return concluded(context, run, results)


def concluded(context: Context, run: Run, results: Sequence[SystemPull]) -> PullReport:
    """Link companies where anything changed, and say in the run how each system's part ended."""
    run.outcome = next((result.outcome for result in results if result.outcome != "ok"), "ok")
    run.summary |= {result.system.value: result.line() for result in results}
    for result in results:
        system = result.system.value
        context.tally.count("rows_read_total", result.read, system=system)
        context.tally.count("rows_changed_total", result.changed, system=system, op="upserted")
        context.tally.count("rows_changed_total", result.deleted, system=system, op="deleted")
    joined, split = link_mirror(context)
    _count_tables(context)
    return PullReport(run.run_id, tuple(results), joined, split)


def _count_tables(context: Context) -> None:
    """Have the tables counted that a first load filled, before records of them are looked for one by one."""
    with context.store.read() as conn:
        uncounted = statistics.uncounted(conn)
    for name in uncounted:
        with context.store.write() as conn:
            statistics.count(conn, name)


def delayed_pass(context: Context, *, check: Callable[[], None] = lambda: None) -> PullReport:
    """Read HubSpot's window of one to two hours ago once more: its search index may have shown those rows late.

    Out-of-order hits for windows an hour old were reported in estuary/connectors pull request 5180.
    """
    system = System.HUBSPOT
    with recorded(context, "delayed-pass") as run:
        result = SystemPull(system)
        log = context.log.bind(run_id=run.run_id, system=system.value)
        puller, before = Reading(context, log, system, run.run_id, check, lambda _: None), context.reader(system).calls
        try:
            server_now = signed_in(context, system).server_now
            upper = server_now - _DELAY
            for kind in read_kinds(context.settings, system):
                cursor, ahead = sound_cursor(context, system, kind, server_now, upper=upper, lane="delayed")
                if ahead is not None:
                    result.notes.append(ahead)
                    log.event("cursor.ahead", kind=kind.value)
                    puller.walk(kind, cursor, result)
                    continue
                lower = (cursor.through or upper - _DELAY) - _DELAYED_OVERLAP
                if lower < upper:
                    puller.walk(kind, replace(cursor, window=Window(lower, upper), resume=None), result)
        except CrmError as error:
            result.outcome, result.error = "incomplete", error
            log.event("pull.incomplete", error=error)
        result.calls = context.reader(system).calls - before
        return concluded(context, run, [result])
