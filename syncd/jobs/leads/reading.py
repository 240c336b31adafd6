"""Reading leads into the mirror, often and cheaply: what changed lately, and those that wait, one by one.

Windows end now, not held back, and begin an overlap before the cursor, which is what is held back: a lead is seen as
soon as its CRM shows it, and one that was committed late comes with a later window. No window lies before what the
accounts' own pull knows to be read by the CRM's clock, so a wrong clock of ours loses none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.crashpoints import crashpoint
from syncd.errors import AuthError, CrmError, CursorLostError, QuotaExhaustedError, SyncdError
from syncd.jobs.context import Context
from syncd.jobs.mapping import is_lead, lead_revision
from syncd.model.cursors import Cursor, Page, Window
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store import mirror
from syncd.store.leads import open_tracks, told_already
from syncd.store.records import retire

_MOST_RESTARTS = 2
_SOON = timedelta(minutes=2)
"""So far ahead of our clock a window ends: the CRM's may be a little ahead of it."""
_LATE_EVERY = timedelta(hours=1)
_LATE_BY = timedelta(hours=1)
_MOST_REREAD = 1_000
_BATCH = 100


@dataclass(slots=True)
class LeadPull:
    """What one look at the leads of one system did; `error` says why it did not come to its end."""

    system: System
    read: int = 0
    changed: int = 0
    outcome: str = "ok"
    error: SyncdError | None = None

    def line(self) -> str:
        """What was read and what changed, in one line."""
        text = f"{self.system.value}: {self.read:,} leads read, {self.changed:,} changed"
        return text if self.error is None else f"{text}; {self.outcome}: {self.error}"


def read_leads(context: Context, run_id: str, check: Callable[[], None] = lambda: None) -> tuple[LeadPull, ...]:
    """Read the leads of every system that has an account mirror; one system's failure does not stop the other's.

    `check` is called before each page and may raise to end the run (a lost lease).
    """
    with context.store.read() as conn:
        status = mirror.mirror_status(conn, counted=False)
    found = []
    for system in context.systems:
        as_of = status[system].as_of if system in status else None
        pull = LeadPull(system)
        try:
            if as_of is not None:
                _Look(context, system, run_id, check, pull).run(as_of)
        except CrmError as error:
            early = pull.read > 0 or isinstance(error, QuotaExhaustedError)
            pull.outcome = "incomplete" if early and not isinstance(error, AuthError) else "failed"
            pull.error = error
            context.log.bind(run_id=run_id, system=system.value).event("leads.unread", error=error)
        found.append(pull)
    return tuple(found)


@dataclass(slots=True)
class _Look:
    """One look at the leads of one system."""

    context: Context
    system: System
    run_id: str
    check: Callable[[], None]
    pull: LeadPull

    def run(self, as_of: datetime) -> None:
        """What changed since the last look, once an hour what changed an hour ago, then the open ones by id."""
        settings, now = self.context.settings, self.context.clock.now()
        limits = settings.limits
        salesforce = self.system is System.SALESFORCE
        overlap = limits.salesforce_overlap if salesforce else limits.hubspot_overlap
        holdback = limits.salesforce_holdback if salesforce else limits.hubspot_holdback
        cursor = self._cursor("live")
        if cursor.window is not None and cursor.resume is not None:
            self._walk(cursor, cursor.window, through=cursor.window.upper - _SOON - holdback)
            cursor = self._cursor("live")
        known = min(cursor.through, as_of) if cursor.through is not None else None
        lower = known - overlap if known is not None else now - settings.leads.within
        self._walk(cursor, Window(lower, now + _SOON), through=now - holdback)
        due = self._late(now)
        if due or not salesforce:
            self._reread_open()

    def _late(self, now: datetime) -> bool:
        """Once an hour read the window of one to two hours ago again: an index may show it late. Whether it was."""
        cursor, upper = self._cursor("late"), now - _LATE_BY
        if cursor.through is not None and upper - cursor.through < _LATE_EVERY:
            return False
        lower = cursor.through if cursor.through is not None else upper - _LATE_EVERY
        self._walk(cursor, Window(lower, upper), through=upper)
        return True

    def _cursor(self, lane: str) -> Cursor:
        """The cursor of a lane; another mapping of leads has cursors of its own, and begins anew."""
        name = f"{lane}:{lead_revision(self.context.settings, self.system)}"
        with self.context.store.read() as conn:
            return mirror.get_cursor(conn, self.system, Kind.LEAD, name)

    def _walk(self, cursor: Cursor, window: Window, *, through: datetime) -> None:
        """Read one window to its end; where its pages expired it is read again from its beginning."""
        reader = self.context.reader(self.system)
        for restart in range(_MOST_RESTARTS + 1):
            resume = cursor.resume if restart == 0 and cursor.window == window else None
            try:
                for page in reader.recent(Kind.LEAD, window, resume):
                    self.check()
                    self._store(page, cursor, window, through)
            except CursorLostError:
                if restart == _MOST_RESTARTS:
                    raise
            else:
                return

    def _store(self, page: Page, cursor: Cursor, window: Window, through: datetime) -> None:
        done = page.resume is None
        reached = max(through, cursor.through or through) if done else cursor.through
        after = replace(cursor, through=reached, window=None if done else window, resume=page.resume)
        with self.context.store.write() as conn:
            known = mirror.get_records(conn, [record.ref for record in page.records if not self._is_lead(record)])
            kept = tuple(record for record in page.records if record.ref in known or self._is_lead(record))
            now = self.context.clock.now()
            stored = mirror.store_page(conn, replace(page, records=kept), after, now=now, run_id=self.run_id)
            if stored.owner_changes:
                told_already(conn, [record.ref for record in kept])
        crashpoint("leads.page_stored")
        self.pull.read += stored.read
        self.pull.changed += stored.changed

    def _is_lead(self, record: Record) -> bool:
        """Whether a record is to be kept: a contact of HubSpot is a lead by its lifecycle stage alone."""
        return is_lead(self.context.settings, record)

    def _reread_open(self) -> None:
        """The open leads as the CRM's store has them now: an archived or purged one shows in no window."""
        with self.context.store.read() as conn:
            refs = [track.ref for track in open_tracks(conn) if track.ref.system is self.system][:_MOST_REREAD]
        reader = self.context.reader(self.system)
        for start in range(0, len(refs), _BATCH):
            self.check()
            batch = refs[start : start + _BATCH]
            readings = reader.read(Kind.LEAD, [ref.id for ref in batch])
            records = [each.record for each in readings.values() if each.record is not None]
            gone: Mapping[Ref, str | None] = {ref: None for ref in batch if readings[ref.id].record is None}
            with self.context.store.write() as conn:
                now = self.context.clock.now()
                stored = mirror.record_reading(conn, records, now=now, run_id=self.run_id)
                retired = retire(conn, gone, now=now, run_id=self.run_id)
            self.pull.changed += stored.changed + retired
