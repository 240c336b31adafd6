"""Rows created and changed: checks, safeguards, stamps, history, and what follows from a save.

Used by the API and by people alike. The sources are salesforce.md 3.4 (owner change) and 3.6 (error codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syncd.sandbox.salesforce import history, person_accounts
from syncd.sandbox.salesforce.checks import check_owner, checked
from syncd.sandbox.salesforce.currencies import chain_rates
from syncd.sandbox.salesforce.derived import defaults_of, derived
from syncd.sandbox.salesforce.ownership import after_owner_change
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.schema import ObjectSchema
from syncd.sandbox.salesforce.sharing import share_with_member
from syncd.sandbox.salesforce.state import OrgState, Saving, find
from syncd.sandbox.salesforce.tables import Row, Table

_TEAMS = frozenset({"AccountTeamMember", "OpportunityTeamMember"})


def update(state: OrgState, name: str, record_id: str, values: Mapping[str, Any], saving: Saving) -> None:
    """Change fields of a live row as an API call does. Raises Refusal; then nothing changed."""
    table, row = find(state, name, record_id)
    state.safeguards.check_locks(state.tables, table, row, state.clock.now())
    state.safeguards.check_access(row)
    changes = checked(state, table.schema, values)
    changes |= person_accounts.of_changes(state, table.schema.name, row, changes)
    if row.get("IsConverted"):
        raise Refusal(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", ())
    if state.refuse_inactive_owners and "OwnerId" not in changes and row.get("OwnerId"):
        check_owner(state, table.schema, row["OwnerId"])
    guarded(state, table, row, changes, saving)
    assigned = state.assignment_owners.get(table.schema.name)
    if saving.auto_assign and assigned is not None and table.rows[row["Id"]].get("OwnerId") != assigned:
        save(state, table, table.rows[row["Id"]], {"OwnerId": assigned}, saving, why=" by assignment rule")


def guarded(state: OrgState, table: Table, row: Row, changes: Mapping[str, Any], saving: Saving) -> None:
    """A save that the org's own rules look at first and its flows follow. Raises Refusal; then nothing changed."""
    now = state.clock.now()
    after = changed_row(state, table.schema.name, row, changes, by=saving.by)
    if not saving.person:
        state.safeguards.check_rules(state.tables, table, row, after, now)
        state.safeguards.check_duplicates(table, after, allowed=saving.allow_duplicates)
    mark = state.tables.begin()
    try:
        save(state, table, row, changes, saving)
        _run_flows(state, table, row, saving)
    except Refusal:
        state.tables.rollback(mark)
        raise
    state.tables.commit(mark)


def create(state: OrgState, name: str, values: Mapping[str, Any], saving: Saving) -> str:
    """A new row as an API call makes it; its id. Raises Refusal; then nothing was made."""
    table = state.tables.table(name)
    schema = table.schema
    if "create" not in schema.flags and not schema.name.endswith("__c"):
        raise Refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {schema.name}", ())
    fields = dict(defaults_of(schema.name))
    if schema.owned:
        fields["OwnerId"] = saving.by
    given = checked(state, schema, values)
    fields.update(given)
    fields.update(person_accounts.of_changes(state, schema.name, None, given))
    missing = [item.name for item in schema.fields.values() if item.required and fields.get(item.name) is None]
    if missing:
        raise Refusal(
            400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", tuple(missing)
        )
    row = fresh_row(state, schema, fields, by=saving.by)
    if not saving.person:
        state.safeguards.check_rules(state.tables, table, None, row, state.clock.now())
        state.safeguards.check_duplicates(table, row, allowed=saving.allow_duplicates)
    mark = state.tables.begin()
    try:
        _put_new(state, table, row)
        _run_flows(state, table, None, saving, record_id=row["Id"])
    except Refusal:
        state.tables.rollback(mark)
        raise
    state.tables.commit(mark)
    return str(row["Id"])


