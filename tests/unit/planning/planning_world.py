"""A small world for planning's tests: a book, a pack, a store, and two scripted CRMs that a test can make misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.clock import ManualClock
from syncd.connectors.port import Identity, OwnerVersion, OwnerWrite, Reading, WriteOutcome, WriteResult
from syncd.entropy import SeededEntropy
from syncd.errors import CrmError, Place
from syncd.model.cursors import Page, Window
from syncd.model.decisions import Decision, Outcome, Owner
from syncd.model.plans import OWNER_FIELD, Change, OutboxRow, SavedPlan, Slot
from syncd.model.records import Record, Team, User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.approval import approve
from syncd.planning.proposing.builder import PlanInput, build_plan
from syncd.planning.proposing.staleness import Present, present_rows
from syncd.planning.writing.applied import ApplyReport
from syncd.planning.writing.apply import apply_plan
from syncd.planning.writing.line import Line
from syncd.planning.writing.preflight import Orders
from syncd.planning.writing.recovery import recover
from syncd.rules.conditions import Always
from syncd.rules.facts import Directory, Facts, OpportunityFacts, Rep, Seen, Value
from syncd.rules.pack import OwnersByEmail, Pack, Territory
from syncd.store import lease, mirror, outbox, ownership, plans
from syncd.store.engine import Store

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SF, HS = System.SALESFORCE, System.HUBSPOT
RULE = "when: {country: DE}"
PEOPLE = ("old", "anna", "ben", "cleo")


def user_id(name: str, system: System) -> str:
    """The id of a person in a system, such as `005anna` and `77anna`."""
    return f"{'005' if system is SF else '77'}{name}"


def email(name: str) -> str:
    return f"{name}@example.com"


def owner(name: str) -> Owner:
    return Owner(email(name), {system: user_id(name, system) for system in System})


def rep(name: str, **changes: Any) -> Rep:
    both = frozenset(System)
    return replace(Rep(email(name), name.title(), owner(name).ids, both, both), **changes)


def directory(*reps: Rep) -> Directory:
    everybody = {email(name): rep(name) for name in PEOPLE} | {one.email: one for one in reps}
    return Directory(everybody, frozenset(System))


def account(number: int | str, system: System = SF) -> Ref:
    return Ref(system, Kind.ACCOUNT, f"{'001' if system is SF else '9'}{number}")


def deal(number: int | str, system: System = SF) -> Ref:
    return Ref(system, Kind.OPPORTUNITY, f"{'006' if system is SF else '8'}{number}")


def key(number: int | str) -> str:
    return str(account(number))


def territory(**changes: Any) -> Territory:
    base = Territory(
        name="dach",
        path="emea/dach",
        when=Always(),
        owners=OwnersByEmail((email("anna"),)),
        place=Place("territories.yaml", 14),
        text=RULE,
    )
    return replace(base, **changes)


def pack(**changes: Any) -> Pack:
    base = Pack("acme", "rev1", ("territories.yaml",), roles={"owner": (territory(),)})
    return replace(base, **changes)


def facts(
    number: int | str,
    *,
    owned_by: str | None = "old",
    systems: Sequence[System] = (SF,),
    owners: Mapping[System, str | None] | None = None,
    values: Mapping[str, Value] | None = None,
    opportunities: Sequence[OpportunityFacts] = (),
    **changes: Any,
) -> Facts:
    """A company that stands in `systems`, owned by one person in all of them unless `owners` differ."""
    names = dict.fromkeys(systems, owned_by) | dict(owners or {})
    refs = tuple(sorted(account(number, system) for system in systems))
    base = Facts(
        key=key(number),
        accounts=tuple(str(ref) for ref in refs),
        refs=refs,
        values={"name": f"company {number}", "open_pipeline": Decimal(1000), **(values or {})},
        seen={"name": Seen(SF, f"Company {number}"), "country": Seen(SF, "DE")},
        opportunities=tuple(opportunities),
        current_owner=owner(owned_by) if owned_by else None,
        owner_ids={system: user_id(name, system) for system, name in names.items() if name},
        owner_active=True,
    )
    return replace(base, **changes)


def decision(book: Facts, to: str | None = "anna", **changes: Any) -> Decision:
    """The rules' decision of a company: a pick of `to`, or what the changes say."""
    current = book.current_owner
    kept = current is not None and to is not None and current.email == email(to)
    base = Decision(
        company=book.key,
        accounts=book.accounts,
        role="owner",
        territory="emea/dach",
        owner=owner(to) if to else None,
        current_owner=current,
        outcome=Outcome.KEEP if kept else Outcome.CHANGE,
        reason="kept" if kept else "picked",
        text="kept: a member owns it" if kept else "picked: fewest accounts",
        place=Place("territories.yaml", 14),
        rule_text=RULE,
    )
    return replace(base, **changes)


