"""Person accounts: accounts that are one person, with a contact that the platform keeps beside each of them.

Off until the first such account is loaded or an administrator turns them on; then Account has a person's fields too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.schema import FieldSchema
from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.salesforce.tables import Row

_PERSON_FIELDS = (
    FieldSchema("Salutation", "picklist", 40, writeable=True, values=("Mr.", "Ms.", "Dr.", "Prof.")),
    FieldSchema("FirstName", "string", 40, writeable=True),
    FieldSchema("LastName", "string", 80, writeable=True),
    FieldSchema("PersonContactId", "reference", 18, targets=("Contact",), relationship="PersonContact"),
    FieldSchema("PersonEmail", "email", 80, writeable=True),
    FieldSchema("PersonTitle", "string", 80, writeable=True),
)
_KEPT_ALIKE = {"FirstName": "FirstName", "LastName": "LastName", "PersonEmail": "Email", "PersonTitle": "Title"}
NAME_PARTS = ("FirstName", "LastName")


def enable(state: OrgState) -> None:
    """Give Account and Contact the fields of person accounts; doing it twice changes nothing."""
    account = state.tables.table("Account").schema
    for field in _PERSON_FIELDS:
        if account.get(field.name) is None or account.get(field.name) != field:
            account.add(field)
    state.tables.table("Contact").schema.add(FieldSchema("IsPersonAccount", "boolean"))
    state.tables.revision += 1


def is_enabled(state: OrgState) -> bool:
    """Whether the org has person accounts."""
    return state.tables.table("Account").schema.get("PersonContactId") is not None


def of_changes(state: OrgState, name: str, row: Row | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a save of an account means if it is a person's. Raises Refusal for a name written as a company's.

    A new account with a last name is a person; the name of a person follows from its parts.
    """
    if name != "Account" or not is_enabled(state):
        return {}
    person = bool(row.get("IsPersonAccount")) if row is not None else changes.get("LastName") is not None
    if not person:
        return {}
    if "Name" in changes:
        message = "Account: bad field names on insert/update call: Name"
        raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, ("Name",))
    merged = {**(row or {}), **changes}
    return {"IsPersonAccount": True, "Name": full_name(merged)}


def full_name(row: Mapping[str, Any]) -> str:
    """First and last name as one."""
    return " ".join(str(row[part]) for part in NAME_PARTS if row.get(part))


def keep_contact(state: OrgState, account: Row, *, effect: bool = True) -> None:
    """Make or bring up to date the contact of a person account; its owner is the account's."""
    if not account.get("IsPersonAccount") or not is_enabled(state):
        return
    contact = state.tables.get("Contact", account.get("PersonContactId"))
    stamps = {key: account.get(key) for key in ("LastModifiedDate", "LastModifiedById", "SystemModstamp")}
    alike = {theirs: account.get(mine) for mine, theirs in _KEPT_ALIKE.items()}
    alike |= {"Name": account.get("Name"), "OwnerId": account.get("OwnerId")}
    if contact is None:
        _make_contact(state, account, {**alike, **stamps}, effect=effect)
    elif any(contact.get(key) != value for key, value in alike.items()):
        note = f"Contact {contact['Id']} follows its person account" if effect else None
        state.tables.put("Contact", {**contact, **alike, **stamps}, note)


def _make_contact(state: OrgState, account: Row, values: Mapping[str, Any], *, effect: bool) -> None:
    """A new contact, and the account's reference to it."""
    record_id = state.new_id(state.tables.table("Contact").schema)
    made = {"CreatedDate": account.get("CreatedDate"), "CreatedById": account.get("CreatedById")}
    row = {"Id": record_id, "AccountId": account["Id"], "IsPersonAccount": True, "IsDeleted": False, **values, **made}
    state.tables.put("Contact", row, f"Contact {record_id} created" if effect else None)
    state.tables.put("Account", {**account, "PersonContactId": record_id}, None)
