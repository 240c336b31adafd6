"""Reading the change feed: events after a cursor, from the ledger, in its order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from syncd.errors import RefusedError, UsageError
from syncd.jobs.context import Context
from syncd.model.refs import Kind, Ref
from syncd.report.feed_events import EVENTS, TYPES, cursor_of, event_of, parse_cursor
from syncd.store import dossier, feed, mirror

PAGE = 500
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some events in their order, and the row of the ledger that they were read up to; `more`: it goes on at once."""

    events: tuple[dict[str, Any], ...]
    seq: int
    more: bool


def read_page(conn: Connection, after: int, limit: int = PAGE) -> FeedPage:
    """The events of at most `limit` rows after row `after`."""
    rows = feed.rows_after(conn, after, EVENTS, limit)
    refs = [ref for row in rows if row.ref and (ref := _ref(row.ref)) and ref.kind is Kind.ACCOUNT]
    companies = dossier.company_keys(conn, refs) if refs else {}
    users = {user.ref: user for user in mirror.users(conn)} if rows else {}
    events = (event_of(row, users, companies) for row in rows)
    seq = rows[-1].seq if rows else after
    return FeedPage(tuple(event for event in events if event is not None), seq, len(rows) == limit)


def start_of(conn: Connection, cursor: str) -> int:
    """The row that a cursor stands for.

    Raises UsageError SYN860 for a text that is no cursor, RefusedError SYN861 for one of another history: the database
    was restored from a backup, and what came after that is not in it any more.
    """
    try:
        seq, mark = parse_cursor(cursor)
    except ValueError as error:
        hint = "take the `cursor` of an event as it is, or 0 for all there is"
        raise UsageError("SYN860", f"{cursor!r} is no cursor of the feed", hint=hint) from error
    if seq and (seq > feed.head(conn) or (mark is not None and mark != feed.mark_of(conn, seq))):
        raise RefusedError(
            "SYN861",
            f"the cursor {cursor} is of another history than this database has",
            hint="read anew from the event `database.restored` or from 0; events are known again by their id",
        )
    return seq


def events(
    context: Context, cursor: str, *, limit: int | None, follow: bool, types: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """Events after a cursor, at most `limit`; with `follow` it never ends, and waits for what comes.

    Raises as `start_of`, and UsageError SYN862 for an unknown type.
    """
    unknown = sorted(set(types) - set(TYPES))
    if unknown:
        raise UsageError("SYN862", f"there is no event {unknown[0]!r}", hint=f"types are {', '.join(TYPES)}")
    with context.store.read() as conn:
        seq = start_of(conn, cursor)
    told = 0
    while True:
        with context.store.read() as conn:
            page = read_page(conn, seq)
        for event in page.events:
            if types and event["type"] not in types:
                continue
            yield event
            told += 1
            if limit is not None and told >= limit:
                return
        seq = page.seq
        if not page.more:
            if not follow:
                return
            context.clock.sleep(POLL_SECONDS)


def cursor_at(conn: Connection, seq: int) -> str:
    """The cursor of a row of the ledger."""
    return cursor_of(seq, feed.mark_of(conn, seq))


def _ref(text: str) -> Ref | None:
    try:
        return Ref.parse(text)
    except ValueError:
        return None
