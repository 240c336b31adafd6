"""One golden day: pull, link, adopt, plan, approve, apply with teams, drift, undo, watch; every stage once.

It is run as it should go, and again with the process killed at one of its crashpoints or with one call failing. A
stage looks at what stands in the store and in the CRMs, so that whoever comes after a crash takes it up where it is,
as a person with `syncd runs` before their eyes would. What it comes to is compared, without ids and instants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from syncd.connectors.wire import HttpRequest
from syncd.errors import LeaseHeldError, StorageError, SyncdError
from syncd.jobs.leadership import Leadership, leadership
from syncd.jobs.leads.lane import run_leads
from syncd.jobs.lines import recover_rows
from syncd.jobs.plans.apply import adopt, apply, approve, plan_undo
from syncd.jobs.plans.drift import adopt_drift, drift_document, plan_revert
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.pulling.linking import link_mirror
from syncd.jobs.pulling.pull import pull
from syncd.jobs.watching.watch import watch
from syncd.model.plans import LEADS_PLAN, UNDO, OutboxRow, PlanStatus, RowState
from syncd.model.refs import Kind, Ref, System
from syncd.planning.drift import REVERT
from syncd.planning.proposing.document import tripped_limits
from syncd.store import ledger, mirror, outbox, overrides, ownership, plans
from syncd.store.plans import PlanHeader
from tests.simulation.approvals import Approvals
from tests.simulation.faults import Entry
from tests.simulation.history import Change, History
from tests.simulation.invariants import Invariants
from tests.simulation.people import NAMES, TEAMS, active, is_deleted, owner_of, row_id
from tests.simulation.world import Killed, World, changes_a_crm

SEED, COMPANIES = 5, 9
_TRIES = 8
State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trace:
    """What a day was like: the crashpoints it passed, the calls it made, and what it came to.

    `writes` say for each call that changes a CRM how many crashpoints had been passed when it was made. `recovery`
    counts those that the process after the first death passed until it had recovered.
    """

    state: State
    passed: Sequence[str]
    calls: Mapping[System, int]
    writes: Sequence[int]
    deaths: int
    recovery: int


@dataclass(slots=True)
class Day:
    """A golden day in one folder. `kills` are the crashpoints to die at: the nth of the day, then of each recovery."""

    folder: Path
    kills: Sequence[int] = ()
    fault: tuple[System, Entry] | None = None
    world: World = field(init=False)
    invariants: Invariants = field(init=False)
    writes: list[int] = field(default_factory=list)
    calls: Counter[System] = field(default_factory=Counter)
    deaths: int = 0
    recovery: int = 0
    edited: dict[str, Ref] = field(default_factory=dict)
    recovering: bool = False
    """Whether a process that was just started has not taken over yet."""
    visit: Callable[[System], None] = lambda _: None
    """Called before each call, when it is counted."""

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.world = World(
            SEED,
            self.folder,
            mode="approve",
            index_lag=0.0,
            page=2000,
            lifetime="24h",
            companies=COMPANIES,
            features=("leads",),
        )
        _give_teams(self.world)
        self.invariants = Invariants(self.world, History(self.world), Approvals(self.world))
        self.world.before_send = self._calls
        if self.fault is not None:
            self.world.faces[self.fault[0]].faults.install([self.fault[1]])

    def run(self) -> Trace:
        """The whole day; AssertionError where a stage never comes to its end, or an invariant does not hold."""
        with self.world.machine():
            self._arm(0)
            self._revive()
            for stage in STAGES:
                self._until_done(stage)
            self.invariants.at_rest()
            state = self._state()
        passed, calls = tuple(self.world.reaper.passed), dict(self.calls)
        return Trace(state, passed, calls, tuple(self.writes), self.deaths, self.recovery)

    def _until_done(self, stage: Callable[[Day, Leadership], bool]) -> None:
        told: list[str] = []
        for _ in range(_TRIES):
            try:
                with leadership(self.world.context) as leader:
                    if told:  # time has passed, and nothing is written on a stale mirror
                        pull(self.world.context, check=leader.check)
                    if stage(self, leader):
                        self.invariants.after_step()
                        return
                told.append("not done yet")
            except Killed as death:
                told.append(f"killed at {death}")
                self._died()
            except StorageError:
                raise
            except SyncdError as error:
                told.append(f"{error.code} {error.summary}")
            self.invariants.after_step()
            self.world.clock.advance(timedelta(minutes=2))
        raise AssertionError(f"{stage.__name__} came to nothing: {told}")

    def _revive(self) -> None:
        """Start a process and let it recover, as often as it dies on the way."""
        self.recovering = True
        self._take_over()
        self.recovering = False

    def _take_over(self) -> None:
        while True:
            before = len(self.world.reaper.passed)
            try:
                self.world.start()
                with leadership(self.world.context) as leader:
                    recover_rows(self.world.context, leader)
            except Killed:
                self._bury()
            except LeaseHeldError:  # of another machine, as far as anybody can see: it runs out
                self.world.clock.advance(timedelta(seconds=70))
            except SyncdError:  # the stage tries again
                return
            else:
                if self.deaths == 1:
                    self.recovery = len(self.world.reaper.passed) - before
                return

    def _died(self) -> None:
        self._bury()
        self._revive()

    def _bury(self) -> None:
        self.deaths += 1
        self.invariants.history.update()
        self.world.bury()
        self._arm(self.deaths)

    def _arm(self, number: int) -> None:
        self.world.reaper.disarm()
        if number < len(self.kills):
            self.world.reaper.arm(self.kills[number])

    def _calls(self, system: System, request: HttpRequest) -> None:
        self.calls[system] += 1
        if changes_a_crm(request):
            self.writes.append(len(self.world.reaper.passed))
        self.visit(system)

    def plan(self, role: str) -> PlanHeader | None:
        """The last plan of a role: `rules`, `revert` or `undo`."""
        with self.world.context.store.read() as conn:
            for header in plans.list_plans(conn, 100):
                if header.status is not PlanStatus.PREVIEW and _role(conn, header) == role:
                    return header
        return None

    def carry_out(self, leader: Leadership, role: str, make: Callable[[], object]) -> bool:
        """Bring the plan of a role one step on: made, approved, applied."""
        header = self.plan(role)
        if header is None:
            make()
            return False
        with self.world.context.store.read() as conn:
            document = plans.get_plan(conn, header.plan_id).document
        if header.status is PlanStatus.OFFERED:
            self.invariants.asked.add(header.plan_id)
            limits = tripped_limits(document)
            approve(self.world.context, leader, header.plan_id, why="a golden day", limits=limits)
            return False
        if header.status is PlanStatus.APPROVED:
            return apply(self.world.context, leader, header.plan_id).exit_code == 0
        return header.status is PlanStatus.APPLIED

    def give_away(self, name: str, ref: Ref) -> None:
        """Somebody gives an account to somebody else, once."""
        if name not in self.edited:
            org = self.world.salesforce
            owner = owner_of(org.record("Account", ref.id), ref)
            other = min(person for person in active(self.world, ref.system) if person != owner)
            org.edit(object="Account", id=ref.id, set={"OwnerId": other}, keep_team=True, transfer=False)
            self.edited[name] = ref

    def written(self) -> list[Ref]:
        """The Salesforce accounts that the plan of the rules moved, in order."""
        header = self.plan("rules")
        assert header is not None
        with self.world.context.store.read() as conn:
            rows = outbox.rows(conn, header.plan_id)
        return sorted(row.ref for row in rows if (row.ref.system, row.ref.kind) == (System.SALESFORCE, Kind.ACCOUNT))

    def _state(self) -> State:
        """What everything came to, without ids of syncd's own and without instants."""
        world, store = self.world, self.world.context.store
        self.invariants.history.update()
        with store.read() as conn:
            verified = ledger.verify(conn)
            assert verified.ok, verified.text
            rows = outbox.rows(conn)
            assert all(row.state.final for row in rows)
            held = {
                str(record.ref): (record.deleted, record.owner, dict(record.fields))
                for system in System
                for kind in (Kind.ACCOUNT, Kind.OPPORTUNITY)
                for record in mirror.records(conn, system, kind, include_deleted=True)
            }
            standing = [(str(one.account), one.owner) for one in overrides.standing(conn)]
        arrived = world.bells.inbox
        told = {found["event_id"]: found for found in arrived}
        assert len(arrived) - len(told) <= self.deaths, "a notice was told again without a death"
        return {
            "owners": _owners(world),
            "teams": _teams(world),
            "mirror": held,
            "writes": sorted(
                (_told(one), one.old or "", one.new or "") for one in self.invariants.history.changes("api")
            ),
            "rows": sorted((_told(row), row.old or "", row.new or "", row.state is RowState.CONFIRMED) for row in rows),
            "overrides": standing,
            "alerts": sorted((found["monitor"], found["subject"], found["reason"]) for found in told.values()),
        }


