"""The table of scores: what each scoring run came to for each company, where it differs from the run before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Column, Index, Integer, Named, Table, TypedColumns

from syncd.store.columns import Document, Instant, Words
from syncd.store.tables.naming import metadata


class _Scores(TypedColumns):
    company: Named[str] = Column(Words, primary_key=True)
    run_id: Named[str] = Column(Words, primary_key=True)
    at: Named[datetime] = Column(Instant)
    pack_revision: Named[str] = Column(Words)
    score: Named[int | None] = Column(Integer)
    band: Named[str | None] = Column(Words)
    parts: Named[Mapping[str, str]] = Column(Document)


scores: Table[_Scores] = Table("scores", metadata, _Scores, Index("ix_scores_at", "at"), sqlite_strict=True)
