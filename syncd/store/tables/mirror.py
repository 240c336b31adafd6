"""Tables of what the CRMs hold, how records are linked, and which owners syncd knows of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    Named,
    Table,
    TypedColumns,
)

from syncd.model.refs import Kind, Ref, System
from syncd.store.columns import Choice, Day, Document, Flag, Instant, RefText, Serial, Words
from syncd.store.tables.naming import metadata, partial_index


class _Systems(TypedColumns):
    system: Named[System] = Column(Choice(System), primary_key=True)
    account_id: Named[str | None] = Column(Words)
    as_of: Named[datetime | None] = Column(Instant)
    complete: Named[bool] = Column(Flag)
    complete_run: Named[str | None] = Column(Words)
    mapping_revision: Named[str | None] = Column(Words)
    last_outcome: Named[str | None] = Column(Words)
    last_error: Named[str | None] = Column(Words)
    teams_readable: Named[bool] = Column(Flag)
    native_sync: Named[str | None] = Column(Words)
    changed_at: Named[datetime] = Column(Instant)


systems: Table[_Systems] = Table("systems", metadata, _Systems, sqlite_strict=True)


class _Records(TypedColumns):
    # the id leads each index: PostgreSQL without statistics would else walk all of a kind for every list of ids
    id: Named[str] = Column(Words, primary_key=True)
    system: Named[System] = Column(Choice(System), primary_key=True)
    kind: Named[Kind] = Column(Choice(Kind), primary_key=True)
    stamp: Named[datetime] = Column(Instant)
    owner: Named[str | None] = Column(Words)
    account: Named[str | None] = Column(Words)
    deleted: Named[bool] = Column(Flag)
    merged_into: Named[str | None] = Column(Words)
    merged_from: Named[Sequence[str] | None] = Column(Document)
    modified_by: Named[str | None] = Column(Words)
    fields: Named[Mapping[str, str]] = Column(Document)
    content_hash: Named[str] = Column(Words)
    change_seq: Named[int] = Column(Serial)
    first_seen: Named[datetime] = Column(Instant)
    changed_at: Named[datetime] = Column(Instant)
    run_id: Named[str | None] = Column(Words)
    name_key: Named[str | None] = Column(Words)
    domain: Named[str | None] = Column(Words)


records: Table[_Records] = Table(
    "records",
    metadata,
    _Records,
    # all four, or SQLite without statistics walks ix_records_live instead
    partial_index("ix_records_account", "account", "system", "kind", "deleted", where="account IS NOT NULL"),
    partial_index("ix_records_domain", "domain", where="domain IS NOT NULL"),
    partial_index("ix_records_name_key", "name_key", where="name_key IS NOT NULL"),
    Index("ix_records_change_seq", "change_seq", unique=True),
    Index("ix_records_live", "system", "kind", "deleted"),  # counting must not read every row
    sqlite_strict=True,
)


class _Cursors(TypedColumns):
    system: Named[System] = Column(Choice(System), primary_key=True)
    kind: Named[Kind] = Column(Choice(Kind), primary_key=True)
    lane: Named[str] = Column(Words, primary_key=True)
    through: Named[datetime | None] = Column(Instant)
    window_lower: Named[datetime | None] = Column(Instant)
    window_upper: Named[datetime | None] = Column(Instant)
    resume: Named[str | None] = Column(Words)


cursors: Table[_Cursors] = Table("cursors", metadata, _Cursors, sqlite_strict=True)


class _ObjectSchemas(TypedColumns):
    system: Named[System] = Column(Choice(System), primary_key=True)
    kind: Named[Kind] = Column(Choice(Kind), primary_key=True)
    object: Named[str] = Column(Words)
    revision: Named[str] = Column(Words)
    document: Named[str] = Column(Words)
    changed_at: Named[datetime] = Column(Instant)


object_schemas: Table[_ObjectSchemas] = Table("object_schemas", metadata, _ObjectSchemas, sqlite_strict=True)


class _CurrencyRates(TypedColumns):
    system: Named[System] = Column(Choice(System), primary_key=True)
    currency: Named[str] = Column(Words, primary_key=True)
    since: Named[date] = Column(Day, primary_key=True)
    units: Named[str] = Column(Words)
    read_at: Named[datetime] = Column(Instant)


currency_rates: Table[_CurrencyRates] = Table("currency_rates", metadata, _CurrencyRates, sqlite_strict=True)


class _OwnerChanges(TypedColumns):
    seq: Named[int] = Column(Serial, primary_key=True)
    ref: Named[Ref] = Column(RefText)
    field: Named[str] = Column(Words)
    at: Named[datetime] = Column(Instant)
    old: Named[str | None] = Column(Words)
    new: Named[str | None] = Column(Words)
    modified_by: Named[str | None] = Column(Words)
    source: Named[str | None] = Column(Words)
    told: Named[bool] = Column(Flag)
    seen_at: Named[datetime] = Column(Instant)
    run_id: Named[str | None] = Column(Words)


owner_changes: Table[_OwnerChanges] = Table(
    "owner_changes", metadata, _OwnerChanges, Index("ix_owner_changes_ref", "ref", "seq"), sqlite_strict=True
)


class _StageEntries(TypedColumns):
    ref: Named[Ref] = Column(RefText, primary_key=True)
    at: Named[datetime] = Column(Instant, primary_key=True)
    stage: Named[str] = Column(Words)
    told: Named[bool] = Column(Flag)


stage_entries: Table[_StageEntries] = Table("stage_entries", metadata, _StageEntries, sqlite_strict=True)


class _Users(TypedColumns):
    system: Named[System] = Column(Choice(System), primary_key=True)
    id: Named[str] = Column(Words, primary_key=True)
    email: Named[str] = Column(Words)
    name: Named[str] = Column(Words)
    active: Named[bool] = Column(Flag)
    eligible: Named[bool] = Column(Flag)
    login: Named[str | None] = Column(Words)
    fields: Named[Mapping[str, str]] = Column(Document)
    vanished: Named[bool] = Column(Flag)
    changed_at: Named[datetime] = Column(Instant)
    run_id: Named[str | None] = Column(Words)


users: Table[_Users] = Table("users", metadata, _Users, sqlite_strict=True)


class _Teams(TypedColumns):
    system: Named[System] = Column(Choice(System), primary_key=True)
    account: Named[str] = Column(Words, primary_key=True)
    members: Named[Sequence[Sequence[Any]]] = Column(Document)
    restorable: Named[bool] = Column(Flag)
    changed_at: Named[datetime] = Column(Instant)


teams: Table[_Teams] = Table("teams", metadata, _Teams, sqlite_strict=True)


class _CompanyLinks(TypedColumns):
    ref: Named[Ref] = Column(RefText, primary_key=True)
    company: Named[str] = Column(Words)
    evidence: Named[str | None] = Column(Words)
    since: Named[datetime] = Column(Instant)


company_links: Table[_CompanyLinks] = Table(
    "company_links", metadata, _CompanyLinks, Index("ix_company_links_company", "company"), sqlite_strict=True
)


class _LinkCandidates(TypedColumns):
    salesforce: Named[Ref] = Column(RefText, primary_key=True)
    hubspot: Named[Ref] = Column(RefText, primary_key=True)
    score: Named[int] = Column(Integer)
    reason: Named[str] = Column(Words)
    state: Named[str] = Column(Words)
    decided_by: Named[str | None] = Column(Words)
    changed_at: Named[datetime] = Column(Instant)


link_candidates: Table[_LinkCandidates] = Table(
    "link_candidates",
    metadata,
    _LinkCandidates,
    CheckConstraint("state IN ('open', 'confirmed', 'rejected')", name="state"),
    sqlite_strict=True,
)


class _OwnerMarks(TypedColumns):
    ref: Named[Ref] = Column(RefText, primary_key=True)
    field: Named[str] = Column(Words, primary_key=True)
    kind: Named[Kind] = Column(Choice(Kind))
    owner: Named[str | None] = Column(Words)
    source: Named[str] = Column(Words)
    at: Named[datetime] = Column(Instant)


owner_marks: Table[_OwnerMarks] = Table(
    "owner_marks",
    metadata,
    _OwnerMarks,
    Index("ix_owner_marks_kind", "kind"),
    CheckConstraint("source IN ('adopted', 'first-seen', 'written', 'expected')", name="source"),
    sqlite_strict=True,
)


class _Adoptions(TypedColumns):
    id: Named[int] = Column(Serial, primary_key=True)
    at: Named[datetime] = Column(Instant)
    run_id: Named[str | None] = Column(Words)
    counts: Named[Mapping[str, int]] = Column(Document)


adoptions: Table[_Adoptions] = Table("adoptions", metadata, _Adoptions, sqlite_strict=True)


class _Applied(TypedColumns):
    company: Named[str] = Column(Words, primary_key=True)
    role: Named[str] = Column(Words, primary_key=True)
    territory: Named[str | None] = Column(Words)
    owner: Named[str | None] = Column(Words)
    at: Named[datetime] = Column(Instant)
    pack_revision: Named[str] = Column(Words)
    rates_as_of: Named[date | None] = Column(Day)
    amounts: Named[str | None] = Column(Words)


applied: Table[_Applied] = Table("applied", metadata, _Applied, sqlite_strict=True)


class _BookVersions(TypedColumns):
    name: Named[str] = Column(Words, primary_key=True)
    number: Named[int] = Column(Serial)


book_versions: Table[_BookVersions] = Table("book_versions", metadata, _BookVersions, sqlite_strict=True)


class _AdoptedOverrides(TypedColumns):
    id: Named[int] = Column(Serial, primary_key=True)
    account: Named[Ref] = Column(RefText)
    role: Named[str] = Column(Words)
    owner: Named[str] = Column(Words)
    who: Named[str] = Column(Words)
    why: Named[str] = Column(Words)
    expires: Named[date | None] = Column(Day)
    at: Named[datetime] = Column(Instant)
    ended_at: Named[datetime | None] = Column(Instant)


adopted_overrides: Table[_AdoptedOverrides] = Table(
    "adopted_overrides", metadata, _AdoptedOverrides, sqlite_strict=True
)


class _Blocked(TypedColumns):
    ref: Named[Ref] = Column(RefText, primary_key=True)
    field: Named[str] = Column(Words, primary_key=True)
    new_owner: Named[str | None] = Column(Words)
    code: Named[str] = Column(Words)
    message: Named[str] = Column(Words)
    until: Named[datetime] = Column(Instant)
    rule_text: Named[str] = Column(Words)


blocked: Table[_Blocked] = Table("blocked", metadata, _Blocked, sqlite_strict=True)