def _pull(day: Day, leader: Leadership) -> bool:
    report = pull(day.world.context, check=leader.check)
    return all(one.outcome == "ok" for one in report.systems)


def _link(day: Day, _: Leadership) -> bool:
    link_mirror(day.world.context)
    return True


def _adopt(day: Day, leader: Leadership) -> bool:
    with day.world.context.store.read() as conn:
        adopted = ownership.adopted_at(conn)
    if adopted is None:
        adopt(day.world.context, leader)
    day.invariants.adopted_at = day.world.clock.now() if adopted is None else adopted
    return True


def _apply_rules(day: Day, leader: Leadership) -> bool:
    return day.carry_out(leader, "rules", lambda: make_plan(day.world.context))


def _give_two_away(day: Day, _: Leadership) -> bool:
    day.world.clock.advance(timedelta(minutes=30))
    kept, taken = day.written()[:2]
    day.give_away("kept", kept)
    day.give_away("taken", taken)
    day.world.clock.advance(timedelta(minutes=5))  # a pull ends a minute before it begins
    return True


def _adopt_drift(day: Day, leader: Leadership) -> bool:
    context, ref = day.world.context, day.edited["kept"]
    with context.store.read() as conn:
        if any(one.account == ref for one in overrides.standing(conn)):
            return True
    assert str(ref) in {entry["ref"] for entry in drift_document(context)["drifts"]}
    adopt_drift(context, leader, ref, why="she knows them", expires=None)
    return True


