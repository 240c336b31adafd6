"""Charging: what a receipt means for those who pick later - the account was given, its turn taken, its return counted.

A company of a plan is charged once, with its first receipt, in that receipt's transaction: a crash in between charges
nothing, and going on later charges the rest. Plans charge nothing. Makes no call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syncd.model.decisions import Outcome
from syncd.planning.document import turn_of
from syncd.store import picking

GIVING = frozenset({"picked", "retrieved", "override", "follow-parent"})
"""The reasons of decisions that give an account to a rep; bringing a second system into line gives nothing."""


def charge_receipt(conn: Connection, plan_id: str, decision: Mapping[str, Any], *, now: datetime) -> None:
    """Charge what a decision of a plan gave, once: the account, the turn of its rotation, the retrieval."""
    owner, reason = decision["owner"], decision["reason"]
    if decision["outcome"] != Outcome.CHANGE.value or reason not in GIVING or owner is None:
        return
    company, role, territory = decision["company"], decision["role"], decision["territory"]
    row = picking.AssignmentRow(plan_id, company, role, owner["email"], territory, reason, now)
    if not picking.record_assignment(conn, row):
        return
    turn = turn_of(decision)
    if turn is not None:
        picking.charge(conn, role, turn, at=now)
    if reason == "retrieved":
        before = decision["current_owner"]
        picking.record_retrieval(
            conn,
            company,
            from_owner=before["email"] if before is not None else None,
            to_owner=owner["email"],
            territory=territory,
            at=now,
        )
