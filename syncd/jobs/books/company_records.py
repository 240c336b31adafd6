"""The records of some companies, by key: what a plan in batches looks at in full, of a book read in columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from sqlalchemy import Connection

from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.rules.derivation import CompanyRecords
from syncd.store import companies, dossier, mirror
from syncd.store.book_state import opportunities_of


def records_of(conn: Connection, keys: Collection[str], systems: Collection[System]) -> Iterator[CompanyRecords]:
    """The live records of these companies with their opportunities, by key; those without an account are left out."""
    return records_among(conn, _members(conn, keys), systems)


def records_among(
    conn: Connection, members: Mapping[str, tuple[Ref, ...]], systems: Collection[System]
) -> Iterator[CompanyRecords]:
    """The same of companies whose records are known by key, each company's sorted."""
    refs = [ref for each in members.values() for ref in each if ref.system in systems]
    held = {ref: record for ref, record in mirror.get_records(conn, refs).items() if not record.deleted}
    deals: dict[Ref, list[Record]] = defaultdict(list)
    for deal in mirror.records_of_account(conn, held, Kind.OPPORTUNITY):
        if deal.account:
            deals[Ref(deal.ref.system, Kind.ACCOUNT, deal.account)].append(deal)
    for key, named in sorted(members.items()):
        accounts = tuple(held[ref] for ref in named if ref in held)
        if accounts:
            yield CompanyRecords(key, accounts, tuple(deal for ref in named for deal in deals.get(ref, ())))


def homes_of(conn: Connection, refs: Iterable[Ref]) -> set[str]:
    """The keys of the companies that these accounts and opportunities are of now."""
    found = list(refs)
    deals = opportunities_of(conn, [ref for ref in found if ref.kind is Kind.OPPORTUNITY])
    accounts = [Ref(deal.system, Kind.ACCOUNT, account) for deal, account in deals if account]
    accounts += [ref for ref in found if ref.kind is Kind.ACCOUNT]
    return set(dossier.company_keys(conn, accounts).values())


def _members(conn: Connection, keys: Collection[str]) -> Mapping[str, tuple[Ref, ...]]:
    """The refs that are these companies: those linked to a key, and the one it names where that is linked nowhere."""
    own = {key: Ref.parse(key) for key in keys}
    homes = dossier.company_keys(conn, own.values())
    linked = companies.members(conn, keys)
    return {key: tuple(sorted({*linked.get(key, ()), *([own[key]] if homes[own[key]] == key else [])})) for key in own}
