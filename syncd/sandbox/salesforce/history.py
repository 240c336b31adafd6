"""Field history: who changed which tracked field of a row from what to what, as the platform writes it down itself.

A changed reference makes two rows: one with the names of what it leads to, one with the ids; a standard one is called
by its relationship, one's own by its name. Opportunities also leave a
row of OpportunityHistory, tracked or not, whenever stage, amount, probability or close date change.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from syncd.sandbox.salesforce.schema import FieldSchema, relationship_of
from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.salesforce.tables import Row, Table

_HISTORY_OF = {
    "Account": ("AccountHistory", "AccountId"),
    "Contact": ("ContactHistory", "ContactId"),
    "Lead": ("LeadHistory", "LeadId"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId"),
}
_STAGE_HISTORY = ("OpportunityHistory", "OpportunityId")
_STAGE_FIELDS = ("StageName", "Amount", "Probability", "CloseDate")
_DATA_TYPES = {
    "boolean": "Boolean",
    "currency": "Currency",
    "date": "DateOnly",
    "datetime": "DateTime",
    "double": "Double",
    "int": "Double",
    "percent": "Percent",
}


def note_created(state: OrgState, table: Table, row: Row) -> None:
    """The first entry of a new row."""
    _write(state, table, row, {"Field": "created", "DataType": "Text", "OldValue": None, "NewValue": None})
    _note_stage(state, table, row)


def note_changes(state: OrgState, table: Table, before: Row, after: Row) -> None:
    """An entry for each tracked field that a save changed, and one of the stage history."""
    if any(before.get(name) != after.get(name) for name in _STAGE_FIELDS):
        _note_stage(state, table, after)
    for name in state.tracked.get(table.schema.name.lower(), ()):
        field, old, new = table.schema.get(name), before.get(name), after.get(name)
        if field is None or old == new:
            continue
        if field.type == "reference":
            entry = {"Field": field.name if field.name.endswith("__c") else relationship_of(field.name)}
            named = {"OldValue": _name_of(state, field, old), "NewValue": _name_of(state, field, new)}
            _write(state, table, after, {**entry, "DataType": "Text", **named})
            _write(state, table, after, {**entry, "DataType": "EntityId", "OldValue": old, "NewValue": new})
        else:
            kind = _DATA_TYPES.get(field.type, "Text")
            _write(state, table, after, {"Field": field.name, "DataType": kind, "OldValue": old, "NewValue": new})


def settle(state: OrgState, now: datetime, record_id: str | None = None) -> None:
    """Commit the late changes whose time has come, and one record's at once, with the entries that they leave."""
    for table, before, after in state.tables.settle(now, record_id):
        if before is None:
            note_created(state, table, after)
        else:
            note_changes(state, table, before, after)


def forget(state: OrgState, name: str, record_id: str) -> None:
    """Take the history of a row away with it."""
    if name not in _HISTORY_OF:
        return
    history, reference = _HISTORY_OF[name]
    kept = [(history, reference), _STAGE_HISTORY] if name == "Opportunity" else [(history, reference)]
    for history, reference in kept:
        for entry in list(state.tables.table(history).referring(reference, [record_id])):
            state.tables.remove(history, entry["Id"], None)


def _note_stage(state: OrgState, table: Table, row: Row) -> None:
    """The opportunity's stage history: the values as they are after the save."""
    if table.schema.name != "Opportunity":
        return
    amount, probability = row.get("Amount"), row.get("Probability")
    values = {name: row.get(name) for name in (*_STAGE_FIELDS, "ForecastCategory")}
    revenue = None if amount is None or probability is None else amount * probability / 100
    _put(state, *_STAGE_HISTORY, row, {**values, "ExpectedRevenue": revenue})


def _write(state: OrgState, table: Table, row: Row, values: dict[str, Any]) -> None:
    """One entry; objects without history have none."""
    if table.schema.name not in _HISTORY_OF:
        return
    _put(state, *_HISTORY_OF[table.schema.name], row, values)


def _put(state: OrgState, name: str, reference: str, row: Row, values: dict[str, Any]) -> None:
    schema = state.tables.table(name).schema
    entry = {
        "Id": state.new_id(schema),
        "IsDeleted": False,
        reference: row["Id"],
        "CreatedById": row.get("LastModifiedById"),
        "CreatedDate": row["LastModifiedDate"],
        "SystemModstamp": row["LastModifiedDate"],
        **values,
    }
    state.tables.put(name, entry, None)


def _name_of(state: OrgState, field: FieldSchema, record_id: Any) -> str | None:
    """The name of what a reference leads to."""
    rows = (state.tables.get(name, record_id) for name in field.targets if name in state.tables)
    found = next((row for row in rows if row is not None), None)
    return None if found is None else str(found.get("Name"))
