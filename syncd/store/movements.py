"""Changes of owner over time: what syncd wrote, and what others did, as two lists. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from syncd.model.plans import OWNER_FIELD, RowState
from syncd.model.refs import Kind, Ref
from syncd.store.operations import owner_changes_since
from syncd.store.tables import receipts

_SEEN_WITHIN = timedelta(days=1)
"""A pull that sees our own write sees it within this time; the same owner later on was set by somebody else."""


@dataclass(frozen=True, slots=True)
class Movement:
    """An account that got another owner: the ids in its CRM, None for nobody. `ours`: syncd wrote it."""

    ref: Ref
    at: datetime
    old: str | None
    new: str | None
    ours: bool


def movements(conn: Connection, since: datetime) -> tuple[Movement, ...]:
    """Every change of an account's owner after an instant, oldest first; a write of ours counts once."""
    query = (
        select(receipts.c.ref, receipts.c.at, receipts.c.before, receipts.c.after)
        .where(receipts.c.at > since, receipts.c.state == RowState.CONFIRMED, receipts.c.field == OWNER_FIELD)
        .order_by(receipts.c.id)
    )
    ours = [
        Movement(ref, at, before, after, True)
        for ref, at, before, after in conn.execute(query)
        if ref.kind is Kind.ACCOUNT and before != after
    ]
    written: dict[tuple[Ref, str | None], list[datetime]] = {}
    for each in ours:
        written.setdefault((each.ref, each.new), []).append(each.at)
    theirs = [
        Movement(ref, change.at, change.old, change.new, False)
        for ref, changes in owner_changes_since(conn, since).items()
        if ref.kind is Kind.ACCOUNT
        for change in changes
        if not any(abs(change.at - at) <= _SEEN_WITHIN for at in written.get((ref, change.new), ()))
    ]
    return tuple(sorted((*ours, *theirs), key=lambda each: (each.at, each.ref)))
