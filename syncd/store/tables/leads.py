"""The table of leads: where each lead stands that the mirror holds, its clock, and what was last decided about it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, Named, Table, TypedColumns

from syncd.model.refs import System
from syncd.store.columns import Choice, Instant, Serial, Words
from syncd.store.tables.naming import metadata


class _LeadTracks(TypedColumns):
    id: Named[str] = Column(Words, primary_key=True)
    system: Named[System] = Column(Choice(System), primary_key=True)
    person: Named[str | None] = Column(Words)
    state: Named[str] = Column(Words)
    reason: Named[str] = Column(Words)
    text: Named[str] = Column(Words)
    created_at: Named[datetime] = Column(Instant)
    seen_at: Named[datetime] = Column(Instant)
    seen_change: Named[int] = Column(Serial)
    waiting_since: Named[datetime | None] = Column(Instant)
    owner: Named[str | None] = Column(Words)
    rep: Named[str | None] = Column(Words)
    assigned_at: Named[datetime | None] = Column(Instant)
    assigned_by: Named[str | None] = Column(Words)
    clock_from: Named[datetime | None] = Column(Instant)
    due_at: Named[datetime | None] = Column(Instant)
    touched_at: Named[datetime | None] = Column(Instant)
    breached_at: Named[datetime | None] = Column(Instant)
    reassigned_at: Named[datetime | None] = Column(Instant)
    matched: Named[str | None] = Column(Words)
    plan_id: Named[str | None] = Column(Words)
    decided_at: Named[datetime | None] = Column(Instant)


lead_tracks: Table[_LeadTracks] = Table(
    "lead_tracks",
    metadata,
    _LeadTracks,
    Index("ix_lead_tracks_state", "state"),
    Index("ix_lead_tracks_person", "person"),
    Index("ix_lead_tracks_assigned_at", "assigned_at"),
    CheckConstraint("state IN ('waiting', 'queued', 'assigned', 'touched', 'closed')", name="state"),
    sqlite_strict=True,
)
