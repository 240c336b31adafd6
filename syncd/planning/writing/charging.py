"""Charging: what a receipt means for those who pick later - the account was given, its turn taken, its return counted.

A company of a plan is charged once, with its first receipt, in that receipt's transaction: a crash in between charges
nothing, and going on later charges the rest. Plans charge nothing. Makes no call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syncd.model.decisions import Outcome
from syncd.planning.proposing.document import turn_of
from syncd.planning.proposing.reasons import PROPOSED
from syncd.store import picking

GIVING = frozenset({"picked", "retrieved", "override", "follow-parent"}) | PROPOSED
"""The reasons of decisions that give an account to a rep; bringing a second system into line gives nothing."""


def charge_receipts(conn: Connection, plan_id: str, decisions: Iterable[Mapping[str, Any]], *, now: datetime) -> None:
    """Charge what decisions of a plan gave, each once: the account, the turn of its rotation, the retrieval."""
    giving = [
        decision
        for decision in decisions
        if decision["outcome"] == Outcome.CHANGE.value and decision["reason"] in GIVING and decision["owner"]
    ]
    given = picking.record_assignments(conn, plan_id, [_assignment(plan_id, decision, now) for decision in giving])
    for decision in giving:
        company, role = decision["company"], decision["role"]
        if (company, role) not in given:
            continue
        turn = turn_of(decision)
        if turn is not None:
            picking.charge(conn, role, turn, at=now)
        if decision["reason"] == "retrieved":
            before = decision["current_owner"]
            picking.record_retrieval(
                conn,
                company,
                from_owner=before["email"] if before is not None else None,
                to_owner=decision["owner"]["email"],
                territory=decision["territory"],
                at=now,
            )


def _assignment(plan_id: str, decision: Mapping[str, Any], now: datetime) -> picking.AssignmentRow:
    owner = decision["owner"]["email"]
    company, role, territory = decision["company"], decision["role"], decision["territory"]
    return picking.AssignmentRow(plan_id, company, role, owner, territory, decision["reason"], now)
