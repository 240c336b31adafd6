"""Tables of plans, their writes and receipts, the ledger, the lease and the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Named,
    Table,
    TypedColumns,
)

from syncd.model.plans import PlanStatus, RowState
from syncd.model.refs import Ref
from syncd.store.columns import Choice, Document, Flag, Instant, RefText, Serial, Words
from syncd.store.tables.naming import metadata, partial_index


class _Plans(TypedColumns):
    plan_id: Named[str] = Column(Words, primary_key=True)
    hash: Named[str] = Column(Words)
    kind: Named[str] = Column(Words)
    status: Named[PlanStatus] = Column(Choice(PlanStatus))
    pack_revision: Named[str] = Column(Words)
    created_at: Named[datetime] = Column(Instant)
    expires_at: Named[datetime] = Column(Instant)
    document: Named[bytes] = Column(LargeBinary)


plans: Table[_Plans] = Table(
    "plans",
    metadata,
    _Plans,
    Index("ix_plans_created_at", "created_at"),
    CheckConstraint("status IN ('preview', 'offered', 'approved', 'applied', 'superseded', 'expired')", name="status"),
    sqlite_strict=True,
)


class _Approvals(TypedColumns):
    plan_id: Named[str] = Column(Words, ForeignKey("plans.plan_id"), primary_key=True)
    plan_hash: Named[str] = Column(Words)
    who: Named[str] = Column(Words)
    why: Named[str] = Column(Words)
    limits: Named[Sequence[str]] = Column(Document)
    at: Named[datetime] = Column(Instant)


approvals: Table[_Approvals] = Table("approvals", metadata, _Approvals, sqlite_strict=True)


class _Outbox(TypedColumns):
    id: Named[int] = Column(Serial, primary_key=True)
    plan_id: Named[str] = Column(Words, ForeignKey("plans.plan_id"))
    ref: Named[Ref] = Column(RefText)
    field: Named[str] = Column(Words)
    old: Named[str | None] = Column(Words)
    new: Named[str | None] = Column(Words)
    because: Named[str] = Column(Words)
    parent: Named[Ref | None] = Column(RefText)
    fingerprint: Named[str] = Column(Words)
    money: Named[str | None] = Column(Words)
    state: Named[RowState] = Column(Choice(RowState))
    attempts: Named[int] = Column(Integer)
    attempt: Named[str | None] = Column(Words)
    epoch: Named[int | None] = Column(Serial)
    stamp: Named[datetime | None] = Column(Instant)
    code: Named[str | None] = Column(Words)
    message: Named[str | None] = Column(Words)
    changed_at: Named[datetime] = Column(Instant)


outbox: Table[_Outbox] = Table(
    "outbox",
    metadata,
    _Outbox,
    Index("ix_outbox_plan_id", "plan_id"),
    partial_index("uq_outbox_open_ref", "ref", "field", unique=True, where="state IN ('approved', 'sending')"),
    CheckConstraint(
        "state IN ('approved', 'sending', 'confirmed', 'skipped_already', 'stale', 'conflict', 'rejected', 'blocked',"
        " 'dead')",
        name="state",
    ),
    sqlite_strict=True,
)


class _Receipts(TypedColumns):
    id: Named[int] = Column(Serial, primary_key=True)
    outbox_id: Named[int] = Column(Serial, ForeignKey("outbox.id"))
    plan_id: Named[str] = Column(Words)
    ref: Named[Ref] = Column(RefText)
    field: Named[str] = Column(Words)
    at: Named[datetime] = Column(Instant)
    state: Named[RowState] = Column(Choice(RowState))
    attempt: Named[str | None] = Column(Words)
    epoch: Named[int | None] = Column(Serial)
    code: Named[str | None] = Column(Words)
    message: Named[str | None] = Column(Words)
    request_id: Named[str | None] = Column(Words)
    before: Named[str | None] = Column(Words)
    after: Named[str | None] = Column(Words)


receipts: Table[_Receipts] = Table(
    "receipts",
    metadata,
    _Receipts,
    Index("ix_receipts_outbox_id", "outbox_id"),
    Index("ix_receipts_plan_id", "plan_id"),
    Index("ix_receipts_ref", "ref"),
    sqlite_strict=True,
)


class _SavedTeams(TypedColumns):
    outbox_id: Named[int] = Column(Serial, ForeignKey("outbox.id"), primary_key=True, autoincrement=False)
    ref: Named[Ref] = Column(RefText)
    members: Named[Sequence[Sequence[Any]]] = Column(Document)
    saved_at: Named[datetime] = Column(Instant)
    done: Named[bool] = Column(Flag)
    lost: Named[Sequence[Sequence[Any]] | None] = Column(Document)
    done_at: Named[datetime | None] = Column(Instant)


saved_teams: Table[_SavedTeams] = Table(
    "saved_teams", metadata, _SavedTeams, Index("ix_saved_teams_ref", "ref"), sqlite_strict=True
)


class _Ledger(TypedColumns):
    seq: Named[int] = Column(Serial, primary_key=True, autoincrement=False)
    at: Named[datetime] = Column(Instant)
    event: Named[str] = Column(Words)
    ref: Named[str | None] = Column(Words)
    actor: Named[str | None] = Column(Words)
    run_id: Named[str | None] = Column(Words)
    facts: Named[Mapping[str, str | int | None]] = Column(Document)
    payload_hash: Named[str | None] = Column(Words)
    previous: Named[str] = Column(Words)
    hash: Named[str] = Column(Words)


ledger: Table[_Ledger] = Table(
    "ledger",
    metadata,
    _Ledger,
    Index("ix_ledger_ref", "ref", "seq"),
    Index("ix_ledger_event", "event", "seq"),
    sqlite_strict=True,
)


class _LedgerPayloads(TypedColumns):
    seq: Named[int] = Column(Serial, ForeignKey("ledger.seq"), primary_key=True, autoincrement=False)
    salt: Named[str] = Column(Words)
    payload: Named[Mapping[str, Any]] = Column(Document)


ledger_payloads: Table[_LedgerPayloads] = Table("ledger_payloads", metadata, _LedgerPayloads, sqlite_strict=True)


class _LedgerHead(TypedColumns):
    id: Named[int] = Column(Integer, primary_key=True, autoincrement=False)
    seq: Named[int] = Column(Serial)
    hash: Named[str] = Column(Words)


ledger_head: Table[_LedgerHead] = Table(
    "ledger_head", metadata, _LedgerHead, CheckConstraint("id = 1", name="one"), sqlite_strict=True
)


class _Leases(TypedColumns):
    id: Named[int] = Column(Integer, primary_key=True, autoincrement=False)
    holder: Named[str | None] = Column(Words)
    epoch: Named[int] = Column(Serial)
    until: Named[datetime] = Column(Instant)
    writes_from: Named[datetime | None] = Column(Instant)


leases: Table[_Leases] = Table("leases", metadata, _Leases, CheckConstraint("id = 1", name="one"), sqlite_strict=True)


class _Packs(TypedColumns):
    revision: Named[str] = Column(Words, primary_key=True)
    source: Named[str] = Column(Words)
    stored_at: Named[datetime] = Column(Instant)
    active: Named[bool] = Column(Flag)
    archive: Named[bytes] = Column(LargeBinary)


packs: Table[_Packs] = Table("packs", metadata, _Packs, sqlite_strict=True)


class _Runs(TypedColumns):
    run_id: Named[str] = Column(Words, primary_key=True)
    job: Named[str] = Column(Words)
    started_at: Named[datetime] = Column(Instant)
    finished_at: Named[datetime | None] = Column(Instant)
    outcome: Named[str | None] = Column(Words)
    detail: Named[Mapping[str, Any]] = Column(Document)
    summary: Named[Mapping[str, Any]] = Column(Document)


runs: Table[_Runs] = Table(
    "runs",
    metadata,
    _Runs,
    Index("ix_runs_job", "job", "started_at"),
    Index("ix_runs_started_at", "started_at"),
    sqlite_strict=True,
)
