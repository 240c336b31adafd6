"""Planning: the mirror and the pack in, decisions and a saved plan out. Never calls a CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from syncd.errors import Finding, RefusedError
from syncd.jobs.books.adopted import with_adopted
from syncd.jobs.books.book import MirrorBook, derivation_of, read_book
from syncd.jobs.books.engines import AS_SETTLED, LARGE_BYTES, EngineChoice, InFull, wants_batch
from syncd.jobs.books.written import findings as written_findings
from syncd.jobs.books.written import refuse_self_reading, written_fields
from syncd.jobs.context import Context
from syncd.jobs.plans.retrieving import remember_notices
from syncd.jobs.recording import recorded
from syncd.jobs.stages import Stages
from syncd.model.decisions import Decision
from syncd.model.plans import PlanStatus, SavedPlan
from syncd.model.refs import System
from syncd.planning.proposing.builder import PlanInput, build_plan
from syncd.planning.proposing.flapping import WITHIN, flapping, flapping_roles
from syncd.planning.proposing.vanished import vanished_territories
from syncd.planning.saving import save_with_record
from syncd.rules.collector import without_collector
from syncd.rules.deciding.exceptions import match_exceptions
from syncd.rules.deciding.kept import Kept
from syncd.rules.engine import decide
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack
from syncd.settings import Mode
from syncd.store import mirror, outbox, ownership, plans
from syncd.store.book_state import accounts_of_book
from syncd.store.operations import owner_changes_since, role_changes_since

if TYPE_CHECKING:
    from syncd.jobs.books.batch_book import BatchBook

OFFER, PREVIEW = "plan", "preview"
"""The names under which runs are recorded: plans that can be approved, and those that only show how things stand."""

LARGE_MIRROR = 5_000
"""From so many accounts on, columns cost less than they save."""
_LOOKED_BACK = 20
"""Among so many newest plans the last one of a kind is looked for."""


@dataclass(frozen=True)
class Deliberation:
    """What the rules say of the mirror at one instant, and all that was looked at.

    `findings` are warnings that only the accounts can show: exceptions that match none of them, territories that hold
    some and are gone. `rates_as_of` dates the table of rates. `kept` are companies that a batch has settled: they keep
    their owners, and neither their facts nor their decisions are here.
    """

    pack: Pack
    source: MirrorBook
    decisions: tuple[Decision, ...]
    now: datetime
    findings: tuple[Finding, ...] = ()
    rates_as_of: date | None = None
    kept: tuple[Kept, ...] = ()

    @cached_property
    def facts(self) -> Mapping[str, Facts]:
        """The facts by company key."""
        return {facts.key: facts for facts in self.source.book.facts}


def deliberate(
    context: Context,
    *,
    pack: Path | None = None,
    as_of: datetime | None = None,
    rates_on: date | None = None,
    stages: Stages | None = None,
    engine: EngineChoice = EngineChoice.PLAIN,
    in_full: InFull = AS_SETTLED,
) -> Deliberation:
    """Decide about every company of the mirror, as of now or of another instant.

    With another engine than the plain one, companies that keep their owners may be counted in `kept` instead, but not
    those that `in_full` asks for.

    Amounts are converted by the rates of that instant, or of the day that `rates_on` names: a plan is looked at again
    by the table that it was made by, so that a new rate makes none of its rows stale.

    Raises RefusedError SYN550 before the first complete mirror, InputError where the pack is invalid.
    """
    now = as_of or context.clock.now()
    stages = stages or Stages(context.clock.monotonic)
    with stages.stage("read the pack"):
        loaded = with_adopted(context, context.pack(pack, now=now, rates_on=rates_on))
    refuse_self_reading(context.settings, loaded)
    day = rates_on or now.date()
    if as_of is not None and engine is not EngineChoice.PLAIN:
        stages.notes.append("decided plainly: columns are kept as of now")
        engine = EngineChoice.PLAIN
    with without_collector():
        return _deliberate(context, loaded, now, day, stages, engine, in_full)


def _deliberate(
    context: Context, loaded: Pack, now: datetime, day: date, stages: Stages, engine: EngineChoice, in_full: InFull
) -> Deliberation:
    with context.store.read() as conn:
        require_mirror(context, conn)
        settled = None
        if _in_batches(context, conn, engine):
            settled = _settled(context, conn, loaded, now, day, stages, in_full)
        if settled is not None:
            source, kept, classes = settled.source, settled.kept, settled.classes
        else:
            with stages.stage("read the mirror"):
                source, kept, classes = read_book(context, conn, loaded, now, rates_on=day), (), None
    _, unmatched = match_exceptions(loaded, source.book.facts, now)
    told = written_findings(context.settings, loaded)
    findings = (*unmatched, *vanished_territories(loaded, source.book.facts), *told)
    rates_as_of = context.rates().on(day).as_of
    with stages.stage("decide"):
        decisions = decide(loaded, source.book, now, kept=kept, classes=classes)
    return Deliberation(loaded, source, decisions, now, findings, rates_as_of, kept)


def _settled(
    context: Context, conn: Connection, pack: Pack, now: datetime, day: date, stages: Stages, in_full: InFull
) -> BatchBook | None:
    """The book by its columns and the companies that they settle; None where all of it is read, with a note why."""
    from syncd.jobs.books.batch_book import settle_mirror, unsuited_mirror

    derivation = derivation_of(context, pack, day)
    reason = unsuited_mirror(context, pack, derivation)
    if reason is not None:
        stages.notes.append(f"decided plainly: {reason}")
        return None
    return settle_mirror(context, conn, pack, derivation, now, stages, in_full)


def _in_batches(context: Context, conn: Connection, engine: EngineChoice) -> bool:
    """Whether columns are asked for, or worth it; they are kept in the state folder, and without one made each time."""
    if engine is EngineChoice.PLAIN:
        return False
    worth = "state_dir" in context.settings.model_fields_set and (
        engine is not EngineChoice.AUTO or accounts_of_book(conn, context.systems) >= LARGE_MIRROR
    )
    return wants_batch(engine, LARGE_BYTES if worth else 0)


def require_mirror(context: Context, conn: Connection) -> None:
    """RefusedError SYN550 before the first complete mirror of every system."""
    status = mirror.mirror_status(conn, counted=False)
    missing = [system.value for system in context.systems if not _is_complete(context, status.get(system))]
    if missing:
        raise RefusedError("SYN550", f"no complete mirror of {' and '.join(missing)} yet", hint="run `syncd pull`")


def _is_complete(context: Context, status: mirror.MirrorStatus | None) -> bool:
    """Whether a mirror was ever complete under the present field mapping: under another, new fields are missing."""
    return status is not None and status.complete and status.mapping_revision == context.mapping_revision()


def input_of(context: Context, thought: Deliberation, *, all_decisions: bool = False) -> PlanInput:
    """A deliberation as planning takes it, with the refusals and writes under way that the store knows."""
    with context.store.read() as conn:
        blocked = ownership.blocked(conn)
        under_way = outbox.open_slots(conn)
        changes = owner_changes_since(conn, thought.now - WITHIN)
        of_roles = role_changes_since(conn, thought.now - WITHIN)
        teams = mirror.teams(conn, System.SALESFORCE).members
    return PlanInput(
        pack=thought.pack,
        decisions=thought.decisions,
        facts=thought.facts,
        now=thought.now,
        created_at=context.clock.now(),
        pack_revision=thought.pack.revision,
        directory=thought.source.book.directory,
        opportunities=thought.source.open_opportunities,
        writers=context.written_systems,
        expected=context.expected_systems,
        stale=thought.source.stale,
        stale_tables=thought.source.signals.stale,
        blocked=blocked,
        mirror_as_of=thought.source.as_of,
        open_slots=under_way,
        followers=thought.source.followers,
        fields=written_fields(context.settings),
        held=thought.source.held,
        flapping=flapping(changes, thought.now),
        flapping_roles=flapping_roles(of_roles, thought.now),
        teams={team.record: len(team.members) for team in teams.values()},
        mapping_revision=context.mapping_revision(),
        currency=context.settings.money.reporting_currency,
        rates_as_of=thought.rates_as_of,
        all_decisions=all_decisions,
        kept=thought.kept,
    )


def plan_of(context: Context, thought: Deliberation, *, offered: bool = True, all_decisions: bool = False) -> SavedPlan:
    """The plan of a deliberation, not saved yet."""
    source = input_of(context, thought, all_decisions=all_decisions)
    lifetime = context.settings.plan_lifetime
    return build_plan(source, plan_id=context.entropy.token(), lifetime=lifetime, offered=offered)


def save(context: Context, plan: SavedPlan, *, again: bool = True) -> Mapping[str, Any]:
    """Save a plan that has changes, with its ledger row, and return its document.

    A plan without changes is not saved: its document comes back without an id. A preview that only repeats the last
    plan is not saved either, nor, without `again`, a plan for approval: the last one comes back.
    """
    if not plan.document["changes"]:
        return {**plan.document, "plan_id": None}
    if (plan.status is PlanStatus.PREVIEW or not again) and (same := _same_as_last(context, plan)):
        return same
    with context.store.write() as conn:
        facts = save_with_record(conn, plan, at=context.clock.now(), actor=context.actor)
        if plan.status is PlanStatus.OFFERED and context.settings.mode is Mode.APPROVE:
            from syncd.jobs.telling import ask_approval  # loads the receivers, which few plans write to

            ask_approval(context, conn, plan)
    context.log.event("plan.saved", **facts)
    if plan.document["guard"]["tripped"]:
        limits = [trip["limit"] for trip in plan.document["guard"]["tripped"]]
        context.log.event("guard.tripped", plan_id=plan.plan_id, limits=limits)
    return plan.document


def _same_as_last(context: Context, plan: SavedPlan) -> Mapping[str, Any] | None:
    """The last plan's document where this one would only repeat it: the same plan every five minutes is no news."""
    alike = {PlanStatus.OFFERED, plan.status}
    with context.store.read() as conn:
        header = next((one for one in plans.list_plans(conn, _LOOKED_BACK) if one.kind == plan.kind), None)
        if header is None or header.status not in alike or header.expires_at <= plan.created_at:
            return None
        last = plans.get_plan(conn, header.plan_id)
    same = all(last.document[key] == plan.document[key] for key in ("changes", "decisions", "pack_revision"))
    return last.document if same else None


