"""The ledger read as a feed: rows after a cursor, in their order, and how far each subscriber has been told.

Only chained columns are read, never payloads: what was erased cannot come out of it. Numbers of the ledger's rows are
given under one lock and without gaps, so whoever has read up to a number has read all before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from syncd.store.ledger import Facts
from syncd.store.tables import feed_cursors, ledger, ledger_head
from syncd.store.upserts import upsert

_HASH_DIGITS = 12


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One row of the ledger as far as it is chained; `mark` is the beginning of its hash."""

    seq: int
    mark: str
    at: datetime
    event: str
    ref: str | None
    run_id: str | None
    facts: Facts


@dataclass(frozen=True, slots=True)
class Subscriber:
    """How far one subscriber has been told, and since when and why it takes nothing, where it does not."""

    name: str
    seq: int
    at: datetime
    attempts: int = 0
    failing_since: datetime | None = None
    due_at: datetime | None = None
    reason: str | None = None


def rows_after(conn: Connection, seq: int, events: Collection[str], limit: int) -> tuple[FeedRow, ...]:
    """At most `limit` rows of these events after row `seq`, in their order."""
    query = select(ledger).where(ledger.c.seq > seq, ledger.c.event.in_(sorted(events))).order_by(ledger.c.seq)
    return tuple(
        FeedRow(row.seq, row.hash[:_HASH_DIGITS], row.at, row.event, row.ref, row.run_id, row.facts)
        for row in conn.execute(query.limit(limit))
    )


def head(conn: Connection) -> int:
    """The number of the ledger's last row, 0 for none."""
    return conn.execute(select(ledger_head.c.seq).where(ledger_head.c.id == 1)).scalar() or 0


def mark_of(conn: Connection, seq: int) -> str | None:
    """The beginning of the hash of a row, None where there is no such row."""
    found = conn.execute(select(ledger.c.hash).where(ledger.c.seq == seq)).scalar()
    return found[:_HASH_DIGITS] if found is not None else None


def subscribers(conn: Connection) -> Mapping[str, Subscriber]:
    """Every subscriber that was ever told anything, by name."""
    rows = conn.execute(select(feed_cursors).order_by(feed_cursors.c.subscriber))
    return {
        row.subscriber: Subscriber(
            row.subscriber, row.seq, row.at, row.attempts, row.failing_since, row.due_at, row.reason
        )
        for row in rows
    }


def put(conn: Connection, known: Subscriber) -> None:
    """Add a subscriber, or set where one goes on from, wherever it stood."""
    row = _row(known)
    names = [name for name in row if name != "subscriber"]
    conn.execute(upsert(conn, feed_cursors, ("subscriber",), names), row)


def advance(conn: Connection, known: Subscriber, before: int) -> bool:
    """Save how a subscriber stands, if it still stands at row `before`; whether it did.

    It does not where somebody replays it, or another process told it meanwhile: their word counts.
    """
    mine = (feed_cursors.c.subscriber == known.name) & (feed_cursors.c.seq == before)
    return conn.execute(update(feed_cursors).where(mine).values(_row(known))).rowcount == 1


def _row(known: Subscriber) -> dict[str, object]:
    return {
        "subscriber": known.name,
        "seq": known.seq,
        "at": known.at,
        "attempts": known.attempts,
        "failing_since": known.failing_since,
        "due_at": known.due_at,
        "reason": known.reason,
    }
