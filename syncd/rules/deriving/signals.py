"""Side tables joined to a book: columns of a table beside the CRMs that are fields of accounts, by domain or record id.

Each value is read as one of a CRM's; `seen` names the table it is from. Knows no files and no databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from syncd.clock import iso
from syncd.model.fields import FieldType
from syncd.rules.deriving.field_values import ValueReader
from syncd.rules.facts import Facts, Seen, Value


@dataclass(frozen=True, slots=True)
class SideTable:
    """A table as it was read: `join` is the field of accounts that its keys are values of, `fields` the types of its
    columns by field name, `rows` their raw texts in that order, by normalised key. `as_of` is how fresh it is."""

    name: str
    join: str
    fields: Mapping[str, FieldType]
    rows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    as_of: datetime | None = None
    stale: bool = False

    def row_of(self, facts: Facts) -> Sequence[str] | None:
        """The row of a company: of several domains or ids, the first in order that has one."""
        value = facts.values.get(self.join)
        if isinstance(value, str):
            return self.rows.get(value)
        keys = sorted(value) if isinstance(value, frozenset) else ()
        return next((self.rows[key] for key in keys if key in self.rows), None)


def with_signals(book: Iterable[Facts], tables: Sequence[SideTable], reader: ValueReader) -> Iterator[Facts]:
    """The facts with the fields of the tables, in the order given. A company without a row has none of these fields."""
    if not tables:
        yield from book
        return
    for facts in book:
        for table in tables:
            facts = _joined(facts, table, reader)
        yield facts


def coverage(book: Iterable[Facts], table: SideTable) -> int:
    """How many companies have a row of the table."""
    return sum(table.row_of(facts) is not None for facts in book)


def _joined(facts: Facts, table: SideTable, reader: ValueReader) -> Facts:
    row = table.row_of(facts)
    if row is None:
        return facts
    country = facts.values.get("country")
    values: dict[str, Value] = {}
    seen: dict[str, Seen] = {}
    remarks: list[str] = []
    for (name, type_), raw in zip(table.fields.items(), row, strict=True):
        if not raw:
            continue
        value, problem = reader.read(type_, raw, country if isinstance(country, str) else None)
        if problem is not None:
            remarks.append(f"{name}: {problem} (side table {table.name})")
        if value is not None:
            values[name] = value
        seen[name] = Seen(None, raw, table=table.name)
    fresh = f"as of {iso(table.as_of)}" if table.as_of is not None else "of unknown age"
    told = f"side table {table.name}, {fresh}{', stale' if table.stale else ''}: {', '.join(seen) or 'no value'}"
    return replace(
        facts,
        values={**facts.values, **values},
        seen=MappingProxyType({**facts.seen, **seen}),
        findings=tuple(sorted((*facts.findings, *remarks))),
        notes=(*facts.notes, told),
    )
