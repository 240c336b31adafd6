"""The world of one seed: both fake CRMs in process, one clock, and the process of syncd that lives in it.

The product runs unchanged. What a test stands in for is what a machine gives a process: the clock, chance, the wire,
its name, and its death. Nothing here knows what is done or checked.
"""

from __future__ import annotations

import gc
import socket
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import pytest
from sqlalchemy import Connection, Engine, event

from syncd import crashpoints
from syncd.alerts import receivers
from syncd.cli.sandboxes import load_sandboxes
from syncd.clock import ManualClock, iso
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.entropy import SeededEntropy
from syncd.errors import StorageError
from syncd.jobs import leadership, private_files
from syncd.jobs.context import Context
from syncd.jobs.leadership import Leadership
from syncd.model.refs import System
from syncd.sandbox.dataset import Dataset, generate
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.native_sync import NativeSync
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.settings import Settings, load_settings
from syncd.store import engine as storage
from syncd.store import location
from syncd.telemetry.events import EVENTS
from tests.inprocess import InProcessWire
from tests.simulation.bells import Bells
from tests.simulation.dice import Dice
from tests.simulation.misreadings import Misreadings
from tests.simulation.violation import ViolationError

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
COMPANIES = 44
TIMEOUT = timedelta(seconds=15)
"""What a lost answer costs on the clock."""

_PACK = """\
format: 1
pack:
  name: simulation
  time_zone: UTC
  defaults: {{country: US}}
  cascade: {{open_opportunities: follow{cascade}}}
  respect_people_for: {respect}{write}
guard:
  changes: {{max: 25}}
  per_rep: 150
monitors:
  AccountChurned: {{when: {{type: [Former Customer, Churned]}}}}
pools:
  north: {{members: [{north}]}}
  south: {{members: [{south}]}}
{inbound}territories:
  - name: large
    when: {{employees: ">= 1000"}}
    owners: [{large}]
  - name: north
    when: {{country: [US, CA, GB, IE]}}
    owners: {{pool: north}}
  - name: south
    when: always
    owners: {{pool: south}}
{more}"""
_CSM = """\
  - name: csm-home
    role: csm
    when: {{country: [US, CA, GB, IE]}}
    owners: [{north}]
  - name: csm-abroad
    role: csm
    when: always
    owners: [{south}]
"""
_ROUTING = """\
routing:
  leads: [{match: account}, {pool: inbound}]
"""
_MAPPED: Mapping[System, str] = {
    System.SALESFORCE: """
[salesforce.roles]
csm = "CSM__c"
[salesforce.write]
territory = "Territory__c"
""",
    System.HUBSPOT: """
[hubspot.roles]
csm = "csm_owner"
[hubspot.write]
territory = "territory_path"
""",
}


_LEADS = """
[leads]
read = true
auto = true
"""
_DESK = """
[[receivers]]
name = "desk"
type = "file"
path = "desk.jsonl"
"""
FEATURES = ("fields", "contacts", "leads", "native")
"""What a world may have: a role and a text that are written, contacts that follow, leads, HubSpot's own sync."""
_ROOM = 1_073_741_823
_GARBAGE = 100_000
"""Objects made between two collections: a course makes much and leaves little. As in tests/conftest.py."""

_SPANS: Mapping[str, timedelta] = {"12h": timedelta(hours=12), "3d": timedelta(days=3)}


class Killed(BaseException):
    """The process is gone; nothing in it runs any more, `except` and `finally` included."""


