"""Applying an approved plan: recovery first, then the owners of accounts, who follows them, and their other fields.

The write path of reliability.md 2.2. A plan is refused as a whole before anything is written; after that rows stand
and fall one by one, and what stops one system does not stop the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from syncd.errors import ExitCode, GuardTrippedError
from syncd.model.plans import DERIVED_WRITES, OWNER_FIELD, OutboxRow, PlanStatus, RowState
from syncd.model.records import User
from syncd.model.refs import Kind, System
from syncd.planning.people.turns import in_turn
from syncd.planning.proposing.document import decisions_by_company
from syncd.planning.writing.applied import DONE, ApplyReport, Stop, TeamReport
from syncd.planning.writing.canary import HALTED, canary_size, look
from syncd.planning.writing.line import Line
from syncd.planning.writing.preflight import Orders, admitted, check_mode, check_window, drop_stale
from syncd.planning.writing.recovery import recover
from syncd.planning.writing.sending import check_before_call, send_rows
from syncd.planning.writing.settling import PlanContext, Settlement, settle
from syncd.planning.writing.teams import finish_teams
from syncd.store import ledger, mirror, outbox, picking, plans, saved_teams
from syncd.store.saved_teams import SavedTeam

BRAKE_ROWS = 5
"""The brake acts once more than so many rows were sent …"""
BRAKE_PERCENT = 10
"""… and more than this share of them was refused for good."""


@dataclass(slots=True)
class Progress:
    """How far an apply is: rows sent and refused, for the brake, and what stopped it or one of its systems."""

    sent: int = 0
    refused: int = 0
    stops: list[Stop] = field(default_factory=list)

    def is_stopped(self, system: System) -> bool:
        """Whether nothing more may be sent to a system."""
        return any(stop.system in (None, system.value) for stop in self.stops)


def apply_plan(line: Line, plan_id: str, orders: Orders) -> ApplyReport:
    """Write what an approved plan holds, as far as it still stands; every row that is not open any more is final.

    `plan_id` is an id or a unique prefix. Rows that an earlier process left in doubt are settled first. Raises
    RefusedError or GuardTrippedError where the plan is refused as a whole; remote trouble is in the report.
    """
    check_mode(orders.mode)
    recovered, doubts = recover(line)
    line.may_write()
    plan = admitted(line, plan_id, orders)
    context, progress = PlanContext.of(plan), Progress(stops=list(doubts))
    rows = _open_rows(line, plan.plan_id)
    with line.store.read() as conn:
        total = sum(outbox.counts(conn, plan.plan_id).values())
    rows = drop_stale(line, context, rows, orders, total=total)
    for batch in _batches(line, rows, orders, progress):
        _apply_batch(line, context, batch, orders, progress)
    progress.stops += [stop for system in sorted(line.writers) if (stop := finish_teams(line, system)) is not None]
    return _report(line, context, recovered, progress)


def _open_rows(line: Line, plan_id: str) -> list[OutboxRow]:
    with line.store.read() as conn:
        return list(outbox.rows(conn, plan_id, [RowState.APPROVED]))


def _batches(line: Line, rows: Sequence[OutboxRow], orders: Orders, progress: Progress) -> Iterator[list[OutboxRow]]:
    """The rows in the order of writing: owners, accounts' before those that follow; then roles, then texts of ours;
    system by system, in the order of their refs. One call writes one field, so that a record is in it once.

    A system that cannot be written now gets a stop instead, and its rows stay approved.
    """
    for kind, name in sorted({(row.ref.kind, row.field) for row in rows}, key=_in_turn):
        for system in sorted({row.ref.system for row in rows}):
            group = (kind, name, system)
            mine = sorted((row for row in rows if (row.ref.kind, row.field, row.ref.system) == group), key=_by_ref)
            if not mine or not _may_start(line, system, orders, progress):
                continue
            if kind is Kind.ACCOUNT and name not in DERIVED_WRITES:
                mine = _dealt_in_turn(line, mine, name)
            size = line.writers[system].batch_size
            first = canary_size(mine, size)
            if first:
                yield mine[:first]
                _look_at_canary(line, mine[:first], progress)
            for start in range(first, len(mine), size):
                if progress.is_stopped(system):
                    break
                yield mine[start : start + size]


def _dealt_in_turn(line: Line, rows: Sequence[OutboxRow], role: str) -> list[OutboxRow]:
    """The rows so that each rotation is fair after every receipt: an apply that stops half-way wrongs nobody."""
    plan_id = rows[0].plan_id
    with line.store.read() as conn:
        decisions = decisions_by_company(plans.get_plan(conn, plan_id).document, role)
        standings = {name: each for (of, name), each in picking.rotations(conn).items() if of == role}
        charged = picking.companies_given(conn, plan_id, role)
    return in_turn(rows, decisions, standings, charged)


def _look_at_canary(line: Line, sent: Sequence[OutboxRow], progress: Progress) -> None:
    if progress.is_stopped(sent[0].ref.system):
        return
    stop = look(line, sent[0].plan_id, sent)
    if stop is not None:
        progress.stops.append(stop)
        if stop.code == HALTED:
            line.halt(f"plan {sent[0].plan_id}: {stop.text}")


def _by_ref(row: OutboxRow) -> str:
    return str(row.ref)


def _in_turn(group: tuple[Kind, str]) -> tuple[bool, bool, bool, Kind, str]:
    """Owners before all else, so that a field which refuses its values holds no opportunity back from its account."""
    kind, name = group
    return name != OWNER_FIELD, name in DERIVED_WRITES, kind is not Kind.ACCOUNT, kind, name


def _may_start(line: Line, system: System, orders: Orders, progress: Progress) -> bool:
    """Whether a system is written in this apply; says once why not."""
    if progress.is_stopped(system):
        return False
    if system not in line.writers:
        text = f"{system.value} is not written by this installation"
        progress.stops.append(Stop("SYN518", text, ExitCode.PARTIAL, system.value))
    elif system in orders.stale_systems:
        text = f"the mirror of {system.value} is stale or incomplete; its rows wait for a pull"
        progress.stops.append(Stop("SYN519", text, ExitCode.PARTIAL, system.value))
    return not progress.is_stopped(system)


def _apply_batch(
    line: Line, context: PlanContext, batch: Sequence[OutboxRow], orders: Orders, progress: Progress
) -> None:
    """One batch: rows that cannot be written now are dropped, the rest is sent, and the brake looks at the result."""
    stop = check_before_call(line, context) or _outside_window(line, context, orders)
    if stop is not None:
        progress.stops.append(stop)
        return
    rows = _with_target(line, context, _with_parent(line, context, batch))
    if not rows:
        return
    tally = send_rows(line, context, rows)
    progress.sent += tally.sent
    progress.refused += tally.refused
    if tally.stop is not None:
        progress.stops.append(tally.stop)
    if progress.sent > BRAKE_ROWS and progress.refused * 100 > BRAKE_PERCENT * progress.sent:
        text = f"{progress.refused} of {progress.sent} rows were refused for good; the rest waits for a person"
        progress.stops.append(Stop("SYN520", text, ExitCode.PARTIAL))
        line.log.event("apply.braked", plan_id=context.plan.plan_id, sent=progress.sent, refused=progress.refused)


def _outside_window(line: Line, context: PlanContext, orders: Orders) -> Stop | None:
    """A long apply ends with the pack's write window."""
    try:
        with line.store.read() as conn:
            check_window(conn, context.plan, orders, line.clock.now())
    except GuardTrippedError as error:
        return Stop(error.code, error.summary, error.exit_code)
    return None


