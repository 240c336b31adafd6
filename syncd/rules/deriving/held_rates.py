"""Held rates: which companies keep the table of rates of their last applied decision (RULES.md section 3, money).

A change of rate alone never moves an account: while its raw amounts and the pack's revision are the same, both sides of
every comparison use the table it was last decided by. Knows raw records only, no values and no conditions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date

from syncd.model.fields import FieldCatalogue, FieldType
from syncd.model.money import DatedRates, MoneyTable
from syncd.model.records import Record
from syncd.rules.facts import Applied


class HeldRates:
    """Tells each company's table: the older one that holds, or none where it is decided by the present one."""

    def __init__(
        self, catalogue: FieldCatalogue, present: MoneyTable, rates: DatedRates, pack_revision: str | None
    ) -> None:
        self._account = sorted(name for name, type_ in catalogue.account.items() if type_ is FieldType.MONEY)
        self._opportunity = sorted(name for name, type_ in catalogue.opportunity.items() if type_ is FieldType.MONEY)
        self._present = present
        self._rates = rates
        self._pack_revision = pack_revision
        self._tables: dict[date, MoneyTable] = {}

    def amounts(self, accounts: Iterable[Record], opportunities: Iterable[Record]) -> str | None:
        """The hash of a company's raw amounts, in any order of records; None where there are no rates at all."""
        if not self._rates.rows:
            return None
        told = [text for record in accounts for text in _told(record, self._account)]
        told += [text for record in opportunities if not record.deleted for text in _told(record, self._opportunity)]
        return hashlib.sha256("\n".join(sorted(told)).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def held(self, applied: Applied | None, amounts: str | None) -> MoneyTable | None:
        """The table of the last applied decision where it holds and is not the present one; else None."""
        if applied is None or applied.rates_as_of is None or applied.rates_as_of == self._present.as_of:
            return None
        if applied.amounts != amounts or applied.pack_revision != self._pack_revision:
            return None
        if applied.rates_as_of not in self._tables:
            self._tables[applied.rates_as_of] = self._rates.on(applied.rates_as_of)
        return self._tables[applied.rates_as_of]


def _told(record: Record, names: list[str]) -> Iterable[str]:
    return (f"{record.ref} {name} {raw}" for name in names if (raw := record.fields.get(name)))