class QuietLog:
    """Takes events that the registry knows, keeps none, and tells of one that names a secret."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = secrets

    def event(self, name: str, **facts: object) -> None:
        if name not in EVENTS:
            raise ValueError(f"{name!r} is not in the registry of events")
        if any(secret in str(facts) for secret in self._secrets):
            raise ViolationError("I22 no secret is told", f"the event {name} names one")

    def bind(self, **facts: object) -> QuietLog:
        return self


@dataclass(slots=True)
class Reaper:
    """Kills the process at a crashpoint: the `countdown`th, or the `countdown`th of a name."""

    countdown: int = 0
    name: str | None = None
    dead: bool = False
    passed: list[str] = field(default_factory=list)
    """The crashpoints that were reached, by name, those where a process died included."""
    instead: Callable[[], None] | None = None
    """What happens at the crashpoint instead of the process dying there."""
    visit: Callable[[str], None] = lambda _: None
    """Called at each crashpoint that a living process reaches."""

    def arm(self, countdown: int, name: str | None = None, *, instead: Callable[[], None] | None = None) -> None:
        self.countdown, self.name, self.instead = countdown, name, instead

    def disarm(self) -> None:
        self.countdown, self.name, self.instead = 0, None, None

    def at(self, name: str) -> None:
        """Execution is at a crashpoint; a dead process gets no further, whichever way it tries."""
        if self.dead:
            raise Killed(name)
        self.passed.append(name)
        self.visit(name)
        if self.countdown and self.name in (None, name):
            self.countdown -= 1
            if self.countdown == 0 and self.instead is not None:
                self.instead()
            elif self.countdown == 0:
                self.dead = True
                raise Killed(name)


@dataclass(slots=True)
class SimulatedWire(InProcessWire):
    """A wire on which each call takes time, a lost answer takes longer, and a dead process sends nothing."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    dice: Dice = field(default_factory=lambda: Dice(0))
    reaper: Reaper = field(default_factory=Reaper)
    before: Callable[[HttpRequest], None] = lambda _: None
    misread: Callable[[HttpRequest, HttpResponse], HttpResponse] = lambda _, answer: answer

    def send(self, request: HttpRequest) -> HttpResponse:
        if self.reaper.dead:
            raise Killed("send")
        if self.forbidden():
            raise ViolationError("I26 no call in a transaction", f"{request.method} {request.url}")
        self.before(request)
        self.clock.advance(timedelta(milliseconds=self.dice.whole(40, 900)))
        try:
            return self.misread(request, InProcessWire.send(self, request))
        except WireError as error:
            if error.kind == "timeout":
                self.clock.advance(TIMEOUT)
            raise


