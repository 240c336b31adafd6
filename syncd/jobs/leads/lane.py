"""The lane of leads: read, look where each stands, route those that wait, and write what may be written. Once a minute.

Nothing is picked before what earlier looks wrote is charged, and nothing is written that no approved plan holds: in
`apply` mode, and in `approve` mode with `leads.auto`, syncd approves the plan itself where it is inside the guard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from syncd.crashpoints import crashpoint
from syncd.errors import ExitCode, GuardTrippedError, RefusedError, worst
from syncd.jobs.context import Context
from syncd.jobs.freezing import frozen_reason
from syncd.jobs.leadership import Leadership
from syncd.jobs.leads.reading import LeadPull, read_leads
from syncd.jobs.leads.routing import Routed, route_leads
from syncd.jobs.leads.scenes import look_at, pack_of, stale_systems
from syncd.jobs.leads.writing import charge_leads, lead_orders
from syncd.jobs.lines import line_of, recover_rows
from syncd.jobs.recording import recorded
from syncd.model.decisions import Outcome
from syncd.model.plans import LEADS_PLAN, PlanStatus, SavedPlan
from syncd.model.refs import Ref
from syncd.planning.approval import DAEMON, approve
from syncd.planning.leads.lead_plan import build_lead_plan, lead_document, propose_lead
from syncd.planning.proposing.document import tripped_limits
from syncd.planning.proposing.guard import check_windows
from syncd.planning.saving import save_with_record
from syncd.planning.writing.applied import ApplyReport
from syncd.planning.writing.apply import apply_plan
from syncd.rules.pack import Pack
from syncd.settings import Mode
from syncd.store import leads as store
from syncd.store import ownership, plans, runs
from syncd.store.leads import LeadState, LeadTrack

JOB = "leads"
_CHARGED_BACK = timedelta(minutes=10)
_FIRST_LOOK_BACK = timedelta(days=2)
_LOOKED_BACK = 20

Refusal = RefusedError | GuardTrippedError


@dataclass(slots=True)
class LeadReport:
    """What one look at leads did.

    `document` is the plan, without an id where it was not saved; `held` says why nothing was written that might have
    been, `refused` what refused the writing. `waiting` are the leads that wait for somebody after it.
    """

    run_id: str
    pulls: tuple[LeadPull, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict)
    held: str | None = None
    refused: Refusal | None = None
    applied: ApplyReport | None = None
    waiting: tuple[LeadTrack, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """The worst of its parts."""
        codes = [pull.error.exit_code for pull in self.pulls if pull.error is not None]
        codes += [self.refused.exit_code] if self.refused is not None else []
        codes += [self.applied.exit_code] if self.applied is not None else []
        return worst(codes)


def run_leads(
    context: Context, leader: Leadership, *, dry_run: bool = False, show: Callable[[str], None] = lambda _: None
) -> LeadReport:
    """One look at leads. `dry_run` reads and decides, and neither saves a plan nor writes.

    Raises RefusedError SYN570 where the settings do not read leads, InputError where the pack is invalid.
    """
    if not context.settings.leads.read:
        hint = "set read = true under [leads] in the settings, and `routing:` in the pack"
        raise RefusedError("SYN570", "leads are not read by this installation", hint=hint)
    with recorded(context, JOB, {"dry_run": dry_run}) as run:
        report = LeadReport(run.run_id)
        if not dry_run and leader.writes_in() == 0:
            recover_rows(context, leader)
        show("reading leads")
        report.pulls = read_leads(context, run.run_id, leader.check)
        if not dry_run:
            _go_on(context, leader, report, run.run_id)
        charge_leads(context, _charged_since(context))
        _decide(context, leader, report, run.run_id, dry_run=dry_run)
        run.outcome = next((pull.outcome for pull in report.pulls if pull.outcome != "ok"), "ok")
        run.summary |= {pull.system.value: pull.line() for pull in report.pulls}
        run.summary |= {"plan": report.document.get("plan_id"), "waiting": len(report.waiting), "held": report.held}
        return report


def _charged_since(context: Context) -> datetime:
    """From when on receipts may not be charged yet: the last look that came to its end, and a little before."""
    with context.store.read() as conn:
        last = runs.last_success(conn, JOB)
    now = context.clock.now()
    return min(last, now) - _CHARGED_BACK if last is not None else now - _FIRST_LOOK_BACK


def _decide(context: Context, leader: Leadership, report: LeadReport, run_id: str, *, dry_run: bool) -> None:
    now = context.clock.now()
    pack = pack_of(context, now)
    scene, looked = look_at(context, pack, now)
    with context.store.read() as conn:
        stale = stale_systems(context, conn)
    if stale:
        names = " and ".join(system.value for system in stale)
        report.held = f"leads wait for a fresh mirror of {names}: `syncd pull`"
        _remember_held(context, [track for _, track in looked], report.held)
    else:
        routed = route_leads(context, scene, looked, now)
        lifetime = context.settings.plan_lifetime
        report.document = lead_document(routed.source, plan_id=None, lifetime=lifetime)
        remember_decisions(context, routed, now)
        if not dry_run:
            _write(context, leader, report, routed, pack, run_id)
    with context.store.read() as conn:
        report.waiting = tuple(track for track in store.open_tracks(conn) if track.state is LeadState.WAITING)


def remember_decisions(context: Context, routed: Routed, now: datetime) -> None:
    """Keep with each lead what was decided about it, so that alerts and `explain` can say it."""
    tracks = []
    for each in routed.decided:
        proposal, track, match = propose_lead(each, routed.source), each.case.track, each.route.match
        waits = track.state in (LeadState.WAITING, LeadState.QUEUED)
        stays = proposal.outcome is Outcome.KEEP and each.route.queue is not None
        tracks.append(
            replace(
                track,
                state=(LeadState.QUEUED if stays else LeadState.WAITING) if waits else track.state,
                reason=proposal.reason,
                text=proposal.text,
                matched=match.text if match is not None else None,
                decided_at=now,
            )
        )
    with context.store.write() as conn:
        store.save_tracks(conn, tracks)


def _remember_held(context: Context, tracks: Sequence[LeadTrack], text: str) -> None:
    waiting = [replace(track, text=text) for track in tracks if track.state is LeadState.WAITING]
    with context.store.write() as conn:
        store.save_tracks(conn, waiting)


def _write(context: Context, leader: Leadership, report: LeadReport, routed: Routed, pack: Pack, run_id: str) -> None:
    """Save the plan where there is anything to write, and write it where nobody has to approve it."""
    if not report.document["changes"] or context.settings.mode is Mode.OBSERVE:
        return
    auto = _is_auto(context)
    report.held = _held_back(context, leader, pack) if auto else None
    tripped = tripped_limits(report.document)
    plan = None if report.held else _saved(context, routed)
    if plan is None:
        return
    report.document = plan.document
    _remember_plan(context, plan)
    crashpoint("leads.planned")
    if not auto:
        report.held = f"they wait for an approval: syncd approve {plan.plan_id} --why …"
    elif tripped:
        limits = " ".join(f"--limit {name}" for name in tripped)
        report.held = f"the plan is over the guard: syncd approve {plan.plan_id} {limits} --why …"
    else:
        _apply(context, leader, report, plan, pack, run_id)


def _go_on(context: Context, leader: Leadership, report: LeadReport, run_id: str) -> None:
    """Go on with plans that an earlier look approved in syncd's name and did not come to the end of."""
    with context.store.read() as conn:
        approved = plans.list_plans(conn, _LOOKED_BACK, statuses=[PlanStatus.APPROVED])
        mine = [header.plan_id for header in approved if header.kind == LEADS_PLAN]
        found = [plans.get_plan(conn, each) for each in mine if (by := plans.approval(conn, each)) and by.who == DAEMON]
    pack = pack_of(context, context.clock.now()) if found else None
    if pack is None or not _is_auto(context) or _held_back(context, leader, pack) is not None:
        return
    for plan in found:
        _apply(context, leader, report, plan, pack, run_id)


