"""Preflight: whether a plan may be written at all, and which of its rows no longer stand. Makes no call.

Refusals are of the whole plan (exit 4) and nothing has been written then; staleness is per row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from syncd.errors import GuardTrippedError, RefusedError
from syncd.model.plans import OWNER_FIELD, UNDO, OutboxRow, PlanStatus, RowState, SavedPlan, Slot
from syncd.model.refs import Kind, Ref, System
from syncd.planning.approval import DAEMON, approve, check_baseline
from syncd.planning.proposing.guard import check_windows
from syncd.planning.proposing.staleness import Present
from syncd.planning.writing.compare import named
from syncd.planning.writing.line import Line
from syncd.planning.writing.settling import PlanContext, Settlement, settle
from syncd.rules.pack import Guard
from syncd.store import ledger, outbox, plans
from syncd.store.dossier import marks_of

MAX_STALE_PERCENT = 10
"""Percent of a plan's rows that may be stale; over it the plan is refused as a whole."""

Standing = Callable[[Sequence[OutboxRow]], Mapping[Slot, Present]]


@dataclass(frozen=True, slots=True)
class Orders:
    """What the caller says about writing: the mode (`observe`, `approve`, `apply`), the pack's guard and zone, the pack
    revisions that were withdrawn, the systems whose mirror is stale, and how rows stand on the present book
    (`staleness.present_rows`; asked once, for all open rows of the plan). `most_stale` is the percentage of stale rows
    over which the whole plan is refused.
    """

    mode: str
    guard: Guard
    zone: ZoneInfo
    standing: Standing
    withdrawn: frozenset[str] = frozenset()
    stale_systems: frozenset[System] = field(default_factory=frozenset)
    most_stale: int = MAX_STALE_PERCENT


def check_mode(mode: str) -> None:
    """RefusedError SYN511 in a mode that does not write."""
    if mode not in ("approve", "apply"):
        raise RefusedError(
            "SYN511", f"mode {mode} never writes", hint='set mode = "approve" in the settings to write approved plans'
        )


def admitted(line: Line, plan_id: str, orders: Orders) -> SavedPlan:
    """The plan, if it may be written now; in mode `apply` an offered plan inside the guard is approved on the way.

    Raises RefusedError (SYN502 … as named in each check) or GuardTrippedError. A plan that can never be written any
    more has its rows closed first, so that they do not stand in the way of the next.
    """
    with line.store.read() as conn:
        plan = plans.get_plan(conn, plan_id)
        check_baseline(conn)
    if plan.status is PlanStatus.OFFERED and orders.mode == "apply":
        _check_window(orders, (), line.clock.now())
        with line.store.write() as conn:
            plan = approve(
                conn,
                plan.plan_id,
                who=DAEMON,
                why="mode apply, inside the guard",
                now=line.clock.now(),
                run_id=line.run_id,
            )
    _check_status(plan)
    if line.clock.now() >= plan.expires_at:
        text = f"plan {plan.plan_id} expired at {plan.expires_at:%Y-%m-%d %H:%M}Z"
        raise _closed(line, plan, PlanStatus.EXPIRED, "SYN504", text)
    if plan.pack_revision in orders.withdrawn and plan.kind != UNDO:
        text = f"pack revision {plan.pack_revision} of plan {plan.plan_id} was withdrawn"
        raise _closed(line, plan, PlanStatus.SUPERSEDED, "SYN513", text)
    with line.store.read() as conn:
        check_window(conn, plan, orders, line.clock.now())
    return plan


def check_window(conn: Connection, plan: SavedPlan, orders: Orders, now: datetime) -> None:
    """GuardTrippedError SYN515 outside the pack's write windows, unless the approval lifts `windows`."""
    approval = plans.approval(conn, plan.plan_id)
    _check_window(orders, approval.limits if approval is not None else (), now)


def _check_window(orders: Orders, lifted: Sequence[str], now: datetime) -> None:
    trip = check_windows(orders.guard, now, orders.zone)
    if trip is not None and "windows" not in lifted:
        raise GuardTrippedError(
            "SYN515", trip.text, hint="apply it inside the window, or approve it again with --limit windows"
        )


