"""Reading one system into the mirror, page by page, each with its cursor in one transaction.

A reading that ends early for any reason keeps the last committed cursor and is `incomplete`, never `ok`: a connector
that called an early end a success lost records in silence (airbytehq/airbyte issue 8690).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from syncd.connectors.canonical import UNKEPT
from syncd.connectors.port import Identity
from syncd.connectors.salesforce.mapping import PERSON_ACCOUNT
from syncd.crashpoints import crashpoint
from syncd.errors import (
    AuthError,
    BadDataError,
    CrmError,
    CursorLostError,
    GuardTrippedError,
    QuotaExhaustedError,
    SchemaError,
    StorageError,
    SyncdError,
)
from syncd.jobs.context import Context
from syncd.jobs.mapping import read_kinds, system_mapping
from syncd.jobs.pulling.cursors import TOLERATED_SKEW, sound_cursor
from syncd.jobs.pulling.rates import read_rates
from syncd.model.cursors import Cursor, Page, Window
from syncd.model.record_columns import texts_of
from syncd.model.records import Team
from syncd.model.refs import Kind, System
from syncd.model.schemas import drift
from syncd.planning.proposing.cascade import PERSON
from syncd.report.wording import counted
from syncd.store import indexes, mirror, schemas
from syncd.store.systems import change_system
from syncd.telemetry import Log

_MOST_RESTARTS = 2
_SETTLED = timedelta(hours=3)
"""So long after its stamp a change is visible for sure, in a lagging index too."""
_GENERATIONS = (100_000, 50, 100)
_READERS = {System.SALESFORCE: "the integration user's permission set", System.HUBSPOT: "the key"}
_LARGE_PAGE = 5_000
"""Pages of so many records come of a large load: one for which it pays to leave the mirror's indexes out."""
_MOST_TOLD = 20
"""So many fields of a page are named whose text lost a character."""


@dataclass(slots=True)
class SystemPull:
    """What one pull of one system did: `outcome` is ok, incomplete or failed; `error` says why it is not ok.

    `stopped` are the kinds that could not be read while the others went on, each with the reason.
    """

    system: System
    outcome: str = "ok"
    read: int = 0
    changed: int = 0
    deleted: int = 0
    owner_changes: int = 0
    missed: int = 0
    users: int = 0
    calls: int = 0
    stopped: dict[Kind, CrmError] = field(default_factory=dict)
    error: SyncdError | None = None
    notes: list[str] = field(default_factory=list)

    def line(self, *, brief: bool = False) -> str:
        """What it read, what changed and what it cost, in one line; `brief`: of an error the code alone."""
        text = (
            f"{self.system.value}: {counted(self.read, 'record')} and {counted(self.users, 'user')} read,"
            f" {self.changed:,} changed, {self.deleted:,} deleted, {counted(self.calls, 'call')}"
        )
        if self.error is None:
            return text
        return f"{text}; {self.outcome}: {self.error.code if brief else self.error}"


def stopped_objects(system: System, stopped: Mapping[Kind, tuple[str, ...]]) -> SchemaError:
    """The error for kinds that were not read: rules would take what a field of another type says for no value."""
    return SchemaError(
        "SYN435",
        f"not read, since mapped fields changed: {'; '.join(each for kind in stopped for each in stopped[kind])}",
        where=system.value,
        hint="correct the mapping; or, if the new type is right, read everything under it: syncd pull --full",
    )


def unfit_object(system: System, kind: Kind, names: tuple[str, ...]) -> SchemaError:
    """The error for a kind of which mapped fields are gone: what rules read of it would be missing in silence."""
    return SchemaError(
        "SYN405",
        f"not there, or hidden from us: {', '.join(names)}; {kind.value} records are not read, all others are",
        where=system.value,
        hint=f"correct the mapping in the settings, or give {_READERS[system]} access; syncd doctor says where",
    )


