"""GROUP BY, HAVING and aggregates: rows into groups, groups into records."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from syncd.sandbox.salesforce.refusals import Refusal, malformed_query
from syncd.sandbox.salesforce.schema import FieldSchema
from syncd.sandbox.salesforce.soql.binding import Getter, Scope
from syncd.sandbox.salesforce.soql.conditions import test_of
from syncd.sandbox.salesforce.soql.functions import field_of, of_group
from syncd.sandbox.salesforce.soql.ordering import sort_rows
from syncd.sandbox.salesforce.soql.tree import Term
from syncd.sandbox.salesforce.tables import Row

MOST_GROUPS = 2_000
_ROWS = "rows"


class _Groups:
    """The groups of one query, readable by terms: an aggregate is worked out, a grouped field is that of any row."""

    def __init__(self, scope: Scope) -> None:
        self.now: datetime = scope.now
        self._scope = scope
        self._grouping = {_folded(term) for term in scope.query.grouping}

    def term(self, term: Term) -> tuple[FieldSchema, Getter]:
        """The field that a term is like, and how to read it from a group. Raises Refusal."""
        if term.function is not None and term.aggregates:
            function = term.function
            bound = self._scope.bind(term.path)
            read = self._scope.getter(bound)
            return field_of(function, bound.field), lambda group: of_group(function, [read(r) for r in group[_ROWS]])
        if _folded(term) not in self._grouping:
            raise malformed_query(f"Field must be grouped or aggregated: {'.'.join(term.path)}")
        field, read_row = self._scope.term(term)
        return field, lambda group: read_row(group[_ROWS][0])


def grouped(scope: Scope, rows: Iterable[Row]) -> list[Row]:
    """The records of an aggregate query, in order. Raises Refusal.

    Without GROUP BY all rows are one group, also where there are none. An item without an alias is `expr0`, `expr1`, …
    as it comes, a grouped field goes by its own name.
    """
    query, groups = scope.query, _Groups(scope)
    keys = [scope.term(term) for term in query.grouping]
    gathered: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): []}
    for row in rows:
        values = (read(row) for _, read in keys)
        key = tuple(value.casefold() if isinstance(value, str) else value for value in values)
        gathered.setdefault(key, []).append(row)
    found: list[Row] = [{_ROWS: members} for members in gathered.values()]
    if query.having is not None:
        found = list(filter(test_of(query.having, groups, lambda _: []), found))
    sort_rows(found, query.order, groups)
    columns: list[tuple[str, Getter]] = []
    numbered = 0
    for item in query.selected:
        name = item.alias
        if name is None and item.term.function is None:
            name = scope.bind(item.term.path).field.name
        elif name is None:
            name = f"expr{numbered}"
            numbered += 1
        columns.append((name, groups.term(item.term)[1]))
    if len(found) > MOST_GROUPS:
        message = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
        raise Refusal(400, "EXCEEDED_ID_LIMIT", message)
    return [{name: read(group) for name, read in columns} for group in found]


def _folded(term: Term) -> tuple[tuple[str, ...], str | None]:
    """A term as terms are compared: names in any case."""
    return tuple(part.lower() for part in term.path), term.function
