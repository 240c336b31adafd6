"""One company with its family as a book: what the rules need to look at it, without reading everybody else.

The facts equal those of the whole book (a test holds them to it). What is not here are loads: nobody picks from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from syncd.jobs.books.book import derivation_of, directory_of, team_holds
from syncd.jobs.books.signals import read_signals
from syncd.jobs.books.written import Holders, mapped_roles
from syncd.jobs.context import Context
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.ownership import OwnershipHistory, person_changes, role_changes
from syncd.rules.derivation import CompanyRecords, OwnershipView, derive_book
from syncd.rules.deriving.signals import with_signals
from syncd.rules.engine import Book
from syncd.rules.facts import Applied
from syncd.rules.memory import Memory, Retrieval
from syncd.rules.pack import Pack
from syncd.rules.scoring import graded
from syncd.store import dossier, mirror, ownership, picking


def read_family(context: Context, conn: Connection, pack: Pack, companies: Iterable[str], now: datetime) -> Book:
    """These companies, by key, and all that parents join with them, as facts at `now`; rotations, but no loads.

    A company that has no live record is not in the book.
    """
    members = dossier.family_records(conn, companies, frozenset(context.systems))
    users = {user.ref: user for user in mirror.users(conn) if user.ref.system in context.systems}
    deals: dict[Ref, list[Record]] = defaultdict(list)
    refs = [record.ref for records in members.values() for record in records]
    for deal in mirror.records_of_account(conn, refs, Kind.OPPORTUNITY):
        if deal.account:
            deals[Ref(deal.ref.system, Kind.ACCOUNT, deal.account)].append(deal)
    holders = Holders.of(context.settings, users)
    records = (
        CompanyRecords(
            key,
            holders.told(accounts),
            tuple(deal for account in accounts for deal in deals.get(account.ref, ())),
        )
        for key, accounts in sorted(members.items())
    )
    view = ownership_among(context, conn, users, members)
    derivation = derivation_of(context, pack, now.date())
    tables = read_signals(context, conn, pack.zone).tables
    facts = with_signals(derive_book(records, derivation, view, now), tables, derivation.reader())
    retrievals = dossier.retrievals_of(conn, sorted(members))
    memory = Memory(
        rotations=picking.rotations(conn),
        retrievals={
            company: Retrieval(
                row.noticed_at, row.noticed_owner, row.retrieved_at, row.from_owner, row.to_owner, row.territory
            )
            for company, row in retrievals.items()
        },
    )
    directory = directory_of(users.values(), pack, context.written_systems)
    return Book(tuple(graded(pack, facts, now)), directory, memory=memory)


def ownership_among(
    context: Context, conn: Connection, users: Mapping[Ref, User], members: Mapping[str, tuple[Record, ...]]
) -> OwnershipView:
    """Who owns these companies, as users and ledger know it; `members` are their live accounts by company key."""
    accounts = [account for records in members.values() for account in records]
    refs = [account.ref for account in accounts]
    changes = ownership.owner_changes(conn, refs)
    history = OwnershipHistory(dossier.marks_of(conn, refs), changes, dossier.open_among(conn, refs))
    linked = {account.ref: company for company, records in members.items() for account in records}
    applied = {
        company: {
            role: Applied(row.territory, row.owner, row.at, row.pack_revision, row.rates_as_of, row.amounts)
            for role, row in roles.items()
        }
        for company, roles in dossier.applied_to(conn, sorted(members)).items()
    }
    changed_at = {
        company: max(instants)
        for company, records in members.items()
        if (instants := [changes[account.ref].at for account in records if account.ref in changes])
    }
    holds: Mapping[str, str] = {}
    if System.SALESFORCE in context.written_systems:
        own = [ref.id for ref in refs if ref.system is System.SALESFORCE]
        holds = team_holds(dossier.teams_of(conn, System.SALESFORCE, own), members)
    return OwnershipView(
        users=users,
        applied=applied,
        person_changes=person_changes(accounts, linked, history),
        owner_changed_at=changed_at,
        team_holds=holds,
        role_changes=role_changes(
            accounts,
            linked,
            [
                OwnershipHistory(
                    dossier.marks_of(conn, refs, role),
                    ownership.owner_changes(conn, refs, role),
                    dossier.open_among(conn, refs, role),
                    role,
                )
                for role in mapped_roles(context.settings)
            ],
        ),
    )