def _revert_drift(day: Day, leader: Leadership) -> bool:
    return day.carry_out(leader, "revert", lambda: plan_revert(day.world.context, [day.edited["taken"]]))


def _told(one: Change | OutboxRow) -> str:
    """A field of a record; a lead by no id of its own, for what was called before it decides which it gets."""
    return f"{'the lead' if one.ref.kind is Kind.LEAD else one.ref} {one.field}"


def _lead_comes(day: Day, _: Leadership) -> bool:
    """Somebody asks to be called, once."""
    if "lead" not in day.edited:
        values = {"LastName": "Fox", "Company": "Nowhere Labs", "OwnerId": day.world.queue}
        made = day.world.salesforce.edit({"object": "Lead", "create": values})
        day.edited["lead"] = Ref(System.SALESFORCE, Kind.LEAD, made[0].split()[1])
    return True


def _give_lead(day: Day, leader: Leadership) -> bool:
    run_leads(day.world.context, leader)
    row = day.world.salesforce.record("Lead", day.edited["lead"].id)
    return row is not None and row["OwnerId"] != day.world.queue and not day.invariants.unfinished()


def _undo(day: Day, leader: Leadership) -> bool:
    rules = day.plan("rules")
    assert rules is not None
    return day.carry_out(leader, "undo", lambda: plan_undo(day.world.context, rules.plan_id))


def _watch(day: Day, _: Leadership) -> bool:
    day.world.clock.advance(timedelta(minutes=1))
    return watch(day.world.context).sent.failed == 0


def _while_passes(day: Day, _: Leadership) -> bool:
    """Notices that a dead process had claimed are another's after five minutes."""
    day.world.clock.advance(timedelta(minutes=6))
    return True


STAGES: tuple[Callable[[Day, Leadership], bool], ...] = (
    _pull,
    _link,
    _adopt,
    _watch,
    _apply_rules,
    _pull,
    _give_two_away,
    _pull,
    _watch,
    _adopt_drift,
    _revert_drift,
    _pull,
    _lead_comes,
    _give_lead,
    _undo,
    _pull,
    _watch,
    _while_passes,
    _pull,
    _watch,
)


def _role(conn: Any, header: PlanHeader) -> str:
    if header.kind == LEADS_PLAN:
        return "leads"
    if header.kind != UNDO:
        return "rules"
    decisions = plans.get_plan(conn, header.plan_id).document["decisions"]
    return "revert" if decisions and decisions[0]["reason"] == REVERT else "undo"


def _give_teams(world: World) -> None:
    """Two members to each account of Salesforce, one to each opportunity."""
    users = sorted(active(world, System.SALESFORCE))
    accounts = [row["Id"] for row in world.salesforce.records("Account")]
    deals = [row["Id"] for row in world.salesforce.records("Opportunity")]
    taken = {(row["AccountId"], row["UserId"]) for row in world.salesforce.records("AccountTeamMember")}
    members = [
        {"AccountId": one, "UserId": users[(number + step) % len(users)], "TeamMemberRole": role}
        for number, one in enumerate(accounts)
        for step, role in ((0, "Sales Rep"), (1, "Executive Sponsor"))
    ]
    fresh = [row for row in members if (row["AccountId"], row["UserId"]) not in taken]
    world.salesforce.load("AccountTeamMember", fresh)
    sellers = [
        {"OpportunityId": one, "UserId": users[number % len(users)], "TeamMemberRole": "Sales Rep"}
        for number, one in enumerate(deals)
    ]
    world.salesforce.load("OpportunityTeamMember", sellers)


def _owners(world: World) -> dict[str, str | None]:
    return {
        str(Ref(system, kind, row_id(row))): owner_of(row, Ref(system, kind, row_id(row)))
        for (system, kind), name in NAMES.items()
        for row in world.faces[system].records(name)
        if not is_deleted(row)
    }


def _teams(world: World) -> dict[str, list[tuple[str, str | None, str | None]]]:
    """Who is in which team, in which role, and what they may do."""
    found: dict[str, list[tuple[str, str | None, str | None]]] = {}
    for name, (_, parent) in TEAMS.items():
        for row in world.salesforce.records(name):
            if not row["IsDeleted"]:
                access = row.get("AccountAccessLevel") or row.get("OpportunityAccessLevel")
                found.setdefault(row[parent], []).append((row["UserId"], row["TeamMemberRole"], access))
    return {record: sorted(members, key=str) for record, members in sorted(found.items())}
