"""The way of deals through their stages: what pulls saw, and what the CRMs told of the time before.

A pull writes down the stage of an open deal that is new or has another stage than before, at the record's stamp. The
CRM's own history, once it was asked, takes the place of what was seen until then. Knows no forecast.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, bindparam, delete, func, select, type_coerce

from syncd.model.refs import Ref
from syncd.store.columns import RefText
from syncd.store.tables import stage_entries as _t
from syncd.store.upserts import LISTED, chunks, insert_new, rows_with, upsert

_LAST_REF = select(type_coerce(func.max(_t.c.ref), Text))
_AS_TEXT = (type_coerce(_t.c.ref, Text).label("ref"), type_coerce(_t.c.at, Text).label("at"), _t.c.stage)


@dataclass(frozen=True, slots=True)
class StageEntry:
    """A deal stood in a stage from this instant on, until its next entry or its end."""

    at: datetime
    stage: str


def open_stage(deleted: bool, closed: str | None, won: str | None, stage: str | None) -> str | None:
    """The stage that a deal stands in and may still leave, from its fields `is_closed`, `is_won` and `stage`."""
    return None if deleted or closed == "true" or won == "true" else stage or None


def note_stages(conn: Connection, opened: Iterable[tuple[str, str, str]]) -> int:
    """Write down the stages of open deals that just changed the mirror: ref, stamp and stage, all as clean text.

    Returns how many entries were new. Closed deals end their way by their close date, so that only open ones are
    written down.
    """
    seen = {ref: (stamp, stage) for ref, stamp, stage in opened}
    if not seen:
        return 0
    last = conn.execute(_LAST_REF).scalar()
    rows: list[tuple[object, ...]] = []
    for batch in chunks(seen, LISTED):
        known = _newest(conn, batch) if last is not None and min(batch) <= last else {}
        for ref in batch:
            at, stage = seen[ref]
            held = known.get(ref)
            if held is None or (held[1] != stage and held[0] < at):
                rows.append((ref, at, stage, False))
    if rows:
        insert_new(conn, _t, ("ref", "at", "stage", "told"), rows)
    return len(rows)


def tell_stages(conn: Connection, told: Mapping[Ref, Sequence[StageEntry]]) -> int:
    """Keep what the CRM says of some deals' ways, and drop what pulls saw up to its last entry; how many deals."""
    with_way = {ref: entries for ref, entries in told.items() if entries}
    if not with_way:
        return 0
    until = [{"mine": ref, "last": max(each.at for each in entries)} for ref, entries in with_way.items()]
    conn.execute(delete(_t).where(_t.c.ref == bindparam("mine", type_=RefText), _t.c.at <= bindparam("last")), until)
    rows = [
        {"ref": ref, "at": each.at, "stage": each.stage, "told": True}
        for ref, entries in with_way.items()
        for each in entries
    ]
    conn.execute(upsert(conn, _t, ("ref", "at"), ("stage", "told")), rows)
    return len(with_way)


def ways(conn: Connection) -> Mapping[Ref, tuple[StageEntry, ...]]:
    """Every deal's way as far as it is known, the oldest entry first."""
    found: dict[Ref, list[StageEntry]] = defaultdict(list)
    for ref, at, stage in conn.execute(select(_t.c.ref, _t.c.at, _t.c.stage).order_by(_t.c.ref, _t.c.at)):
        found[ref].append(StageEntry(at, stage))
    return {ref: tuple(entries) for ref, entries in found.items()}


def told_ways(conn: Connection) -> frozenset[Ref]:
    """The deals of which the CRM's own history was read."""
    return frozenset(conn.execute(select(_t.c.ref).where(_t.c.told == True).distinct()).scalars())  # noqa: E712 - SQL


def forget_ways(conn: Connection, refs: Iterable[Ref]) -> None:
    """Drop the ways of deals that are gone for good."""
    for batch in chunks(refs):
        conn.execute(delete(_t).where(_t.c.ref.in_(batch)))


def _newest(conn: Connection, refs: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The newest entry of each deal, by its ref as text: its instant as text, and its stage."""
    key: Any = _t.c.ref
    found: dict[str, tuple[str, str]] = {}
    for ref, at, stage in rows_with(conn, key, refs, _AS_TEXT):
        if ref not in found or found[ref][0] < at:
            found[ref] = (at, stage)
    return found
