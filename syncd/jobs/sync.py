"""One round of the main job: pull, plan, apply as the mode allows, watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.errors import ExitCode, GuardTrippedError, RefusedError, worst
from syncd.jobs.apply import apply, recover_rows
from syncd.jobs.context import Context
from syncd.jobs.leadership import Leadership
from syncd.jobs.plan import make_plan
from syncd.jobs.pull import PullReport, pull
from syncd.jobs.watch import WatchReport, watch
from syncd.planning.applied import ApplyReport
from syncd.settings import Mode
from syncd.store import ownership


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one round did; parts that the mode or an earlier failure left out are None."""

    pull: PullReport
    plan: Mapping[str, Any] | None
    applied: ApplyReport | None
    refused: RefusedError | GuardTrippedError | None
    watch: WatchReport

    @property
    def exit_code(self) -> ExitCode:
        """The worst of its parts."""
        codes = [self.pull.exit_code]
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
    recover_rows(context, leader)
    pulled = pull(context, check=leader.check, show=show)
    plan: Mapping[str, Any] | None = None
    applied: ApplyReport | None = None
    refused: RefusedError | GuardTrippedError | None = None
    writes = context.settings.mode is Mode.APPLY and not dry_run
    with context.store.read() as conn:
        adopted = ownership.adopted_at(conn) is not None
    try:
        plan = make_plan(context, offered=writes and adopted)
        if writes and adopted and plan["plan_id"] is not None:
            applied = apply(context, leader, plan["plan_id"])
    except (RefusedError, GuardTrippedError) as error:
        refused = error
    return SyncReport(pulled, plan, applied, refused, watch(context))
