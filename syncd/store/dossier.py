"""What the store holds of a few companies, found by index: for looking at one company of a hundred thousand.

The whole-book readings of the same tables are in companies, ownership and picking; these say the same of fewer rows.
Knows nothing of rules, and decides nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from syncd.model.plans import OWNER_FIELD, PlanStatus, canonical_json
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


def marks_of(conn: Connection, refs: Iterable[Ref], field: str = OWNER_FIELD) -> Mapping[Ref, OwnerMark]:
    """The mark of each of these records that has one for a field, its owner's where none is named."""
    found: dict[Ref, OwnerMark] = {}
    for batch in chunks(refs):
        columns = (owner_marks.c.ref, owner_marks.c.owner, owner_marks.c.source, owner_marks.c.at)
        chosen = select(*columns).where(owner_marks.c.ref.in_(batch), owner_marks.c.field == field)
        for ref, owner, source, at in conn.execute(chosen):
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


def open_among(conn: Connection, refs: Iterable[Ref], field: str = OWNER_FIELD) -> frozenset[Ref]:
    """Those of these records that have an open row of the outbox for a field, their owner's where none is named."""
    found: set[Ref] = set()
    for batch in chunks(refs):
        query = select(outbox.c.ref).where(outbox.c.ref.in_(batch), outbox.c.state.in_(OPEN), outbox.c.field == field)
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
    conn: Connection, companies: Iterable[str], *, until: datetime | None = None, limit: int = 1
) -> Mapping[tuple[str, str], PlannedEntry]:
    """What the newest plan made up to an instant decided about these companies, by company and role.

    Of the newest `limit` plans each company's is the newest that names it: a plan names what changes, what is held and
    what nobody has. Only the companies' own parts of a document are read, for a plan of a hundred thousand accounts is
    megabytes; so its hash is not looked at, as it is where a plan is approved and applied.
    """
    wanted = list(companies)
    query = select(plans.c.plan_id).where(plans.c.kind == "plan")
    if until is not None:
        query = query.where(plans.c.created_at <= until)
    newest = query.order_by(plans.c.created_at.desc(), plans.c.plan_id).limit(limit)
    found: dict[tuple[str, str], PlannedEntry] = {}
    for plan_id in conn.execute(newest).scalars().all():
        row = conn.execute(select(plans).where(plans.c.plan_id == plan_id)).one()
        for company in wanted:
            if any(known == company for known, _ in found):
                continue
            for entry in _entries_in(row.document, company):
                planned = PlannedEntry(row.plan_id, row.status, row.pack_revision, row.created_at, entry)
                found.setdefault((company, entry["role"]), planned)
        if len({known for known, _ in found}) == len(wanted):
            break
    return found


_DECISION = b'{"accounts":'
"""What a decision begins with in the canonical JSON of a document: its keys are sorted."""
_LONGEST = 1 << 16


def _entries_in(document: bytes, company: str) -> Iterator[Mapping[str, Any]]:
    """The decisions on a company in the bytes of a document, without reading the rest of it."""
    name = f'"company":{canonical_json(company)}'.encode("utf-8", "surrogatepass")
    at = document.find(name)
    while at >= 0:
        start = document.rfind(_DECISION, 0, at)
        entry = _object_at(document, start) if start >= 0 else {}
        if entry.get("company") == company:
            yield entry
        at = document.find(name, at + 1)


def _object_at(document: bytes, start: int) -> Mapping[str, Any]:
    """The JSON object that begins at a byte."""
    length = _LONGEST
    while True:
        text = document[start : start + length].decode("utf-8", "surrogatepass" if length > _LONGEST else "ignore")
        try:
            entry, _ = json.JSONDecoder().raw_decode(text)
        except ValueError:
            if start + length >= len(document):
                raise
            length *= 16
            continue
        return {str(key): value for key, value in entry.items()}