def _with_parent(line: Line, context: PlanContext, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """The rows whose account has the planned owner now.

    Rows of an account that was not written end as `blocked`; those of one that is still open stay as they are.
    """
    if all(row.parent is None for row in rows):
        return list(rows)
    with line.store.read() as conn:
        parents = {row.parent for row in rows if row.parent is not None}
        states = outbox.states(conn, context.plan.plan_id, parents)
    ends: list[Settlement] = []
    ready: list[OutboxRow] = []
    for row in rows:
        state = states.get(row.parent) if row.parent is not None else None
        if state is None or state in DONE:
            ready.append(row)
        elif state.final:
            text = f"its account {row.parent} was not written ({state.value})"
            ends.append(Settlement(row, RowState.BLOCKED, "parent-not-written", text))
    settle(line, context, ends)
    return ready


def _with_target(line: Line, context: PlanContext, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """The rows whose new owner is still an active user who may own records; the others end as `stale`."""
    with line.store.read() as conn:
        users: dict[tuple[System, str], User] = {
            (user.ref.system, user.ref.id): user for user in mirror.users(conn, rows[0].ref.system if rows else None)
        }
    ends: list[Settlement] = []
    for row in rows:
        if row.new is None or row.field in DERIVED_WRITES:
            continue
        user = users.get((row.ref.system, row.new))
        queues = row.ref.kind is Kind.LEAD  # a queue may own a lead
        fit = user is not None and user.active and (user.eligible or queues)
        if not fit:
            text = f"{row.new} is not an active user who may own records"
            ends.append(Settlement(row, RowState.STALE, "owner-not-in-system", text))
    settle(line, context, ends)
    fallen = {end.row.id for end in ends}
    return [row for row in rows if row.id not in fallen]


def _report(line: Line, context: PlanContext, recovered: int, progress: Progress) -> ApplyReport:
    """The report; a plan without an open row is applied."""
    plan_id, now = context.plan.plan_id, line.clock.now()
    with line.store.write() as conn:
        rows = outbox.rows(conn, plan_id)
        if all(row.state.final for row in rows):
            plans.set_status(conn, plan_id, PlanStatus.APPLIED)
            _close(conn, plan_id, rows, now=now, run_id=line.run_id)
        teams = saved_teams.of_plan(conn, plan_id)
    report = ApplyReport(plan_id, tuple(rows), line.calls, recovered, tuple(progress.stops), _team_reports(teams))
    line.log.event("apply.finished", plan_id=plan_id, exit_code=int(report.exit_code), calls=report.calls)
    return report


def _team_reports(teams: Sequence[SavedTeam]) -> tuple[TeamReport, ...]:
    """What became of each team; one that is not looked at yet has nobody lost."""
    return tuple(
        TeamReport(
            str(saved.team.record),
            len(saved.team.members),
            tuple(member.user for member in saved.lost.members) if saved.lost is not None else (),
            saved.done,
        )
        for saved in teams
    )


def _close(conn: Connection, plan_id: str, rows: Sequence[OutboxRow], *, now: datetime, run_id: str) -> None:
    facts: dict[str, str | int | None] = {
        "plan": plan_id,
        "rows": len(rows),
        "done": sum(1 for row in rows if row.state in DONE),
    }
    ledger.append(conn, at=now, event="plan.applied", ref=None, actor=None, run_id=run_id, facts=facts)