def missed_records(system: System, count: int) -> BadDataError:
    """The error for records that a full pull found and earlier ones should have: a mirror that was wrong in silence."""
    return BadDataError(
        "SYN437",
        f"earlier pulls missed {counted(count, 'record')}; now in the mirror",
        where=system.value,
        hint="they were shared with us lately, or increments lose records: see the page of this code",
    )


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let Python look for garbage cycles less often: pages have none, and each look goes over all their records."""
    before = gc.get_threshold()
    gc.set_threshold(*_GENERATIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def signed_in(context: Context, system: System) -> Identity:
    """Who we are in the system; ForeignSystemError where that is not the organization whose records we hold."""
    identity = context.reader(system).identify()
    with context.store.write() as conn:
        mirror.bind_system(conn, system, identity.account_id, now=context.clock.now())
    return identity


@dataclass(slots=True)
class Reading:
    """The reading of one system in one run; `check` may raise to end it (a lost lease), `show` tells of progress."""

    context: Context
    log: Log
    system: System
    run_id: str
    check: Callable[[], None]
    show: Callable[[str], None]
    _weighed: bool = field(default=False, init=False)

    def run(self, *, full: bool) -> SystemPull:
        """Read everything, or what changed; how it ended is in the result, whose error is raised to nobody."""
        result = SystemPull(self.system)
        self.log.event("pull.started", full=full)
        before = self.context.reader(self.system).calls
        try:
            self._read_all(result, full=full)
            self.log.event("pull.finished", read=result.read, changed=result.changed)
        except (CrmError, GuardTrippedError) as error:
            partly = result.read > 0 or 0 < len(result.stopped) < len(self._kinds)
            early = partly or isinstance(error, QuotaExhaustedError)
            result.outcome = "incomplete" if early and not isinstance(error, AuthError) else "failed"
            result.error = error
            self.log.event(f"pull.{result.outcome}", error=error)
            with self.context.store.write() as conn:
                mirror.set_outcome(conn, self.system, result.outcome, str(error), now=self.context.clock.now())
        result.calls = self.context.reader(self.system).calls - before
        return result

    @property
    def _kinds(self) -> tuple[Kind, ...]:
        return read_kinds(self.context.settings, self.system)

    def _read_all(self, result: SystemPull, *, full: bool) -> None:
        context, reader = self.context, self.context.reader(self.system)
        self.show(f"{self.system.value}: signing in")
        server_now = signed_in(context, self.system).server_now
        self._note_skew(server_now, result)
        self._check_schema(result, full=full)
        self._look_for_native_sync(result)
        self._read_users(result)
        self._read_rates(server_now, result, full=full)
        limits = context.settings.limits
        holdback = limits.salesforce_holdback if self.system is System.SALESFORCE else limits.hubspot_holdback
        upper = server_now - holdback
        if full or self._mapping_changed():
            self._begin_anew(upper, result)
        for kind in self._kinds:
            if kind not in result.stopped:
                self._read_or_stop(kind, upper, server_now, result)
        self._read_teams(server_now, result, full=full)
        for error in [*result.stopped.values()][1:]:
            self._note(result, str(error))
        if result.stopped:
            raise next(iter(result.stopped.values()))
        self._index()
        revision = context.mapping_revision()
        with context.store.write() as conn:
            mirror.mark_complete(conn, self.system, as_of=upper, run_id=self.run_id, mapping_revision=revision)
            schemas.save_schemas(conn, self.system, reader.schemas(), now=context.clock.now())
            mirror.set_outcome(conn, self.system, "ok", None, now=context.clock.now())
        if result.missed:
            raise missed_records(self.system, result.missed)

    def _check_schema(self, result: SystemPull, *, full: bool) -> None:
        """Note what is odd of the mapping, and stop the kinds that do not fit it; SchemaError where users do not."""
        reader = self.context.reader(self.system)
        unfit = reader.unfit()
        for kind, names in unfit.items():
            if kind is Kind.LEAD:  # leads have a lane of their own: what is wrong with them stops nothing here
                self._note(result, f"leads cannot be read: {', '.join(names)} is not there, or hidden from us")
                continue
            result.stopped[kind] = unfit_object(self.system, kind, names)
        if Kind.USER in result.stopped:
            raise result.stopped[Kind.USER]
        for note in reader.check_schema(without=unfit):
            self._note(result, note)
        for kind, changes in self._compare_schemas(result, unfit, full=full).items():
            result.stopped[kind] = stopped_objects(self.system, {kind: changes})
        self._look_for_persons(result, unfit)

    def _look_for_persons(self, result: SystemPull, unfit: Collection[Kind]) -> None:
        """Stop contacts that may be a person account's and cannot be told apart: those never follow their account."""
        mapped = system_mapping(self.context.settings, self.system).kinds.get(Kind.CONTACT)
        if mapped is None or self.system is not System.SALESFORCE or PERSON in mapped.fields:
            return
        for schema in self.context.reader(self.system).schemas(without=unfit):
            if schema.kind is Kind.CONTACT and PERSON_ACCOUNT in schema.fields:
                result.stopped[Kind.CONTACT] = SchemaError(
                    "SYN545",
                    "the organization has person accounts, whose contacts never follow: no contact is read",
                    where=self.system.value,
                    hint="set person_accounts = true under [salesforce], which tells them apart",
                )

    def _compare_schemas(
        self, result: SystemPull, unfit: Collection[Kind], *, full: bool
    ) -> Mapping[Kind, tuple[str, ...]]:
        """What changed since the last pull, noted; the kinds whose mapped fields are not what they were.

        A full pull reads every record under the new schema, so it takes it as it is, and so does a new mapping.
        """
        with self.context.store.read() as conn:
            before = schemas.stored_schemas(conn, self.system)
        stopped = {}
        used = system_mapping(self.context.settings, self.system).kinds
        for schema in self.context.reader(self.system).schemas(without=unfit):
            if schema.kind not in before:
                continue
            found = drift(before[schema.kind], schema, set(used[schema.kind].fields.values()))
            for note in (*found.notes, *found.broken):
                self._note(result, note)
            mine = schema.kind is not Kind.LEAD
            if found.broken and mine and not full and not self._mapping_changed():
                stopped[schema.kind] = found.broken
        return stopped

    def _look_for_native_sync(self, result: SystemPull) -> None:
        """HubSpot's own Salesforce sync writes owners too: unless the settings say who does, nothing is written."""
        context = self.context
        if self.system is not System.HUBSPOT or context.settings.owner_writer is not None or len(context.systems) < 2:
            return
        sign = context.reader(self.system).native_sync()
        with context.store.write() as conn:
            mirror.set_native_sync(conn, self.system, sign, now=context.clock.now())
        context.native_sync = sign
        if sign is not None:
            text = "HubSpot's own Salesforce sync seems to be on, and owner_writer is not set: nothing is written"
            self._note(result, f"{text} ({sign}); set owner_writer to salesforce, hubspot or both")

    def _note(self, result: SystemPull, note: str) -> None:
        result.notes.append(note)
        self.log.event("schema.noted", note=note)

    def _note_skew(self, server_now: datetime, result: SystemPull) -> None:
        """Windows are in the server's time; how old a mirror is, is told by ours, so a wrong clock must be seen."""
        skew = self.context.clock.now() - server_now
        if abs(skew) > TOLERATED_SKEW:
            minutes, side = round(abs(skew) / timedelta(minutes=1)), "ahead of" if skew > timedelta(0) else "behind"
            text = f"this machine's clock is {minutes} min {side} {self.system.value}'s: set it right, or mirrors look"
            self._note(result, f"{text} {'stale' if skew > timedelta(0) else 'fresher than they are'}")

    def _read_users(self, result: SystemPull) -> None:
        users = list(self.context.reader(self.system).users())
        result.users = len(users)
        with self.context.store.write() as conn:
            mirror.store_users(conn, self.system, users, now=self.context.clock.now(), run_id=self.run_id)

    def _mapping_changed(self) -> bool:
        """Whether the mirror was read under other field mappings: what did not change since would lack new fields."""
        with self.context.store.read() as conn:
            status = mirror.mirror_status(conn, counted=False).get(self.system)
        return status is not None and status.mapping_revision not in (None, self.context.mapping_revision())

    def _begin_anew(self, upper: datetime, result: SystemPull) -> None:
        """Set out to read everything again.

        Under another mapping the mirror counts as incomplete until that is done: half of it would have the new fields.
        The windows of all kinds are set at once, so that a run that ends early is gone on with, not begun again.
        """
        changed, now = self._mapping_changed(), self.context.clock.now()
        with self.context.store.write() as conn:
            for kind in self._kinds:
                cursor = mirror.get_cursor(conn, self.system, kind)
                mirror.set_cursor(conn, replace(cursor, window=Window(None, upper), resume=None))
            if changed:
                revision = self.context.mapping_revision()
                change_system(conn, self.system, now=now, complete=False, mapping_revision=revision)
        if changed:
            self._note(result, "the field mapping changed: everything is read again")

    def _read_rates(self, server_now: datetime, result: SystemPull, *, full: bool) -> None:
        """Exchange rates decide nobody's access: where they cannot be read, those read before hold, and it is said."""
        try:
            notes = read_rates(self.context, self.system, server_now, full=full)
        except (AuthError, SchemaError, BadDataError) as error:
            notes = (f"exchange rates cannot be read, so those read before hold: {error}",)
        for note in notes:
            self._note(result, note)

    def _read_or_stop(self, kind: Kind, upper: datetime, server_now: datetime, result: SystemPull) -> None:
        """Read a kind; what is wrong with its records or its fields stops it alone, where its last page was stored."""
        try:
            self._read_kind(kind, upper, server_now, result)
        except (SchemaError, BadDataError) as error:
            result.stopped[kind] = error

    def _read_kind(self, kind: Kind, upper: datetime, server_now: datetime, result: SystemPull) -> None:
        """Finish the window that an earlier run left, if there is one; then read on from there to `upper`."""
        cursor, ahead = sound_cursor(self.context, self.system, kind, server_now, upper=upper)
        if ahead is not None:
            self._note(result, ahead)
            self.log.event("cursor.ahead", kind=kind.value)
        if cursor.window is not None:
            self._walk_restarting(kind, cursor, result)
            cursor = self._cursor(kind)
        if cursor.through is None or cursor.through < upper:
            lower = None if cursor.through is None else cursor.through - self._overlap()
            self._walk_restarting(kind, replace(cursor, window=Window(lower, upper), resume=None), result)

    def _cursor(self, kind: Kind) -> Cursor:
        with self.context.store.read() as conn:
            return mirror.get_cursor(conn, self.system, kind)

    def _walk_restarting(self, kind: Kind, cursor: Cursor, result: SystemPull) -> None:
        """Walk a window; where its pages expired it is read again from its beginning."""
        for restart in range(_MOST_RESTARTS + 1):
            try:
                self.walk(kind, cursor, result)
                return
            except CursorLostError:
                if restart == _MOST_RESTARTS:
                    raise
                self.log.event("cursor.restarted", kind=kind.value)
                cursor = replace(cursor, resume=None)

    def walk(self, kind: Kind, cursor: Cursor, result: SystemPull) -> None:
        """Read one window to its end, each page with its cursor in one transaction."""
        window = cursor.window
        if window is None:
            raise AssertionError("a walk has a window")
        with rare_collections():
            for page in self.context.reader(self.system).changes(kind, window, cursor.resume):
                self.check()
                self._store(page, cursor, window, result)

    def _store(self, page: Page, cursor: Cursor, window: Window, result: SystemPull) -> None:
        done = page.resume is None
        through = max(window.upper, cursor.through or window.upper) if done else cursor.through
        after = replace(cursor, through=through, window=None if done else window, resume=page.resume)
        self._leave_indexes_out(page)
        crashpoint("pull.before_page")
        with self.context.store.write() as conn:
            now, settled = self.context.clock.now(), self._settled(cursor, window)
            stored = mirror.store_page(conn, page, after, now=now, run_id=self.run_id, settled=settled)
        crashpoint("pull.page_stored")
        result.missed += stored.missed
        result.read += stored.read
        result.changed += stored.changed
        result.deleted += stored.deleted
        result.owner_changes += stored.owner_changes
        self._tell_lost_characters(page)
        self.log.event("page.stored", kind=cursor.kind.value, rows=stored.read, changed=stored.changed)
        self.show(f"{self.system.value}: {result.read:,} records read, {result.changed:,} changed")

    def _tell_lost_characters(self, page: Page) -> None:
        """Name the first fields of a page whose text held what the mirror cannot keep; nothing is lost in silence."""
        if UNKEPT not in "".join(texts_of(page.records)):
            return
        lost = ((each.ref, name) for each in page.records for name, text in each.fields.items() if UNKEPT in text)
        for ref, name in islice(lost, _MOST_TOLD):
            self.log.event("record.character_lost", ref=str(ref), field=name)

    def _leave_indexes_out(self, page: Page) -> None:
        """At the first large page, where nothing is complete yet; a mirror that others keep reading is let alone."""
        if self._weighed or len(page.records) < _LARGE_PAGE:
            return
        self._weighed = True
        try:
            with self.context.store.write() as conn:
                left_out = indexes.set_aside(conn)
        except StorageError as error:
            if error.code != "SYN606":
                raise
            return  # somebody reads the records for long: the load only takes longer
        if left_out:
            crashpoint("pull.indexes_left_out")

    def _index(self) -> None:
        """Make what a first load left out, in this run or in one that died, before anything counts as complete."""
        with self.context.store.read() as conn:
            absent = indexes.absent(conn)
        for name in absent:
            self.check()
            self.show(f"{self.system.value}: making the index {name}")
            with self.context.store.write() as conn:
                indexes.put_back(conn, name)
            crashpoint("pull.index_made")

    def _settled(self, cursor: Cursor, window: Window) -> datetime | None:
        """The stamp before which a full walk should find nothing that increments did not; None for an increment."""
        if window.lower is not None or cursor.through is None:
            return None
        return cursor.through - max(self._overlap(), _SETTLED)

    def _overlap(self) -> timedelta:
        limits = self.context.settings.limits
        return limits.salesforce_overlap if self.system is System.SALESFORCE else limits.hubspot_overlap

    def _read_teams(self, server_now: datetime, result: SystemPull, *, full: bool) -> None:
        """Account teams decide holds; where they cannot be read every account of the system counts as having one."""
        told = None if full else self._restorable(server_now)
        try:
            teams: list[Team] | None = list(self.context.reader(self.system).teams(Kind.ACCOUNT, restorable=told))
        except CrmError as error:
            self._note(result, f"account teams cannot be read, so no account of theirs is changed: {error}")
            teams = None
        with self.context.store.write() as conn:
            mirror.store_teams(conn, self.system, teams, now=self.context.clock.now())

    def _restorable(self, server_now: datetime) -> bool | None:
        """Whether teams can be put back, as an earlier pull of today was told; None asks anew, once a day.

        Apply asks again for each team that it is about to drop, so an answer of this morning costs nobody their team.
        """
        with self.context.store.read() as conn:
            status = mirror.mirror_status(conn, counted=False).get(self.system)
            known = mirror.teams(conn, self.system)
        if status is None or status.as_of is None or status.as_of.date() < server_now.date() or not known.readable:
            return None
        return next((team.restorable for team in known.members.values()), None)
