"""Scores as they were: a row for a company in each scoring run that came to something else than the run before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, select

from syncd.store.tables import scores
from syncd.store.upserts import chunks


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One company's score: `parts` are the points of each component as text; no values that led to them."""

    score: int | None
    band: str | None
    parts: Mapping[str, str]
    pack_revision: str


def save_scores(conn: Connection, run_id: str, rows: Mapping[str, ScoreRow], *, now: datetime) -> int:
    """Keep what differs from what is known; returns how many companies that were."""
    known = scores_at(conn)
    changed = [
        {
            "company": company,
            "run_id": run_id,
            "at": now,
            "pack_revision": row.pack_revision,
            "score": row.score,
            "band": row.band,
            "parts": dict(row.parts),
        }
        for company, row in rows.items()
        if known.get(company) != row
    ]
    for batch in chunks(changed):
        conn.execute(scores.insert(), batch)
    return len(changed)


def scores_at(conn: Connection, at: datetime | None = None) -> Mapping[str, ScoreRow]:
    """Every company's score as of an instant, or as of the last run; a company of no run is not in it."""
    newest = select(scores.c.company, func.max(scores.c.at).label("at")).group_by(scores.c.company)
    if at is not None:
        newest = newest.where(scores.c.at <= at)
    last = newest.subquery()
    query = select(scores).join(last, (scores.c.company == last.c.company) & (scores.c.at == last.c.at))
    return {
        row.company: ScoreRow(row.score, row.band, row.parts, row.pack_revision)
        for row in conn.execute(query.order_by(scores.c.company, scores.c.run_id))
    }


def drop_scores(conn: Connection, before: datetime, limit: int) -> int:
    """Take away rows older than an instant that are not the last of their company, at most `limit`; how many."""
    later = scores.alias("later")
    outdated = exists().where(later.c.company == scores.c.company, later.c.at > scores.c.at)
    query = select(scores.c.company, scores.c.run_id).where(scores.c.at < before, outdated).limit(limit)
    found: Iterable[tuple[str, str]] = [(row.company, row.run_id) for row in conn.execute(query)]
    count = 0
    for company, run_id in found:
        conn.execute(delete(scores).where(scores.c.company == company, scores.c.run_id == run_id))
        count += 1
    return count
