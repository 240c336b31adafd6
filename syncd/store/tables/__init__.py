"""Every table, typed, in one metadata. The migrations build the same schema; a test compares the two.

Conventions: instants are fixed-width UTC text, there is no server-side default or now(), states are text with a CHECK,
SQLite tables are STRICT. The tables know no query.
"""

from __future__ import annotations

from syncd.store.tables.alerts import episodes, monitor_baselines, monitor_states, notices, silences, tallies
from syncd.store.tables.changes import (
    approvals,
    leases,
    ledger,
    ledger_head,
    ledger_payloads,
    outbox,
    packs,
    plans,
    receipts,
    runs,
    saved_teams,
)
from syncd.store.tables.feed import feed_cursors
from syncd.store.tables.leads import lead_tracks
from syncd.store.tables.mirror import (
    adopted_overrides,
    adoptions,
    applied,
    blocked,
    book_versions,
    company_links,
    currency_rates,
    cursors,
    link_candidates,
    object_schemas,
    owner_changes,
    owner_marks,
    records,
    stage_entries,
    systems,
    teams,
    users,
)
from syncd.store.tables.naming import metadata
from syncd.store.tables.picking import assignments, retrievals, rotations
from syncd.store.tables.scores import scores

__all__ = [
    "adopted_overrides",
    "adoptions",
    "applied",
    "approvals",
    "assignments",
    "blocked",
    "book_versions",
    "company_links",
    "currency_rates",
    "cursors",
    "episodes",
    "feed_cursors",
    "lead_tracks",
    "leases",
    "ledger",
    "ledger_head",
    "ledger_payloads",
    "link_candidates",
    "metadata",
    "monitor_baselines",
    "monitor_states",
    "notices",
    "object_schemas",
    "outbox",
    "owner_changes",
    "owner_marks",
    "packs",
    "plans",
    "receipts",
    "records",
    "retrievals",
    "rotations",
    "runs",
    "saved_teams",
    "scores",
    "silences",
    "stage_entries",
    "systems",
    "tallies",
    "teams",
    "users",
]
