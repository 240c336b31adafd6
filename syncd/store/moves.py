"""Owners that somebody else changed, as rows of the ledger: what a change feed tells beside syncd's own writes.

Called in the transaction that puts the new owner into the mirror. What syncd wrote stands in the ledger by its receipt;
here are only the others. Decides nothing about them: drift does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from syncd.model.plans import OWNER_FIELD, RowState
from syncd.model.refs import Ref
from syncd.store import ledger
from syncd.store.tables import outbox, owner_marks
from syncd.store.upserts import chunks

EVENT = "owner.moved"


def tell_moves(conn: Connection, changes: Iterable[Mapping[str, Any]], *, now: datetime, run_id: str | None) -> int:
    """Add a row to the ledger for each change of owner (rows of `owner_changes`) that is not syncd's; how many.

    Syncd's are those that it marked as written, and those of a row that is under way.
    """
    rows = list(changes)
    if not rows:
        return 0
    ours = _ours(conn, [row["ref"] for row in rows])
    new = [
        ledger.NewRow(EVENT, str(row["ref"]), {"field": OWNER_FIELD, "from": row["old"], "to": row["new"]})
        for row in rows
        if (row["ref"], row["new"]) not in ours
    ]
    ledger.append_many(conn, new, at=now, run_id=run_id)
    return len(new)


def _ours(conn: Connection, refs: Iterable[Ref]) -> frozenset[tuple[Ref, str | None]]:
    found: set[tuple[Ref, str | None]] = set()
    for batch in chunks(refs):
        marked = select(owner_marks.c.ref, owner_marks.c.owner).where(
            owner_marks.c.ref.in_(batch), owner_marks.c.field == OWNER_FIELD, owner_marks.c.source == "written"
        )
        sent = select(outbox.c.ref, outbox.c.new).where(
            outbox.c.ref.in_(batch), outbox.c.field == OWNER_FIELD, outbox.c.state == RowState.SENDING
        )
        found.update((row[0], row[1]) for query in (marked, sent) for row in conn.execute(query))
    return frozenset(found)
