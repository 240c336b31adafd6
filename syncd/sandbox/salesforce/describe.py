"""What the org tells about itself: versions, objects, fields, limits, identity (salesforce.md 8.2 to 8.5 and 8.8)."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.salesforce.fieldtypes import NUMBER_TYPES, TEXT_TYPES
from syncd.sandbox.salesforce.schema import FieldSchema, ObjectSchema
from syncd.sandbox.salesforce.soql.binding import Visibility
from syncd.sandbox.salesforce.tables import Row, Table, Tables

OLDEST_VERSION, NEWEST_VERSION = 31, 67
_SEASONS = ("Winter", "Spring", "Summer")
_MOST_PICKLIST_VALUES = 1_000


def versions() -> list[dict[str, str]]:
    """Every API version that answers, oldest first. v67.0 is Summer '26, three a year."""
    return [
        {"label": _label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
        for number in range(OLDEST_VERSION, NEWEST_VERSION + 1)
    ]


def _label(number: int) -> str:
    """The release that an API version came with."""
    # Counted from v59.0, Winter '24.
    index = number - 59
    year = 24 + index // len(_SEASONS)
    return f"{_SEASONS[index % len(_SEASONS)]} '{year:02d}"


def resources(version: str, base_url: str, organization_id: str, user_id: str) -> dict[str, str]:
    """The map of what a version offers."""
    root = f"/services/data/{version}"
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
    return {**{name: f"{root}/{name}" for name in names}, "identity": f"{base_url}/id/{organization_id}/{user_id}"}


def object_list(tables: Tables, visibility: Visibility, version: str) -> dict[str, Any]:
    """The answer to /sobjects."""
    seen = [table.schema for table in tables if visibility.sees_object(table.schema.name)]
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [_object_of(schema, version) for schema in sorted(seen, key=lambda schema: schema.name)],
    }


def object_describe(table: Table, visibility: Visibility, version: str) -> dict[str, Any]:
    """The answer to /sobjects/X/describe: the object and every field that is seen."""
    schema = table.schema
    fields = [_field_of(field, table) for field in schema.fields.values() if visibility.sees(schema, field)]
    return {**_object_of(schema, version), "fields": fields, "childRelationships": [], "recordTypeInfos": []}


def _object_of(schema: ObjectSchema, version: str) -> dict[str, Any]:
    """What both lists say of an object."""
    root = f"/services/data/{version}/sobjects/{schema.name}"
    return {
        "name": schema.name,
        "label": schema.name,
        "labelPlural": f"{schema.name}s",
        "keyPrefix": schema.prefix,
        "custom": schema.name.endswith("__c"),
        "queryable": True,
        "retrieveable": True,
        "searchable": True,
        "replicateable": schema.has_bin,
        "undeletable": schema.has_bin,
        "deletable": schema.has_bin,
        "mergeable": schema.mergeable,
        "createable": "create" in schema.flags,
        "updateable": "update" in schema.flags,
        "urls": {"sobject": root, "describe": f"{root}/describe", "rowTemplate": f"{root}/{{ID}}"},
    }


def _field_of(field: FieldSchema, table: Table) -> dict[str, Any]:
    """One field as describe shows it."""
    number = field.type in NUMBER_TYPES and field.type != "int"
    filterable = field.type != "address" and not (field.type == "textarea" and field.length > 4_000)
    return {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "length": field.length,
        "byteLength": field.length * 3,
        "precision": 18 if number else 0,
        "scale": 2 if number else 0,
        "digits": 8 if field.type == "int" else 0,
        "nillable": not field.required and field.type not in ("id", "boolean"),
        "createable": field.writeable,
        "updateable": field.writeable,
        "calculated": False,
        "autoNumber": False,
        "unique": False,
        "externalId": False,
        "nameField": field.name == "Name",
        "filterable": filterable,
        "sortable": filterable,
        "groupable": field.type in TEXT_TYPES,
        "custom": field.custom,
        "defaultedOnCreate": field.type == "boolean" or field.name == "OwnerId",
        "referenceTo": list(field.targets),
        "relationshipName": field.relationship,
        "polymorphicForeignKey": len(field.targets) > 1,
        "compoundFieldName": field.compound,
        "restrictedPicklist": False,
        "picklistValues": _picklist_values(field, table),
    }


def _picklist_values(field: FieldSchema, table: Table) -> list[dict[str, Any]]:
    """The standard values of a picklist, then those that rows hold beside them."""
    if field.type not in ("picklist", "multipicklist", "combobox"):
        return []
    values = dict.fromkeys(field.values)
    for row in table.rows.values():
        value = row.get(field.name)
        if value is not None and len(values) < _MOST_PICKLIST_VALUES:
            values.setdefault(value)
    return [
        {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value} for value in values
    ]


def limits(maximum: int, used: int) -> dict[str, Any]:
    """The answer to /limits."""
    return {
        "DailyApiRequests": {"Max": maximum, "Remaining": max(0, maximum - used)},
        "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
        "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
        "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
        "DataStorageMB": {"Max": 1_073, "Remaining": 900},
    }


def userinfo(user: Row, organization_id: str, base_url: str) -> dict[str, Any]:
    """The answer to /services/oauth2/userinfo."""
    identity = f"{base_url}/id/{organization_id}/{user['Id']}"
    return {
        "sub": identity,
        "user_id": user["Id"],
        "organization_id": organization_id,
        "preferred_username": user.get("Username"),
        "name": user.get("Name"),
        "email": user.get("Email"),
        "zoneinfo": user.get("TimeZoneSidKey"),
        "user_type": "STANDARD",
        "is_salesforce_integration_user": True,
        "urls": {"rest": f"{base_url}/services/data/v{{version}}/"},
    }


def identity(user: Row, organization_id: str, base_url: str) -> dict[str, Any]:
    """The answer to /id/ORG/USER."""
    return {
        "id": f"{base_url}/id/{organization_id}/{user['Id']}",
        "asserted_user": True,
        "user_id": user["Id"],
        "organization_id": organization_id,
        "username": user.get("Username"),
        "display_name": user.get("Name"),
        "email": user.get("Email"),
        "active": bool(user.get("IsActive")),
        "user_type": "STANDARD",
        "timezone": user.get("TimeZoneSidKey"),
        "urls": {
            "rest": f"{base_url}/services/data/v{{version}}/",
            "query": f"{base_url}/services/data/v{{version}}/query/",
            "sobjects": f"{base_url}/services/data/v{{version}}/sobjects/",
        },
    }
