"""Writing leads' owners: how the rows of a plan of leads stand now, and what their receipts charge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from syncd.jobs.context import Context
from syncd.jobs.leads.scenes import pack_of, scene_of, stale_systems
from syncd.model.plans import LEADS_PLAN, OutboxRow, Slot
from syncd.planning.leads.lead_plan import present_leads
from syncd.planning.leads.lead_tracking import observed
from syncd.planning.proposing.document import decisions_by_company
from syncd.planning.proposing.staleness import Present
from syncd.planning.writing.applied import DONE
from syncd.planning.writing.charging import charge_receipts
from syncd.planning.writing.preflight import Orders
from syncd.rules.memory import LEADS
from syncd.rules.pack import Pack
from syncd.store import leads as store
from syncd.store import outbox, plans

_ALL = 100
"""Percent of a plan of leads that may be stale: each lead stands for itself, and a plan may hold but one."""


def lead_orders(context: Context, pack: Pack | None = None) -> Orders:
    """What apply is told about a plan of leads: its rows are judged on leads alone, each by itself."""
    rules = pack or pack_of(context, context.clock.now())

    def standing(rows: Sequence[OutboxRow]) -> Mapping[Slot, Present]:
        with context.store.read() as conn:
            scene = scene_of(context, conn, rules, context.clock.now())
            seen = {each.record.ref: each for each in store.seen_leads(conn, [row.ref for row in rows])}
            tracks = {ref: observed(each, scene) for ref, each in seen.items()}
        return present_leads(rows, seen, tracks, scene.users)

    with context.store.read() as conn:
        stale = frozenset(stale_systems(context, conn))
    mode = context.settings.mode.value
    return Orders(mode, rules.guard, rules.zone, standing, stale_systems=stale, most_stale=_ALL)


def handed_over(context: Context, rules: Pack, rows: Sequence[OutboxRow]) -> Mapping[Slot, Present]:
    """How the rows of leads stand that a plan hands over because their owner leaves: worked and old ones, too."""
    if not rows:
        return {}
    with context.store.read() as conn:
        scene = scene_of(context, conn, rules, context.clock.now())
        seen = {each.record.ref: each for each in store.seen_leads(conn, [row.ref for row in rows])}
    return present_leads(
        rows, seen, {ref: observed(each, scene) for ref, each in seen.items()}, scene.users, worked=True
    )


def charge_leads(context: Context, since: datetime) -> int:
    """Charge the picks of plans of leads that were written since an instant, each once; how many plans were looked at.

    A process that died between a write and its charge leaves it to the next look: nothing is picked before.
    """
    with context.store.read() as conn:
        written = store.plans_written_since(conn, LEADS_PLAN, since)
    for plan_id in written:
        with context.store.write() as conn:
            decisions = decisions_by_company(plans.get_plan(conn, plan_id).document, LEADS)
            done = [row.because for row in outbox.rows(conn, plan_id) if row.state in DONE]
            given = [decisions[each] for each in done if each in decisions]
            charge_receipts(conn, plan_id, given, now=context.clock.now())
    return len(written)
