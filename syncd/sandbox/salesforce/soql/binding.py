"""Names in a query bound to the org's fields: what a path reads from a row, and what may be seen at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.sandbox.salesforce.refusals import invalid_type, no_such_column
from syncd.sandbox.salesforce.schema import FieldSchema, ObjectSchema
from syncd.sandbox.salesforce.soql.tree import Query
from syncd.sandbox.salesforce.tables import Row, Table, Tables

Getter = Callable[[Row], Any]
_DEEPEST_PATH = 6
_ADDRESS_PARTS = ("street", "city", "state", "postalCode", "country", "stateCode", "countryCode")


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path over a relationship: the reference field, and the object whose fields come next."""

    reference: FieldSchema
    target: ObjectSchema


@dataclass(frozen=True, slots=True)
class BoundPath:
    """A path that exists: the hops to it and the field it ends in."""

    hops: tuple[Hop, ...]
    field: FieldSchema


class Visibility:
    """Which objects and fields the integration user sees (field-level security); hiding is for schema drift (F22)."""

    def __init__(self) -> None:
        self._hidden: set[tuple[str, str]] = set()

    def hide(self, name: str, field: str = "*") -> None:
        """Take a field, or with `*` the whole object, out of sight."""
        self._hidden.add((name.lower(), field.lower()))

    def show(self, name: str, field: str = "*") -> None:
        """Undo `hide`."""
        self._hidden.discard((name.lower(), field.lower()))

    def sees_object(self, name: str) -> bool:
        """Whether the object can be seen."""
        return (name.lower(), "*") not in self._hidden

    def sees(self, schema: ObjectSchema, field: FieldSchema) -> bool:
        """Whether the field can be seen."""
        return (schema.name.lower(), field.name.lower()) not in self._hidden


class Scope:
    """The object a query is from, and everything needed to read a path of it."""

    def __init__(self, tables: Tables, visibility: Visibility, query: Query, now: datetime) -> None:
        if query.object not in tables or not visibility.sees_object(query.object):
            raise invalid_type(query.object)
        self.tables = tables
        self.visibility = visibility
        self.query = query
        self.now = now
        self.table: Table = tables.table(query.object)
        self.schema: ObjectSchema = self.table.schema

    def inner(self, query: Query) -> Scope:
        """The scope of a subquery."""
        return Scope(self.tables, self.visibility, query, self.now)

    def bind(self, path: tuple[str, ...]) -> BoundPath:
        """A path as the schema knows it. Raises Refusal INVALID_FIELD."""
        own = {self.query.object.lower(), (self.query.alias or "").lower()}
        if len(path) > 1 and path[0].lower() in own and path[0].lower() not in self.schema.relationships:
            path = path[1:]
        schema = self.schema
        hops: list[Hop] = []
        for name in path[:-1]:
            reference = schema.relationships.get(name.lower())
            if reference is None or len(hops) >= _DEEPEST_PATH or reference.targets[0] not in self.tables:
                raise no_such_column(name, schema.name, self.query.text)
            schema = self.tables.table(reference.targets[0]).schema
            hops.append(Hop(reference, schema))
        field = schema.get(path[-1])
        if field is None or not self.visibility.sees(schema, field):
            raise no_such_column(path[-1], schema.name, self.query.text)
        return BoundPath(tuple(hops), field)

    def getter(self, bound: BoundPath) -> Getter:
        """How to read the value of a path from a row; None where a parent is missing."""
        name = bound.field.name
        last = address_getter(name) if bound.field.type == "address" else _plain_getter(name)
        if not bound.hops:
            return last

        def through(row: Row) -> Any:
            parent: Row | None = row
            for hop in bound.hops:
                parent = self.parent(parent, hop) if parent is not None else None
            return last(parent) if parent is not None else None

        return through

    def parent(self, row: Row, hop: Hop) -> Row | None:
        """The row that a reference of this row leads to."""
        target = row.get(hop.reference.name)
        tables = (self.tables.table(name) for name in hop.reference.targets if name in self.tables)
        return next((table.rows[target] for table in tables if target in table.rows), None)


def _plain_getter(name: str) -> Getter:
    """Read a stored field."""
    return lambda row: row.get(name)


def address_getter(compound: str) -> Getter:
    """Read a compound address as the object REST shows; None where it has no part."""
    prefix = compound.removesuffix("Address")
    names = [(part, prefix + part[0].upper() + part[1:]) for part in _ADDRESS_PARTS]

    def read(row: Row) -> Mapping[str, Any] | None:
        parts = {part: row.get(name) for part, name in names}
        empty = all(value is None for value in parts.values())
        return None if empty else {**parts, "geocodeAccuracy": None, "latitude": None, "longitude": None}

    return read
