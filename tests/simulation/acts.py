"""What syncd is asked to do in a simulation, as its daemon and the people who use it would ask for it.

Each act is told in a line of the course. Nothing here decides what comes next, and nothing is checked but what an act
itself promises (I15, I19).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.errors import SyncdError
from syncd.jobs.leadership import Leadership
from syncd.jobs.leads.lane import run_leads
from syncd.jobs.lines import recover_rows
from syncd.jobs.plans.apply import adopt, apply, approve, plan_undo
from syncd.jobs.plans.drift import adopt_drift, drift_document, overrides_document, plan_revert, release
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.pulling.pull import PullReport, pull
from syncd.jobs.pulling.sweeping import sweep
from syncd.jobs.sync import sync
from syncd.jobs.watching import watch as watching
from syncd.model.plans import RowState
from syncd.model.refs import Kind, Ref, System
from syncd.planning.proposing.document import tripped_limits
from syncd.planning.writing.applied import ApplyReport
from syncd.store import outbox, plans
from tests.simulation import faults
from tests.simulation.conduct import Conduct
from tests.simulation.dice import Dice
from tests.simulation.invariants import Invariants
from tests.simulation.people import People, live_rows, row_id
from tests.simulation.world import World


@dataclass(slots=True)
class Acts:
    """What a process may be asked to do; `troubles` says whether people may meddle with it just now."""

    world: World
    people: People
    invariants: Invariants
    conduct: Conduct
    dice: Dice
    troubles: bool = False

    def pull(self, leader: Leadership) -> str:
        return pulled(pull(self.world.context, check=leader.check))

    def sweep(self, _: Leadership) -> str:
        return pulled(sweep(self.world.context))

    def adopt(self, leader: Leadership) -> str:
        marked = adopt(self.world.context, leader).marked
        self.invariants.adopted_at = self.world.clock.now()
        return f"{marked} owners"

    def round(self, leader: Leadership) -> str:
        """What `syncd sync` does; in mode `apply` it writes what is inside the guard."""
        self._meddle(self._some_refs())
        report = sync(self.world.context, leader)
        told = [pulled(report.pull)]
        if report.plan is not None:
            told.append(f"plan of {len(report.plan['changes'])} changes")
        if report.applied is not None:
            told.append(applied(report.applied))
        if report.refused is not None:
            told.append(refused(report.refused))
        return "; ".join([*told, report.watch.line()])

    def _some_refs(self) -> list[Ref]:
        return [
            Ref(system, Kind.ACCOUNT, row_id(self.dice.one_of(rows)))
            for system in System
            if (rows := live_rows(self.world, system, Kind.ACCOUNT))
        ]

    def watch(self, _: Leadership) -> str:
        before, since = self.conduct.firing(), self.world.clock.now()
        report = watching.watch(self.world.context)
        self.conduct.i19_nothing_from_stale_data(before, since)
        return report.line()

    def leads(self, leader: Leadership) -> str:
        """What the daemon does each minute: leads are read, routed and given out."""
        report = run_leads(self.world.context, leader)
        told = [f"{one.system.value} {one.outcome} {one.changed}" for one in report.pulls]
        told += [applied(report.applied)] if report.applied is not None else []
        told += [refused(report.refused)] if report.refused is not None else []
        return "; ".join([*told, f"{len(report.waiting)} wait", *([report.held] if report.held else [])])

    def plan_approve_apply(self, leader: Leadership) -> str:
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
        return applied(apply(self.world.context, leader, document["plan_id"]))

    def plan_and_apply_all(self, leader: Leadership) -> str:
        document = self._planned(leader)
        if document["plan_id"] is None:
            return "nothing to do"
        self._approve(leader, document)
        return applied(apply(self.world.context, leader, document["plan_id"]))

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

    def apply_open(self, leader: Leadership) -> str:
        """Apply what was approved and is not finished; what can no longer be applied is closed on the way."""
        context = self.world.context
        recover_rows(context, leader)
        told = []
        for plan_id in self.invariants.unfinished():
            with context.store.read() as conn:
                plan = plans.get_plan(conn, plan_id)
            self._meddle(_refs(plan.document))
            try:
                told.append(applied(apply(context, leader, plan_id)))
            except SyncdError as error:
                told.append(refused(error))
        return "; ".join(told) or "nothing to apply"

    def undo(self, leader: Leadership) -> str:
        """Take back a plan or one record's last write; a plan of its own, approved and applied like any other."""
        context = self.world.context
        recover_rows(context, leader)
        with context.store.read() as conn:
            rows = [row for row in outbox.rows(conn) if row.state is RowState.CONFIRMED]
        if not rows:
            return "nothing was written yet"
        row = self.dice.one_of(rows)
        whole = self.dice.chance(0.5)
        last = max((each for each in rows if each.ref == row.ref), key=lambda each: each.id)
        taken_back = row.plan_id if whole else last.plan_id
        plan = plan_undo(context, row.plan_id if whole else str(row.ref))
        self._approve(leader, plan.document)
        self._meddle(_refs(plan.document))
        told = applied(apply(context, leader, plan.plan_id))
        self.conduct.i15_undone(plan, [taken_back])
        return f"{len(plan.document['changes'])} rows back, {told}"

    def drift(self, leader: Leadership) -> str:
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
            return f"adopted {ref}"
        plan = plan_revert(context, [ref])
        self._approve(leader, plan.document)
        self._meddle(_refs(plan.document))
        return f"reverted {ref}, {applied(apply(context, leader, plan.plan_id))}"

    def _meddle(self, refs: Sequence[Ref]) -> None:
        """Sometimes a person edits in the middle of the writes that are about to be made."""
        if not self.troubles or not refs or not self.dice.chance(0.35):
            return
        for system, entries in faults.meddling(self.dice, self.people, refs).items():
            self.world.faces[system].faults.install(entries, keep=True)


def _refs(document: Mapping[str, Any]) -> list[Ref]:
    return [Ref.parse(str(change["ref"])) for change in document["changes"]]


def pulled(report: PullReport) -> str:
    return ", ".join(
        f"{one.system.value} {one.outcome} {one.changed}/{one.deleted}" + (f" {one.error.code}" if one.error else "")
        for one in report.systems
    )


def applied(report: ApplyReport) -> str:
    counts = ", ".join(f"{state.value} {count}" for state, count in sorted(report.counts.items()) if count)
    return f"applied {report.plan_id}: {counts}" + "".join(f" [{stop.code}]" for stop in report.stops)


def refused(error: SyncdError) -> str:
    return f"{type(error).__name__} {error.code}"
