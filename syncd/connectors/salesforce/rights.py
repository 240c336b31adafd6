"""What the integration user must and need not be allowed to do in Salesforce, and how many rows it is shown of all.

Told by describe, which answers for the user who asks, by the object UserPermissionAccess, which tells that user's
system permissions, and by the organization's record counts, which do not depend on sharing (salesforce.md 8.8).
Nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from syncd.connectors.port import Right, RowCount
from syncd.connectors.salesforce.client import SalesforceClient, bad_answer
from syncd.connectors.salesforce.mapping import Columns
from syncd.connectors.salesforce.schema import Descriptions
from syncd.connectors.wire import HttpResponse
from syncd.errors import AuthError, SchemaError
from syncd.model.plans import written_field
from syncd.model.refs import Kind

_OWNED: Final = frozenset({Kind.ACCOUNT, Kind.OPPORTUNITY, Kind.LEAD, Kind.CONTACT})
_POWERS: Final[Mapping[str, tuple[str, str]]] = {
    "PermissionsModifyAllData": ("Modify All Data", "to change and delete every record"),
    "PermissionsManageUsers": ("Manage Users", "to make and change users"),
    "PermissionsCustomizeApplication": ("Customize Application", "to change the organization's setup"),
    "PermissionsAuthorApex": ("Author Apex", "to write code that runs in the organization"),
}
"""System permissions that an integration user is often given for convenience, as UserPermissionAccess names them."""


def rights_of(client: SalesforceClient, descriptions: Descriptions, kinds: Iterable[Columns]) -> tuple[Right, ...]:
    """To read each mapped object and to write its owner; then what is granted beyond, and the powers not needed."""
    mapped = [right for columns in kinds for right in _rights(descriptions, columns)]
    return (*mapped, *_powers(client))


def _powers(client: SalesforceClient) -> Iterator[Right]:
    """The system permissions that syncd never uses; `granted` is None where the organization does not tell."""
    try:
        page = client.query(f"SELECT {', '.join(_POWERS)} FROM UserPermissionAccess LIMIT 1")
        records: Sequence[Mapping[str, Any]] = page.rows
    except (AuthError, SchemaError):
        records = ()
    answered: Mapping[str, Any] = records[0] if len(records) == 1 else {}
    for column, (name, purpose) in _POWERS.items():
        told = answered.get(column)
        yield Right(name, purpose, told if isinstance(told, bool) else None, needed=False)


def _rights(descriptions: Descriptions, columns: Columns) -> Iterator[Right]:
    name = columns.object
    try:
        described = descriptions.of(name)
    except SchemaError:
        yield Right(f"{name}: Read", f"to read {name}", granted=False)
        return
    yield Right(f"{name}: Read", f"to read {name}", granted=described.get("queryable") is not False)
    fields = {str(field.get("name")).lower(): field for field in described["fields"]}
    editable = described.get("updateable") is not False
    if columns.kind in _OWNED:
        granted = editable and fields.get("ownerid", {}).get("updateable") is not False
        yield Right(f"{name}: Edit, OwnerId: Edit", f"to write owners of {name}", granted, writing=True)
    for rule_field, column in columns.fields.items():
        written = written_field(rule_field)
        if written is not None:
            yield from _field_rights(f"{name}.{column}", written, fields.get(column.lower()), editable=editable)
    for flag, word in (("createable", "Create"), ("deletable", "Delete")):
        if described.get(flag) is True:
            yield Right(f"{name}: {word}", f"to {word.lower()} {name}", granted=True, needed=False)


def _field_rights(place: str, written: str, field: Mapping[str, Any] | None, *, editable: bool) -> Iterator[Right]:
    """To read and to write a field that settings map to a role or a text of ours; describe hides what we may not read.

    A formula is never updateable, whatever the permission set says.
    """
    yield Right(f"{place}: Read", f"to compare {written} before it is written", granted=field is not None)
    if field is not None:
        granted = editable and field.get("updateable") is not False
        yield Right(f"{place}: Edit", f"to write {written}", granted, writing=True)


def unstamped(descriptions: Descriptions, columns: Columns) -> tuple[str, ...]:
    """The rule fields that are formulas, roll-ups or another record's: their change stamps nothing."""
    described = descriptions.of(columns.object)
    calculated = {str(each.get("name")).lower() for each in described["fields"] if each.get("calculated")}
    return tuple(rule for rule, name in columns.fields.items() if "." in name or name.lower() in calculated)


def row_count(client: SalesforceClient, columns: Columns) -> RowCount:
    """The rows that our user's sharing shows, and all that the organization has where we may know that."""
    seen = client.count(f"SELECT COUNT() FROM {columns.object}")
    try:
        total = client.request("GET", f"limits/recordCount?sObjects={quote(columns.object)}", check=_total)
    except (AuthError, SchemaError):
        total = None  # telling it takes the permission View Setup and Configuration
    return RowCount(seen, total)


def _total(answer: HttpResponse) -> int | None:
    try:
        counts = [each["count"] for each in json.loads(answer.body)["sObjects"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise bad_answer("the record counts cannot be read") from None
    return counts[0] if len(counts) == 1 and isinstance(counts[0], int) else None
