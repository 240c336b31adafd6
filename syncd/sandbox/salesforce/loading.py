"""Rows put into the org from outside, as they are: a dataset, a CSV export, the rows of a test.

No check the API makes is made here, so that old and odd data can be loaded; only types are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.sandbox.salesforce import person_accounts
from syncd.sandbox.salesforce.currencies import chain_rates
from syncd.sandbox.salesforce.derived import defaults_of, derived
from syncd.sandbox.salesforce.fieldtypes import stored
from syncd.sandbox.salesforce.schema import ObjectSchema, custom_object
from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.salesforce.tables import Row


def load_rows(state: OrgState, name: str, rows: Iterable[Mapping[str, object]], *, by: str) -> tuple[str, ...]:
    """Load rows into an object, which is made if need be; their ids in order. ValueError names the field and value."""
    given = list(rows)
    if name not in state.tables:
        state.tables.add(custom_object(name, sum(1 for _ in state.tables)))
    table = state.tables.table(name)
    if table.schema.learn(given):
        state.schema_changed_at = state.clock.now()
    if table.schema.name == "Account" and any(row.get("IsPersonAccount") in (True, "true") for row in given):
        person_accounts.enable(state)
    loaded = [_loaded(state, table.schema, row, by) for row in given]
    state.tables.load(name, loaded)
    _follow(state, table.schema.name, loaded)
    now = state.clock.now()
    for row in loaded:
        if row.get("IsDeleted"):
            table.deleted_at[row["Id"]] = now
    return tuple(str(row["Id"]) for row in loaded)


def _follow(state: OrgState, name: str, loaded: list[Row]) -> None:
    """What the platform keeps beside rows of these objects."""
    if name == "Account" and person_accounts.is_enabled(state):
        for row in loaded:
            person_accounts.keep_contact(state, row, effect=False)
    elif name == "DatedConversionRate":
        chain_rates(state)


def _loaded(state: OrgState, schema: ObjectSchema, row: Mapping[str, object], by: str) -> Row:
    """One row with everything filled in that was absent."""
    fields: dict[str, Any] = {}
    for name, value in row.items():
        field = schema.get(name)
        if field is None:
            continue
        try:
            kept = stored(value, field.type)
        except ValueError as error:
            raise ValueError(f"{schema.name}.{field.name}: {error}") from error
        if kept is not None:
            fields[field.name] = kept
    stamps = _stamps(state, fields, by)
    identity = fields.get("Id") or state.new_id(schema)
    complete: dict[str, Any] = {**defaults_of(schema.name), **fields, **stamps, "Id": identity}
    if schema.has_bin:
        complete.setdefault("IsDeleted", False)
    if schema.owned and by:
        complete.setdefault("OwnerId", by)
    if schema.name == "Account" and complete.get("IsPersonAccount"):
        complete.setdefault("Name", person_accounts.full_name(complete))
    worked_out = derived(schema.name, complete, complete, state.tables)
    return {**complete, **{key: value for key, value in worked_out.items() if key not in fields}}


def _stamps(state: OrgState, fields: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Who made and last changed the row, and when: what it says of itself, else now and us."""
    now = state.now()
    modified = fields.get("LastModifiedDate") or fields.get("SystemModstamp") or fields.get("CreatedDate") or now
    stamps = {
        "CreatedDate": min(str(modified), now),
        "CreatedById": by or None,
        "LastModifiedDate": modified,
        "LastModifiedById": by or None,
        "SystemModstamp": modified,
    }
    return {**stamps, **{key: fields[key] for key in stamps if fields.get(key) is not None}}
