"""Rows created and changed: the checks the platform makes, the stamps it sets, what an owner change drags along.

Used by the API and by people alike. The sources are salesforce.md 3.4 (owner change) and 3.6 (error codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from syncd.clock import Clock
from syncd.sandbox.salesforce.derived import defaults_of, derived
from syncd.sandbox.salesforce.fieldtypes import stamp, stored
from syncd.sandbox.salesforce.identifiers import IdSequence, canonical
from syncd.sandbox.salesforce.refusals import Refusal, no_such_column, not_found
from syncd.sandbox.salesforce.schema import FieldSchema, ObjectSchema
from syncd.sandbox.salesforce.soql.binding import Visibility
from syncd.sandbox.salesforce.tables import Row, Table, Tables

_SHARE_CAUSES = frozenset({"Team", "Manual"})


@dataclass(slots=True)
class OrgState:
    """The whole state of an org that writing needs: rows, what is seen, ids, the clock and the org's own automation.

    `assignment_owners` are active assignment rules: they give every saved row of an object to that user unless the
    caller sends `Sforce-Auto-Assign: FALSE`. `refuse_inactive_owners`: rows of inactive owners take no other edit.
    """

    tables: Tables
    visibility: Visibility
    clock: Clock
    seed: int
    assignment_owners: dict[str, str] = field(default_factory=dict)
    refuse_inactive_owners: bool = False
    sequences: dict[str, IdSequence] = field(default_factory=dict)

    def new_id(self, schema: ObjectSchema) -> str:
        """The next id of an object that no row has."""
        sequence = self.sequences.get(schema.name)
        if sequence is None:
            sequence = self.sequences[schema.name] = IdSequence(schema.prefix, self.seed)
        record_id = sequence.take()
        while record_id in self.tables.table(schema.name).rows:
            record_id = sequence.take()
        return record_id

    def now(self) -> str:
        """The present instant as a stamp."""
        return stamp(self.clock.now())


def find(state: OrgState, name: str, record_id: str) -> tuple[Table, Row]:
    """A live row by an id of 15 or 18 characters. Raises Refusal 404 where it is unknown or deleted."""
    table = state.tables.table(name)
    row = table.rows.get(canonical(record_id) or record_id)
    if row is None:
        raise not_found()
    if row.get("IsDeleted"):
        raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted", ())
    return table, row


def update(
    state: OrgState, name: str, record_id: str, values: Mapping[str, Any], *, by: str, auto_assign: bool
) -> None:
    """Change fields of a live row as an API call does. Raises Refusal; then nothing changed."""
    table, row = find(state, name, record_id)
    if state.tables.locked(row["Id"]):
        raise Refusal(
            400,
            "UNABLE_TO_LOCK_ROW",
            f"unable to obtain exclusive access to this record or 1 records: {row['Id']}",
            (),
        )
    changes = checked(state, table.schema, values)
    if row.get("IsConverted"):
        raise Refusal(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", ())
    if state.refuse_inactive_owners and "OwnerId" not in changes and row.get("OwnerId"):
        check_owner(state, table.schema, row["OwnerId"])
    save(state, table, row, changes, by=by)
    assigned = state.assignment_owners.get(table.schema.name)
    if auto_assign and assigned is not None and table.rows[row["Id"]].get("OwnerId") != assigned:
        save(state, table, table.rows[row["Id"]], {"OwnerId": assigned}, by=by, why=" by assignment rule")


def create(state: OrgState, name: str, values: Mapping[str, Any], *, by: str) -> str:
    """A new row as an API call makes it; its id. Raises Refusal; then nothing was made."""
    schema = state.tables.table(name).schema
    if "create" not in schema.flags and not schema.name.endswith("__c"):
        raise Refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {schema.name}", ())
    fields = dict(defaults_of(schema.name))
    if schema.owned:
        fields["OwnerId"] = by
    fields.update(checked(state, schema, values))
    missing = [item.name for item in schema.fields.values() if item.required and fields.get(item.name) is None]
    if missing:
        raise Refusal(
            400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", tuple(missing)
        )
    row = fresh_row(state, schema, fields, by=by)
    state.tables.put(name, row, f"{schema.name} {row['Id']} created")
    if schema.name == "AccountTeamMember":
        _share_with_member(state, row, by=by)
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


def save(
    state: OrgState, table: Table, row: Row, changes: Row, *, by: str, why: str = "", keep_team: bool = False
) -> None:
    """Save checked changes of a live row: stamps, journal, and the teams and shares that an owner change drops."""
    name = table.schema.name
    state.tables.put(name, changed_row(state, name, row, changes, by=by), effect_of(name, row, changes) + why)
    new_owner = changes.get("OwnerId", row.get("OwnerId"))
    if new_owner == row.get("OwnerId") or keep_team:
        return
    if name == "Account":
        _drop(state, "AccountTeamMember", "AccountId", row["Id"], by=by)
        shares = list(state.tables.table("AccountShare").referring("AccountId", [row["Id"]]))
        for share in shares:
            if share.get("RowCause") in _SHARE_CAUSES and not share.get("IsDeleted"):
                put_into_bin(state, "AccountShare", share, by=by)
    elif name == "Opportunity":
        _drop(state, "OpportunityTeamMember", "OpportunityId", row["Id"], by=by)


def effect_of(name: str, row: Row, changes: Row) -> str:
    """A save in words: `Account 001… OwnerId: 005… -> 005…; Rating: Hot -> None`."""
    parts = [f"{key}: {row.get(key)} -> {value}" for key, value in changes.items() if row.get(key) != value]
    return f"{name} {row['Id']} {'; '.join(parts) or 'saved, nothing changed'}"


def checked(state: OrgState, schema: ObjectSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a body as they are stored. Raises Refusal for the first that the platform refuses."""
    changes: dict[str, Any] = {}
    for name, value in values.items():
        item = schema.get(name)
        if item is None or not state.visibility.sees(schema, item):
            raise no_such_column(name, schema.name)
        if not item.writeable:
            raise Refusal(
                400,
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {item.name}. Please check the security settings of this field and "
                "verify that it is read/write for your profile or permission set.",
                (item.name,),
            )
        changes[item.name] = _checked_value(state, schema, item, value)
    return changes


