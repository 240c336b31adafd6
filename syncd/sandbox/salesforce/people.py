"""What people do in the UI: change, create, deactivate, delete, undelete, merge; and what an administrator switches.

A command is a mapping, as `POST /_sandbox/edit` sends it. Changes are stamped as that person's. Unlike the API, an
owner changed in the UI takes contacts, open opportunities and open tasks of the old owner along (salesforce.md 3.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from syncd.sandbox.salesforce.fieldtypes import stored
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.lifecycle import delete, hard_delete, merge, undelete
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.schema import FieldSchema
from syncd.sandbox.salesforce.tables import Row, Table
from syncd.sandbox.salesforce.writing import (
    OrgState,
    changed_row,
    check_owner,
    create,
    effect_of,
    find,
    fresh_row,
    save,
)

_VERBS = ("set", "create", "delete", "undelete", "hard_delete", "deactivate", "activate", "merge", "hide", "show")
_VERBS_AND_RULE = (*_VERBS, "assignment_owner")


def act(state: OrgState, command: Mapping[str, Any], *, person: str) -> None:
    """Carry out one command as the user `person`. ValueError says what is wrong with it; then nothing changed.

    `{object, id, set: {…}, visible_after: seconds, keep_team, transfer}`, `{object, create: {…}, visible_after}`,
    `{object, id, delete | undelete | hard_delete | deactivate | activate: true}`, `{object, id, merge: [losers]}`,
    `{object, hide | show: field}` (field-level security; `*` is the object), `{object, assignment_owner: user | null}`.
    """
    verbs = [verb for verb in _VERBS_AND_RULE if verb in command]
    if len(verbs) != 1:
        raise ValueError(f"an edit has exactly one of {', '.join(_VERBS_AND_RULE)}")
    table = state.tables.table(str(command.get("object", "")))
    mark = state.tables.begin()
    try:
        _carry_out(state, table, verbs[0], command, person)
    except (Refusal, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        state.tables.rollback(mark)
        raise ValueError(str(error)) from error
    state.tables.commit()


def _carry_out(state: OrgState, table: Table, verb: str, command: Mapping[str, Any], person: str) -> None:
    """One verb."""
    name, argument = table.schema.name, command[verb]
    record_id = canonical(str(command.get("id", ""))) or str(command.get("id", ""))
    state.tables.settle(state.clock.now(), record_id)
    match verb:
        case "set":
            _change(state, table, record_id, argument, command, person)
        case "create":
            _create(state, table, argument, command, person)
        case "delete":
            delete(state, name, record_id, by=person)
        case "undelete":
            undelete(state, name, record_id, by=person)
        case "hard_delete":
            hard_delete(state, name, record_id)
        case "deactivate" | "activate":
            _change(state, table, record_id, {"IsActive": verb == "activate"}, command, person)
        case "merge":
            losers = [canonical(str(item)) or str(item) for item in argument]
            merge(state, name, record_id, losers, by=person)
        case "hide" | "show":
            switch = state.visibility.hide if verb == "hide" else state.visibility.show
            switch(name, str(argument))
            state.tables.effects.append(f"{name} {argument} {'hidden' if verb == 'hide' else 'shown'}")
        case _:
            _set_assignment_rule(state, table, argument)


def _create(state: OrgState, table: Table, values: Mapping[str, Any], command: Mapping[str, Any], person: str) -> None:
    """A new row; with `visible_after` nobody sees it for that many seconds though its stamp is of now."""
    table.schema.learn([values])
    if "visible_after" not in command:
        create(state, table.schema.name, values, by=person)
        return
    fields = {"OwnerId": person, **_read(table, values)} if table.schema.owned else _read(table, values)
    row = fresh_row(state, table.schema, fields, by=person)
    _later(state, table, str(row["Id"]), row, command, f"{table.schema.name} {row['Id']} created")


def _change(
    state: OrgState,
    table: Table,
    record_id: str,
    values: Mapping[str, Any],
    command: Mapping[str, Any],
    person: str,
) -> None:
    """Changed fields of a live row; any field may be set, system fields included, so that odd data can be made."""
    _, row = find(state, table.schema.name, record_id)
    table.schema.learn([values])
    changes = _read(table, values)
    if "OwnerId" in changes:
        check_owner(state, table.schema, changes["OwnerId"])
    if "visible_after" in command:
        changed = changed_row(state, table.schema.name, row, changes, by=person)
        delta = {key: value for key, value in changed.items() if row.get(key, None) != value or key in changes}
        _later(state, table, record_id, delta, command, effect_of(table.schema.name, row, changes))
        return
    save(state, table, row, changes, by=person, keep_team=bool(command.get("keep_team")))
    moved = "OwnerId" in changes and changes["OwnerId"] != row.get("OwnerId")
    if moved and table.schema.name == "Account" and command.get("transfer", True):
        _transfer(state, row, str(changes["OwnerId"]), person)


def _transfer(state: OrgState, account: Row, new_owner: str, person: str) -> None:
    """Take contacts, open opportunities and open tasks of the old owner along."""
    for name, reference in (("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Task", "WhatId")):
        children = state.tables.table(name)
        for child in list(children.referring(reference, [account["Id"]])):
            open_and_owned = child.get("OwnerId") == account.get("OwnerId") and not child.get("IsClosed")
            if open_and_owned and not child.get("IsDeleted"):
                save(state, children, child, {"OwnerId": new_owner}, by=person)


def _later(
    state: OrgState, table: Table, record_id: str, changes: Row, command: Mapping[str, Any], effect: str
) -> None:
    """Commit changes after `visible_after` seconds."""
    visible_from = state.clock.now() + timedelta(seconds=float(command["visible_after"]))
    state.tables.put_late(table.schema.name, record_id, changes, visible_from)
    state.tables.effects.append(f"{effect}, visible from {visible_from:%Y-%m-%dT%H:%M:%SZ}")


def _read(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as stored, under the fields' own names."""
    items: list[tuple[FieldSchema | None, Any]] = [(table.schema.get(name), value) for name, value in values.items()]
    return {item.name: stored(value, item.type) for item, value in items if item is not None}


def _set_assignment_rule(state: OrgState, table: Table, owner: Any) -> None:
    """Activate or, with null, deactivate the assignment rule of an object."""
    if owner is None:
        state.assignment_owners.pop(table.schema.name, None)
    else:
        state.assignment_owners[table.schema.name] = check_owner(state, table.schema, canonical(str(owner)))
    state.tables.effects.append(f"{table.schema.name} assignment rule gives to {owner}")
