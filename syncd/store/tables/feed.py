"""The table of the change feed's subscribers: how far each has been told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Integer, Named, Table, TypedColumns

from syncd.store.columns import Instant, Serial, Words
from syncd.store.tables.naming import metadata


class _FeedCursors(TypedColumns):
    subscriber: Named[str] = Column(Words, primary_key=True)
    seq: Named[int] = Column(Serial)
    at: Named[datetime] = Column(Instant)
    attempts: Named[int] = Column(Integer)
    failing_since: Named[datetime | None] = Column(Instant)
    due_at: Named[datetime | None] = Column(Instant)
    reason: Named[str | None] = Column(Words)


feed_cursors: Table[_FeedCursors] = Table("feed_cursors", metadata, _FeedCursors, sqlite_strict=True)
