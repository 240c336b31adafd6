"""SOQL text asked of an org: parsed, the rows it implies made, then run. What REST and Bulk queries share."""

from __future__ import annotations

from dataclasses import replace

from syncd.sandbox.salesforce.relationships import child_named
from syncd.sandbox.salesforce.sharing import complete
from syncd.sandbox.salesforce.soql.execution import Result, run
from syncd.sandbox.salesforce.soql.tree import Query
from syncd.sandbox.salesforce.state import OrgState


def ask(state: OrgState, query: Query, *, include_deleted: bool) -> Result:
    """What a parsed query finds now. Raises Refusal for what the platform refuses."""
    complete(state, _objects_of(state, query))
    if state.unfiltered > 0 and query.where is not None:
        state.unfiltered -= 1
        query = replace(query, where=None)
    return run(query, state.tables, state.visibility, state.clock.now(), include_deleted=include_deleted)


def _objects_of(state: OrgState, query: Query) -> list[str]:
    """Every object that a query reads rows of, those of its child relationships included."""
    names = list(query.objects)
    if query.object in state.tables:
        schema = state.tables.table(query.object).schema
        relationships = (child_named(state.tables, schema, child.object) for child in query.children)
        names += [relationship.child.name for relationship in relationships if relationship is not None]
    return names