def fresh_row(state: OrgState, schema: ObjectSchema, fields: Mapping[str, Any], *, by: str) -> Row:
    """A new row with its id, stamps and derived fields; not yet in the table."""
    now = state.now()
    row: dict[str, Any] = {"Id": state.new_id(schema), **fields}
    row.update(CreatedDate=now, CreatedById=by, LastModifiedDate=now, LastModifiedById=by, SystemModstamp=now)
    if schema.has_bin:
        row["IsDeleted"] = False
    row.update(derived(schema.name, row, fields, state.tables))
    return row


def changed_row(state: OrgState, name: str, row: Row, changes: Row, *, by: str) -> Row:
    """The row as it is after a save of `changes` now; stamps given in the changes win (people may make odd data)."""
    now = state.now()
    merged = {**row, **changes}
    merged.update(derived(name, merged, changes, state.tables))
    stamps = {"LastModifiedDate": now, "LastModifiedById": by, "SystemModstamp": now}
    return {**merged, **{key: value for key, value in stamps.items() if key not in changes}}


def save(state: OrgState, table: Table, row: Row, changes: Mapping[str, Any], saving: Saving, *, why: str = "") -> None:
    """Save checked changes of a live row: stamps, journal, history, and what an owner change drags along."""
    name = table.schema.name
    after = changed_row(state, name, row, changes, by=saving.by)
    state.tables.put(name, after, effect_of(name, row, changes) + why)
    history.note_changes(state, table, row, after)
    if name == "Account":
        person_accounts.keep_contact(state, after)
    elif name == "DatedConversionRate":
        chain_rates(state)
    if "OwnerId" in changes and changes["OwnerId"] != row.get("OwnerId"):
        after_owner_change(state, table, row, saving, save, _put_member_into_bin)


def effect_of(name: str, row: Row, changes: Row) -> str:
    """A save in words: `Account 001… OwnerId: 005… -> 005…; Rating: Hot -> None`."""
    parts = [f"{key}: {row.get(key)} -> {value}" for key, value in changes.items() if row.get(key) != value]
    return f"{name} {row['Id']} {'; '.join(parts) or 'saved, nothing changed'}"


def put_into_bin(state: OrgState, name: str, row: Row, *, by: str, at: datetime | None = None) -> None:
    """Put one row into the recycle bin; its stamp moves (salesforce.md 2.6). `at` marks what was deleted together."""
    deleted = changed_row(state, name, row, {"IsDeleted": True}, by=by)
    state.tables.put(name, deleted, f"{name} {row['Id']} deleted")
    state.tables.table(name).deleted_at[row["Id"]] = at or state.clock.now()


def _put_member_into_bin(state: OrgState, name: str, row: Row, by: str) -> None:
    """A team member or a share that an owner change drops."""
    put_into_bin(state, name, row, by=by)


def _put_new(state: OrgState, table: Table, row: Row) -> None:
    """A new row into its table, with what the platform makes beside it."""
    name = table.schema.name
    state.tables.put(name, row, f"{name} {row['Id']} created")
    history.note_created(state, table, row)
    if name in _TEAMS:
        share_name, share = share_with_member(state, name, row)
        state.tables.put(share_name, share, f"{share_name} {share['Id']} created")
    elif name == "Account":
        person_accounts.keep_contact(state, row)
    elif name == "DatedConversionRate":
        chain_rates(state)


def _run_flows(
    state: OrgState, table: Table, before: Row | None, saving: Saving, *, record_id: str | None = None
) -> None:
    """The administrator's automation after a save, each flow once. Raises Refusal where one fails."""
    identity = str(record_id if before is None else before["Id"])
    for flow in state.safeguards.flows.get(table.schema.name.lower(), ()):
        row = table.rows[identity]
        if not flow.when.holds(state.tables, state.clock.now(), before, row):
            continue
        if flow.fail is not None:
            raise Refusal(400, "CANNOT_EXECUTE_FLOW_TRIGGER", flow.fail, ())
        changes = dict(flow.set)
        if before is not None:
            changes |= {name: before.get(name) for name in flow.revert}
        changes = {key: value for key, value in changes.items() if row.get(key) != value}
        if changes:
            save(state, table, row, changes, saving, why=f" by flow {flow.name}")
