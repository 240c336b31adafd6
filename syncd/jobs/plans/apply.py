"""Approving, applying, undoing, adopting: what changes things, done by whoever leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from syncd.jobs.books.company_records import homes_of
from syncd.jobs.books.engines import EngineChoice, InFull
from syncd.jobs.books.written import mapped_roles
from syncd.jobs.context import Context
from syncd.jobs.leadership import Leadership
from syncd.jobs.leads.writing import handed_over, lead_orders
from syncd.jobs.lines import line_of
from syncd.jobs.plans.plan import Deliberation, deliberate, input_of
from syncd.jobs.recording import Run, recorded
from syncd.model.plans import LEADS_PLAN, OutboxRow, SavedPlan, Slot
from syncd.model.refs import Kind, Ref, System
from syncd.planning import adoption, approval, undo
from syncd.planning.proposing.builder import PlanInput
from syncd.planning.proposing.staleness import Present, present_rows
from syncd.planning.writing.applied import ApplyReport
from syncd.planning.writing.apply import apply_plan
from syncd.planning.writing.preflight import Orders
from syncd.store import mirror, plans


def approve(context: Context, leader: Leadership, plan_id: str, *, why: str, limits: Sequence[str] = ()) -> SavedPlan:
    """Approve a saved plan in the name of whoever asks; see `planning.approval.approve` for what it raises."""
    leader.check()
    now = context.clock.now()
    with context.store.write() as conn:
        approved = approval.approve(conn, plan_id, who=context.actor, why=why, limits=limits, now=now)
    context.log.event("plan.approved", plan_id=approved.plan_id, who=context.actor, limits=list(limits))
    return approved


def apply(context: Context, leader: Leadership, plan_id: str) -> ApplyReport:
    """Write an approved plan; see `planning.apply.apply_plan` for what is refused."""
    with recorded(context, "apply", {"plan": plan_id}) as run:
        with context.store.read() as conn:
            plan = plans.get_plan(conn, plan_id)
        as_of = plan.document.get("rates", {}).get("as_of")
        leader.await_writes()
        if plan.kind == LEADS_PLAN:
            report = apply_plan(line_of(context, leader, run.run_id), plan.plan_id, lead_orders(context))
            return _told(run, report)
        thought = deliberate(
            context,
            rates_on=date.fromisoformat(as_of) if as_of else None,
            engine=EngineChoice.AUTO,
            in_full=_about(context, plan),
        )
        line = line_of(context, leader, run.run_id)
        report = apply_plan(line, plan.plan_id, _orders(context, thought, plan))
        remember(context, leader, thought)
        return _told(run, report)


def _about(context: Context, plan: SavedPlan) -> InFull:
    """What a plan is about, then and now: of it the present decisions are needed, kept or not."""
    changes = plan.document["changes"]
    decided = (entry["company"] for entry in plan.document.get("decisions", ()))
    refs = frozenset(Ref.parse(change["ref"]) for change in changes)
    with context.store.read() as conn:
        now = homes_of(conn, refs)
    named = frozenset({*now, *decided, *(change["because"] for change in changes)})
    return InFull(named, frozenset(ref for ref in refs if ref.kind is Kind.OPPORTUNITY), unremembered=True)


def _told(run: Run, report: ApplyReport) -> ApplyReport:
    """The report, and its figures in the record of the run."""
    run.outcome = "ok" if report.exit_code == 0 else "incomplete"
    run.summary = {"plan": report.plan_id, "calls": report.calls}
    run.summary |= {state.value: count for state, count in report.counts.items()}
    return report


def remember(context: Context, leader: Leadership, thought: Deliberation) -> int:
    """Remember the decisions that need no write as applied; returns how many were not so before."""
    leader.check()
    with context.store.write() as conn:
        return adoption.remember_kept(
            conn,
            thought.decisions,
            thought.facts,
            now=context.clock.now(),
            pack_revision=thought.pack.revision,
            rates_as_of=thought.rates_as_of,
        )


def _orders(context: Context, thought: Deliberation, plan: SavedPlan) -> Orders:
    document: Mapping[str, Any] = plan.document
    source = _with_named(context, input_of(context, thought), document)
    known: dict[Slot, Present | None] = {}

    def standing(rows: Sequence[OutboxRow]) -> Mapping[Slot, Present]:
        """Judged once, on the book of this apply's start: only our own writes change the mirror while it runs."""
        new = [row for row in rows if row.slot not in known]
        if new:
            leads = [row for row in new if row.ref.kind is Kind.LEAD]
            others = [row for row in new if row.ref.kind is not Kind.LEAD]
            judged = present_rows(source, document, others, thought.source.book.memory)
            present = {**judged, **handed_over(context, thought.pack, leads)}
            known.update({row.slot: present.get(row.slot) for row in new})
        return {row.slot: found for row in rows if (found := known[row.slot]) is not None}

    stale: frozenset[System] = thought.source.stale
    return Orders(context.settings.mode.value, thought.pack.guard, thought.pack.zone, standing, stale_systems=stale)


def _with_named(context: Context, source: PlanInput, document: Mapping[str, Any]) -> PlanInput:
    """The present book with the contacts and tasks that the plan names, whatever kinds the pack lets follow."""
    refs = {Ref.parse(row["ref"]) for row in document["changes"]} - {record.ref for record in source.followers}
    named = [ref for ref in refs if ref.kind in (Kind.CONTACT, Kind.TASK)]
    if not named:
        return source
    with context.store.read() as conn:
        found = mirror.get_records(conn, named).values()
    live = [each for each in found if not each.deleted and each.fields.get("is_closed") != "true"]
    return replace(source, followers=(*source.followers, *sorted(live, key=lambda each: each.ref)))


def adopt(context: Context, leader: Leadership, *, again: bool = False) -> adoption.Adoption:
    """Take today's owners as the baseline; see `planning.adoption.adopt` for what is refused."""
    leader.check()
    with recorded(context, "adopt") as run:
        thought = deliberate(context)
        with context.store.write() as conn:
            adopted = adoption.adopt(
                conn,
                systems=context.systems,
                decisions=thought.decisions,
                facts=thought.facts,
                rates_as_of=thought.rates_as_of,
                who=context.actor,
                now=context.clock.now(),
                run_id=run.run_id,
                pack_revision=thought.pack.revision,
                again=again,
                roles=mapped_roles(context.settings),
            )
        run.summary = {"marked": adopted.marked}
    context.log.event("baseline.adopted", marked=adopted.marked)
    return adopted


def plan_undo(context: Context, target: str) -> SavedPlan:
    """Save the plan that takes back what a plan, a run or one record's last write did."""
    with context.store.write() as conn:
        return undo.plan_undo(
            conn,
            target,
            plan_id=context.entropy.token(),
            now=context.clock.now(),
            lifetime=context.settings.plan_lifetime,
        )
