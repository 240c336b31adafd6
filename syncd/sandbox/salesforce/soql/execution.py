"""A query run: which rows to look at, the test of WHERE, the order, and how the chosen rows are shown.

An index by stamp, by id or by reference narrows the rows; WHERE is tested on each all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from syncd.clock import parse_instant
from syncd.sandbox.salesforce.fieldtypes import TEXT_TYPES, stamp
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.refusals import Refusal, malformed_query, no_such_relationship
from syncd.sandbox.salesforce.relationships import child_named
from syncd.sandbox.salesforce.soql.binding import Getter, Scope, Visibility
from syncd.sandbox.salesforce.soql.conditions import test_of
from syncd.sandbox.salesforce.soql.grouping import grouped
from syncd.sandbox.salesforce.soql.ordering import sort_rows
from syncd.sandbox.salesforce.soql.rendering import GroupShape, Shape, shape_of
from syncd.sandbox.salesforce.soql.tree import Comparison, Condition, Junction, LiteralKind, Query
from syncd.sandbox.salesforce.tables import Row, Table, Tables

_FIELDS_LIMIT = 200
ValuesOf = Callable[[Scope, Query], list[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """One selected field as a column of a CSV: `Owner.Name`, its describe type, how to read it from a row.

    `plain` is the name under which the row itself holds it, None for a parent's field.
    """

    name: str
    type: str
    read: Getter
    plain: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """The rows a query found, as they were when it ran; the shape to show them in; its columns as a table has them."""

    rows: list[Row]
    shape: Shape | GroupShape
    columns: tuple[Column, ...] = ()


def run(query: Query, tables: Tables, visibility: Visibility, now: datetime, *, include_deleted: bool) -> Result:
    """Run a query. Raises Refusal for what the platform refuses."""
    scope = Scope(tables, visibility, query, now)
    if query.fields is not None and (query.limit is None or query.limit > _FIELDS_LIMIT):
        raise Refusal(400, "MALFORMED_QUERY", f"The SOQL FIELDS function must have a LIMIT of at most {_FIELDS_LIMIT}")
    end = None if query.limit is None else query.offset + query.limit
    if query.aggregate:
        groups = grouped(scope, _found(scope, include_deleted))
        return Result(groups[query.offset : end], GroupShape())
    shape = shape_of(scope)
    rows = _found(scope, include_deleted)
    sort_rows(rows, query.order, scope)
    rows = rows[query.offset : end]
    for child in query.children:
        _show_children(scope, shape, child, rows, include_deleted)
    return Result(rows, shape, tuple(_column(scope, item.term.path) for item in query.selected))


def _column(scope: Scope, path: tuple[str, ...]) -> Column:
    """One selected path as a column."""
    bound = scope.bind(path)
    name = ".".join([*(str(hop.reference.relationship) for hop in bound.hops), bound.field.name])
    return Column(name, bound.field.type, scope.getter(bound), None if bound.hops else bound.field.name)


def _show_children(scope: Scope, shape: Shape, child: Query, parents: list[Row], include_deleted: bool) -> None:
    """Let each row show the children that a subquery of the select list asks for, as they are now."""
    relationship = child_named(scope.tables, scope.schema, child.object)
    if relationship is None or relationship.name is None:
        raise no_such_relationship(child.object, scope.schema.name, scope.query.text)
    if child.aggregate or child.count:
        raise malformed_query("Grouped queries are not allowed in a subquery of the select list")
    inner = scope.inner(replace(child, object=relationship.child.name))
    inner_shape = shape_of(inner)
    ids, reference = [row["Id"] for row in parents], relationship.field.name
    indexed = reference in inner.table.schema.references
    candidates = inner.table.referring(reference, ids) if indexed else inner.table.rows.values()
    by_parent: dict[str, list[Row]] = {}
    for row in passing(inner, candidates, include_deleted, _values_of):
        by_parent.setdefault(str(row.get(reference)), []).append(row)
    end = None if child.limit is None else child.offset + child.limit

    def show(row: Row, version: str) -> dict[str, Any] | None:
        rows = by_parent.get(row["Id"], [])
        sort_rows(rows, child.order, inner)
        rows = rows[child.offset : end]
        if not rows:
            return None
        return {"totalSize": len(rows), "done": True, "records": [inner_shape.rendered(one, version) for one in rows]}

    shape.put(relationship.name, show)


def passing(scope: Scope, rows: Iterable[Row], include_deleted: bool, values_of: ValuesOf) -> Iterator[Row]:
    """The rows that are shared with us and that WHERE takes."""
    unshared = scope.visibility.unshared
    if unshared:
        rows = (row for row in rows if row["Id"] not in unshared)
    if not include_deleted:
        rows = (row for row in rows if not row.get("IsDeleted") and not row.get("IsArchived"))
    where = scope.query.where
    if where is None:
        return iter(rows)
    return filter(test_of(where, scope, lambda query: values_of(scope, query)), rows)


def _found(scope: Scope, include_deleted: bool) -> list[Row]:
    """The rows that WHERE takes, in no promised order."""
    return list(passing(scope, _candidates(scope.query.where, scope.table), include_deleted, _values_of))


def _values_of(scope: Scope, query: Query) -> list[Any]:
    """The values that the subquery of an IN finds, text folded."""
    inner = scope.inner(query)
    field, read = inner.term(query.selected[0].term)
    folded = field.type in TEXT_TYPES
    values = (read(row) for row in _found(inner, False))
    return [value.casefold() if folded and value is not None else value for value in values]


def _candidates(where: Condition | None, table: Table) -> Iterable[Row]:
    """The rows that can pass at all, by the best index there is."""
    if where is None:
        return table.rows.values()
    parts = where.parts if isinstance(where, Junction) and where.operator == "AND" else (where,)
    for part in parts:
        if (
            isinstance(part, Comparison)
            and part.operator in ("=", "IN")
            and part.subquery is None
            and part.term.function is None
            and len(part.term.path) == 1
        ):
            values = [canonical(value.text) for value in part.values if value.kind is LiteralKind.STRING]
            name = part.term.path[0].lower()
            ids = dict.fromkeys(value for value in values if value is not None)
            if name == "id" and len(ids) == len(part.values):
                return [table.rows[value] for value in sorted(ids) if value in table.rows]
            indexed = next((field for field in table.schema.references if field.lower() == name), None)
            if indexed and len(ids) == len(part.values):
                return list(table.referring(indexed, sorted(ids)))
    lower, upper = _stamp_bounds(where)
    return list(table.stamped(lower, upper)) if lower or upper else table.rows.values()


def _stamp_bounds(where: Condition) -> tuple[str | None, str | None]:
    """The least and the greatest SystemModstamp that can pass, the upper one excluded; None for no bound."""
    if isinstance(where, Junction):
        bounds = [_stamp_bounds(part) for part in where.parts]
        lowers, uppers = [low for low, _ in bounds if low], [high for _, high in bounds if high]
        if where.operator == "AND":
            return max(lowers, default=None), min(uppers, default=None)
        complete = len(bounds)
        return (
            min(lowers) if len(lowers) == complete else None,
            max(uppers) if len(uppers) == complete else None,
        )
    if not isinstance(where, Comparison) or where.term.function is not None:
        return None, None
    if [name.lower() for name in where.term.path] != ["systemmodstamp"]:
        return None, None
    literal = where.values[0] if where.values else None
    if literal is None or literal.kind is not LiteralKind.DATETIME:
        return None, None
    text = stamp(parse_instant(literal.text))
    just_after = text + "~"
    bounds_of: dict[str, tuple[str | None, str | None]] = {
        "=": (text, just_after),
        ">": (text, None),
        ">=": (text, None),
        "<": (None, text),
        "<=": (None, just_after),
    }
    return bounds_of.get(where.operator, (None, None))
