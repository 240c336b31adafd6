"""Tables of alert episodes, their notices, the monitors' states, silences, and tallies for metrics."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Named,
    Table,
    TypedColumns,
    UniqueConstraint,
)

from syncd.store.columns import Document, Instant, Real, Serial, Words
from syncd.store.tables.naming import metadata, partial_index


class _Episodes(TypedColumns):
    id: Named[int] = Column(Serial, primary_key=True)
    fingerprint: Named[str] = Column(Words)
    monitor: Named[str] = Column(Words)
    subject: Named[str] = Column(Words)
    labels: Named[Mapping[str, str]] = Column(Document)
    severity: Named[str] = Column(Words)
    state: Named[str] = Column(Words)
    started_at: Named[datetime] = Column(Instant)
    fired_at: Named[datetime | None] = Column(Instant)
    resolved_at: Named[datetime | None] = Column(Instant)
    summary: Named[str] = Column(Words)
    detail: Named[Mapping[str, Any]] = Column(Document)
    acknowledged_by: Named[str | None] = Column(Words)
    acknowledged_at: Named[datetime | None] = Column(Instant)


episodes: Table[_Episodes] = Table(
    "episodes",
    metadata,
    _Episodes,
    Index("ix_episodes_state", "state", "started_at"),
    partial_index("uq_episodes_open_fingerprint", "fingerprint", unique=True, where="state IN ('pending', 'firing')"),
    CheckConstraint("state IN ('pending', 'firing', 'resolved')", name="state"),
    sqlite_strict=True,
)


class _Notices(TypedColumns):
    id: Named[int] = Column(Serial, primary_key=True)
    topic: Named[str] = Column(Words)
    episode_id: Named[int | None] = Column(Serial, ForeignKey("episodes.id"))
    receiver: Named[str] = Column(Words)
    reason: Named[str] = Column(Words)
    sequence: Named[int] = Column(Integer)
    body: Named[Mapping[str, Any]] = Column(Document)
    state: Named[str] = Column(Words)
    created_at: Named[datetime] = Column(Instant)
    due_at: Named[datetime] = Column(Instant)
    attempts: Named[int] = Column(Integer)
    finished_at: Named[datetime | None] = Column(Instant)
    outcome: Named[str | None] = Column(Words)


notices: Table[_Notices] = Table(
    "notices",
    metadata,
    _Notices,
    UniqueConstraint("topic", "receiver", "reason", "sequence"),
    Index("ix_notices_episode_id", "episode_id"),
    Index("ix_notices_due", "state", "due_at"),
    CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed')", name="state"),
    sqlite_strict=True,
)


class _MonitorBaselines(TypedColumns):
    monitor: Named[str] = Column(Words, primary_key=True)
    baseline_key: Named[str] = Column(Words)


monitor_baselines: Table[_MonitorBaselines] = Table(
    "monitor_baselines", metadata, _MonitorBaselines, sqlite_strict=True
)


class _MonitorStates(TypedColumns):
    monitor: Named[str] = Column(Words, primary_key=True)
    subject: Named[str] = Column(Words, primary_key=True)
    state: Named[str] = Column(Words)


monitor_states: Table[_MonitorStates] = Table("monitor_states", metadata, _MonitorStates, sqlite_strict=True)


class _Silences(TypedColumns):
    id: Named[int] = Column(Serial, primary_key=True)
    matchers: Named[Mapping[str, str]] = Column(Document)
    starts_at: Named[datetime] = Column(Instant)
    ends_at: Named[datetime] = Column(Instant)
    author: Named[str] = Column(Words)
    comment: Named[str] = Column(Words)
    created_at: Named[datetime] = Column(Instant)


silences: Table[_Silences] = Table(
    "silences", metadata, _Silences, Index("ix_silences_ends_at", "ends_at"), sqlite_strict=True
)


class _Tallies(TypedColumns):
    name: Named[str] = Column(Words, primary_key=True)
    labels: Named[Mapping[str, str]] = Column(Document, primary_key=True)
    value: Named[float] = Column(Real)


tallies: Table[_Tallies] = Table("tallies", metadata, _Tallies, sqlite_strict=True)
