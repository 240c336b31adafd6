"""The whole mirror as columns: most accounts a field at a time, those of which links say something one by one.

Imported only where the extra `fast` is there. Knows no files and no pack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class ReadBook:
    """Every company of a mirror, read and not yet joined: columns of most, and the records of the others."""

    parts: Sequence[BookPart]
    members: dict[str, list[Record]]
    deals: Mapping[System, RawDeals]
    derivation: Derivation
    now: datetime

    def joined(self, about: Mapping[str, Any]) -> BookPart:
        """All of them as one part, in no order; to be called once, and asks no database."""
        alone = derive_alone(self._companies(), self.derivation, OwnershipView(), self.now)
        whole = joined_parts([*self.parts, part_of(alone, {})], about)
        forget_texts()
        return whole

    def _companies(self) -> Iterator[CompanyRecords]:
        """The companies of the records, which are let go one by one."""
        for key in list(self.members):
            accounts = self.members.pop(key)
            found = tuple(deal for each in accounts for deal in self.deals[each.ref.system].records(each.ref.id))
            yield CompanyRecords(key, tuple(accounts), found)


def read_book(conn: Connection, systems: Collection[System], derivation: Derivation, now: datetime) -> ReadBook:
    """The whole mirror. Opportunities are held in memory meanwhile."""
    links = joined(conn)
    deals: dict[System, RawDeals] = {}
    for system in systems:
        names = deal_fields(derivation)
        with (
            one_ahead(raw_opportunities(conn, system)) as told,
            one_ahead(parsed_records(raw, names) for raw in told) as opportunities,
        ):
            deals[system] = RawDeals(system, derivation, now, opportunities)
    book = RawBook(derivation, now, {*links, *links.values()}, deals)
    parts: list[BookPart] = []
    members: dict[str, list[Record]] = defaultdict(list)
    for system in systems:
        with one_ahead(raw_accounts(conn, system)) as told, one_ahead(map(book.parsed, told)) as accounts:
            for some in accounts:
                part, others = book.read(some)
                parts.append(part)
                for record in others:
                    ref = str(record.ref)
                    members[links.get(ref, ref)].append(record)
    forget_texts()  # whoever reads the others reads other texts
    return ReadBook(parts, members, deals, derivation, now)
