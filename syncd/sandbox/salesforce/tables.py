"""The rows of the fake org: one table an object, indexed by stamp and by reference, with transactions and late commits.

Rows are dictionaries of API names that are replaced, never changed in place, so that whoever holds one holds a
snapshot. It knows nothing of what a change means; writing.py and people.py do.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.sandbox.salesforce.schema import ObjectSchema

Row = Mapping[str, Any]


class Table:
    """The rows of one object by 18-character id, in the order they were made."""

    def __init__(self, schema: ObjectSchema) -> None:
        self.schema = schema
        self.rows: dict[str, Row] = {}
        self.deleted_at: dict[str, datetime] = {}
        self._by_stamp: list[tuple[str, str]] = []
        self._by_reference: dict[str, dict[str, set[str]]] = {name: {} for name in schema.references}

    def put(self, row: Row) -> None:
        """Add or replace a row."""
        self._forget(self.rows.get(row["Id"]))
        self.rows[row["Id"]] = row
        insort(self._by_stamp, (row["SystemModstamp"], row["Id"]))
        self._note_references(row)

    def put_all(self, rows: Iterable[Row]) -> None:
        """Add or replace many rows with one sort."""
        replacements: list[Row] = []
        for row in rows:
            if row["Id"] in self.rows:
                replacements.append(row)
                continue
            self.rows[row["Id"]] = row
            self._by_stamp.append((row["SystemModstamp"], row["Id"]))
            self._note_references(row)
        self._by_stamp.sort()
        for row in replacements:
            self.put(row)

    def remove(self, record_id: str) -> None:
        """Take a row out for good; nothing remembers it."""
        self._forget(self.rows.pop(record_id, None))
        self.deleted_at.pop(record_id, None)

    def stamped(self, lower: str | None, upper: str | None) -> Iterator[Row]:
        """The rows whose SystemModstamp is at or after `lower` and before `upper`, in stamp order, then id order."""
        start = bisect_left(self._by_stamp, (lower, "")) if lower else 0
        end = bisect_left(self._by_stamp, (upper, "")) if upper else len(self._by_stamp)
        return (self.rows[record_id] for _, record_id in self._by_stamp[start:end])

    def referring(self, field: str, values: Iterable[str]) -> Iterator[Row]:
        """The rows whose indexed reference `field` is one of `values`, in the order they were made per value."""
        index = self._by_reference[field]
        return (self.rows[record_id] for value in values for record_id in sorted(index.get(value, ())))

    def _forget(self, row: Row | None) -> None:
        """Take a row out of the indexes."""
        if row is None:
            return
        at = bisect_left(self._by_stamp, (row["SystemModstamp"], row["Id"]))
        if at < len(self._by_stamp) and self._by_stamp[at][1] == row["Id"]:
            del self._by_stamp[at]
        for field, index in self._by_reference.items():
            value = row.get(field)
            if value is not None:
                index[value].discard(row["Id"])

    def _note_references(self, row: Row) -> None:
        """Put a row into the reference indexes."""
        for field, index in self._by_reference.items():
            value = row.get(field)
            if value is not None:
                index.setdefault(value, set()).add(row["Id"])


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a transaction or a savepoint began."""

    effects: int
    rows: int
    outermost: bool


@dataclass(frozen=True, slots=True)
class _LateCommit:
    """A change whose stamp is set but that nobody sees before `visible_from` (salesforce.md 2.4)."""

    visible_from: datetime
    table: str
    record_id: str
    changes: Row