def _is_auto(context: Context) -> bool:
    """Whether leads inside the guard are given out without a person's approval."""
    mode = context.settings.mode
    return mode is Mode.APPLY or (mode is Mode.APPROVE and context.settings.leads.auto)


def _held_back(context: Context, leader: Leadership, pack: Pack) -> str | None:
    """Why nothing can be written just now though nobody has to approve it, or None."""
    now = context.clock.now()
    with context.store.read() as conn:
        adopted = ownership.adopted_at(conn) is not None
    if not adopted:
        return "nothing is written before `syncd adopt`"
    frozen = frozen_reason(context.settings.control.freeze_file, now)
    if frozen is not None:
        return f"writes are frozen: {frozen}"
    trip = check_windows(pack.guard, now, pack.zone)
    if trip is not None:
        return trip.text
    seconds = leader.writes_in()
    return f"this leader may write in {seconds:.0f} s" if seconds > 0 else None


def _saved(context: Context, routed: Routed) -> SavedPlan:
    """The plan, saved; the open one before where this one would only repeat it. Another open one is superseded."""
    lifetime, now = context.settings.plan_lifetime, context.clock.now()
    plan = build_lead_plan(routed.source, plan_id=context.entropy.token(), lifetime=lifetime)
    with context.store.write() as conn:
        offered = plans.list_plans(conn, _LOOKED_BACK, statuses=[PlanStatus.OFFERED])
        for header in (each for each in offered if each.kind == LEADS_PLAN):
            last = plans.get_plan(conn, header.plan_id)
            alike = all(last.document[key] == plan.document[key] for key in ("changes", "pack_revision"))
            if alike and now < last.expires_at:
                return last
            plans.set_status(conn, header.plan_id, PlanStatus.SUPERSEDED)
        facts = save_with_record(conn, plan, at=now, actor=context.actor)
    context.log.event("plan.saved", **facts)
    return plan


def _remember_plan(context: Context, plan: SavedPlan) -> None:
    refs = [Ref.parse(change["ref"]) for change in plan.document["changes"]]
    with context.store.write() as conn:
        known = store.tracks_of(conn, refs)
        store.save_tracks(conn, [replace(track, plan_id=plan.plan_id) for track in known.values()])


def _apply(context: Context, leader: Leadership, report: LeadReport, plan: SavedPlan, pack: Pack, run_id: str) -> None:
    """Approve the plan in syncd's own name, write it, charge its picks, and look at its leads again."""
    try:
        leader.check()
        if plan.status is PlanStatus.OFFERED:
            with context.store.write() as conn:
                why = "leads inside the guard"
                approve(conn, plan.plan_id, who=DAEMON, why=why, now=context.clock.now(), run_id=run_id)
            crashpoint("leads.approved")
        report.applied = apply_plan(line_of(context, leader, run_id), plan.plan_id, lead_orders(context, pack))
    except (RefusedError, GuardTrippedError) as error:
        report.refused = error
        return
    crashpoint("leads.applied")
    charge_leads(context, plan.created_at)
    look_at(context, pack, context.clock.now())
