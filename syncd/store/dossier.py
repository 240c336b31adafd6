"""What the store holds of a few companies, found by index: for looking at one company of a hundred thousand.

The whole-book readings of the same tables are in companies, ownership and picking; these say the same of fewer rows.
Knows nothing of rules, and decides nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from syncd.errors import StorageError
from syncd.model.plans import PlanStatus, canonical_json
from syncd.model.records import Record, Team
from syncd.model.refs import Kind, Ref, System
from syncd.store.outbox import OPEN
from syncd.store.ownership import AppliedRow, OwnerMark
from syncd.store.people import TeamsView, team_of
from syncd.store.picking import RetrievalRow
from syncd.store.records import get_records, records_of_account
from syncd.store.tables import applied as applied_table
from syncd.store.tables import company_links, outbox, owner_marks, plans, systems, teams
from syncd.store.tables import retrievals as retrieval_table
from syncd.store.upserts import chunks


@dataclass(frozen=True, slots=True)
class PlannedEntry:
    """One decision as a saved plan holds it, and which plan that is."""

    plan_id: str
    status: PlanStatus
    pack_revision: str
    created_at: datetime
    entry: Mapping[str, Any]


def company_keys(conn: Connection, refs: Iterable[Ref]) -> Mapping[Ref, str]:
    """The company of each of these records: itself where it is linked to none."""
    wanted = list(refs)
    found: dict[Ref, str] = {}
    for batch in chunks(wanted):
        query = select(company_links.c.ref, company_links.c.company).where(company_links.c.ref.in_(batch))
        found.update(conn.execute(query).all())
    return {ref: found.get(ref, str(ref)) for ref in wanted}


def members_of(conn: Connection, companies: Iterable[str]) -> Mapping[str, tuple[Ref, ...]]:
    """The records of each of these companies, sorted; a company that was never linked is the record it is named by."""
    wanted = sorted(set(companies))
    found: dict[str, set[Ref]] = defaultdict(set)
    for batch in chunks(wanted):
        query = select(company_links.c.company, company_links.c.ref).where(company_links.c.company.in_(batch))
        for company, ref in conn.execute(query):
            found[company].add(ref)
    return {company: tuple(sorted(found.get(company) or {Ref.parse(company)})) for company in wanted}


def family_records(
    conn: Connection, companies: Iterable[str], systems: frozenset[System]
) -> Mapping[str, tuple[Record, ...]]:
    """The live records of these companies and of all that are joined with them by parents, by company key.

    Upward and downward, as far as the mirror goes; a parent is named by its id in the same system.
    """
    found: dict[str, list[Record]] = {}
    waiting = set(companies)
    while waiting:
        members = members_of(conn, waiting)
        refs = [ref for company in sorted(members) for ref in members[company] if ref.system in systems]
        held = get_records(conn, refs)
        level = {company: [held[ref] for ref in members[company] if ref in held] for company in sorted(members)}
        found.update({company: [each for each in records if not each.deleted] for company, records in level.items()})
        live = [record for company in level for record in found[company]]
        parents = {
            Ref(record.ref.system, Kind.ACCOUNT, parent)
            for record in live
            if (parent := record.account or record.fields.get("parent"))
        }
        children = records_of_account(conn, [record.ref for record in live], Kind.ACCOUNT)
        near = {*parents, *(child.ref for child in children if child.ref.system in systems)}
        waiting = set(company_keys(conn, near).values()) - set(found)
    return {company: tuple(records) for company, records in found.items() if records}


def marks_of(conn: Connection, refs: Iterable[Ref]) -> Mapping[Ref, OwnerMark]:
    """The mark of each of these records that has one."""
    found: dict[Ref, OwnerMark] = {}
    for batch in chunks(refs):
        columns = (owner_marks.c.ref, owner_marks.c.owner, owner_marks.c.source, owner_marks.c.at)
        for ref, owner, source, at in conn.execute(select(*columns).where(owner_marks.c.ref.in_(batch))):
            found[ref] = OwnerMark(owner, source, at)
    return found


def applied_to(conn: Connection, companies: Iterable[str]) -> Mapping[str, Mapping[str, AppliedRow]]:
    """What was last applied to each of these companies, by role."""
    found: dict[str, dict[str, AppliedRow]] = {}
    for batch in chunks(companies):
        for row in conn.execute(select(applied_table).where(applied_table.c.company.in_(batch))):
            found.setdefault(row.company, {})[row.role] = AppliedRow(
                row.territory, row.owner, row.at, row.pack_revision, row.rates_as_of, row.amounts
            )
    return found


def open_among(conn: Connection, refs: Iterable[Ref]) -> frozenset[Ref]:
    """Those of these records that have an open row of the outbox."""
    found: set[Ref] = set()
    for batch in chunks(refs):
        query = select(outbox.c.ref).where(outbox.c.ref.in_(batch), outbox.c.state.in_(OPEN))
        found.update(conn.execute(query).scalars())
    return frozenset(found)


def retrievals_of(conn: Connection, companies: Iterable[str]) -> Mapping[str, RetrievalRow]:
    """Where each of these companies stands with `retrieve`."""
    found: dict[str, RetrievalRow] = {}
    for batch in chunks(companies):
        query = select(retrieval_table).where(retrieval_table.c.company.in_(batch))
        for row in conn.execute(query):
            found[row.company] = RetrievalRow(
                row.noticed_at, row.noticed_owner, row.retrieved_at, row.from_owner, row.to_owner, row.territory
            )
    return found


def teams_of(conn: Connection, system: System, accounts: Iterable[str]) -> TeamsView:
    """The account teams of these accounts of a system; not readable before teams were first stored."""
    readable = conn.execute(select(systems.c.teams_readable).where(systems.c.system == system)).scalar()
    members: dict[str, Team] = {}
    for batch in chunks(accounts):
        query = select(teams).where(teams.c.system == system, teams.c.account.in_(batch))
        for row in conn.execute(query):
            members[row.account] = team_of(Ref(system, Kind.ACCOUNT, row.account), row.members, row.restorable)
    return TeamsView(bool(readable), members)


def last_planned(
    conn: Connection, company: str, role: str, *, until: datetime | None = None, limit: int = 1
) -> PlannedEntry | None:
    """What the newest plan made up to an instant decided about a company and role, of the newest `limit` plans.

    None where none of them names the company: a plan names what changes, what is held and what nobody has. Raises
    StorageError SYN612 for a plan that was altered in the database.
    """
    query = select(plans.c.plan_id).where(plans.c.kind == "plan")
    if until is not None:
        query = query.where(plans.c.created_at <= until)
    newest = query.order_by(plans.c.created_at.desc(), plans.c.plan_id).limit(limit)
    found = (planned_entry(conn, plan_id, company, role) for plan_id in conn.execute(newest).scalars().all())
    return next((entry for entry in found if entry is not None), None)


def planned_entry(conn: Connection, plan_id: str, company: str, role: str) -> PlannedEntry | None:
    """What one plan decided about a company and role; None for an unknown plan, or where it does not name them.

    Only the company's own part of the document is read: a plan of a hundred thousand accounts is megabytes.
    """
    row = conn.execute(select(plans).where(plans.c.plan_id == plan_id)).one_or_none()
    entry = _entry_in(row.document, company, role) if row is not None else None
    if row is None or entry is None:
        return None
    if hashlib.sha256(row.document).hexdigest() != row.hash:
        raise StorageError(
            "SYN612",
            f"plan {plan_id} is not what its hash says: it was altered after it was saved",
            hint="find out who changed the database, then make a new plan",
        )
    return PlannedEntry(row.plan_id, row.status, row.pack_revision, row.created_at, entry)


_DECISION = b'{"accounts":'
"""What a decision begins with in the canonical JSON of a document: its keys are sorted."""


def _entry_in(document: bytes, company: str, role: str) -> Mapping[str, Any] | None:
    """The decision on a company and role in the bytes of a document, without reading the rest of it."""
    name = f'"company":{canonical_json(company)}'.encode("utf-8", "surrogatepass")
    at = document.find(name)
    while at >= 0:
        start = document.rfind(_DECISION, 0, at)
        if start >= 0:
            entry, _ = json.JSONDecoder().raw_decode(document[start:].decode("utf-8", "surrogatepass"))
            if entry.get("company") == company and entry.get("role") == role:
                return {str(key): value for key, value in entry.items()}
        at = document.find(name, at + 1)
    return None
