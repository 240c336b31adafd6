"""A plan over an export by an engine, as what two engines have to agree on."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from syncd.jobs.plans.export import plan_of_export
from syncd.settings import Settings

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)


def planned(folder, engine, accounts, *, deals=True, users=True):
    """The plan's JSON, and the findings."""
    document, findings = plan_of_export(
        Settings(),
        folder / "pack",
        folder / accounts,
        folder / "opportunities.csv" if deals else None,
        folder / "users.csv" if users else None,
        now=NOW,
        all_decisions=False,
        engine=engine,
    )
    return json.dumps(document), findings
