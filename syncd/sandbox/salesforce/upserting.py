"""Rows found by an external id, and changed or made by it (salesforce.md 4.2: 300 where it names several)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.salesforce.fieldtypes import TEXT_TYPES, stored
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.refusals import Refusal, not_found
from syncd.sandbox.salesforce.schema import FieldSchema
from syncd.sandbox.salesforce.state import OrgState, Saving
from syncd.sandbox.salesforce.tables import Row, Table
from syncd.sandbox.salesforce.writing import create, update


class SeveralRows(Refusal):
    """An external id that more than one row has; over REST the answer is 300 with the addresses of all of them."""

    def __init__(self, key: str, ids: tuple[str, ...]) -> None:
        message = f"{key}: more than one record found for external id field: [{', '.join(ids)}]"
        super().__init__(400, "DUPLICATE_EXTERNAL_ID", message, ())
        self.ids = ids


def by_external_id(state: OrgState, name: str, key: str, value: str) -> Row | None:
    """The one live row with this value; None where there is none.

    Raises Refusal: 404 for a field that is no external id, SeveralRows where several rows have it.
    """
    table = state.tables.table(name)
    found = _matching(table, key_field(state, table, key), value)
    if len(found) > 1:
        raise SeveralRows(key, tuple(str(row["Id"]) for row in found))
    return found[0] if found else None


def upsert(
    state: OrgState, name: str, key: str, value: str | None, values: Mapping[str, Any], saving: Saving
) -> tuple[str, bool]:
    """Change the row that the external id names, or make it: its id, and whether it was made. Raises Refusal.

    With `Id` as the key a row without a value is made, one with it is changed.
    """
    if key.lower() == "id":
        if not value:
            return create(state, name, values, saving), True
        update(state, name, value, values, saving)
        return canonical(value) or value, False
    if not value:
        raise Refusal(400, "MISSING_ARGUMENT", f"{key} not specified", (key,))
    row = by_external_id(state, name, key, value)
    field = key_field(state, state.tables.table(name), key)
    given = {k: v for k, v in values.items() if k.lower() != field.name.lower()}
    if row is None:
        return create(state, name, {**given, field.name: value}, saving), True
    update(state, name, row["Id"], given, saving)
    return str(row["Id"]), False


def key_field(state: OrgState, table: Table, name: str) -> FieldSchema:
    """The external id field of that name. Raises Refusal 404 for any other."""
    field = table.schema.get(name)
    if field is None or not field.external_id or not state.visibility.sees(table.schema, field):
        raise not_found("Provided external ID field does not exist or is not accessible: " + name)
    return field


def _matching(table: Table, field: FieldSchema, value: str) -> list[Row]:
    """The live rows with this value; text is compared in any case."""
    try:
        wanted = stored(value, field.type)
    except ValueError:
        return []
    folds = field.type in TEXT_TYPES

    def same(row: Row) -> bool:
        held = row.get(field.name)
        return held is not None and (held.casefold() == wanted.casefold() if folds else held == wanted)

    return [row for row in table.rows.values() if not row.get("IsDeleted") and same(row)]