class Tables:
    """All tables of an org. One thread at a time; the reception holds the lock."""

    def __init__(self, schemas: Mapping[str, ObjectSchema]) -> None:
        self._tables = {key: Table(schema) for key, schema in schemas.items()}
        self._late: list[_LateCommit] = []
        self._undo: list[tuple[Table, str, Row | None, datetime | None]] | None = None
        self.effects: list[str] = []
        self.revision = 0
        """Rises with everything that may change what a query finds."""

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._tables

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables.values())

    def add(self, schema: ObjectSchema) -> None:
        """A new, empty table."""
        self.revision += 1
        self._tables[schema.name.lower()] = Table(schema)

    def table(self, name: str) -> Table:
        """The table of an object by its name in any case; KeyError where there is none."""
        try:
            return self._tables[name.lower()]
        except KeyError:
            raise KeyError(f"object {name}") from None

    def get(self, name: str, record_id: str | None) -> Row | None:
        """A row, deleted ones included; None where there is none."""
        return self.table(name).rows.get(record_id) if record_id else None

    def of_prefix(self, record_id: str) -> Table | None:
        """The table whose rows have ids that start like this one; None for an unknown prefix."""
        return next((table for table in self if table.schema.prefix == record_id[:3]), None)

    def load(self, name: str, rows: Iterable[Row]) -> None:
        """Put rows in from outside: nobody is told of them."""
        self.revision += 1
        self.table(name).put_all(rows)

    def put(self, name: str, row: Row, effect: str | None) -> None:
        """Write a row and say so in the journal (None: the platform's own book-keeping, which is no effect).

        It is taken back if the transaction is rolled back.
        """
        table = self.table(name)
        self._remember(table, row["Id"])
        table.put(row)
        self._note(effect)

    def remove(self, name: str, record_id: str, effect: str | None) -> None:
        """Take a row out for good and say so."""
        table = self.table(name)
        self._remember(table, record_id)
        table.remove(record_id)
        self._note(effect)

    def begin(self) -> Mark:
        """Start remembering rows for a rollback; the mark to roll back to. Inside another transaction, a savepoint."""
        if self._undo is None:
            self._undo = []
            return Mark(len(self.effects), 0, outermost=True)
        return Mark(len(self.effects), len(self._undo), outermost=False)

    def commit(self, mark: Mark) -> None:
        """Keep what was written since `begin`; for good if it began the transaction."""
        if mark.outermost:
            self._undo = None

    def rollback(self, mark: Mark) -> None:
        """Put back all rows as they were at `begin`."""
        undo = self._undo or []
        for table, record_id, row, deleted_at in reversed(undo[mark.rows :]):
            if row is None:
                table.remove(record_id)
            else:
                table.put(row)
            if deleted_at is None:
                table.deleted_at.pop(record_id, None)
            else:
                table.deleted_at[record_id] = deleted_at
        del undo[mark.rows :]
        del self.effects[mark.effects :]
        self.revision += 1
        if mark.outermost:
            self._undo = None

    def _remember(self, table: Table, record_id: str) -> None:
        """Keep a row as it was, where a transaction may be rolled back."""
        if self._undo is not None:
            self._undo.append((table, record_id, table.rows.get(record_id), table.deleted_at.get(record_id)))

    def _note(self, effect: str | None) -> None:
        """Count a change, and say what it was."""
        self.revision += 1
        if effect is not None:
            self.effects.append(effect)

    def put_late(self, name: str, record_id: str, changes: Row, visible_from: datetime) -> None:
        """Change a row from `visible_from` on, with the stamps in `changes`; till then its lock is held."""
        self._late.append(_LateCommit(visible_from, name, record_id, changes))

    def locked(self, record_id: str) -> bool:
        """Whether an open transaction of somebody else holds the row."""
        return any(late.record_id == record_id for late in self._late)

    def settle(self, now: datetime, record_id: str | None = None) -> list[tuple[Table, Row | None, Row]]:
        """Commit the late changes whose time has come, and those of `record_id` at once: each row before and after."""
        if not self._late:
            return []
        due = [late for late in self._late if late.visible_from <= now or late.record_id == record_id]
        self._late = [late for late in self._late if late not in due]
        settled: list[tuple[Table, Row | None, Row]] = []
        for late in sorted(due, key=lambda item: item.visible_from):
            table = self.table(late.table)
            before = table.rows.get(late.record_id)
            row = {**(before or {}), **late.changes}
            table.put(row)
            self.revision += 1
            settled.append((table, before, row))
        return settled

    def take_effects(self) -> tuple[str, ...]:
        """What changed since the last call, in words."""
        effects, self.effects = tuple(self.effects), []
        return effects