def _checked_value(state: OrgState, schema: ObjectSchema, item: FieldSchema, value: Any) -> Any:
    """One value as it is stored."""
    try:
        kept = stored(value, item.type)
    except ValueError:
        message = f"Cannot deserialize instance of {item.type} from VALUE_STRING value {value}"
        raise Refusal(400, "JSON_PARSER_ERROR", message) from None
    if item.name == "OwnerId":
        return check_owner(state, schema, kept)
    if kept is None and item.required:
        raise Refusal(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{item.name}]", (item.name,))
    if kept is not None and item.type == "reference":
        _check_reference(state, item, str(kept))
    if isinstance(kept, str) and item.length and len(kept) > item.length:
        message = f"{item.label}: data value too large: {kept[:80]} (max length={item.length})"
        raise Refusal(400, "STRING_TOO_LONG", message, (item.name,))
    return kept


def _check_reference(state: OrgState, item: FieldSchema, value: str) -> None:
    """A reference must lead to a live row of the right object."""
    if canonical(value) is None:
        raise Refusal(400, "MALFORMED_ID", f"{item.label}: id value of incorrect type: {value}", (item.name,))
    names = [name for name in item.targets if name in state.tables]
    rows = [row for name in names if (row := state.tables.get(name, value)) is not None]
    if names and not any(not row.get("IsDeleted") for row in rows):
        raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (item.name,))


def check_owner(state: OrgState, schema: ObjectSchema, owner: Any) -> str:
    """An owner must be an active standard user, or a queue where the object takes one (salesforce.md 3.6)."""
    if owner is None:
        raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", "Owner ID: owner cannot be blank", ("OwnerId",))
    if canonical(str(owner)) is None:
        raise Refusal(400, "MALFORMED_ID", f"Owner ID: id value of incorrect type: {owner}", ("OwnerId",))
    item = schema.get("OwnerId")
    if item is not None and "Group" in item.targets and state.tables.get("Group", owner) is not None:
        return str(owner)
    user = state.tables.get("User", owner)
    if user is None:
        raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ("OwnerId",))
    if not user.get("IsActive"):
        message = f"operation performed with inactive user [{owner}] as owner of {schema.name.lower()}"
        raise Refusal(400, "INACTIVE_OWNER_OR_USER", message, ("OwnerId",))
    if user.get("UserType", "Standard") != "Standard":
        raise Refusal(400, "OP_WITH_INVALID_USER_TYPE_EXCEPTION", "Operation not valid for this user type", ())
    return str(owner)


def _drop(state: OrgState, name: str, reference: str, parent: str, *, by: str) -> None:
    """Delete the team members of a row."""
    for member in list(state.tables.table(name).referring(reference, [parent])):
        if not member.get("IsDeleted"):
            put_into_bin(state, name, member, by=by)


def put_into_bin(state: OrgState, name: str, row: Row, *, by: str, at: datetime | None = None) -> None:
    """Put one row into the recycle bin; its stamp moves (salesforce.md 2.6). `at` marks what was deleted together."""
    deleted = changed_row(state, name, row, {"IsDeleted": True}, by=by)
    state.tables.put(name, deleted, f"{name} {row['Id']} deleted")
    state.tables.table(name).deleted_at[row["Id"]] = at or state.clock.now()


def _share_with_member(state: OrgState, member: Row, *, by: str) -> None:
    """The share that a new team member's access levels stand for."""
    levels = ("AccountAccessLevel", "OpportunityAccessLevel", "CaseAccessLevel", "ContactAccessLevel")
    fields = {level: member.get(level) for level in levels}
    fields |= {"AccountId": member["AccountId"], "UserOrGroupId": member["UserId"], "RowCause": "Team"}
    schema = state.tables.table("AccountShare").schema
    row = fresh_row(state, schema, fields, by=by)
    state.tables.put("AccountShare", row, f"AccountShare {row['Id']} created")
