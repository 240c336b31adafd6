"""The whole mirror as columns: most accounts a field at a time, those of which links say something one by one.

Imported only where the extra `fast` is there. Knows no files and no pack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syncd.jobs.books.reading_ahead import one_ahead
from syncd.model.normalisation import forget_texts
from syncd.model.records import Record
from syncd.model.refs import System
from syncd.rules.batch.book_columns import BookPart
from syncd.rules.batch.book_making import joined_parts, part_of
from syncd.rules.batch.raw_book import RawBook
from syncd.rules.batch.raw_deals import RawDeals, deal_fields
from syncd.rules.batch.raw_json import parsed_records
from syncd.rules.derivation import CompanyRecords, Derivation, OwnershipView, derive_alone
from syncd.store.book_state import joined
from syncd.store.raw_accounts import raw_accounts, raw_opportunities


def whole_book(
    conn: Connection, systems: Collection[System], derivation: Derivation, now: datetime, about: Mapping[str, Any]
) -> BookPart:
    """Every company of the mirror in columns, in no order. Opportunities are held in memory meanwhile."""
    links = joined(conn)
    deals: dict[System, RawDeals] = {}
    for system in systems:
        read = (parsed_records(raw, deal_fields(derivation)) for raw in raw_opportunities(conn, system))
        with one_ahead(read) as opportunities:
            deals[system] = RawDeals(system, derivation, now, opportunities)
    book = RawBook(derivation, now, {*links, *links.values()}, deals)
    parts: list[BookPart] = []
    members: dict[str, list[Record]] = defaultdict(list)
    for system in systems:
        with one_ahead(map(book.parsed, raw_accounts(conn, system))) as accounts:
            for some in accounts:
                part, others = book.read(some)
                parts.append(part)
                for record in others:
                    ref = str(record.ref)
                    members[links.get(ref, ref)].append(record)
    del book  # what it remembers of texts, as the readers below do: it reads others than they
    forget_texts()
    companies = _companies(members, deals)
    parts.append(part_of(derive_alone(companies, derivation, OwnershipView(), now), {}))
    forget_texts()
    return joined_parts(parts, about)


def _companies(members: dict[str, list[Record]], deals: Mapping[System, RawDeals]) -> Iterator[CompanyRecords]:
    """The companies of these records, which are let go one by one."""
    for key in list(members):
        accounts = members.pop(key)
        found = tuple(deal for each in accounts for deal in deals[each.ref.system].records(each.ref.id))
        yield CompanyRecords(key, tuple(accounts), found)
