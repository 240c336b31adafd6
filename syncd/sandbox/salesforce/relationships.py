"""Relationships from the other end: the children of an object, by the names that SOQL and describe give them.

And `Name`, the object that stands for a reference that may lead to several others (salesforce.md 2.5: Lead.Owner).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.sandbox.salesforce.schema import FieldSchema, ObjectSchema
from syncd.sandbox.salesforce.tables import Tables

_NAMES: dict[tuple[str, str], str | None] = {
    ("Account", "ParentId"): "ChildAccounts",
    ("AccountHistory", "AccountId"): "Histories",
    ("AccountShare", "AccountId"): "Shares",
    ("Contact", "ReportsToId"): None,
    ("ContactHistory", "ContactId"): "Histories",
    ("Event", "AccountId"): None,
    ("LeadHistory", "LeadId"): "Histories",
    ("Opportunity", "AccountId"): "Opportunities",
    ("OpportunityFieldHistory", "OpportunityId"): "Histories",
    ("OpportunityHistory", "OpportunityId"): "OpportunityHistories",
    ("OpportunityShare", "OpportunityId"): "Shares",
    ("Task", "AccountId"): None,
    ("User", "ManagerId"): "ManagedUsers",
}
_WITHOUT = frozenset({"CreatedById", "LastModifiedById", "OwnerId", "MasterRecordId", "RecordTypeId", "UserOrGroupId"})
_NAME_FIELDS = (
    ("Id", "id"),
    ("Name", "string"),
    ("Type", "picklist"),
    ("Alias", "string"),
    ("Email", "email"),
    ("FirstName", "string"),
    ("LastName", "string"),
    ("IsActive", "boolean"),
    ("Phone", "phone"),
    ("Title", "string"),
    ("Username", "string"),
    ("ProfileId", "reference"),
    ("UserRoleId", "reference"),
)
NAME = ObjectSchema("Name", "", frozenset(), {name.lower(): FieldSchema(name, kind) for name, kind in _NAME_FIELDS})
"""The object behind a polymorphic reference; its Type says which object a row is of."""


@dataclass(frozen=True, slots=True)
class ChildRelationship:
    """Rows of `child` that refer to a row by `field`; `name` is None where SOQL has no name for them."""

    child: ObjectSchema
    field: FieldSchema
    name: str | None


def children_of(tables: Tables, schema: ObjectSchema) -> Iterator[ChildRelationship]:
    """All relationships that lead to this object, by child and field."""
    for table in sorted(tables, key=lambda table: table.schema.name):
        for field in table.schema.fields.values():
            if schema.name in field.targets:
                yield ChildRelationship(table.schema, field, _name_of(table.schema, field))


def child_named(tables: Tables, schema: ObjectSchema, name: str) -> ChildRelationship | None:
    """The relationship that a subquery of the select list names, in any case."""
    wanted = name.lower()
    return next((item for item in children_of(tables, schema) if item.name and item.name.lower() == wanted), None)


def _name_of(child: ObjectSchema, field: FieldSchema) -> str | None:
    """The name of a child relationship: a listed one, `Xs__r` for a custom field, else the child's name in plural."""
    key = (child.name, field.name)
    if key in _NAMES or field.name in _WITHOUT:
        return _NAMES.get(key)
    if field.custom:
        return f"{child.name.removesuffix('__c')}s__r"
    return f"{child.name}s"
