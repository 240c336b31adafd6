"""What an administrator sets up in an org: fields, who sees and writes what, rules, flows, locks, features.

One function a switch; each takes what `POST /_sandbox/edit` sent for it. ValueError or Refusal for what makes no
sense. Records themselves are people.py's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from syncd.sandbox.salesforce import person_accounts
from syncd.sandbox.salesforce.checks import check_owner
from syncd.sandbox.salesforce.fieldtypes import KNOWN_TYPES, stored
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.safeguards import DUPLICATE_ACTIONS, DuplicateRule, Flow, ValidationRule, When
from syncd.sandbox.salesforce.schema import FieldSchema, ObjectSchema, relationship_of
from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.salesforce.tables import Row, Table

_FOR_EVER = timedelta(days=36_500)
FEATURES = ("person_accounts", "multi_currency")


def set_feature(state: OrgState, name: str, on: bool) -> None:
    """Turn person accounts on, or several currencies on or off."""
    if name == "person_accounts" and on:
        person_accounts.enable(state)
    elif name == "multi_currency":
        switch = state.visibility.show if on else state.visibility.hide
        for table in state.tables:
            if table.schema.get("CurrencyIsoCode") is not None:
                switch(table.schema.name, "CurrencyIsoCode")
        for name_of_object in ("CurrencyType", "DatedConversionRate"):
            switch(name_of_object)
        state.tables.revision += 1
    else:
        raise ValueError(f"a feature is one of {', '.join(FEATURES)}; person accounts cannot be turned off again")


def administer(state: OrgState, table: Table, verb: str, argument: Any, row: Row | None) -> str:
    """Carry out one switch of an object or a record; what was done, in words."""
    name = table.schema.name
    if verb in _OF_RECORDS:
        if row is None:
            raise ValueError(f"{verb} needs the id of a record")
        _OF_RECORDS[verb](state, str(row["Id"]), argument)
        state.tables.revision += 1
        return f"{name} {row['Id']} {verb} {argument}"
    _OF_OBJECTS[verb](state, table, argument)
    state.tables.revision += 1
    state.schema_changed_at = state.clock.now()
    return f"{name} {_SAID[verb].format(argument)}" if verb in _SAID else f"{name} {verb} set"


def _hide(state: OrgState, table: Table, field: Any) -> None:
    state.visibility.hide(table.schema.name, str(field))


def _show(state: OrgState, table: Table, field: Any) -> None:
    state.visibility.show(table.schema.name, str(field))


def _freeze(state: OrgState, table: Table, field: Any) -> None:
    state.visibility.freeze(table.schema.name, str(field))


def _thaw(state: OrgState, table: Table, field: Any) -> None:
    state.visibility.thaw(table.schema.name, str(field))


def _set_assignment_rule(state: OrgState, table: Table, owner: Any) -> None:
    """Activate or, with null, deactivate the assignment rule of an object."""
    if owner is None:
        state.assignment_owners.pop(table.schema.name, None)
    else:
        state.assignment_owners[table.schema.name] = check_owner(state, table.schema, canonical(str(owner)))


def _add_field(state: OrgState, table: Table, document: Mapping[str, Any]) -> None:
    """Add a field, or change its type: values that do not fit the new one are lost, as on the platform.

    `tracked` lets the object's field history tell of its changes from now on.
    """
    kind, name = str(document.get("type", "string")), str(document["name"])
    if kind not in KNOWN_TYPES:
        raise ValueError(f"a field's type is one of {', '.join(sorted(KNOWN_TYPES))}")
    targets = tuple(str(item) for item in document.get("targets", ()))
    field = FieldSchema(
        name=name,
        type=kind,
        length=int(document.get("length", 255)),
        writeable=not document.get("calculated", False),
        required=bool(document.get("required", False)),
        targets=targets,
        relationship=relationship_of(name) if targets else None,
        values=tuple(str(item) for item in document.get("values", ())),
        external_id=bool(document.get("external_id", False)),
        calculated=bool(document.get("calculated", False)),
    )
    table.schema.add(field)
    if document.get("tracked", False):
        tracked = state.tracked.setdefault(table.schema.name.lower(), ())
        state.tracked[table.schema.name.lower()] = tuple(dict.fromkeys((*tracked, name)))
    _rewrite(table, {row_id: _refitted(row, field) for row_id, row in table.rows.items() if name in row})


def _remove_field(_: OrgState, table: Table, name: Any) -> None:
    """Take a field away with all its values."""
    field = _custom(table.schema, str(name))
    table.schema.drop(field.name)
    kept = {row_id: row for row_id, row in table.rows.items() if field.name in row}
    _rewrite(table, {i: {key: value for key, value in row.items() if key != field.name} for i, row in kept.items()})


def _rename_field(_: OrgState, table: Table, document: Mapping[str, Any]) -> None:
    """Give a field another API name; its values stay."""
    field, new = _custom(table.schema, str(document["from"])), str(document["to"])
    table.schema.drop(field.name)
    table.schema.add(replace(field, name=new, relationship=relationship_of(new) if field.targets else None))
    renamed = {i: row for i, row in table.rows.items() if field.name in row}
    _rewrite(
        table,
        {i: {(new if key == field.name else key): value for key, value in row.items()} for i, row in renamed.items()},
    )


def _rename_value(state: OrgState, table: Table, document: Mapping[str, Any]) -> None:
    """Rename a picklist value: rows show the new one, and their SystemModstamp alone moves (salesforce.md 2.4)."""
    field = table.schema.get(str(document["field"]))
    if field is None:
        raise ValueError(f"{table.schema.name} has no field {document['field']}")
    old, new = str(document["from"]), str(document["to"])
    table.schema.add(replace(field, values=tuple(new if value == old else value for value in field.values)))
    touched = {} if document.get("stamp") is False else {"SystemModstamp": state.now()}
    rows = {i: row for i, row in table.rows.items() if row.get(field.name) == old}
    for row in rows.values():
        table.put({**row, field.name: new, **touched})


def _set_validation(state: OrgState, table: Table, document: Any) -> None:
    """`{name, when, changed, message, field}` adds or replaces a validation rule, null takes all away."""
    rules = state.safeguards.validations
    if document is None:
        rules.pop(table.schema.name.lower(), None)
        return
    rule = ValidationRule(
        name=str(document.get("name", "rule")),
        when=When.of(table.schema.name, document),
        message=str(document["message"]),
        field=document.get("field"),
    )
    known = rules.setdefault(table.schema.name.lower(), [])
    known[:] = [*(other for other in known if other.name != rule.name), rule]


def _set_duplicates(state: OrgState, table: Table, document: Any) -> None:
    """`{name, fields, action: alert | block}` adds or replaces a duplicate rule, null takes all away."""
    rules = state.safeguards.duplicates
    if document is None:
        rules.pop(table.schema.name.lower(), None)
        return
    rule = DuplicateRule(
        name=str(document.get("name", "rule")),
        fields=tuple(_known(table.schema, str(item)).name for item in document["fields"]),
        action=str(document.get("action", "alert")),
    )
    if rule.action not in DUPLICATE_ACTIONS or not rule.fields:
        raise ValueError(f"a duplicate rule compares fields, and its action is {' or '.join(DUPLICATE_ACTIONS)}")
    known = rules.setdefault(table.schema.name.lower(), [])
    known[:] = [*(other for other in known if other.name != rule.name), rule]


def _set_flow(state: OrgState, table: Table, document: Any) -> None:
    """`{name, when, changed, set: {…} | revert: [fields] | fail: message}` adds a flow, null takes all away."""
    flows = state.safeguards.flows
    if document is None:
        flows.pop(table.schema.name.lower(), None)
        return
    values = {
        _known(table.schema, key).name: stored(value, _known(table.schema, key).type)
        for key, value in document.get("set", {}).items()
    }
    flow = Flow(
        name=str(document.get("name", "flow")),
        when=When.of(table.schema.name, document),
        set=values,
        revert=tuple(_known(table.schema, str(item)).name for item in document.get("revert", ())),
        fail=document.get("fail"),
    )
    known = flows.setdefault(table.schema.name.lower(), [])
    known[:] = [*(other for other in known if other.name != flow.name), flow]


def _lock(state: OrgState, record_id: str, argument: Any) -> None:
    """Hold a row for some seconds (true: until `lock: false`) as another transaction would."""
    if argument is False:
        state.safeguards.locks.pop(record_id, None)
        return
    held = _FOR_EVER if argument is True else timedelta(seconds=float(argument))
    state.safeguards.locks[record_id] = state.clock.now() + held


def _approval(state: OrgState, record_id: str, argument: Any) -> None:
    _toggle(state.safeguards.in_approval, record_id, bool(argument))


def _read_only(state: OrgState, record_id: str, argument: Any) -> None:
    _toggle(state.safeguards.read_only, record_id, bool(argument))


def _unshare(state: OrgState, record_id: str, argument: Any) -> None:
    _toggle(state.visibility.unshared, record_id, bool(argument))


def _toggle(ids: set[str], record_id: str, on: bool) -> None:
    """Put an id into a set or take it out."""
    if on:
        ids.add(record_id)
    else:
        ids.discard(record_id)


def _unshare_all(state: OrgState, table: Table, every: Any) -> None:
    """Keep each `every`th row of an object from us (1: all), null shares them again (T37)."""
    ids = sorted(table.rows)
    state.visibility.unshared.difference_update(ids)
    if every is not None:
        state.visibility.unshared.update(ids[int(every) - 1 :: int(every)])


def _custom(schema: ObjectSchema, name: str) -> FieldSchema:
    """A custom field. ValueError for any other."""
    field = schema.get(name)
    if field is None or not field.custom:
        raise ValueError(f"{schema.name} has no custom field {name}")
    return field


def _known(schema: ObjectSchema, name: str) -> FieldSchema:
    """A field. ValueError for an unknown one."""
    field = schema.get(name)
    if field is None:
        raise ValueError(f"{schema.name} has no field {name}")
    return field


def _refitted(row: Row, field: FieldSchema) -> Row:
    """A row with the value of a field that changed its type."""
    try:
        return {**row, field.name: stored(row[field.name], field.type)}
    except ValueError:
        return {**row, field.name: None}


def _rewrite(table: Table, rows: Mapping[str, Row]) -> None:
    """Put rows back whose stamps did not move: a changed definition changes no record."""
    for row in rows.values():
        table.put(row)


_OF_OBJECTS: Mapping[str, Callable[[OrgState, Table, Any], None]] = {
    "hide": _hide,
    "show": _show,
    "freeze": _freeze,
    "thaw": _thaw,
    "assignment_owner": _set_assignment_rule,
    "field": _add_field,
    "remove_field": _remove_field,
    "rename_field": _rename_field,
    "rename_value": _rename_value,
    "validation": _set_validation,
    "duplicates": _set_duplicates,
    "flow": _set_flow,
    "unshare_every": _unshare_all,
}
_OF_RECORDS: Mapping[str, Callable[[OrgState, str, Any], None]] = {
    "lock": _lock,
    "approval": _approval,
    "read_only": _read_only,
    "unshare": _unshare,
}
_SAID = {
    "hide": "{} hidden",
    "show": "{} shown",
    "freeze": "{} read-only",
    "thaw": "{} writeable",
    "assignment_owner": "assignment rule gives to {}",
    "remove_field": "{} removed",
}
VERBS = (*_OF_OBJECTS, *_OF_RECORDS)
"""The keys of an edit that are an administrator's."""
