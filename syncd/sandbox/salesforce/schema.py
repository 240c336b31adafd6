"""What the fake org's objects and fields are: the metadata behind describe, SOQL checks and writes.

The standard set is what salesforce.md 2.5 asks for and what a client of those calls reads; fields that loaded rows
bring along are added. It knows nothing of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from syncd.sandbox.salesforce.fieldtypes import guessed
from syncd.sandbox.salesforce.related_objects import RELATED_OBJECTS
from syncd.sandbox.salesforce.standard_objects import STANDARD_OBJECTS

_LENGTHS = {
    "id": 18,
    "reference": 18,
    "picklist": 255,
    "email": 80,
    "phone": 40,
    "url": 255,
    "textarea": 32000,
    "string": 255,
}
SYSTEM_FIELDS = frozenset(
    {
        "Id",
        "IsDeleted",
        "CreatedDate",
        "CreatedById",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
        "MasterRecordId",
    }
)


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field. `targets` are the objects a reference leads to and `relationship` its name in a query path.

    An `external_id` addresses rows beside Id. `calculated`: a formula, read-only, whose change stamps nothing.
    """

    name: str
    type: str
    length: int = 0
    writeable: bool = False
    required: bool = False
    targets: tuple[str, ...] = ()
    relationship: str | None = None
    values: tuple[str, ...] = ()
    compound: str | None = None
    external_id: bool = False
    calculated: bool = False

    @property
    def custom(self) -> bool:
        """Whether an administrator made it."""
        return self.name.endswith("__c")

    @property
    def label(self) -> str:
        """The label people see."""
        base = self.name.removesuffix("__c").replace("_", " ")
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", base)


@dataclass(slots=True)
class ObjectSchema:
    """One object and its fields by lower-case name; fields are added by loaded rows, or by an administrator's hand."""

    name: str
    prefix: str
    flags: frozenset[str]
    fields: dict[str, FieldSchema] = field(default_factory=dict)
    relationships: dict[str, FieldSchema] = field(default_factory=dict)

    def add(self, new: FieldSchema) -> None:
        """Add or replace a field."""
        self.fields[new.name.lower()] = new
        if new.relationship:
            self.relationships[new.relationship.lower()] = new

    def drop(self, name: str) -> None:
        """Take a field away. KeyError where there is none."""
        gone = self.fields.pop(name.lower())
        if gone.relationship:
            del self.relationships[gone.relationship.lower()]

    def get(self, name: str) -> FieldSchema | None:
        """A field by its name in any case."""
        return self.fields.get(name.lower())

    @property
    def has_bin(self) -> bool:
        """Whether rows are deleted softly and carry IsDeleted (users are never deleted, salesforce.md 2.5)."""
        return "bin" in self.flags

    @property
    def deletable(self) -> bool:
        """Whether rows can be deleted at all, into the bin or at once."""
        return bool(self.flags & {"bin", "delete"})

    @property
    def is_history(self) -> bool:
        """Whether the rows are the platform's own record of changes."""
        return "history" in self.flags

    @property
    def mergeable(self) -> bool:
        """Whether two rows can be merged and carry MasterRecordId."""
        return "merge" in self.flags

    @property
    def owned(self) -> bool:
        """Whether rows have an OwnerId."""
        return "ownerid" in self.fields

    @property
    def references(self) -> tuple[str, ...]:
        """The reference fields that lookups by value use an index for."""
        return tuple(item.name for item in self.fields.values() if item.name in _INDEXED)

    def learn(self, rows: Iterable[Mapping[str, object]]) -> bool:
        """Add the fields that rows hold and the object does not have yet, with the type their values suggest.

        Whether there were any.
        """
        unknown: dict[str, list[object]] = {}
        for row in rows:
            for name, value in row.items():
                if name.lower() not in self.fields and "." not in name:
                    unknown.setdefault(name, []).append(value)
        for name, values in unknown.items():
            kind = guessed(values)
            keyed = kind == "string" and _KEY_NAME.search(name) is not None
            self.add(FieldSchema(name, kind, _LENGTHS.get(kind, 0), writeable=True, external_id=keyed))
        return bool(unknown)


_INDEXED = frozenset({"AccountId", "OpportunityId", "ParentId", "WhatId", "WhoId", "ContactId", "LeadId"})
# A text field that rows bring along and that is called a key is taken for one: `ERP_Id__c`, `ExternalKey__c`.
_KEY_NAME = re.compile(r"(?:id|key)__c$", re.IGNORECASE)


def standard_schema() -> dict[str, ObjectSchema]:
    """A fresh copy of the standard objects, by lower-case name."""
    schemas: dict[str, ObjectSchema] = {}
    for name, (prefix, flags, text) in {**STANDARD_OBJECTS, **RELATED_OBJECTS}.items():
        schema = ObjectSchema(name, prefix, frozenset(flags.split()))
        for line in _system_lines(schema) + text.split("\n"):
            if line:
                schema.add(_field_of(line))
        schemas[name.lower()] = schema
    return schemas


def custom_object(name: str, number: int) -> ObjectSchema:
    """An object that nobody foresaw, with the system fields and a Name."""
    schema = ObjectSchema(name, f"a{number:02d}", frozenset({"bin"}))
    for line in [*_system_lines(schema), "Name string:80 w", "OwnerId reference>User w"]:
        schema.add(_field_of(line))
    return schema


def _system_lines(schema: ObjectSchema) -> list[str]:
    """The fields every object of its kind has."""
    if schema.is_history:
        return ["Id id", "IsDeleted boolean", "CreatedById reference>User", "CreatedDate datetime"]
    lines = ["Id id", "CreatedDate datetime", "CreatedById reference>User", "LastModifiedDate datetime"]
    lines += ["LastModifiedById reference>User", "SystemModstamp datetime"]
    if schema.has_bin:
        lines.append("IsDeleted boolean")
    if schema.mergeable:
        lines.append(f"MasterRecordId reference>{schema.name}")
    return lines


def relationship_of(name: str) -> str:
    """The name that a reference field's relationship has in a query path: `Owner` of OwnerId, `X__r` of X__c."""
    return f"{name.removesuffix('__c')}__r" if name.endswith("__c") else name.removesuffix("Id")


def _field_of(line: str) -> FieldSchema:
    """A field from a line of the table: `Name type[:length][>Target,Target] [w] [!] [=a|b|c] [@Compound]`."""
    name, spec, *rest = line.split(" ", 2)
    spec, _, targets = spec.partition(">")
    kind, _, length = spec.partition(":")
    flags, _, values = (rest[0] if rest else "").partition("=")
    words = flags.split()
    compound = next((word[1:] for word in words if word.startswith("@")), None)
    return FieldSchema(
        name=name,
        type=kind,
        length=int(length) if length else _LENGTHS.get(kind, 0),
        writeable="w" in words,
        required="!" in words,
        targets=tuple(targets.split(",")) if targets else (),
        relationship=relationship_of(name) if targets else None,
        values=tuple(value for value in values.split("|") if value),
        compound=compound,
    )
