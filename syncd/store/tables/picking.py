"""Tables of what picks remember: rotations, accounts given, and where accounts stand with `retrieve`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, Integer, Named, Table, TypedColumns

from syncd.store.columns import Instant, Serial, Words
from syncd.store.tables.naming import metadata


class _Rotations(TypedColumns):
    role: Named[str] = Column(Words, primary_key=True)
    rotation: Named[str] = Column(Words, primary_key=True)
    member: Named[str] = Column(Words, primary_key=True)
    given: Named[int] = Column(Integer)
    due: Named[str] = Column(Words)
    eligible: Named[int] = Column(Integer)
    eligible_seconds: Named[int] = Column(Serial)
    since: Named[datetime | None] = Column(Instant)
    last: Named[datetime | None] = Column(Instant)


rotations: Table[_Rotations] = Table("rotations", metadata, _Rotations, sqlite_strict=True)


class _Assignments(TypedColumns):
    plan_id: Named[str] = Column(Words, primary_key=True)
    company: Named[str] = Column(Words, primary_key=True)
    role: Named[str] = Column(Words, primary_key=True)
    owner: Named[str] = Column(Words)
    territory: Named[str | None] = Column(Words)
    reason: Named[str] = Column(Words)
    at: Named[datetime] = Column(Instant)


assignments: Table[_Assignments] = Table(
    "assignments", metadata, _Assignments, Index("ix_assignments_at", "at"), sqlite_strict=True
)


class _Retrievals(TypedColumns):
    company: Named[str] = Column(Words, primary_key=True)
    noticed_at: Named[datetime | None] = Column(Instant)
    noticed_owner: Named[str | None] = Column(Words)
    retrieved_at: Named[datetime | None] = Column(Instant)
    from_owner: Named[str | None] = Column(Words)
    to_owner: Named[str | None] = Column(Words)
    territory: Named[str | None] = Column(Words)


retrievals: Table[_Retrievals] = Table("retrievals", metadata, _Retrievals, sqlite_strict=True)
