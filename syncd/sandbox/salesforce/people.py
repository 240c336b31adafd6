"""What people do in the UI: change, create, deactivate, delete, undelete, merge; an administrator's switches too.

A command is a mapping, as `POST /_sandbox/edit` sends it. Changes are stamped as that person's. Unlike the API, an
owner changed in the UI takes contacts, open opportunities and open tasks of the old owner along (salesforce.md 3.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from syncd.sandbox.salesforce import administration
from syncd.sandbox.salesforce.checks import check_owner
from syncd.sandbox.salesforce.fieldtypes import stored
from syncd.sandbox.salesforce.history import settle
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.lifecycle import delete, hard_delete, merge, undelete
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.schema import FieldSchema
from syncd.sandbox.salesforce.state import UI_OPTIONS, OrgState, Saving, find
from syncd.sandbox.salesforce.tables import Row, Table
from syncd.sandbox.salesforce.writing import changed_row, create, effect_of, fresh_row, guarded, update

_OF_PEOPLE = ("set", "create", "delete", "undelete", "hard_delete", "deactivate", "activate", "merge")
_VERBS = (*_OF_PEOPLE, *administration.VERBS)


def act(state: OrgState, command: Mapping[str, Any], *, person: str) -> None:
    """Carry out one command as the user `person`. ValueError says what is wrong with it; then nothing changed.

    `{object, id, set: {…}, visible_after: seconds, keep_team, transfer}`, `{object, create: {…}, visible_after}`,
    `{object, id, delete | undelete | hard_delete | deactivate | activate: true}`, `{object, id, merge: [losers]}`, or
    one of administration.VERBS. With `"via": "api"`, set, create and delete are what an application of that user
    does: safeguards hold, an owner takes nothing along and drops the team.
    """
    verbs = [verb for verb in _VERBS if verb in command]
    if len(verbs) != 1:
        raise ValueError(f"an edit has exactly one of {', '.join(_VERBS)}")
    if command.get("via", "ui") not in ("ui", "api"):
        raise ValueError("an edit is made via ui or via api")
    table = state.tables.table(str(command.get("object", "")))
    mark = state.tables.begin()
    try:
        _carry_out(state, table, verbs[0], command, person)
    except (Refusal, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        state.tables.rollback(mark)
        raise ValueError(str(error)) from error
    state.tables.commit(mark)


def _carry_out(state: OrgState, table: Table, verb: str, command: Mapping[str, Any], person: str) -> None:
    """One verb."""
    name, argument = table.schema.name, command[verb]
    record_id = canonical(str(command.get("id", ""))) or str(command.get("id", ""))
    settle(state, state.clock.now(), record_id)
    saving = _saving(command, person)
    match verb:
        case "set":
            _change(state, table, record_id, argument, command, saving)
        case "create":
            _create(state, table, argument, command, saving)
        case "delete":
            delete(state, name, record_id, saving)
        case "undelete":
            undelete(state, name, record_id, saving)
        case "hard_delete":
            hard_delete(state, name, record_id)
        case "deactivate" | "activate":
            _change(state, table, record_id, {"IsActive": verb == "activate"}, command, saving)
        case "merge":
            losers = [canonical(str(item)) or str(item) for item in argument]
            merge(state, name, record_id, losers, saving)
        case _:
            state.tables.effects.append(
                administration.administer(state, table, verb, argument, table.rows.get(record_id))
            )


def _saving(command: Mapping[str, Any], person: str) -> Saving:
    """How a command saves: as the UI does it, or as an application would over the API."""
    if command.get("via") == "api":
        return Saving(person)
    options = set(UI_OPTIONS) if command.get("transfer", True) else set()
    if command.get("keep_team"):
        options |= {"KeepAccountTeam", "KeepSalesTeam"}
    return Saving(person, person=True).with_options(options)


def _create(
    state: OrgState, table: Table, values: Mapping[str, Any], command: Mapping[str, Any], saving: Saving
) -> None:
    """A new row; with `visible_after` nobody sees it for that many seconds though its stamp is of now."""
    if table.schema.learn([values]):
        state.schema_changed_at = state.clock.now()
    if "visible_after" not in command:
        create(state, table.schema.name, values, saving)
        return
    fields = {"OwnerId": saving.by, **_read(table, values)} if table.schema.owned else _read(table, values)
    row = fresh_row(state, table.schema, fields, by=saving.by)
    _later(state, table, str(row["Id"]), row, command, f"{table.schema.name} {row['Id']} created")


def _change(
    state: OrgState,
    table: Table,
    record_id: str,
    values: Mapping[str, Any],
    command: Mapping[str, Any],
    saving: Saving,
) -> None:
    """Changed fields of a live row; a person may set any field, system fields too, so that odd data can be made."""
    if not saving.person:
        update(state, table.schema.name, record_id, values, saving)
        return
    _, row = find(state, table.schema.name, record_id, everything=True)
    if table.schema.learn([values]):
        state.schema_changed_at = state.clock.now()
    changes = _read(table, values)
    if "OwnerId" in changes:
        check_owner(state, table.schema, changes["OwnerId"])
    if "visible_after" in command:
        changed = changed_row(state, table.schema.name, row, changes, by=saving.by)
        delta = {key: value for key, value in changed.items() if row.get(key, None) != value or key in changes}
        _later(state, table, record_id, delta, command, effect_of(table.schema.name, row, changes))
        return
    guarded(state, table, row, changes, saving)


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