def held(book: Facts, reason: str = "dispute", **changes: Any) -> Decision:
    base = decision(book, outcome=Outcome.HELD, reason=reason, text=f"held: {reason}", rule_text="")
    return replace(base, owner=book.current_owner, **changes)


def opportunity(number: int | str, parent: Ref, owned_by: str = "old", **fields: str) -> Record:
    return Record(
        deal(number, parent.system), NOW - timedelta(days=1), fields, user_id(owned_by, parent.system), parent.id
    )


def plan_input(*pairs: tuple[Facts, Decision], **changes: Any) -> PlanInput:
    base = PlanInput(
        pack=pack(),
        decisions=[one for _, one in pairs],
        facts={book.key: book for book, _ in pairs},
        now=NOW,
        created_at=NOW,
        pack_revision="rev1",
        directory=directory(),
        writers=frozenset({SF}),
        mirror_as_of={SF: NOW},
    )
    return replace(base, **changes)


class NoLog:
    """A log that remembers the events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, **told: object) -> None:
        self.events.append((name, told))

    def bind(self, **_: object) -> NoLog:
        return self


@dataclass
class ScriptedCrm:
    """Both a Reader and a Writer over a dictionary of owners, which does what a test tells it.

    `script` holds what the next calls of `write_owners` do: a function gets the writes and the CRM and returns results
    or raises; without one every write is applied and accepted. `after_write` runs after each write.
    """

    system: System
    clock: ManualClock
    batch_size: int = 200
    owners: dict[Ref, str | None] = field(default_factory=dict)
    stamps: dict[Ref, datetime] = field(default_factory=dict)
    histories: dict[Slot, tuple[OwnerVersion, ...]] = field(default_factory=dict)
    gone: set[Ref] = field(default_factory=set)
    teams_of: dict[Ref, Team] = field(default_factory=dict)
    refused_members: dict[str, WriteResult] = field(default_factory=dict)
    teams_error: CrmError | None = None
    read_errors: list[CrmError | None] = field(default_factory=list)
    script: list[Callable[[Sequence[OwnerWrite], ScriptedCrm], tuple[WriteResult, ...]] | None] = field(
        default_factory=list
    )
    after_write: Callable[[ScriptedCrm], None] | None = None
    before_write: Callable[[ScriptedCrm], None] | None = None
    sent: list[tuple[OwnerWrite, ...]] = field(default_factory=list)
    effects: list[tuple[Ref, str | None, str]] = field(default_factory=list)
    calls: int = 0

    def apply(self, write: OwnerWrite) -> None:
        """Change the owner as the CRM would; a change of nothing is no effect."""
        before = self.owners.get(write.ref)
        if before != write.new:
            self.effects.append((write.ref, before, write.new))
        self.edit(write.ref, write.new)
        if before != write.new:
            self.teams_of.pop(write.ref, None)

    def edit(self, ref: Ref, owner: str | None) -> None:
        """Somebody saves the record, with this owner: its stamp moves."""
        self.owners[ref] = owner
        self.stamps[ref] = max(self.clock.now(), self._stamp(ref) + timedelta(milliseconds=1))

    def _stamp(self, ref: Ref) -> datetime:
        return self.stamps.get(ref, NOW)

    def accept(self, writes: Sequence[OwnerWrite]) -> tuple[WriteResult, ...]:
        for write in writes:
            self.apply(write)
        return tuple(WriteResult(write.ref, WriteOutcome.ACCEPTED, request_id="req-1") for write in writes)

    def write_owners(self, kind: Kind, writes: Sequence[OwnerWrite]) -> tuple[WriteResult, ...]:
        assert len(writes) <= self.batch_size
        assert {write.ref.kind for write in writes} == {kind}
        if self.before_write is not None:
            self.before_write(self)
        self.sent.append(tuple(writes))
        step = self.script.pop(0) if self.script else None
        results = self.accept(writes) if step is None else step(writes, self)
        if self.after_write is not None:
            self.after_write(self)
        return results

    def read(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Reading]:
        self.calls += 1
        error = self.read_errors.pop(0) if self.read_errors else None
        if error is not None:
            raise error
        return {record_id: self._reading(Ref(self.system, kind, record_id)) for record_id in ids}

    def _reading(self, ref: Ref) -> Reading:
        if ref in self.gone or ref not in self.owners:
            return Reading(ref, None)
        stamp = self._stamp(ref)
        return Reading(ref, Record(ref, stamp, {}, self.owners[ref]), stamp)

    def owner_history(
        self, kind: Kind, ids: Sequence[str], field: str = OWNER_FIELD
    ) -> Mapping[str, tuple[OwnerVersion, ...]]:
        self.calls += 1
        slots = {known: (Ref(self.system, kind, known), field) for known in ids}
        return {known: self.histories[slot] for known, slot in slots.items() if slot in self.histories}

    def teams(self, kind: Kind, ids: Sequence[str] | None = None) -> Iterator[Team]:
        if self.teams_error is not None:
            raise self.teams_error
        refs = [Ref(self.system, kind, each) for each in ids or ()]
        yield from (self.teams_of[ref] for ref in refs if ref in self.teams_of)

    def add_members(self, kind: Kind, teams: Sequence[Team]) -> tuple[WriteResult, ...]:
        results: list[WriteResult] = []
        for team in teams:
            for member in team.members:
                refusal = self.refused_members.get(member.user)
                if refusal is None:
                    there = self.teams_of.get(team.record, Team(team.record, ()))
                    self.teams_of[team.record] = replace(there, members=tuple(sorted({*there.members, member})))
                results.append(refusal or WriteResult(team.record, WriteOutcome.ACCEPTED))
        return tuple(results)

    def identify(self) -> Identity:
        return Identity(self.system, "org", user_id("syncd", self.system), self.clock.now())

    def check_schema(self) -> tuple[str, ...]:
        return ()

    def users(self) -> Iterator[User]:
        return iter(())

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        return iter(())

    def ids(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        return iter(())


@dataclass
class ScriptedWriter:
    """The writing side of a scripted CRM, which counts its own calls."""

    crm: ScriptedCrm
    calls: int = 0

    @property
    def system(self) -> System:
        return self.crm.system

    @property
    def batch_size(self) -> int:
        return self.crm.batch_size

    def write_owners(self, kind: Kind, writes: Sequence[OwnerWrite]) -> tuple[WriteResult, ...]:
        self.calls += 1
        return self.crm.write_owners(kind, writes)

    def add_members(self, kind: Kind, teams: Sequence[Team]) -> tuple[WriteResult, ...]:
        self.calls += 1
        return self.crm.add_members(kind, teams)


def answer(outcome: WriteOutcome, *, code: str | None = None, message: str | None = None, applied: bool = False) -> Any:
    """A step of a script: the same answer for every row, having applied the writes or not."""

    def step(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        if applied:
            crm.accept(writes)
        return tuple(WriteResult(write.ref, outcome, code, message) for write in writes)

    return step


def failing(error: CrmError, *, applied: bool = False) -> Any:
    """A step of a script: the call raises, having applied the writes or not."""

    def step(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        if applied:
            crm.accept(writes)
        raise error

    return step


@dataclass
class World:
    """A store with people, a baseline and a lease, and the CRMs behind it."""

    store: Store
    clock: ManualClock
    crms: dict[System, ScriptedCrm] = field(default_factory=dict)
    log: NoLog = field(default_factory=NoLog)
    frozen: Exception | None = None
    epoch: int = 0
    _number: int = 0

    @classmethod
    def make(cls, store: Store, clock: ManualClock) -> World:
        world = cls(store, clock, {system: ScriptedCrm(system, clock) for system in System})
        with store.write() as conn:
            for system in System:
                users = [
                    User(Ref(system, Kind.USER, user_id(name, system)), email(name), name.title(), True)
                    for name in PEOPLE
                ]
                mirror.store_users(conn, system, users, now=clock.now(), run_id="r0")
            ownership.adopt_all(conn, now=clock.now(), run_id="r0")
        world.lead()
        return world

    def lead(self) -> None:
        """Take a new lease, as a process that starts does."""
        with self.store.write() as conn:
            taken = lease.acquire(
                conn, f"p{self.epoch}", now=self.clock.now(), ttl=timedelta(days=30), gone=lambda _: True
            )
        self.epoch = taken.epoch

    def seed(self, source: PlanInput) -> None:
        """Put the records of a book into the CRMs and the mirror."""
        records = list(source.opportunities)
        for book in source.facts.values():
            for ref in book.refs:
                records.append(Record(ref, NOW - timedelta(days=1), {}, book.owner_ids.get(ref.system)))
        for record in records:
            self.crms[record.ref.system].owners[record.ref] = record.owner
        with self.store.write() as conn:
            mirror.record_reading(conn, records, now=self.clock.now(), run_id="r0")
            for record in records:
                ownership.set_mark(conn, record.ref, record.owner, "adopted", now=self.clock.now())

    def save(self, source: PlanInput, **changes: Any) -> SavedPlan:
        """Save the plan of a book whose records are in the CRMs."""
        self._number += 1
        plan = build_plan(replace(source, created_at=self.clock.now()), plan_id=f"plan{self._number}", **changes)
        with self.store.write() as conn:
            plans.save_plan(conn, plan)
        return plan

    def approve(self, plan: SavedPlan, *limits: str) -> SavedPlan:
        with self.store.write() as conn:
            return approve(conn, plan.plan_id, who="mei", why="agreed", limits=limits, now=self.clock.now())

    def approved(self, source: PlanInput, *limits: str) -> SavedPlan:
        """Seed, save and approve."""
        self.seed(source)
        return self.approve(self.save(source), *limits)

    def line(self, **changes: Any) -> Line:
        def may_write() -> None:
            if self.frozen is not None:
                raise self.frozen
            with self.store.read() as conn:
                lease.require(conn, self.epoch, now=self.clock.now())

        ports: dict[str, Any] = {
            "store": self.store,
            "readers": self.crms,
            "writers": {system: ScriptedWriter(crm) for system, crm in self.crms.items()},
            "clock": self.clock,
            "entropy": SeededEntropy(self.epoch),
            "epoch": self.epoch,
            "run_id": f"run{self.epoch}",
            "may_write": may_write,
            "log": self.log,
        }
        return Line(**{**ports, **changes})

    def apply(
        self, plan: SavedPlan, source: PlanInput, *, line: Line | None = None, mode: str = "approve", **orders: Any
    ) -> ApplyReport:
        """Apply a plan over the book of `source`, as the mirror shows it now."""

        def standing(rows: Sequence[OutboxRow]) -> Mapping[Ref, Present]:
            return present_rows(source, plan.document, rows)

        given = {"guard": source.pack.guard, "zone": source.pack.zone, "standing": standing}
        return apply_plan(line or self.line(), plan.plan_id, Orders(mode=mode, **{**given, **orders}))

    def recover(self) -> None:
        """What a process does first when it starts."""
        recover(self.line())

    def rows(self, plan: SavedPlan) -> dict[str, OutboxRow]:
        with self.store.read() as conn:
            return {row.ref.id: row for row in outbox.rows(conn, plan.plan_id)}

    def states(self, plan: SavedPlan) -> dict[str, str]:
        """The state of each row, by the record's id."""
        return {record_id: row.state.value for record_id, row in self.rows(plan).items()}


def change_of(plan: SavedPlan, ref: Ref) -> Change:
    from syncd.planning.proposing.document import changes_of

    return next(change for change in changes_of(plan) if change.ref == ref)
