"""What picks remember: the standings of rotations, the accounts that were given, and retrievals.

Rotations are charged by receipts only: once for each company of a plan, in the transaction of the receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from syncd.model.rotation import Standing, Standings, Turn, charged
from syncd.store.tables import assignments as assignment_table
from syncd.store.tables import retrievals as retrieval_table
from syncd.store.tables import rotations as rotation_table
from syncd.store.upserts import chunks, upsert


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """One account that a plan gave to a rep: why (the decision's reason), and when its first receipt came."""

    plan_id: str
    company: str
    role: str
    owner: str
    territory: str | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RetrievalRow:
    """Where a company stands with `retrieve`: who was told and when, and the last time it was taken back."""

    noticed_at: datetime | None = None
    noticed_owner: str | None = None
    retrieved_at: datetime | None = None
    from_owner: str | None = None
    to_owner: str | None = None
    territory: str | None = None


def record_assignments(conn: Connection, plan_id: str, rows: Sequence[AssignmentRow]) -> frozenset[tuple[str, str]]:
    """Remember the accounts that a plan gave; which of them (company and role) are new. Each is given once by it."""
    table = assignment_table
    known: set[tuple[str, str]] = set()
    for batch in chunks(sorted({row.company for row in rows})):
        query = select(table.c.company, table.c.role).where(table.c.plan_id == plan_id, table.c.company.in_(batch))
        known.update((company, role) for company, role in conn.execute(query))
    new = {(row.company, row.role): row for row in rows if (row.company, row.role) not in known}
    if new:
        told = [
            {
                "plan_id": plan_id,
                "company": row.company,
                "role": row.role,
                "owner": row.owner,
                "territory": row.territory,
                "reason": row.reason,
                "at": row.at,
            }
            for row in new.values()
        ]
        conn.execute(table.insert(), told)
    return frozenset(new)


def assignments_since(conn: Connection, since: datetime) -> tuple[AssignmentRow, ...]:
    """Every account given at or after an instant, oldest first."""
    return tuple(
        AssignmentRow(row.plan_id, row.company, row.role, row.owner, row.territory, row.reason, row.at)
        for row in conn.execute(_SINCE, {"since": since})
    )


_SINCE = (
    select(assignment_table)
    .where(assignment_table.c.at >= bindparam("since"))
    .order_by(assignment_table.c.at, assignment_table.c.plan_id, assignment_table.c.company)
)


def companies_given(conn: Connection, plan_id: str, role: str) -> frozenset[str]:
    """The companies that a plan has given already in a role: their turns are taken."""
    table = assignment_table
    query = select(table.c.company).where((table.c.plan_id == plan_id) & (table.c.role == role))
    return frozenset(conn.execute(query).scalars())


def charge(conn: Connection, role: str, turn: Turn, *, at: datetime) -> None:
    """Charge a turn to its rotation; the standings of a former name are taken over at the first charge."""
    standings: Standings = standings_of(conn, role, turn.rotation)
    carried: Standings = {}
    if not standings and turn.former is not None:
        carried = standings = standings_of(conn, role, turn.former)
    _save(conn, role, turn.rotation, {**carried, **charged(standings, turn, at)})


def standings_of(conn: Connection, role: str, rotation: str) -> Standings:
    """The standing of every member of one rotation, by member."""
    table = rotation_table
    query = select(table).where((table.c.role == role) & (table.c.rotation == rotation)).order_by(table.c.member)
    return {row.member: _standing(row) for row in conn.execute(query)}


def rotations(conn: Connection) -> Mapping[tuple[str, str], Standings]:
    """The standings of every rotation, by role and name."""
    found: dict[tuple[str, str], dict[str, Standing]] = {}
    for row in conn.execute(_ROTATIONS):
        found.setdefault((row.role, row.rotation), {})[row.member] = _standing(row)
    return found


_ROTATIONS = select(rotation_table).order_by(rotation_table.c.role, rotation_table.c.rotation, rotation_table.c.member)


def retrievals(conn: Connection) -> Mapping[str, RetrievalRow]:
    """Where every company stands with `retrieve` that ever came to it, by company."""
    return {
        row.company: RetrievalRow(
            row.noticed_at, row.noticed_owner, row.retrieved_at, row.from_owner, row.to_owner, row.territory
        )
        for row in conn.execute(_RETRIEVALS)
    }


_RETRIEVALS = select(retrieval_table).order_by(retrieval_table.c.company)


def notice(conn: Connection, told: Mapping[str, str], *, now: datetime) -> None:
    """Remember that owners (e-mails, by company) are told that these accounts will be taken back."""
    rows = [{"company": company, "noticed_at": now, "noticed_owner": owner} for company, owner in sorted(told.items())]
    for chunk in chunks(rows):
        conn.execute(upsert(conn, retrieval_table, ("company",), ("noticed_at", "noticed_owner")), chunk)


def forget_notices(conn: Connection, companies: Iterable[str]) -> None:
    """Forget that the owners of these were told: their accounts are worked again, or are somebody else's."""
    table = retrieval_table
    for chunk in chunks(sorted(companies)):
        never = table.c.company.in_(chunk) & table.c.retrieved_at.is_(None)
        conn.execute(delete(table).where(never))
        conn.execute(update(table).where(table.c.company.in_(chunk)).values(noticed_at=None, noticed_owner=None))


def record_retrieval(
    conn: Connection, company: str, *, from_owner: str | None, to_owner: str, territory: str | None, at: datetime
) -> None:
    """Remember that an account was taken back; the notice is used up."""
    row = {
        "company": company,
        "noticed_at": None,
        "noticed_owner": None,
        "retrieved_at": at,
        "from_owner": from_owner,
        "to_owner": to_owner,
        "territory": territory,
    }
    conn.execute(upsert(conn, retrieval_table, ("company",), tuple(name for name in row if name != "company")), row)


def _standing(row: Row[Any]) -> Standing:
    return Standing(row.given, Fraction(row.due), row.eligible, row.eligible_seconds, row.since, row.last)


def _save(conn: Connection, role: str, rotation: str, standings: Standings) -> None:
    names = ("given", "due", "eligible", "eligible_seconds", "since", "last")
    rows = [
        {
            "role": role,
            "rotation": rotation,
            "member": member,
            "given": each.given,
            "due": str(each.due),
            "eligible": each.eligible,
            "eligible_seconds": each.eligible_seconds,
            "since": each.since,
            "last": each.last,
        }
        for member, each in sorted(standings.items())
    ]
    conn.execute(upsert(conn, rotation_table, ("role", "rotation", "member"), names), rows)
