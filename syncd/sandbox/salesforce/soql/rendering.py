"""How the rows of a query look as JSON: fields in the order selected, parents as nested objects, nulls kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncd.sandbox.salesforce.refusals import malformed_query
from syncd.sandbox.salesforce.schema import ObjectSchema
from syncd.sandbox.salesforce.soql.binding import BoundPath, Hop, Scope, address_getter
from syncd.sandbox.salesforce.tables import Row

_GROUPS: Mapping[str, frozenset[bool]] = {
    "ALL": frozenset({True, False}),
    "STANDARD": frozenset({False}),
    "CUSTOM": frozenset({True}),
}


class Shape:
    """What is shown of one object: plain fields, compound ones, and the shapes of its parents."""

    def __init__(self, schema: ObjectSchema, scope: Scope) -> None:
        self._schema = schema
        self._scope = scope
        self._slots: dict[str, str | Callable[[Row], Any] | tuple[Hop, Shape]] = {}

    def add(self, bound: BoundPath) -> None:
        """Show one more path."""
        if bound.hops:
            hop = bound.hops[0]
            slot = self._slots.setdefault(str(hop.reference.relationship), (hop, Shape(hop.target, self._scope)))
            if isinstance(slot, tuple):
                slot[1].add(BoundPath(bound.hops[1:], bound.field))
        elif bound.field.type == "address":
            self._slots[bound.field.name] = address_getter(bound.field.name)
        else:
            self._slots[bound.field.name] = bound.field.name

    def rendered(self, row: Row, version: str) -> dict[str, Any]:
        """A row as a record of the answer, for API version `version`."""
        name = self._schema.name
        url = f"/services/data/{version}/sobjects/{name}/{row['Id']}"
        record: dict[str, Any] = {"attributes": {"type": name, "url": url}}
        for key, slot in self._slots.items():
            if isinstance(slot, str):
                record[key] = row.get(slot)
            elif isinstance(slot, tuple):
                parent = self._scope.parent(row, slot[0])
                record[key] = None if parent is None else slot[1].of_parent(parent, slot[0], version)
            else:
                record[key] = slot(row)
        return record

    def of_parent(self, row: Row, hop: Hop, version: str) -> dict[str, Any]:
        """A parent row; a queue that owns a lead shows as `Name`, the object that stands for either kind of owner."""
        record = self.rendered(row, version)
        if len(hop.reference.targets) > 1:
            record["attributes"]["type"] = "Name"
        return record


def shape_of(scope: Scope) -> Shape:
    """The shape that a query's select list asks for. Raises Refusal INVALID_FIELD."""
    shape, query = Shape(scope.schema, scope), scope.query
    for path in query.paths:
        shape.add(scope.bind(path))
    if query.group is not None:
        if query.group not in _GROUPS:
            raise malformed_query(f"unexpected token: '{query.group}'")
        wanted = _GROUPS[query.group]
        for field in scope.schema.fields.values():
            if scope.visibility.sees(scope.schema, field) and field.custom in wanted:
                shape.add(BoundPath((), field))
    return shape
