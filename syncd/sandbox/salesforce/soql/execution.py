"""A query run: which rows to look at, the test of WHERE, the order, and how the chosen rows are shown.

An index by stamp, by id or by reference narrows the rows; WHERE is tested on each all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.clock import parse_instant
from syncd.sandbox.salesforce.fieldtypes import TEXT_TYPES, stamp
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.soql.binding import Scope, Visibility
from syncd.sandbox.salesforce.soql.conditions import test_of
from syncd.sandbox.salesforce.soql.rendering import Shape, shape_of
from syncd.sandbox.salesforce.soql.tree import Comparison, Condition, Junction, LiteralKind, OrderTerm, Query
from syncd.sandbox.salesforce.tables import Row, Table, Tables

_FIELDS_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Result:
    """The rows a query found, as they were when it ran; the shape to show them in; the selected paths."""

    rows: list[Row]
    shape: Shape
    names: tuple[tuple[str, ...], ...]


def run(query: Query, tables: Tables, visibility: Visibility, now: datetime, *, include_deleted: bool) -> Result:
    """Run a query. Raises Refusal for what the platform refuses."""
    scope = Scope(tables, visibility, query, now)
    if query.group is not None and (query.limit is None or query.limit > _FIELDS_LIMIT):
        raise Refusal(400, "MALFORMED_QUERY", f"The SOQL FIELDS function must have a LIMIT of at most {_FIELDS_LIMIT}")
    shape = shape_of(scope)
    rows = _found(scope, include_deleted)
    for term in reversed(query.order):
        _sort(rows, term, scope)
    end = None if query.limit is None else query.offset + query.limit
    bound = [scope.bind(path) for path in query.paths]
    names = [(*(str(hop.reference.relationship) for hop in path.hops), path.field.name) for path in bound]
    return Result(rows[query.offset : end], shape, tuple(names))


def _found(scope: Scope, include_deleted: bool) -> list[Row]:
    """The rows that WHERE takes, in no promised order."""

    def values_of(query: Query) -> list[Any]:
        inner = scope.inner(query)
        read = inner.getter(inner.bind(query.paths[0]))
        folded = inner.bind(query.paths[0]).field.type in TEXT_TYPES
        values = (read(row) for row in _found(inner, False))
        return [value.casefold() if folded and value is not None else value for value in values]

    where = scope.query.where
    rows: Iterable[Row] = _candidates(where, scope.table)
    if not include_deleted:
        rows = (row for row in rows if not row.get("IsDeleted") and not row.get("IsArchived"))
    if where is None:
        return list(rows)
    test = test_of(where, scope, values_of)
    return [row for row in rows if test(row)]


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
            and len(part.path) == 1
        ):
            values = [canonical(value.text) for value in part.values if value.kind is LiteralKind.STRING]
            name = part.path[0].lower()
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
    if not isinstance(where, Comparison) or [name.lower() for name in where.path] != ["systemmodstamp"]:
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


def _sort(rows: list[Row], term: OrderTerm, scope: Scope) -> None:
    """Sort by one term, keeping the order among equals; text in any case, ids by their characters."""
    bound = scope.bind(term.path)
    read, folded = scope.getter(bound), bound.field.type in TEXT_TYPES
    null_rank = 0 if term.nulls_first is not term.descending else 2

    def key(row: Row) -> tuple[int, Any]:
        value = read(row)
        if value is None:
            return null_rank, 0
        return 1, value.casefold() if folded else value

    rows.sort(key=key, reverse=term.descending)
