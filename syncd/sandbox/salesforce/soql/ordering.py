"""ORDER BY: rows or groups sorted by several terms, nulls where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.sandbox.salesforce.fieldtypes import TEXT_TYPES
from syncd.sandbox.salesforce.soql.conditions import Reader
from syncd.sandbox.salesforce.soql.tree import OrderTerm
from syncd.sandbox.salesforce.tables import Row


def sort_rows(rows: list[Row], order: Sequence[OrderTerm], reader: Reader) -> None:
    """Sort in place by all terms; text in any case, ids by their characters, equals stay as they were."""
    for term in reversed(order):
        _sort(rows, term, reader)


def _sort(rows: list[Row], term: OrderTerm, reader: Reader) -> None:
    """Sort by one term, keeping the order among equals."""
    field, read = reader.term(term.term)
    folded = field.type in TEXT_TYPES
    null_rank = 0 if term.nulls_first is not term.descending else 2

    def key(row: Row) -> tuple[int, Any]:
        value = read(row)
        if value is None:
            return null_rank, 0
        return 1, value.casefold() if folded else value

    rows.sort(key=key, reverse=term.descending)
