"""What was approved: the plans that may be written, as they were when somebody approved them, and which holds when.

It remembers each plan as it read it first, so that one that changes after its approval shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from syncd.clock import parse_instant
from syncd.model.plans import LEADS_PLAN, UNDO, PlanStatus, SavedPlan, Slot
from syncd.model.refs import Kind, Ref
from syncd.planning.proposing.document import changes_of, decisions_by_company
from syncd.planning.proposing.proposals import OWNER_ROLE
from syncd.store import plans
from syncd.store.plans import Approval
from tests.simulation.people import plain
from tests.simulation.violation import ViolationError
from tests.simulation.world import World

GRAIN = timedelta(milliseconds=1)
"""Of the instants in the store; the journals are finer."""
_CLOSED = (PlanStatus.PREVIEW, PlanStatus.OFFERED)


@dataclass(frozen=True, slots=True)
class Approved:
    """A plan with its approval, and the rows that may be written because of it: from what, to what, by field."""

    plan: SavedPlan
    approval: Approval
    until: datetime
    rows: Mapping[Slot, tuple[str | None, str | None]]
    decided: Mapping[Ref, str]
    """Why the rules want each owner, by the name of the reason."""
    holders: Mapping[Ref, frozenset[str]]
    """Whom the rules took for the owner of the company that a record belongs to, by their ids in both CRMs."""

    parents: Mapping[Slot, Ref]
    """The accounts whose owner goes first, by the field that follows."""

    def wanted(self, slot: Slot) -> str | None:
        """What a field is to hold."""
        return self.rows[slot][1] if slot in self.rows else None


@dataclass(slots=True)
class Approvals:
    """The approved plans of one world. `asked` are those that somebody approved; no others may be, but syncd's own."""

    world: World
    asked: set[str] = field(default_factory=set)
    _known: dict[str, Approved] = field(default_factory=dict)

    def all(self) -> list[Approved]:
        """All approved plans in the order of their approval."""
        statuses = [status for status in PlanStatus if status not in _CLOSED]
        with self.world.context.store.read() as conn:
            for header in plans.list_plans(conn, 1000, statuses=statuses):
                if header.plan_id in self._known:
                    continue
                approval = plans.approval(conn, header.plan_id)
                if approval is None:
                    continue
                if approval.who != "syncd" and header.plan_id not in self.asked:
                    raise ViolationError("I09 only approved writes", f"nobody asked to approve plan {header.plan_id}")
                self._known[header.plan_id] = self._of(plans.get_plan(conn, header.plan_id), approval)
        return sorted(self._known.values(), key=lambda one: one.approval.at)

    def _of(self, plan: SavedPlan, approval: Approval) -> Approved:
        changes, decisions = changes_of(plan), decisions_by_company(plan.document, OWNER_ROLE)
        reasons = {
            company: "override" if decision["text"].endswith("keep (override)") else decision["reason"]
            for company, decision in decisions.items()
        }
        present = {
            company: frozenset(map(str, (decision["current_owner"] or {}).values()))
            for company, decision in decisions.items()
        }
        return Approved(
            plan,
            approval,
            parse_instant(plan.document["created_at"]) + self.world.settings.plan_lifetime,
            {(plain(one.ref), one.field): (one.old, one.new) for one in changes if not one.expected},
            {one.ref: reasons.get(one.because, "") for one in changes},
            {one.ref: present.get(one.because, frozenset()) for one in changes},
            {(plain(one.ref), one.field): one.parent for one in changes if one.parent is not None},
        )


def in_force(approved: list[Approved], at: datetime, slot: Slot) -> Approved | None:
    """The plan that a field may be written by at an instant: of its kind the one approved last, unless it has expired.

    Leads have plans of their own, which supersede each other, and may be taken back by an undo that names them; in
    HubSpot a lead is a contact, so either may name it: of two that do, the one approved later. A call that fails may
    take no time here, so that a plan is approved at the instant at which the one before it sent its last: that was of a
    field which the newer one does not name.
    """
    ref = slot[0]
    before = [one for one in approved if one.approval.at <= at]
    leads = [one for one in before if one.plan.kind == LEADS_PLAN or (one.plan.kind == UNDO and _names(one, ref))]
    others = [one for one in before if one.plan.kind != LEADS_PLAN]
    found = others
    if ref.kind is Kind.LEAD:
        found = leads
    elif ref.kind is Kind.CONTACT:
        found = sorted(
            (one for one in (*leads[-1:], *others[-1:]) if _names(one, ref)), key=lambda one: one.approval.at
        )
    if len(found) > 1 and at - found[-1].approval.at < GRAIN and slot not in found[-1].rows:
        found = found[:-1]
    return found[-1] if found and at < found[-1].until else None


def _names(plan: Approved, ref: Ref) -> bool:
    return any(slot[0] == ref for slot in plan.rows)


def named(plan: Approved | None) -> str:
    """A plan, in a violation."""
    return "any approved plan in force" if plan is None else f"plan {plan.plan.plan_id}"
