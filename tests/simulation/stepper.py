"""The stepper: one seed becomes one course of events, step by step, in one thread.

It draws the next action, lets things go wrong around it, writes the step down and has the invariants checked. At the
end everything comes to rest: faults stop, nobody edits, and syncd gets a few more rounds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from syncd.connectors.wire import HttpRequest
from syncd.errors import LeaseHeldError, StorageError, SyncdError
from syncd.jobs.apply import adopt, apply, approve, plan_undo, recover_rows
from syncd.jobs.drift import adopt_drift, drift_document, overrides_document, plan_revert, release
from syncd.jobs.leadership import Leadership, leadership
from syncd.jobs.plan import make_plan
from syncd.jobs.pull import PullReport, delayed_pass, pull
from syncd.jobs.sweeping import sweep
from syncd.jobs.sync import sync
from syncd.jobs.watch import watch
from syncd.model.plans import PlanStatus, RowState
from syncd.model.refs import Kind, Ref, System
from syncd.planning.applied import ApplyReport
from syncd.planning.document import tripped_limits
from syncd.store import lease, outbox, plans
from tests.simulation import faults
from tests.simulation.dice import Dice
from tests.simulation.history import History
from tests.simulation.invariants import Invariants
from tests.simulation.people import People, live_rows, row_id
from tests.simulation.violation import ViolationError
from tests.simulation.world import Killed, World, changes_a_crm

STEPS = 26
QUIET_CYCLES = 5
"""Within so many cycles after the faults stop everything has come to rest (I24)."""


class SimulationFailedError(AssertionError):
    """A seed broke an invariant: the seed, what was done, and what does not hold."""

    def __init__(self, seed: int, steps: Sequence[str], cause: BaseException) -> None:
        name = cause.invariant if isinstance(cause, ViolationError) else type(cause).__name__
        course = "\n".join(steps)
        super().__init__(f"seed {seed}: {name}\n{cause}\n\n{course}\n\nreplay: SEED={seed} pytest tests/simulation")
        self.invariant = name


@dataclass(frozen=True, slots=True)
class Course:
    """What one seed came to."""

    seed: int
    steps: tuple[str, ...]
    writes: int
    kills: int
    overruns: int
    digest: str
    """A hash of the steps and of all that the CRMs were sent and answered: equal for equal seeds."""


@dataclass(slots=True)
class Stepper:
    """One seed's course."""

    seed: int
    world: World
    dice: Dice
    people: People
    invariants: Invariants
    steps: list[str] = field(default_factory=list)
    kills: int = 0
    _troubles: bool = False

    @classmethod
    def of(cls, seed: int, folder: Path) -> Stepper:
        """The stepper of a seed, its world in `folder`."""
        dice = Dice(seed)
        mode = "apply" if dice.chance(0.3) else "approve"
        lag = dice.one_of((0.0, 0.0, 120.0, 600.0))
        page = dice.one_of((7, 23, 2000))
        lifetime = dice.one_of(("24h", "2h"))
        respect = dice.one_of(("12h", "12h", "3d"))
        world = World(seed, folder, mode=mode, index_lag=lag, page=page, lifetime=lifetime, respect=respect)
        people = People(world, Dice(f"{seed} people"))
        stepper = cls(seed, world, dice, people, Invariants(world, History(world)))
        world.before_send = stepper._check_lease
        told = f"mode {mode}, index lag {lag:.0f} s, pages of {page}, plans live {lifetime}, people count for {respect}"
        stepper.steps.append(f"seed {seed}: {told}")
        return stepper

    def run(self, steps: int = STEPS) -> Course:
        """The whole course; SimulationFailedError where something does not hold."""
        with self.world.machine():
            try:
                self._beginning()
                for _ in range(steps):
                    self._step()
                self._rest()
            except (Exception, Killed) as error:
                raise SimulationFailedError(self.seed, self.steps, error) from error
        writes = self.invariants.history.writes()
        self._tell("end", f"{writes} writes asked, {self.kills} kills, {self.invariants.overruns} overruns")
        return Course(self.seed, tuple(self.steps), writes, self.kills, self.invariants.overruns, digest=self._digest())

    def _digest(self) -> str:
        told = [repr(entry) for face in self.world.faces.values() for entry in face.journal.entries]
        return hashlib.sha256("\n".join([*self.steps, *told]).encode()).hexdigest()

    def _beginning(self) -> None:
        """Teams, the first pull, which may have to be taken up again, and the baseline."""
        for _ in range(self.dice.whole(5, 25)):
            self.people.seat()
        self.world.start()
        for _ in range(self.dice.whole(0, 2)):
            self._some_pull()
        self._do("pull", self._pull)
        self._do("adopt", self._adopt)

    def _step(self) -> None:
        action = self.dice.weighted(
            (
                (self._edits, 5.0),
                (self._wait, 3.0),
                (self._some_pull, 3.0),
                (self._some_round, 3.0),
                (self._some_plan, 4.0),
                (self._some_apply, 2.0),
                (self._some_undo, 1.0),
                (self._some_drift, 1.2),
                (self._some_sweep, 0.7),
                (self._some_watch, 1.0),
            )
        )
        action()

    def _rest(self) -> None:
        """Faults stop, people go home; syncd gets some rounds, and then a second look must find nothing new."""
        self._clear()
        self._tell("rest", "faults stop, nobody edits")
        self.world.clock.advance(timedelta(hours=2))
        for _ in range(QUIET_CYCLES):
            self._do("pull", self._pull)
            self._do("delayed pass", lambda _: _pulled(delayed_pass(self.world.context)))
            self._do("sweep", self._sweep)
            self._do("apply", self._apply_open)
            done = self._do("plan", self._plan_and_apply_all)
            self._do("watch", self._watch)
            self.world.clock.advance(timedelta(minutes=20))
            if done == "nothing to do" and not self.invariants.unfinished():
                break
        else:
            raise ViolationError("I24 liveness", f"still not at rest after {QUIET_CYCLES} cycles")
        self._do("pull", self._pull)
        self._do("watch", self._watch)
        self.invariants.at_rest()
        self._second_look()

    def _second_look(self) -> None:
        """I04: a second run over an unchanged world changes nothing and asks for no write and no new plan."""
        before = self.invariants.history.writes(), self._count_plans()
        self.world.clock.advance(timedelta(minutes=5))
        context = self.world.context
        with leadership(context) as leader:
            recover_rows(context, leader)
            for report in (pull(context), delayed_pass(context), sweep(context)):
                for one in report.systems:
                    if one.outcome != "ok" or one.changed or one.deleted or one.owner_changes:
                        raise ViolationError("I04 idempotence", f"a second look: {one.line()}")
                if report.joined or report.split:
                    raise ViolationError("I04 idempotence", f"joined {report.joined}, split {report.split}")
            document = make_plan(context, offered=False)
            alerts = watch(context)
        self.invariants.at_rest()
        if alerts.fired or alerts.resolved or alerts.sent.delivered or alerts.sent.failed:
            raise ViolationError("I04 idempotence", f"a second watch: {alerts.line()}")
        if document["changes"] or (self.invariants.history.writes(), self._count_plans()) != before:
            raise ViolationError("I04 idempotence", f"a second plan: {document['changes'][:1]}")

    def _edits(self) -> None:
        for _ in range(self.dice.whole(1, 5)):
            self._tell("person", self.people.act())
        self.invariants.after_step()

    def _wait(self) -> None:
        minutes = self.dice.weighted(((3, 3.0), (17, 3.0), (90, 2.0), (600, 1.0), (1500, 0.7)))
        self.world.clock.advance(timedelta(minutes=minutes))
        self._tell("wait", f"{minutes} min")

    def _some_pull(self) -> None:
        self._troubled("pull", self._pull)

    def _some_sweep(self) -> None:
        lane = self.dice.chance(0.4)
        self._troubled("sweep", self._sweep if lane else lambda _: _pulled(delayed_pass(self.world.context)))

    def _some_round(self) -> None:
        self._troubled("sync", self._round)

    def _some_plan(self) -> None:
        self._troubled("plan", self._plan_approve_apply)

    def _some_watch(self) -> None:
        self._troubled("watch", self._watch)

    def _some_apply(self) -> None:
        self._troubled("apply", self._apply_open)

    def _some_undo(self) -> None:
        self._troubled("undo", self._undo)

    def _some_drift(self) -> None:
        self._troubled("drift", self._drift)

    def _pull(self, leader: Leadership) -> str:
        return _pulled(pull(self.world.context, check=leader.check))

    def _sweep(self, _: Leadership) -> str:
        return _pulled(sweep(self.world.context))

    def _adopt(self, leader: Leadership) -> str:
        marked = adopt(self.world.context, leader).marked
        self.invariants.adopted_at = self.world.clock.now()
        return f"{marked} owners"

    def _round(self, leader: Leadership) -> str:
        """What `syncd sync` does; in mode `apply` it writes what is inside the guard."""
        self._meddle(self._some_refs())
        report = sync(self.world.context, leader)
        told = [_pulled(report.pull)]
        if report.plan is not None:
            told.append(f"plan of {len(report.plan['changes'])} changes")
        if report.applied is not None:
            told.append(_applied(report.applied))
        if report.refused is not None:
            told.append(_refused(report.refused))
        return "; ".join([*told, report.watch.line()])

    def _some_refs(self) -> list[Ref]:
        return [
            Ref(system, Kind.ACCOUNT, row_id(self.dice.one_of(rows)))
            for system in System
            if (rows := live_rows(self.world, system, Kind.ACCOUNT))
        ]

    def _watch(self, _: Leadership) -> str:
        return watch(self.world.context).line()

    def _plan_approve_apply(self, leader: Leadership) -> str:
        """A plan, a person who may approve it, now or much later, and who may apply it, now or in a later step."""
        document = self._planned(leader)
        if document["plan_id"] is None:
            return "nothing to do"
        if self.dice.chance(0.12):
            return f"plan of {len(document['changes'])} changes, not approved"
        self._approve(leader, document)
        if self.dice.chance(0.25):
            return f"plan of {len(document['changes'])} changes, approved, not applied"
        self._meddle(_refs(document))
        return _applied(apply(self.world.context, leader, document["plan_id"]))

    def _plan_and_apply_all(self, leader: Leadership) -> str:
        document = self._planned(leader)
        if document["plan_id"] is None:
            return "nothing to do"
        self._approve(leader, document)
        return _applied(apply(self.world.context, leader, document["plan_id"]))

    def _planned(self, leader: Leadership) -> Mapping[str, Any]:
        """A plan for approval, mostly on a fresh mirror: on a stale one nothing is written."""
        recover_rows(self.world.context, leader)
        if self.dice.chance(0.8):
            pull(self.world.context, check=leader.check)
        return make_plan(self.world.context)

    def _approve(self, leader: Leadership, document: Mapping[str, Any]) -> None:
        self.invariants.asked.add(document["plan_id"])
        limits = tripped_limits(document)
        approve(self.world.context, leader, document["plan_id"], why="looks right", limits=limits)

    def _apply_open(self, leader: Leadership) -> str:
        """Apply what was approved and is not finished; what can no longer be applied is closed on the way."""
        context = self.world.context
        recover_rows(context, leader)
        told = []
        for plan_id in self.invariants.unfinished():
            with context.store.read() as conn:
                plan = plans.get_plan(conn, plan_id)
            self._meddle(_refs(plan.document))
            try:
                told.append(_applied(apply(context, leader, plan_id)))
            except SyncdError as error:
                told.append(_refused(error))
        return "; ".join(told) or "nothing to apply"

    def _undo(self, leader: Leadership) -> str:
        """Take back a plan or one record's last write; a plan of its own, approved and applied like any other."""
        context = self.world.context
        recover_rows(context, leader)
        with context.store.read() as conn:
            rows = [row for row in outbox.rows(conn) if row.state is RowState.CONFIRMED]
        if not rows:
            return "nothing was written yet"
        row = self.dice.one_of(rows)
        plan = plan_undo(context, row.plan_id if self.dice.chance(0.5) else str(row.ref))
        self._approve(leader, plan.document)
        self._meddle(_refs(plan.document))
        return f"{len(plan.document['changes'])} rows back, {_applied(apply(context, leader, plan.plan_id))}"

    def _drift(self, leader: Leadership) -> str:
        """A person settles what others changed: keeps it, ends a word given before, or has it planned back."""
        context = self.world.context
        recover_rows(context, leader)
        standing = [Ref.parse(one["account"]) for one in overrides_document(context)["overrides"]]
        if standing and self.dice.chance(0.3):
            ref = self.dice.one_of(standing)
            release(context, leader, ref, why="it was for a while")
            return f"released {ref}"
        drifts = drift_document(context)["drifts"]
        if not drifts:
            return "nothing drifted"
        entry = self.dice.one_of(drifts)
        ref = Ref.parse(entry["ref"])
        if self.dice.chance(0.5):
            adopt_drift(context, leader, ref, why="she knows them", expires=None)
            for one in drifts:
                if one is entry or (one["company"] is not None and one["company"] == entry["company"]):
                    self.invariants.settled[Ref.parse(one["ref"])] = self.world.clock.now()
            return f"adopted {ref}"
        plan = plan_revert(context, [ref])
        self._approve(leader, plan.document)
        self._meddle(_refs(plan.document))
        return f"reverted {ref}, {_applied(apply(context, leader, plan.plan_id))}"

    def _meddle(self, refs: Sequence[Ref]) -> None:
        """Sometimes a person edits in the middle of the writes that are about to be made."""
        if not self._troubles or not refs or not self.dice.chance(0.35):
            return
        for system, entries in faults.meddling(self.dice, self.people, refs).items():
            self.world.faces[system].faults.install(entries, keep=True)

    def _troubled(self, name: str, action: Callable[[Leadership], str]) -> None:
        """Do it with what may go wrong: answers, meddlers, and the process itself."""
        self._troubles = True
        for system in System:
            if self.dice.chance(0.3):
                self.world.faces[system].faults.install(faults.network_trouble(self.dice, system))
        if self.dice.chance(0.3):
            doing = "writing" if name in ("plan", "apply", "undo", "drift") else "reading"
            faults.arm(self.world.reaper, self.dice, doing)
        self._do(name, action)
        self._clear()

    def _clear(self) -> None:
        self._troubles = False
        self.world.reaper.disarm()
        for face in self.world.faces.values():
            face.faults.clear()

    def _do(self, name: str, action: Callable[[Leadership], str]) -> str:
        """One action of the process; if it dies a new one is started, and may die again while it recovers."""
        told = ""
        try:
            with leadership(self.world.context) as leader:
                told = action(leader)
        except Killed as death:
            told = f"killed at {death}"
            self._tell(name, told)
            self._resurrect()
            self.invariants.after_step()
            return told
        except LeaseHeldError as error:
            told = error.code
            self.world.clock.advance(timedelta(seconds=30))
        except StorageError:
            raise
        except SyncdError as error:
            told = _refused(error)
        self.world.reaper.disarm()
        self._tell(name, told)
        self.invariants.after_step()
        return told

    def _resurrect(self) -> None:
        """Bury the dead, start another process, let it recover; that one may die too."""
        for attempt in range(6):
            self.kills += 1
            self.world.bury()
            self.world.reaper.disarm()
            if attempt < 2 and self.dice.chance(0.35):
                faults.arm(self.world.reaper, self.dice, "recovering")
            try:
                self.world.start()
                with leadership(self.world.context) as leader:
                    settled = recover_rows(self.world.context, leader)
                self._tell("recovery", f"{settled} rows settled")
                self.world.reaper.disarm()
                return
            except Killed as death:
                self._tell("recovery", f"killed at {death}")
            except LeaseHeldError as error:
                self._tell("recovery", error.code)
                self.world.reaper.disarm()
                self.kills -= 1
                self.world.clock.advance(timedelta(seconds=70))
        raise ViolationError("I24 liveness", "no process could take over")

    def _check_lease(self, _: System, request: HttpRequest) -> None:
        """I17: no write leaves a process that does not hold the lease."""
        if not changes_a_crm(request):
            return
        store = self.world.context.store
        with store.read() as conn:
            held = lease.current(conn)
        if held is None or held.until <= self.world.clock.now() or f":{self.world.incarnation}:" not in held.holder:
            raise ViolationError("I17 no write without the lease", f"{request.method} {request.url} under {held}")

    def _count_plans(self) -> int:
        with self.world.context.store.read() as conn:
            return len(plans.list_plans(conn, 10_000, statuses=list(PlanStatus)))

    def _tell(self, name: str, text: str) -> None:
        self.steps.append(f"{len(self.steps):03d} {self.world.now()} {name}: {text}")


def _refs(document: Mapping[str, Any]) -> list[Ref]:
    return [Ref.parse(str(change["ref"])) for change in document["changes"]]


def _pulled(report: PullReport) -> str:
    return ", ".join(
        f"{one.system.value} {one.outcome} {one.changed}/{one.deleted}" + (f" {one.error.code}" if one.error else "")
        for one in report.systems
    )


def _applied(report: ApplyReport) -> str:
    counts = ", ".join(f"{state.value} {count}" for state, count in sorted(report.counts.items()) if count)
    return f"applied {report.plan_id}: {counts}" + "".join(f" [{stop.code}]" for stop in report.stops)


def _refused(error: SyncdError) -> str:
    return f"{type(error).__name__} {error.code}"
