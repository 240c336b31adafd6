"""The monitors there are, one file each. A new one is a file and a line here.

LeadUnrouted and SlaBreached wait for leads to be pulled and routed.
"""

from __future__ import annotations

from syncd.alerts.monitors import (
    account_churned,
    attainment_above,
    attainment_below,
    book_over_capacity,
    data_quality,
    dispute_open,
    drift,
    guard_tripped,
    imbalance,
    job_failing,
    mirror_shrank,
    notifications_failing,
    outbox_stuck,
    override_expiring,
    owner_disagreement,
    owner_inactive,
    ownership_flapping,
    pack_invalid,
    quota_high,
    rep_leaving_soon,
    rep_left,
    source_stale,
    territory_composition,
    unassigned,
    unworked_accounts,
    writes_failing,
)
from syncd.alerts.view import Monitor

MONITORS: tuple[Monitor, ...] = (
    source_stale.MONITOR,
    mirror_shrank.MONITOR,
    outbox_stuck.MONITOR,
    writes_failing.MONITOR,
    job_failing.MONITOR,
    quota_high.MONITOR,
    guard_tripped.MONITOR,
    notifications_failing.MONITOR,
    account_churned.MONITOR,
    rep_left.MONITOR,
    rep_leaving_soon.MONITOR,
    attainment_below.MONITOR,
    attainment_above.MONITOR,
    territory_composition.MONITOR,
    unassigned.MONITOR,
    owner_inactive.MONITOR,
    unworked_accounts.MONITOR,
    book_over_capacity.MONITOR,
    imbalance.MONITOR,
    override_expiring.MONITOR,
    dispute_open.MONITOR,
    drift.MONITOR,
    ownership_flapping.MONITOR,
    owner_disagreement.MONITOR,
    data_quality.MONITOR,
    pack_invalid.MONITOR,
)
"""In the order they are evaluated; PackInvalid comes last, for it tells of the rules that the others could not read."""
LATER = ("LeadUnrouted", "SlaBreached")
"""Monitors of the language that are accepted in a pack and not evaluated: they need leads."""
