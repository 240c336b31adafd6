"""Merges followed: what syncd remembers of a record that was merged away goes on with the record it became.

Overrides that people adopted, what people said of pairs, the other CRM's record of the company, and the marks move to
the winner where it has none of its own. A winner that was made by the merge gets its marks when it is first seen: which
of the losers' it is depends on what the winner holds. The loser's history stays under its ref.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from syncd.model.plans import OWNER_FIELD, Slot, held_value
from syncd.model.refs import Kind, Ref, System
from syncd.store import ledger, mirror
from syncd.store.ownership import OwnerMark
from syncd.store.tables import adopted_overrides, applied, company_links, link_candidates, owner_marks, records
from syncd.store.upserts import chunks, upsert
from syncd.store.versions import APPLIED, MARKS, raise_version


@dataclass(frozen=True, slots=True)
class Legacy:
    """The mark of a record that was merged away, and what the mirror last saw in that field of it."""

    mark: OwnerMark
    held: str | None


def losers(conn: Connection) -> Mapping[Ref, Ref]:
    """Every account that was merged away, with the record it became in the end."""
    query = select(records.c.system, records.c.kind, records.c.id, records.c.merged_into).where(
        records.c.merged_into.is_not(None), records.c.kind == Kind.ACCOUNT
    )
    next_of = {
        Ref(row.system, row.kind, row.id): Ref(row.system, row.kind, row.merged_into) for row in conn.execute(query)
    }
    return {loser: _last(loser, next_of) for loser in sorted(next_of)}


def follow(conn: Connection, *, now: datetime, run_id: str | None) -> int:
    """Move on what hangs on records that were merged away; returns how many of those there were.

    Told once of each in the ledger. Call it in the transaction that saves the links, before them.
    """
    followed = 0
    for loser, winner in losers(conn).items():
        moved = [name for name, move in _MOVES.items() if move(conn, loser, winner)]
        if moved:
            followed += 1
            raise_version(conn, MARKS, APPLIED)
            facts = {"into": str(winner), "moved": ",".join(moved)}
            ledger.append(conn, at=now, event="record.merged", ref=str(loser), actor=None, run_id=run_id, facts=facts)
    return followed


def legacies(conn: Connection, winners: Collection[Ref]) -> Mapping[Slot, tuple[Legacy, ...]]:
    """What records that were merged into each of `winners` leave to it, by the winner and the field."""
    wanted = frozenset(winners)
    heirs = {loser: winner for loser, winner in losers(conn).items() if winner in wanted} if wanted else {}
    last = mirror.get_records(conn, heirs)
    found: dict[Slot, list[Legacy]] = defaultdict(list)
    for some in chunks(sorted(heirs)):
        rows = conn.execute(select(owner_marks).where(owner_marks.c.ref.in_(some)).order_by(owner_marks.c.ref))
        for row in rows:
            mark = OwnerMark(row.owner, row.source, row.at)
            found[heirs[row.ref], row.field].append(Legacy(mark, held_value(last[row.ref], row.field)))
    return {slot: tuple(each) for slot, each in found.items()}


def _last(loser: Ref, next_of: Mapping[Ref, Ref]) -> Ref:
    """The end of a chain of merges; a circle, which no CRM makes, ends where it began."""
    seen = {loser}
    while (winner := next_of.get(loser)) is not None and winner not in seen:
        seen.add(winner)
        loser = winner
    return loser


def _move_mark(conn: Connection, loser: Ref, winner: Ref) -> bool:
    """The winner's own mark counts: what its owner was before the merge is what a person may have changed since.

    One that has none yet was never seen before: its `legacies` wait for it.
    """
    rows = conn.execute(select(owner_marks).where(owner_marks.c.ref == loser)).mappings().all()
    own = owner_marks.c.ref == winner, owner_marks.c.field == OWNER_FIELD
    if not rows or not conn.execute(select(owner_marks.c.ref).where(*own)).first():
        return False
    conn.execute(upsert(conn, owner_marks, ("ref", "field")), [{**row, "ref": winner} for row in rows])
    conn.execute(delete(owner_marks).where(owner_marks.c.ref == loser))
    return True


def _move_overrides(conn: Connection, loser: Ref, winner: Ref) -> bool:
    """Two overrides in force for one account and role contradict each other, so a second one ends with the merge."""
    table = adopted_overrides
    standing = table.c.ended_at.is_(None)
    if not conn.execute(select(table.c.id).where(table.c.account == loser, standing)).first():
        return False
    roles = conn.execute(select(table.c.role).where(table.c.account == loser, standing).distinct()).scalars().all()
    for role in roles:
        of_role = standing, table.c.role == role
        taken = conn.execute(select(table.c.at).where(table.c.account == winner, *of_role)).scalar()
        mine = update(table).where(table.c.account == loser, *of_role)
        conn.execute(mine.values(account=winner) if taken is None else mine.values(ended_at=taken))
    return True


def _move_pairs(conn: Connection, loser: Ref, winner: Ref) -> bool:
    """What a person said of a pair is said of the pair that it became; open candidates are found anew."""
    table = link_candidates
    rows = (
        conn.execute(select(table).where(or_(table.c.salesforce == loser, table.c.hubspot == loser))).mappings().all()
    )
    decided = [dict(row) for row in rows if row["state"] != "open"]
    for row in decided:
        pair = {side: winner if row[side] == loser else row[side] for side in ("salesforce", "hubspot")}
        conn.execute(upsert(conn, table, ("salesforce", "hubspot")), {**row, **pair})
    conn.execute(delete(table).where(or_(table.c.salesforce == loser, table.c.hubspot == loser)))
    return bool(decided)


def _move_applied(conn: Connection, loser: Ref, winner: Ref) -> bool:
    """What was last applied to the loser's company, where the winner's has nothing and the loser stood alone."""
    company = conn.execute(select(company_links.c.company).where(company_links.c.ref == winner)).scalar() or str(winner)
    rows = conn.execute(select(applied).where(applied.c.company == str(loser))).mappings().all()
    others = company_links.c.company == str(loser), company_links.c.ref != loser
    if not rows or conn.execute(select(company_links.c.ref).where(*others)).first():
        return False
    conn.execute(upsert(conn, applied, ("company", "role")), [{**row, "company": company} for row in rows])
    conn.execute(delete(applied).where(applied.c.company == str(loser)))
    return True


def _move_link(conn: Connection, loser: Ref, winner: Ref) -> bool:
    """The other CRM's record of the loser's company goes on with the winner, where that stands alone.

    Kept as a word that no evidence of the loser's is needed for any more, and that a person may take back.
    """
    found = conn.execute(select(company_links.c.company).where(company_links.c.ref == loser)).scalar()
    own = conn.execute(select(company_links.c.company).where(company_links.c.ref == winner)).scalar() or str(winner)
    others = conn.execute(select(company_links.c.ref).where(company_links.c.company == found)).scalars().all()
    partner = next((ref for ref in others if ref.system is not loser.system), None)
    taken = conn.execute(select(company_links.c.ref).where(company_links.c.company == own)).scalars().all()
    if partner is None or any(ref.system is not winner.system for ref in taken):
        return False
    salesforce, hubspot = (winner, partner) if winner.system is System.SALESFORCE else (partner, winner)
    spoken = (link_candidates.c.salesforce == salesforce) & (link_candidates.c.hubspot == hubspot)
    state = conn.execute(select(link_candidates.c.state).where(spoken)).scalar()
    if state not in (None, "open"):
        return False
    at = conn.execute(select(records.c.changed_at).where(_is_record(loser))).scalar_one()
    row = {"salesforce": salesforce, "hubspot": hubspot, "score": 100, "reason": f"{loser} was merged into {winner}"}
    row |= {"state": "confirmed", "decided_by": MERGE, "changed_at": at}
    names = ("score", "reason", "state", "decided_by", "changed_at")
    conn.execute(upsert(conn, link_candidates, ("salesforce", "hubspot"), names), row)
    return True


def _is_record(ref: Ref) -> ColumnElement[bool]:
    return (records.c.system == ref.system) & (records.c.kind == ref.kind) & (records.c.id == ref.id)


MERGE = "merge"
"""Who decided a pair that a merge made."""
_MOVES = {
    "mark": _move_mark,
    "override": _move_overrides,
    "pair": _move_pairs,
    "link": _move_link,
    "applied": _move_applied,
}
