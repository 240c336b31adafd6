"""What the org tells about itself: versions, resources, objects and their fields (salesforce.md 8.2 and 8.5)."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.salesforce.fieldtypes import NUMBER_TYPES
from syncd.sandbox.salesforce.relationships import children_of
from syncd.sandbox.salesforce.schema import FieldSchema, ObjectSchema
from syncd.sandbox.salesforce.soql.binding import Visibility
from syncd.sandbox.salesforce.tables import Table, Tables

OLDEST_VERSION, NEWEST_VERSION = 31, 67
_SEASONS = ("Winter", "Spring", "Summer")
_MOST_PICKLIST_VALUES = 1_000
_HISTORY = "History"
_OWNED_CHILDREN = frozenset({"AccountTeamMembers", "Histories", "Opportunities", "OpportunityTeamMembers", "Shares"})
GROUPABLE = frozenset(
    {"string", "picklist", "email", "phone", "url", "combobox", "id", "reference", "boolean", "date", "int"}
)
"""The types of fields that describe calls groupable."""
SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "anyType": "xsd:anyType",
}
"""The SOAP type of a field's values, by its describe type; text for the rest."""


def versions(oldest: int = OLDEST_VERSION) -> list[dict[str, str]]:
    """Every API version that answers, oldest first. v67.0 is Summer '26, three a year."""
    return [
        {"label": _label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
        for number in range(oldest, NEWEST_VERSION + 1)
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
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs", "recent")
    return {**{name: f"{root}/{name}" for name in names}, "identity": f"{base_url}/id/{organization_id}/{user_id}"}


def object_list(tables: Tables, visibility: Visibility, version: str) -> dict[str, Any]:
    """The answer to /sobjects."""
    seen = [table.schema for table in tables if visibility.sees_object(table.schema.name)]
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [_object_of(schema, version) for schema in sorted(seen, key=lambda schema: schema.name)],
    }


def object_basics(table: Table, version: str) -> dict[str, Any]:
    """What the answer to /sobjects/X says of the object itself."""
    return _object_of(table.schema, version)


def object_describe(tables: Tables, table: Table, visibility: Visibility, version: str) -> dict[str, Any]:
    """The answer to /sobjects/X/describe: the object, every field that is seen, who refers to it, record types."""
    schema = table.schema
    fields = [
        _field_of(field, table, writes=visibility.writes(schema, field))
        for field in schema.fields.values()
        if visibility.sees(schema, field)
    ]
    children: list[dict[str, Any]] = [
        {
            "cascadeDelete": item.name in _OWNED_CHILDREN,
            "childSObject": item.child.name,
            "deprecatedAndHidden": False,
            "field": item.field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": item.name,
            "restrictedDelete": False,
        }
        for item in children_of(tables, schema)
        if visibility.sees_object(item.child.name) and visibility.sees(item.child, item.field)
    ]
    scopes = [{"label": f"All {schema.name.lower()}s", "name": "everything"}]
    return {
        **_object_of(schema, version),
        "actionOverrides": [],
        "childRelationships": children,
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": fields,
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(tables, schema, version),
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": scopes,
    }


def _object_of(schema: ObjectSchema, version: str) -> dict[str, Any]:
    """What both lists say of an object."""
    root = f"/services/data/{version}/sobjects/{schema.name}"
    return {
        "activateable": False,
        "associateEntityType": _HISTORY if schema.is_history else None,
        "associateParentEntity": None,
        "createable": "create" in schema.flags or schema.name.endswith("__c"),
        "custom": schema.name.endswith("__c"),
        "customSetting": False,
        "deepCloneable": False,
        "deletable": schema.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": schema.prefix,
        "label": schema.name,
        "labelPlural": f"{schema.name}s",
        "layoutable": "update" in schema.flags,
        "mergeable": schema.mergeable,
        "mruEnabled": schema.owned,
        "name": schema.name,
        "queryable": True,
        "replicateable": schema.has_bin,
        "retrieveable": True,
        "searchable": schema.owned or schema.name == "User",
        "triggerable": "update" in schema.flags,
        "undeletable": schema.has_bin,
        "updateable": "update" in schema.flags or schema.name.endswith("__c"),
        "urls": {
            "sobject": root,
            "describe": f"{root}/describe",
            "rowTemplate": f"{root}/{{ID}}",
        },
    }


def _record_types(tables: Tables, schema: ObjectSchema, version: str) -> list[dict[str, Any]]:
    """The record types of an object, and the master one that each has."""
    master = {"Id": "012000000000000AAA", "Name": "Master", "DeveloperName": "Master"}
    own = [row for row in tables.table("RecordType").rows.values() if row.get("SobjectType") == schema.name]
    root = f"/services/data/{version}/sobjects/{schema.name}/describe/layouts"
    return [
        {
            "active": row.get("IsActive", True) is not False,
            "available": True,
            "defaultRecordTypeMapping": row is master,
            "developerName": row.get("DeveloperName"),
            "master": row is master,
            "name": row.get("Name"),
            "recordTypeId": row["Id"],
            "urls": {"layout": f"{root}/{row['Id']}"},
        }
        for row in [master, *own]
    ]


def _field_of(field: FieldSchema, table: Table, *, writes: bool) -> dict[str, Any]:
    """One field as describe shows it."""
    number = field.type in NUMBER_TYPES and field.type != "int"
    filterable = field.type not in ("address", "anyType") and not (field.type == "textarea" and field.length > 4_000)
    picklist = field.type in ("picklist", "multipicklist", "combobox")
    return {
        "aggregatable": filterable and field.type != "boolean",
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": field.length * 3,
        "calculated": field.calculated,
        "calculatedFormula": None,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": field.compound,
        "controllerName": None,
        "createable": writes,
        "custom": field.custom,
        "defaultValue": False if field.type == "boolean" else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.type == "boolean" or field.name == "OwnerId",
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 8 if field.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.external_id,
        "extraTypeInfo": None,
        "filterable": filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.type in GROUPABLE,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.type == "id" or field.external_id or field.type == "email",
        "inlineHelpText": None,
        "label": field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name == "Name",
        "namePointing": len(field.targets) > 1,
        "nillable": not field.required and field.type not in ("id", "boolean"),
        "permissionable": not field.required and field.type != "id",
        "picklistValues": _picklist_values(field, table) if picklist else [],
        "polymorphicForeignKey": len(field.targets) > 1,
        "precision": 18 if number else 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(field.targets),
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": False,
        "scale": 2 if number else 0,
        "searchPrefilterable": field.type == "reference",
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": filterable,
        "type": field.type,
        "unique": field.external_id,
        "updateable": writes,
        "writeRequiresMasterRead": False,
    }


def _picklist_values(field: FieldSchema, table: Table) -> list[dict[str, Any]]:
    """The values of a picklist: the standard ones, then those that rows hold beside them."""
    values = dict.fromkeys(field.values)
    for value in {row.get(field.name): None for row in table.rows.values()}:
        if value is not None and len(values) < _MOST_PICKLIST_VALUES:
            values.setdefault(value)
    return [
        {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value} for value in values
    ]
