"""Names in a query bound to the org's fields: what a path reads from a row, and what may be seen at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.sandbox.salesforce.refusals import invalid_type, malformed_query, no_such_column, no_such_relationship
from syncd.sandbox.salesforce.relationships import NAME
from syncd.sandbox.salesforce.schema import FieldSchema, ObjectSchema
from syncd.sandbox.salesforce.soql.functions import field_of, of_value
from syncd.sandbox.salesforce.soql.tree import Query, Term
from syncd.sandbox.salesforce.tables import Row, Table, Tables

Getter = Callable[[Row], Any]
_DEEPEST_PATH = 6
_ADDRESS_PARTS = ("street", "city", "state", "postalCode", "country", "stateCode", "countryCode")


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path over a relationship: the reference field, and the object whose fields come next."""

    reference: FieldSchema
    target: ObjectSchema

    @property
    def polymorphic(self) -> bool:
        """Whether the reference may lead to more than one object."""
        return len(self.reference.targets) > 1


@dataclass(frozen=True, slots=True)
class BoundPath:
    """A path that exists: the hops to it and the field it ends in."""

    hops: tuple[Hop, ...]
    field: FieldSchema


class Visibility:
    """Which objects, fields and rows the integration user sees, and which fields it may write (F22, T37).

    `unshared` are ids of rows that sharing keeps from it.
    """

    def __init__(self) -> None:
        self.unshared: set[str] = set()
        self._hidden: set[tuple[str, str]] = set()
        self._frozen: set[tuple[str, str]] = set()

    def hide(self, name: str, field: str = "*") -> None:
        """Take a field, or with `*` the whole object, out of sight."""
        self._hidden.add((name.lower(), field.lower()))

    def show(self, name: str, field: str = "*") -> None:
        """Undo `hide`."""
        self._hidden.discard((name.lower(), field.lower()))

    def freeze(self, name: str, field: str) -> None:
        """Leave a field readable and take it away from writing."""
        self._frozen.add((name.lower(), field.lower()))

    def thaw(self, name: str, field: str) -> None:
        """Undo `freeze`."""
        self._frozen.discard((name.lower(), field.lower()))

    def writes(self, schema: ObjectSchema, field: FieldSchema) -> bool:
        """Whether the field can be written."""
        return field.writeable and (schema.name.lower(), field.name.lower()) not in self._frozen

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
                raise no_such_relationship(name, schema.name, self.query.text)
            several = len(reference.targets) > 1
            schema = NAME if several else self.tables.table(reference.targets[0]).schema
            hops.append(Hop(reference, schema))
        field = schema.get(path[-1])
        if field is None or not self.visibility.sees(schema, field):
            raise no_such_column(path[-1], schema.name, self.query.text)
        return BoundPath(tuple(hops), field)

    def term(self, term: Term) -> tuple[FieldSchema, Getter]:
        """The field that a term is like, and how to read it from a row. Raises Refusal."""
        bound = self.bind(term.path)
        read = self.getter(bound)
        if term.function is None:
            return bound.field, read
        if term.aggregates:
            raise malformed_query(f"Grouped field or aggregate expected, not {term.function} of a row")
        function = term.function
        return field_of(function, bound.field), lambda row: of_value(function, read(row))

    def type_of(self, row: Row) -> str:
        """The object that a row is of."""
        table = self.tables.of_prefix(row["Id"])
        return "Name" if table is None else table.schema.name

    def getter(self, bound: BoundPath) -> Getter:
        """How to read the value of a path from a row; None where a parent is missing."""
        name = bound.field.name
        last = address_getter(name) if bound.field.type == "address" else _plain_getter(name)
        if bound.hops and bound.hops[-1].polymorphic and name == "Type":
            last = self.type_of
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
