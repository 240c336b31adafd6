"""The stepper: one seed becomes one course of events, step by step, in one thread.

It draws the next action, lets things go wrong around it, writes the step down and has the invariants checked. At the
end everything comes to rest: faults stop, nobody edits, and syncd gets a few more rounds. Each step draws from dice of
its own, so that a course with some steps left out, or left in peace, is a course too: that is what shrinking needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from syncd.connectors.wire import HttpRequest
from syncd.errors import LeaseHeldError, StorageError, SyncdError
from syncd.jobs.leadership import Leadership, leadership
from syncd.jobs.leads.lane import run_leads
from syncd.jobs.lines import recover_rows
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.pulling.pull import delayed_pass, pull
from syncd.jobs.pulling.sweeping import sweep
from syncd.jobs.watching.watch import watch
from syncd.model.plans import PlanStatus
from syncd.model.refs import System
from syncd.store import lease, plans
from tests.simulation import faults
from tests.simulation.acts import Acts, pulled, refused
from tests.simulation.approvals import Approvals
from tests.simulation.conduct import Conduct
from tests.simulation.dice import Dice
from tests.simulation.history import History
from tests.simulation.invariants import Invariants
from tests.simulation.people import People
from tests.simulation.violation import ViolationError
from tests.simulation.world import FEATURES, Killed, World, changes_a_crm

STEPS = 26
QUIET_CYCLES = 5
"""Within so many cycles after the faults stop everything has come to rest (I24)."""


_DOING = {"watch": "telling", **dict.fromkeys(("plan", "apply", "undo", "drift", "leads"), "writing")}
"""What a process is about in an action; in the others it reads."""


class SimulationFailedError(AssertionError):
    """A seed broke an invariant: the seed, what was done, and what does not hold."""

    def __init__(self, seed: int, steps: Sequence[str], cause: BaseException) -> None:
        name = cause.invariant if isinstance(cause, ViolationError) else type(cause).__name__
        course = "\n".join(steps)
        super().__init__(f"seed {seed}: {name}\n{cause}\n\n{course}\n\nreplay: SEED={seed} pytest tests/simulation")
        self.invariant = name
        self.seed = seed
        self.steps = tuple(steps)
        self.words = str(cause)


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


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that a course can do without: a step, or (`trouble`) what goes wrong in it. Step 0 is the beginning."""

    number: int
    trouble: bool = False

    def __str__(self) -> str:
        return f"{self.number}!" if self.trouble else str(self.number)

    @classmethod
    def parse(cls, text: str) -> Event:
        """An event from its text: `7`, or `7!` for the trouble of step 7."""
        return cls(int(text.strip().rstrip("!")), text.strip().endswith("!"))


def all_events(steps: int = STEPS) -> tuple[Event, ...]:
    """Every event of a whole course."""
    return tuple(Event(number, trouble) for number in range(steps + 1) for trouble in (False, True))


