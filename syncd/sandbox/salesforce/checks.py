"""The values of a save as the platform checks them, one field at a time (salesforce.md 3.6).

It reads the org to know what a reference leads to, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.salesforce.fieldtypes import stored
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.refusals import Refusal, no_such_column
from syncd.sandbox.salesforce.schema import FieldSchema, ObjectSchema
from syncd.sandbox.salesforce.state import OrgState


def checked(state: OrgState, schema: ObjectSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a body as they are stored. Raises Refusal for the first that the platform refuses."""
    changes: dict[str, Any] = {}
    for name, value in values.items():
        item = schema.get(name)
        if item is None or not state.visibility.sees(schema, item):
            raise no_such_column(name, schema.name)
        if not state.visibility.writes(schema, item):
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
