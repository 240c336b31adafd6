"""The id sweep: all live ids of each system against the mirror, both ways.

What the system no longer shows, neither in its list nor by its id, is marked deleted, within a guard; what the mirror
lacks is read and stored. Increments see neither a hard delete nor a record that was only now shared with us
(salesforce.md 2.6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.errors import BadDataError, CrmError, GuardTrippedError, SchemaError
from syncd.jobs.context import Context
from syncd.jobs.mapping import read_kinds
from syncd.jobs.pulling.pull import PullReport, concluded
from syncd.jobs.pulling.reading import SystemPull, signed_in
from syncd.jobs.pulling.rereading import live_ids
from syncd.jobs.recording import recorded
from syncd.model.refs import Kind, System
from syncd.store import mirror

_FETCHED_AT_ONCE = 500


def sweep(
    context: Context, *, check: Callable[[], None] = lambda: None, show: Callable[[str], None] = lambda _: None
) -> PullReport:
    """Compare all live ids with the mirror, both ways.

    What is gone is marked deleted, unless too much would vanish; what the mirror lacks is read. Kinds with fields that
    stamp nothing are read whole. `check` may raise to end the run (a lost lease).
    """
    with recorded(context, "sweep") as run:
        results = []
        for system in context.systems:
            result, before = SystemPull(system), context.reader(system).calls
            try:
                server_now = signed_in(context, system).server_now
                for kind in read_kinds(context.settings, system):
                    try:
                        _Sweep(context, system, kind, server_now, run.run_id, check, show).run(result)
                    except (SchemaError, BadDataError) as error:
                        result.stopped[kind] = error
                if result.stopped:
                    raise next(iter(result.stopped.values()))
            except (CrmError, GuardTrippedError) as error:
                result.outcome, result.error = "failed", error
                context.log.bind(run_id=run.run_id, system=system.value).event("pull.failed", error=error)
            result.calls = context.reader(system).calls - before
            results.append(result)
        return concluded(context, run, results)


@dataclass(frozen=True, slots=True)
class _Sweep:
    context: Context
    system: System
    kind: Kind
    server_now: datetime
    run_id: str
    check: Callable[[], None]
    show: Callable[[str], None]

    def run(self, result: SystemPull) -> None:
        """Sweep one kind of one system."""
        context, began = self.context, self.context.clock.now()
        live: list[str] = []
        for batch in live_ids(context, self.system, self.kind, self.server_now, self.run_id, result):
            self.check()
            live += batch
            self.show(f"{self.system.value}: {len(live):,} ids of {self.kind.value} records read")
        result.read += len(live)
        result.deleted += self._mark_vanished(live, began, result)
        with context.store.read() as conn:
            missing = mirror.missing_ids(conn, self.system, self.kind, live)
        added = sum(self._fetch(batch) for batch in chunked(missing, _FETCHED_AT_ONCE))
        result.changed += added
        labels = {"system": self.system.value, "kind": self.kind.value}
        context.tally.level("reconcile_mismatch_rows", added, **labels)
        if added:
            result.notes.append(
                f"{added} {self.kind.value} records were not in the mirror and were read: shared with us lately,"
                " restored, or missed by earlier pulls"
            )

    def _mark_vanished(self, live: Sequence[str], began: datetime, result: SystemPull) -> int:
        """Mark what is neither listed nor found by its id; how many that is."""
        context = self.context
        share = float(context.settings.limits.mass_delete_share)
        with context.store.write() as conn:
            unlisted = mirror.vanished(conn, self.system, self.kind, live, max_share=share, seen_before=began)
        there = {found for batch in chunked(unlisted, _FETCHED_AT_ONCE) for found in self._still_there(batch)}
        if there:
            which = f"{len(there)} that are there, such as {min(there)}"
            result.notes.append(f"the list of {self.kind.value} records lacked {which}: not deleted")
        gone = [each for each in unlisted if each not in there]
        if not gone:
            return 0
        with context.store.write() as conn:
            now = context.clock.now()
            return mirror.mark_gone(conn, self.system, self.kind, gone, now=now, run_id=self.run_id, seen_before=began)

    def _still_there(self, ids: Sequence[str]) -> list[str]:
        """Those that the system has although its list lacks them: a page of a list may be an older one, untold."""
        self.check()
        readings = self.context.reader(self.system).read(self.kind, ids).items()
        return [asked for asked, reading in readings if reading.record is not None and not reading.record.deleted]

    def _fetch(self, ids: Sequence[str]) -> int:
        """Read records and store them; how many came new into the mirror."""
        self.check()
        readings = self.context.reader(self.system).read(self.kind, ids).values()
        found = [reading.record for reading in readings if reading.record is not None]
        with self.context.store.write() as conn:
            stored = mirror.record_reading(conn, found, now=self.context.clock.now(), run_id=self.run_id)
        return stored.changed


def chunked(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The items in runs of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