@dataclass(slots=True)
class Stepper:
    """One seed's course."""

    seed: int
    world: World
    dice: Dice
    people: People
    invariants: Invariants
    conduct: Conduct
    acts: Acts
    steps: list[str] = field(default_factory=list)
    kills: int = 0
    events: Collection[Event] = ()
    late_watches: bool = False
    """Whether watches come when every mirror is stale, and holds what no watch has seen."""
    _number: int = 0

    @classmethod
    def of(cls, seed: int, folder: Path) -> Stepper:
        """The stepper of a seed, its world in `folder`."""
        dice = Dice(seed)
        mode = "apply" if dice.chance(0.3) else "approve"
        lag = dice.one_of((0.0, 0.0, 120.0, 600.0))
        page = dice.one_of((7, 23, 2000))
        lifetime = dice.one_of(("24h", "2h"))
        respect = dice.one_of(("12h", "12h", "3d"))
        features = [name for name, share in zip(FEATURES, (0.5, 0.4, 0.4, 0.15), strict=True) if dice.chance(share)]
        world = World(
            seed,
            folder,
            mode=mode,
            index_lag=lag,
            page=page,
            lifetime=lifetime,
            respect=respect,
            features=features,
            migrated=True,
        )
        people, history = People(world, Dice(f"{seed} people")), History(world)
        invariants, conduct = Invariants(world, history, Approvals(world)), Conduct(world, history)
        acts = Acts(world, people, invariants, conduct, dice)
        late = Dice(f"{seed} a late watch").chance(0.25)
        stepper = cls(seed, world, dice, people, invariants, conduct, acts, late_watches=late)
        world.before_send = stepper._check_lease
        told = f"mode {mode}, index lag {lag:.0f} s, pages of {page}, plans live {lifetime}, people count for {respect}"
        stepper.steps.append(f"seed {seed}: {told}; {', '.join(features) or 'owners alone'}")
        return stepper

    def run(self, steps: int = STEPS, *, events: Collection[Event] | None = None) -> Course:
        """The whole course, or what of it `events` name; SimulationFailedError where something does not hold."""
        self.events = all_events(steps) if events is None else frozenset(events)
        with self.world.machine():
            try:
                self._begin(0)
                self._beginning()
                for number in range(1, steps + 1):
                    if Event(number) in self.events:
                        self._begin(number)
                        self._step()
                self._begin(-1)
                self._rest()
            except (Exception, Killed) as error:
                raise SimulationFailedError(self.seed, self.steps, error) from error
            digest = self._digest()
        self._closed()
        writes = self.invariants.history.writes()
        self._tell("end", f"{writes} writes asked, {self.kills} kills, {self.invariants.overruns} overruns")
        return Course(self.seed, tuple(self.steps), writes, self.kills, self.invariants.overruns, digest=digest)

    def _closed(self) -> None:
        try:
            self.conduct.i25_files_are_closed()
        except ViolationError as error:
            raise SimulationFailedError(self.seed, self.steps, error) from error

    def _begin(self, number: int) -> None:
        """A step begins, with dice of its own."""
        self._number = number
        self.dice = self.acts.dice = Dice(f"{self.seed} step {number}")
        self.people.dice = Dice(f"{self.seed} people {number}")

    def _digest(self) -> str:
        told = [repr(entry) for face in self.world.faces.values() for entry in face.journal.entries]
        return hashlib.sha256("\n".join([*self.steps, *told]).encode()).hexdigest()

    def _beginning(self) -> None:
        """Teams, the first pull, which may have to be taken up again, and the baseline."""
        for _ in range(self.dice.whole(5, 25)):
            if Event(0) in self.events:
                self.people.seat()
        self.world.start()
        for _ in range(self.dice.whole(0, 2)):
            if Event(0) in self.events:
                self._some_pull()
        self._do("pull", self.acts.pull)
        adopted = self._do("adopt", self.acts.adopt)
        if "InputError" in adopted:
            raise ValueError(f"the world of this seed cannot be: {adopted}")

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
                (self._some_watch, 1.5),
                *(((self._some_leads, 3.0),) if self.world.leads else ()),
            )
        )
        action()

    def _rest(self) -> None:
        """Faults stop, people go home; syncd gets some rounds, and then a second look must find nothing new."""
        self._clear()
        self._tell("rest", "faults stop, nobody edits")
        self.world.clock.advance(timedelta(hours=2))
        for _ in range(QUIET_CYCLES):
            self._do("pull", self.acts.pull)
            self._do("delayed pass", lambda _: pulled(delayed_pass(self.world.context)))
            self._do("sweep", self.acts.sweep)
            self._do("apply", self.acts.apply_open)
            leads = self._do("leads", self.acts.leads) if self.world.leads else ""
            done = self._do("plan", self.acts.plan_and_apply_all)
            self._do("watch", self.acts.watch)
            self.world.clock.advance(timedelta(minutes=20))
            if done == "nothing to do" and "applied" not in leads and not self.invariants.unfinished():
                break
        else:
            raise ViolationError("I24 liveness", f"still not at rest after {QUIET_CYCLES} cycles")
        self._do("pull", self.acts.pull)
        self._do("watch", self.acts.watch)
        self.world.clock.advance(timedelta(hours=2))  # notices that failed last wait for an hour at most
        self._do("pull", self.acts.pull)
        leads = self._do("leads", self.acts.leads) if self.world.leads else ""  # one may have waited too long by now
        done = self._do("plan", self.acts.plan_and_apply_all)
        if done != "nothing to do" or "applied" in leads:  # what was held may have come free
            for _ in range(2):  # the CRMs' own sync carries a write on, with the first call of the first pull
                self.world.clock.advance(timedelta(minutes=20))
                self._do("pull", self.acts.pull)
        self._do("watch", self.acts.watch)
        self.invariants.at_rest()
        self.conduct.at_rest()
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
            if self.world.leads:
                run_leads(context, leader)
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
        self.invariants.history.update()

    def _check(self) -> None:
        self.invariants.after_step()
        self.conduct.after_step()

    def _wait(self) -> None:
        minutes = self.dice.weighted(((3, 3.0), (17, 3.0), (90, 2.0), (600, 1.0), (1500, 0.7)))
        self.world.clock.advance(timedelta(minutes=minutes))
        self._tell("wait", f"{minutes} min")

    def _some_pull(self) -> None:
        self._troubled("pull", self.acts.pull)

    def _some_sweep(self) -> None:
        lane = self.dice.chance(0.4)
        self._troubled("sweep", self.acts.sweep if lane else lambda _: pulled(delayed_pass(self.world.context)))

    def _some_round(self) -> None:
        self._troubled("sync", self.acts.round)

    def _some_plan(self) -> None:
        self._troubled("plan", self.acts.plan_approve_apply)

    def _some_watch(self) -> None:
        """In some courses the feed dies right after something was read, and the next watch comes late."""
        if self.late_watches:
            self._edits()
            self._do("pull", self.acts.pull)
            self.world.clock.advance(timedelta(minutes=self.dice.one_of((25, 90))))
        self._troubled("watch", self.acts.watch)

    def _some_apply(self) -> None:
        self._troubled("apply", self.acts.apply_open)

    def _some_undo(self) -> None:
        self._troubled("undo", self.acts.undo)

    def _some_drift(self) -> None:
        self._troubled("drift", self.acts.drift)

    def _some_leads(self) -> None:
        self._troubled("leads", self.acts.leads)

    def _troubled(self, name: str, action: Callable[[Leadership], str]) -> None:
        """Do it with what may go wrong: answers, receivers, meddlers, the disk, and the process itself.

        What goes wrong is drawn from dice of its own: a step that is left in peace does the same otherwise.
        """
        if Event(self._number, trouble=True) not in self.events:
            self._do(name, action)
            return
        dice = Dice(f"{self.seed} trouble {self._number} {len(self.steps)}")
        self.acts.troubles = True
        for system in System:
            if dice.chance(0.35):
                self.world.faces[system].faults.install(faults.network_trouble(dice, system))
        self.world.bells.trouble = dice.one_of((0.0, 0.0, 0.3, 1.0))
        faults.oddities(self.world, Dice(f"{self.seed} oddities {self._number} {len(self.steps)}"))
        if dice.chance(0.5 if name == "watch" else 0.35):
            faults.arm(self.world, dice, _DOING.get(name, "reading"))
        self._do(name, action)
        self._clear()

    def _clear(self) -> None:
        self.acts.troubles = False
        self.world.reaper.disarm()
        self.world.repair()
        self.world.bells.trouble = 0.0
        for misreading in self.world.misreadings.values():
            misreading.kind = ""
        for face in self.world.faces.values():
            face.faults.clear()

    def _do(self, name: str, action: Callable[[Leadership], str]) -> str:
        """One action of the process; if it dies a new one is started, and may die again while it recovers."""
        told = ""
        try:
            with leadership(self.world.context) as leader:
                self.world.leader = leader
                told = action(leader)
        except Killed as death:
            told = f"killed at {death}"
            self._tell(name, told)
            self._resurrect()
            self._check()
            return told
        except LeaseHeldError as error:
            told = error.code
            self.world.clock.advance(timedelta(seconds=30))
        except StorageError as error:
            if not self.world.broken:
                raise
            self._tell(name, f"{error.code}, and the process ends")
            self._resurrect()
            self._check()
            return error.code
        except SyncdError as error:
            told = refused(error)
        self.world.reaper.disarm()
        self._tell(name, told)
        self._check()
        return told

    def _resurrect(self) -> None:
        """Bury the dead, start another process, let it recover; that one may die too."""
        for attempt in range(6):
            self.kills += 1
            self.world.bury()
            self.world.repair()
            self.world.reaper.disarm()
            if attempt < 2 and self.dice.chance(0.35):
                faults.arm(self.world, self.dice, "recovering")
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
