"""One round of the main job: pull, plan, apply as the mode allows, watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.errors import ExitCode, GuardTrippedError, RefusedError, worst
from syncd.jobs.books.engines import EngineChoice, InFull
from syncd.jobs.context import Context
from syncd.jobs.leadership import Leadership
from syncd.jobs.lines import recover_rows
from syncd.jobs.plans.apply import apply, remember
from syncd.jobs.plans.plan import Deliberation, make_plan
from syncd.jobs.pulling.pull import PullReport, pull
from syncd.jobs.watching.watch import WatchReport, watch
from syncd.model.plans import PlanStatus
from syncd.planning.approval import DAEMON
from syncd.planning.writing.applied import ApplyReport
from syncd.settings import Mode
from syncd.store import ownership, plans

_MOST_OPEN = 50
"""So many approved plans are looked at in one round; there is hardly ever more than one."""

_ONE_IN = 8
"""Where more than an eighth of the companies has to be looked at, the whole book is read, which serves the monitors."""

Refusal = RefusedError | GuardTrippedError


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one round did; parts that the mode or an earlier failure left out are None.

    `resumed` are the approved plans of earlier rounds that this one went on with. `set_aside` is why others of them,
    which a round had approved by itself, were closed instead: this round plans anew what they held, so that it has not
    failed.
    """

    pull: PullReport
    plan: Mapping[str, Any] | None
    applied: ApplyReport | None
    refused: Refusal | None
    watch: WatchReport
    resumed: tuple[ApplyReport, ...] = ()
    set_aside: tuple[Refusal, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """The worst of its parts."""
        codes = [self.pull.exit_code, *(report.exit_code for report in self.resumed)]
        if self.applied is not None:
            codes.append(self.applied.exit_code)
        if self.refused is not None:
            codes.append(self.refused.exit_code)
        return worst(codes)


def sync(
    context: Context, leader: Leadership, *, dry_run: bool = False, show: Callable[[str], None] = lambda _: None
) -> SyncReport:
    """Do one round. `dry_run` pulls, plans and watches, and writes nothing to a CRM whatever the mode.

    In `apply` mode a plan inside the guard is written at once; one over a limit waits for an approval. In `approve`
    mode the plan is a preview: plans for approval are made by `syncd plan`, or by the daemon at the pack's times.
    """
    at_once = leader.writes_in() == 0  # after a takeover reading goes on at once, writing and what it needs later
    if at_once:
        recover_rows(context, leader)
    pulled = pull(context, check=leader.check, show=show)
    if not at_once:
        recover_rows(context, leader)
    plan: Mapping[str, Any] | None = None
    applied: ApplyReport | None = None
    refused: Refusal | None = None
    resumed: list[ApplyReport] = []
    aside: list[Refusal] = []
    thoughts: list[Deliberation] = []
    writes = context.settings.mode is Mode.APPLY and not dry_run
    with context.store.read() as conn:
        adopted = ownership.adopted_at(conn) is not None
    try:
        if not dry_run:
            refused = _resume(context, leader, resumed, aside)
        plan = make_plan(
            context,
            offered=writes and adopted,
            again=False,
            tell=thoughts.append,
            engine=EngineChoice.AUTO,
            in_full=InFull(unremembered=writes and adopted, one_in=_ONE_IN),
        )
        if writes and adopted and plan["plan_id"] is not None:
            applied = apply(context, leader, plan["plan_id"])
        elif writes and adopted:
            remember(context, leader, thoughts[0])
    except (RefusedError, GuardTrippedError) as error:
        refused = error
    # What a plan was made of serves the monitors too where it is the whole book, and nothing was written since.
    thought = thoughts[0] if thoughts and applied is None and not thoughts[0].kept else None
    return SyncReport(pulled, plan, applied, refused, watch(context, thought=thought), tuple(resumed), tuple(aside))


def _resume(context: Context, leader: Leadership, reports: list[ApplyReport], aside: list[Refusal]) -> Refusal | None:
    """Go on with approved plans that an earlier round left unfinished: their open rows keep records from new plans.

    In `approve` mode that is for a person to do, until a plan expires; then its rows are closed. Returns what refused
    the last one that was refused, but for what expired, and for what is put into `aside`.
    """
    mode, now = context.settings.mode, context.clock.now()
    if mode is Mode.OBSERVE:
        return None
    with context.store.read() as conn:
        found = plans.list_plans(conn, _MOST_OPEN, statuses=[PlanStatus.APPROVED])
    refused: Refusal | None = None
    for header in found:
        expired = header.expires_at <= now
        if mode is not Mode.APPLY and not expired:
            continue
        try:
            reports.append(apply(context, leader, header.plan_id))
        except (RefusedError, GuardTrippedError) as error:
            if not expired and _closed_of_ours(context, header.plan_id):
                aside.append(error)
            elif not expired:
                refused = error
    return refused


def _closed_of_ours(context: Context, plan_id: str) -> bool:
    """Whether a plan that no person approved is closed by now, so that nothing waits for anybody."""
    with context.store.read() as conn:
        approval = plans.approval(conn, plan_id)
        closed = plans.get_plan(conn, plan_id).status is not PlanStatus.APPROVED
    return closed and approval is not None and approval.who == DAEMON
