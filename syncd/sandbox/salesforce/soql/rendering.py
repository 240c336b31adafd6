"""How the rows of a query look as JSON: fields in the order selected, parents as nested objects, nulls kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncd.sandbox.salesforce.refusals import malformed_query, no_such_column, no_such_relationship
from syncd.sandbox.salesforce.relationships import NAME
from syncd.sandbox.salesforce.schema import ObjectSchema
from syncd.sandbox.salesforce.soql.binding import BoundPath, Hop, Scope, address_getter
from syncd.sandbox.salesforce.soql.tree import TypeOf
from syncd.sandbox.salesforce.tables import Row

_GROUPS: Mapping[str, frozenset[bool]] = {
    "ALL": frozenset({True, False}),
    "STANDARD": frozenset({False}),
    "CUSTOM": frozenset({True}),
}


class Shape:
    """What is shown of one object: plain fields, compound ones, the shapes of its parents, and its children."""

    def __init__(self, schema: ObjectSchema, scope: Scope) -> None:
        self._schema = schema
        self._scope = scope
        self._slots: dict[str, Slot] = {}
        self._plain = True

    def add(self, bound: BoundPath) -> None:
        """Show one more path."""
        if bound.hops:
            hop = bound.hops[0]
            slot = self._slots.setdefault(str(hop.reference.relationship), (hop, Shape(hop.target, self._scope)))
            if isinstance(slot, tuple):
                slot[1].add(BoundPath(bound.hops[1:], bound.field))
            self._plain = False
        elif self._schema is NAME and bound.field.name == "Type":
            self.put("Type", plainly(self._scope.type_of))
        elif bound.field.type == "address":
            self.put(bound.field.name, plainly(address_getter(bound.field.name)))
        else:
            self._slots[bound.field.name] = bound.field.name

    def put(self, key: str, value_of: Renderer) -> None:
        """Show what a function makes of a row, for an API version, under a key."""
        self._slots[key] = value_of
        self._plain = False

    def rendered(self, row: Row, version: str) -> dict[str, Any]:
        """A row as a record of the answer, for API version `version`."""
        name = self._schema.name
        record: dict[str, Any] = {"attributes": {"type": name, "url": self._url(row, version)}}
        if self._plain:
            get = row.get
            for key in self._slots:
                record[key] = get(key)
            return record
        for key, slot in self._slots.items():
            if isinstance(slot, str):
                record[key] = row.get(slot)
            elif isinstance(slot, tuple):
                parent = self._scope.parent(row, slot[0])
                record[key] = None if parent is None else slot[1].rendered(parent, version)
            else:
                record[key] = slot(row, version)
        return record

    def _url(self, row: Row, version: str) -> str:
        """The address of a row; of one that stands behind `Name`, that of its own object."""
        name = self._scope.type_of(row) if self._schema is NAME else self._schema.name
        return f"/services/data/{version}/sobjects/{name}/{row['Id']}"


Renderer = Callable[[Row, str], Any]
Slot = str | Renderer | tuple[Hop, Shape]


def plainly(read: Callable[[Row], Any]) -> Renderer:
    """A renderer that looks the same in every version."""
    return lambda row, _: read(row)


class GroupShape:
    """Groups of rows as an aggregate query shows them: each is a record already."""

    def rendered(self, row: Row, version: str) -> dict[str, Any]:  # noqa: ARG002 - the shape of rows needs it
        """A group as a record of the answer."""
        return {"attributes": {"type": "AggregateResult"}, **row}


def shape_of(scope: Scope) -> Shape:
    """The shape that a query's select list asks for, children aside. Raises Refusal INVALID_FIELD."""
    shape, query = Shape(scope.schema, scope), scope.query
    for item in query.selected:
        if item.term.function is None:
            shape.add(scope.bind(item.term.path))
        else:
            _, read = scope.term(item.term)
            shape.put(item.alias or item.term.path[-1], plainly(read))
    for types in query.types:
        shape.put(types.path[-1], _type_reader(scope, types))
    if query.fields is not None:
        if query.fields not in _GROUPS:
            raise malformed_query(f"unexpected token: '{query.fields}'")
        wanted = _GROUPS[query.fields]
        for field in scope.schema.fields.values():
            if scope.visibility.sees(scope.schema, field) and field.custom in wanted:
                shape.add(BoundPath((), field))
    return shape


def _type_reader(scope: Scope, types: TypeOf) -> Renderer:
    """How TYPEOF shows what a polymorphic reference leads to. Raises Refusal for a reference to one object only."""
    reference = scope.schema.relationships.get(types.path[-1].lower())
    if reference is None or len(types.path) > 1:
        raise no_such_relationship(".".join(types.path), scope.schema.name, scope.query.text)
    if len(reference.targets) < 2:
        raise malformed_query(f"TYPEOF is allowed only on polymorphic relationships, not on {types.path[-1]}")
    hop = Hop(reference, NAME)
    shapes = {name.lower(): _shape_in(scope, name, types.cases.get(name.lower())) for name in reference.targets}
    otherwise = _shape_in(scope, "Name", types.otherwise) if types.otherwise else None

    def read(row: Row, version: str) -> Any:
        parent = scope.parent(row, hop)
        if parent is None:
            return None
        shape = shapes.get(scope.type_of(parent).lower()) or otherwise
        return None if shape is None else shape.rendered(parent, version)

    return read


def _shape_in(scope: Scope, name: str, paths: tuple[tuple[str, ...], ...] | None) -> Shape | None:
    """The shape of one case of TYPEOF; None for an object that no case names."""
    if paths is None:
        return None
    schema = NAME if name == "Name" else scope.tables.table(name).schema
    shape = Shape(schema, scope)
    for path in paths:
        field = schema.get(path[-1])
        if field is None or len(path) > 1:
            raise no_such_column(".".join(path), schema.name, scope.query.text)
        shape.add(BoundPath((), field))
    return shape