def make_plan(
    context: Context,
    *,
    pack: Path | None = None,
    as_of: datetime | None = None,
    offered: bool = True,
    all_decisions: bool = False,
    again: bool = True,
    tell: Callable[[Deliberation], None] = lambda _: None,
    stages: Stages | None = None,
    engine: EngineChoice = EngineChoice.PLAIN,
    in_full: InFull = AS_SETTLED,
) -> Mapping[str, Any]:
    """Deliberate, plan and save (see `save`); the plan's document, without an id where there is nothing to do.

    A plan of another instant than now is not saved: it can be looked at, never approved. `tell` gets the deliberation
    that the plan was made of, for its findings or to be used again. `stages` is told how long each part takes. The
    document is the same whichever engine decides; with `all_decisions` it is always the plain one.
    """
    stages = stages or Stages(context.clock.monotonic)
    if all_decisions and engine is not EngineChoice.PLAIN:
        stages.notes.append("decided plainly: every decision is asked for")
        engine = EngineChoice.PLAIN
    with recorded(context, OFFER if offered and as_of is None else PREVIEW) as run:
        thought = deliberate(context, pack=pack, as_of=as_of, stages=stages, engine=engine, in_full=in_full)
        tell(thought)
        if pack is None and as_of is None:
            remember_notices(context, thought.pack, thought.source.book, thought.decisions)
        with stages.stage("build the plan"):
            plan = plan_of(context, thought, offered=offered, all_decisions=all_decisions)
        del thought  # the facts: saving the plan takes as much again
        with stages.stage("save the plan"):
            document = {**plan.document, "plan_id": None} if as_of is not None else save(context, plan, again=again)
        run.summary = {"plan": document["plan_id"]} | {
            key: document["summary"][key] for key in ("evaluated", "changes", "held")
        }
    return document