def drop_stale(
    line: Line, context: PlanContext, rows: Sequence[OutboxRow], orders: Orders, *, total: int
) -> list[OutboxRow]:
    """The open rows that still stand, of a plan of `total` rows.

    The others end as `stale`, or `conflict` where somebody changed the owner. RefusedError SYN514 where more than a
    tenth of the plan is stale (conflicts are no staleness, and each lead stands for itself); the plan is closed then.
    """
    with line.store.read() as conn:
        accounts = {row.ref for row in rows if row.ref.kind is Kind.ACCOUNT and row.field == OWNER_FIELD}
        seen = marks_of(conn, accounts).keys()
    ends = _fallen(context, rows, orders, accounts - seen)
    settle(line, context, ends)
    stale = sum(1 for end in ends if end.state is RowState.STALE and end.row.ref.kind is not Kind.LEAD)
    if stale * 100 > orders.most_stale * total:
        plan = context.plan
        text = f"{stale} of {total} rows of plan {plan.plan_id} are stale: their records, rules or reps changed"
        raise _closed(line, plan, PlanStatus.SUPERSEDED, "SYN514", text)
    fallen = {end.row.id for end in ends}
    return [row for row in rows if row.id not in fallen]


def _fallen(
    context: PlanContext, rows: Sequence[OutboxRow], orders: Orders, unseen: Collection[Ref]
) -> list[Settlement]:
    """How the rows end whose ground has changed; what an undo restores stands on a receipt, and only on that.

    Accounts `unseen` have no mark: a process died after it read them, before anybody asked who gave them their owner.
    """
    if context.plan.kind == UNDO or not rows:
        return []
    present = orders.standing(rows)
    found = [_unseen(row) if row.ref in unseen else _end_of(row, present.get(row.slot)) for row in rows]
    return [end for end in found if end is not None]


def _unseen(row: OutboxRow) -> Settlement:
    text = "it is not known yet who gave the account its owner; the next pull asks"
    return Settlement(row, RowState.STALE, "unseen", text)


def _end_of(row: OutboxRow, now: Present | None) -> Settlement | None:
    if now is None:
        return Settlement(row, RowState.STALE, "gone", "the record is not in the present book any more")
    if now.owner == row.new:
        return None
    if now.owner != row.old:
        text = f"the {row.field} is {named(now.owner)}; the plan expected {named(row.old)}"
        return Settlement(row, RowState.CONFLICT, "owner-changed", text, before=now.owner, after=now.owner)
    if now.refusal is not None:
        return Settlement(row, RowState.STALE, "refused-now", now.refusal)
    if now.fingerprint != row.fingerprint:
        return Settlement(row, RowState.STALE, "stale", "what the decision stood on has changed since the plan")
    return None


def _check_status(plan: SavedPlan) -> None:
    if plan.status is PlanStatus.APPLIED:
        raise RefusedError("SYN516", f"plan {plan.plan_id} is applied already", hint="`syncd runs` shows what it did")
    if plan.status is PlanStatus.EXPIRED:
        raise RefusedError("SYN504", f"plan {plan.plan_id} is expired", hint="make a new plan with `syncd plan`")
    if plan.status is PlanStatus.SUPERSEDED:
        raise RefusedError("SYN505", f"plan {plan.plan_id} was superseded", hint="apply the plan approved after it")
    if plan.status is not PlanStatus.APPROVED:
        hint = f"`syncd approve {plan.plan_id} --why …` first"
        raise RefusedError("SYN517", f"plan {plan.plan_id} is not approved", hint=hint)


def _closed(line: Line, plan: SavedPlan, status: PlanStatus, code: str, text: str) -> RefusedError:
    """The refusal of a plan that can never be written any more, once its unsent rows are closed."""
    now = line.clock.now()
    with line.store.write() as conn:
        unsent = outbox.rows(conn, plan.plan_id, [RowState.APPROVED])
        outbox.finish(conn, [outbox.Ending(row.id, RowState.STALE, code, text) for row in unsent], now=now)
        plans.set_status(conn, plan.plan_id, status)
        facts = {"plan": plan.plan_id, "code": code}
        ledger.append(conn, at=now, event="plan.refused", ref=None, actor=None, run_id=line.run_id, facts=facts)
    line.log.event("plan.refused", plan_id=plan.plan_id, code=code)
    return RefusedError(code, text, hint="make a new plan with `syncd plan`")