class World:
    """Two CRMs, a clock, and one process of syncd after the other."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        *,
        mode: str,
        index_lag: float,
        page: int,
        lifetime: str,
        respect: str = "12h",
        companies: int = COMPANIES,
        more: str = "",
        features: Collection[str] = (),
        migrated: bool = False,
    ) -> None:
        """`respect` is the pack's `respect_people_for` (12h or 3d), `more` is put at the end of the settings.

        `features` are of FEATURES. `migrated` says that the database is there before the first process, empty.
        """
        self.seed = seed
        self.respect = _SPANS[respect]
        self.writes_fields, self.contacts_follow = "fields" in features, "contacts" in features
        self.leads, self.native = "leads" in features, "native" in features
        self.clock = ManualClock(START)
        self.reaper = Reaper()
        self.bells = Bells(Dice(f"{seed} bells"), lambda: self.context.store.in_transaction)
        self.queue = ""
        self._lock: sqlite3.Connection | None = None
        self._full = self._limited = self._cut = False
        self._writer: Engine | None = None
        self._engines: list[Engine] = []
        """Those of the living process."""
        self.leader: Leadership | None = None
        """Who leads while an action is under way."""
        self.known_dead = Dice(f"{seed} names")
        self.incarnation = 0
        self.marks: dict[System, int] = {System.SALESFORCE: 0, System.HUBSPOT: 0}
        self.before_send: Callable[[System, HttpRequest], None] = lambda *_: None
        self.before_file: Callable[[Path], None] = lambda _: None
        """Called before a file of the process's own is written; an OSError keeps it from being."""
        dataset = generate(companies, seed, as_of=START - timedelta(hours=1))
        self.salesforce, self.hubspot = load_sandboxes(dataset, clock=self.clock, seed=seed)
        self.salesforce.base_url = "https://acme.my.salesforce.com"
        self.hubspot.base_url = "https://api.hubapi.com"
        self.hubspot.quirks.index_lag = index_lag
        self.hubspot.quirks.index_lag_varies = True
        self.hubspot.quirks.short_pages = page if page < 100 else None
        self.salesforce.model.cursors.page_limit = page
        self._credentials = self.salesforce.credentials(), self.hubspot.credentials()
        self.environ = {
            "SYNCD_SALESFORCE__CLIENT_SECRET": str(self._credentials[0]["client_secret"]),
            "SYNCD_HUBSPOT__TOKEN": str(self._credentials[1]["access_token"]),
            "SYNCD_ACTOR": "ruth",
        }
        self.secrets = tuple(self.environ[name] for name in ("SYNCD_SALESFORCE__CLIENT_SECRET", "SYNCD_HUBSPOT__TOKEN"))
        self._prepare()
        self.misreadings = {
            system: Misreadings(Dice(f"{seed} misreadings {system.value}"), self.clock.now, self._lives(system))
            for system in System
        }
        self.folder = folder
        if migrated:
            (folder / "syncd.db").write_bytes(_fresh_database())
        self.settings = self._settings(folder, mode, lifetime, respect, dataset, more)
        self._context: Context | None = None

    @property
    def faces(self) -> Mapping[System, SalesforceOrg | HubspotPortal]:
        """The CRMs by system."""
        return {System.SALESFORCE: self.salesforce, System.HUBSPOT: self.hubspot}

    @property
    def context(self) -> Context:
        """The living process."""
        if self._context is None:
            raise AssertionError("no process lives")
        return self._context

    @property
    def alive(self) -> bool:
        return self._context is not None

    def now(self) -> str:
        """The time, as a trace tells it."""
        return iso(self.clock.now())

    @contextmanager
    def machine(self) -> Iterator[None]:
        """What the machine is for the length of a simulation: crashpoints kill, and each process has its own name."""
        with pytest.MonkeyPatch.context() as patch:
            crashpoints.install(self.reaper.at)
            patch.setattr(leadership, "holder_name", self._holder_name)
            patch.setattr(storage, "_sqlite_engine", self._unhurried(storage._sqlite_engine))
            patch.setattr(storage, "BUSY_TIMEOUT_MS", 1)
            patch.setattr(private_files, "put_private", self._before_file(private_files.put_private))
            patch.setitem(receivers._TYPES, "file", lambda settings, _: self.bells.receiver(settings))
            if gc.get_threshold()[0] < _GARBAGE:  # outside of pytest
                gc.set_threshold(_GARBAGE)
            try:
                yield
            finally:
                crashpoints.install(None)
                self.reaper.dead = False
                self.bury()

    def start(self) -> None:
        """Start a process; the crashpoints of its start count."""
        self.incarnation += 1
        self.reaper.dead = False
        self.marks = {system: face.journal.last for system, face in self.faces.items()}
        context = Context.open(
            self.settings,
            clock=self.clock,
            entropy=SeededEntropy(f"{self.seed} process {self.incarnation}"),
            environ=self.environ,
            wire_of=self._wire,
            create=True,
        )
        context.log = QuietLog(self.secrets)
        self._context = context

    def bury(self) -> None:
        """Take away what a dead process leaves: its connections close, nothing is released or told."""
        if self._context is not None:
            self._context.store.close()
            self._context = None
            self._limited = False
        self._engines = []

    def move_to(self, folder: Path) -> None:
        """Live on in a copy of the folder, in a copy of this process: its database is another's from here on.

        Connections that were open belong to the other process, and stay open: closing one may take its log away.
        """
        config = folder / "config.toml"
        config.write_text(config.read_text(encoding="utf-8").replace(f"{self.folder}/", f"{folder}/"), encoding="utf-8")
        self.folder, self.settings = folder, load_settings(config, self.environ)
        for engine in self._engines:
            setattr(engine, "dispose", lambda: None)  # noqa: B010 - a method
        _INHERITED.extend(self._engines)
        self._engines = []
        if self._context is not None:
            store, url = self._context.store, location.parse_url(self.settings.database.url)
            self._context.settings = self.settings
            store._reader, store._writer = (storage._sqlite_engine(url, writes=writes) for writes in (False, True))

    @property
    def broken(self) -> bool:
        """Whether the database is locked, full, or was cut off in the middle of a transaction."""
        return self._lock is not None or self._full or self._cut

    def lock_database(self) -> None:
        """Somebody else holds the database's write lock from here on (F30); not where the process itself holds it."""
        lock = sqlite3.connect(self.folder / "syncd.db", timeout=0, isolation_level=None)
        try:
            lock.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            lock.close()
        else:
            self._lock = lock

    def fill_disk(self) -> None:
        """The disk is full from the next transaction on (F31)."""
        self._full = True
        if self._writer is not None and not event.contains(self._writer, "begin", self._limit):
            event.listen(self._writer, "begin", self._limit)

    def cut_database(self) -> NoReturn:
        """The connection to the database breaks (F35): before a commit nothing is stored; after it the commit is done,
        and its answer is lost.
        """
        self._cut = True
        raise StorageError("SYN608", "the connection broke", where="the simulation")

    def tell_to_stop(self) -> None:
        """SIGTERM arrives (F28): the process may finish what is under way."""
        if self.leader is not None:
            self.leader.stop()

    def repair(self) -> None:
        """Nobody locks the database, the disk has room, and the connection stands."""
        if self._lock is not None:
            self._lock.close()
        self._lock, self._full, self._cut = None, False, False

    def _unhurried(self, made: Callable[..., Engine]) -> Callable[..., Engine]:
        """SQLite engines that do not wait for the disk, and compile a statement once; the disk may be full.

        That a machine may lose its power is what `synchronous=FULL` is for; test_store_crash.py looks at that.
        """

        def open_engine(url: Any, *, writes: bool) -> Engine:
            engine = made(url, writes=writes)
            event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
            self._engines.append(engine)
            if writes:
                self._writer = engine
            known = _TEMPLATES.setdefault(writes, engine)
            if known is not engine:
                engine.dialect, engine._compiled_cache = known.dialect, known._compiled_cache
            return engine

        return open_engine

    def _before_file(self, put: Callable[..., None]) -> Callable[..., None]:
        def put_private(path: Path, write: Callable[..., None]) -> None:
            self.before_file(path)
            put(path, write)

        return put_private

    def _limit(self, conn: Connection) -> None:
        if self._full != self._limited:
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar() if self._full else _ROOM
            conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            self._limited = self._full

    def _wire(self, system: System) -> SimulatedWire:
        def forbidden() -> bool:
            return self.context.store.in_transaction

        return SimulatedWire(
            {"": self.faces[system]},
            forbidden=forbidden,
            clock=self.clock,
            dice=Dice(f"{self.seed} wire {system.value} {self.incarnation}"),
            reaper=self.reaper,
            before=lambda request: self.before_send(system, request),
            misread=self.misreadings[system].given,
        )

    def _lives(self, system: System) -> Callable[[str], bool]:
        """Whether a record of a CRM is there, by its id."""

        def lives(record_id: str) -> bool:
            face = self.faces[system]
            names = ("Account", "Opportunity", "Contact", "Lead") if system is System.SALESFORCE else _OBJECTS
            found = (row for name in names for row in face.records(name) if record_id in (row.get("Id"), row.get("id")))
            row = next(found, None)
            return row is not None and not (row["IsDeleted"] if "Id" in row else row["archived"] or row["mergedInto"])

        return lives

    def _holder_name(self) -> str:
        """A name whose end shows (a process of this machine that is gone), or does not (one of another machine)."""
        host = socket.gethostname() if self.known_dead.chance(0.5) else "elsewhere"
        return f"{host}:simulated:{self.incarnation}:0"

    def _prepare(self) -> None:
        """What an administrator sets up in both CRMs for the features of this world."""
        if self.writes_fields:
            csm = {"name": "CSM__c", "type": "reference", "targets": ["User"], "tracked": True}
            for field_of in (csm, {"name": "Territory__c", "type": "string", "length": 255}):
                self.salesforce.edit({"object": "Account", "field": field_of})
            for name in ("csm_owner", "territory_path"):
                self.hubspot.edit({"object": "companies", "define": {"name": name, "type": "string"}})
        if self.leads:
            group = {"Name": "Inbound", "Type": "Queue", "DeveloperName": "Inbound"}
            (self.queue,) = self.salesforce.load("Group", [group])
            self.salesforce.load("QueueSobject", [{"QueueId": self.queue, "SobjectType": "Lead"}])
        if self.native:
            NativeSync(self.salesforce, self.hubspot).switch(owners="salesforce")

    def _settings(self, folder: Path, mode: str, lifetime: str, respect: str, dataset: Dataset, more: str) -> Settings:
        reps = _reps(dataset)
        third = max(1, len(reps) // 3)
        pack = folder / "pack"
        pack.mkdir()
        names = {"large": reps[:third], "north": reps[third : 2 * third], "south": reps[2 * third :]}
        told = {name: ", ".join(emails) for name, emails in names.items()}
        more_rules = _CSM.format(**told) if self.writes_fields else ""
        inbound = f"  inbound: {{members: [{told['north']}], assign: rotate}}\n" if self.leads else ""
        text = _PACK.format(
            respect=respect,
            cascade=", contacts: follow" if self.contacts_follow else "",
            write="\n  write: [territory]" if self.writes_fields else "",
            inbound=inbound,
            more=more_rules + (_ROUTING if self.leads else ""),
            **told,
        )
        (pack / "pack.yaml").write_text(text, encoding="utf-8")
        config = folder / "config.toml"
        config.write_text(
            f"""
mode = "{mode}"
owner_writer = "{"salesforce" if self.native else "both"}"
plan_lifetime = "{lifetime}"
[database]
url = "sqlite:///{folder}/syncd.db"
[pack]
path = "{pack}"
[control]
freeze_file = "{folder}/freeze"
[salesforce]
login_url = "{self._credentials[0]["url"]}"
client_id = "{self._credentials[0]["client_id"]}"
grant = "client_credentials"
{'children = ["contacts"]' if self.contacts_follow else ""}
{_MAPPED[System.SALESFORCE] if self.writes_fields else ""}
[hubspot]
base_url = "{self._credentials[1]["url"]}"
{_MAPPED[System.HUBSPOT] if self.writes_fields else ""}
{_LEADS if self.leads else ""}
{more or _DESK}""",
            encoding="utf-8",
        )
        return load_settings(config, self.environ)


@cache
def _fresh_database() -> bytes:
    """A database with nothing but its schema: making one takes as long as a step of a course."""
    with TemporaryDirectory() as folder:
        storage.Store.open(f"sqlite:///{folder}/syncd.db", clock=ManualClock(START), create=True).close()
        return (Path(folder) / "syncd.db").read_bytes()


def _reps(dataset: Dataset) -> list[str]:
    """The e-mail addresses of active people that both systems know."""
    owners: set[Any] = {str(row["email"]).lower() for row in dataset.hubspot["owners"] if not row["archived"]}
    users = [str(row["Email"]).lower() for row in dataset.salesforce["User"] if row["IsActive"]]
    return [email for email in users if email in owners]


def changes_a_crm(request: HttpRequest) -> bool:
    """Whether a request changes something in a CRM."""
    if request.method == "PATCH" or request.url.endswith("/batch/update"):
        return True
    return request.method == "POST" and request.url.endswith("/composite/sobjects")


_TEMPLATES: dict[bool, Engine] = {}
_INHERITED: list[Engine] = []
"""What a copy of a process may neither use nor let go of."""
_OBJECTS = ("companies", "deals", "contacts")
