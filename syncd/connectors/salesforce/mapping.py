"""From rows of Salesforce to records: which columns a kind needs, and how a row becomes canonical text.

It sends nothing. The default mapping names standard fields that every organization has (salesforce.md 2.5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote_plus

from syncd.clock import parse_instant
from syncd.connectors.canonical import canonical_fields
from syncd.connectors.shape import Parts, decoding, flag, read_record
from syncd.errors import BadDataError, SchemaError
from syncd.model.fields import KindMapping, SystemMapping
from syncd.model.records import MANAGER, Record, User
from syncd.model.refs import Kind, Ref, System, long_salesforce_id

_ACCOUNT: Final = KindMapping(
    Kind.ACCOUNT,
    "Account",
    MappingProxyType(
        {
            "name": "Name",
            "domain": "Website",
            "website": "Website",
            "phone": "Phone",
            "industry": "Industry",
            "employees": "NumberOfEmployees",
            "annual_revenue": "AnnualRevenue",
            "country": "BillingCountry",
            "state": "BillingState",
            "city": "BillingCity",
            "postal_code": "BillingPostalCode",
            "type": "Type",
            "parent": "ParentId",
            "created_at": "CreatedDate",
            "last_activity_at": "LastActivityDate",
        }
    ),
)
_OPPORTUNITY: Final = KindMapping(
    Kind.OPPORTUNITY,
    "Opportunity",
    MappingProxyType(
        {
            "name": "Name",
            "stage": "StageName",
            "is_closed": "IsClosed",
            "is_won": "IsWon",
            "amount": "Amount",
            "close_date": "CloseDate",
            "type": "Type",
            "probability": "Probability",
            "forecast_category": "ForecastCategoryName",
            "created_at": "CreatedDate",
            "last_activity_at": "LastActivityDate",
        }
    ),
)
_USER: Final = KindMapping(Kind.USER, "User", MappingProxyType({}))
LEAD_MAPPING: Final = KindMapping(
    Kind.LEAD,
    "Lead",
    MappingProxyType(
        {
            "email": "Email",
            "name": "Name",
            "company": "Company",
            "domain": "Website",
            "country": "Country",
            "state": "State",
            "postal_code": "PostalCode",
            "industry": "Industry",
            "employees": "NumberOfEmployees",
            "lead_source": "LeadSource",
            "status": "Status",
            "created_at": "CreatedDate",
            "converted": "IsConverted",
            "last_activity_at": "LastActivityDate",
        }
    ),
)
"""To be added to the kinds where leads are routed; not every integration user may read leads."""

CONTACT_MAPPING: Final = KindMapping(
    Kind.CONTACT,
    "Contact",
    MappingProxyType({"email": "Email", "name": "Name", "created_at": "CreatedDate"}),
)
"""To be added to the kinds where contacts follow the owner of their account."""

TASK_MAPPING: Final = KindMapping(
    Kind.TASK, "Task", MappingProxyType({"name": "Subject", "is_closed": "IsClosed", "created_at": "CreatedDate"})
)
"""To be added to the kinds where open tasks follow the owner of the account that they are about."""

PERSON_ACCOUNT: Final = "IsPersonAccount"
"""The field of Contact that says that it is a person account's; organizations without such accounts lack it."""

DEFAULT_MAPPING: Final = SystemMapping(
    System.SALESFORCE,
    MappingProxyType({Kind.ACCOUNT: _ACCOUNT, Kind.OPPORTUNITY: _OPPORTUNITY, Kind.USER: _USER}),
)

SALESFORCE_ID: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_NAME: Final = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*")
PARENT_COLUMN: Final[Mapping[Kind, str]] = {
    Kind.ACCOUNT: "ParentId",
    Kind.OPPORTUNITY: "AccountId",
    Kind.CONTACT: "AccountId",
    Kind.TASK: "WhatId",
}
MERGEABLE: Final = frozenset({Kind.ACCOUNT, Kind.LEAD, Kind.CONTACT})
MANAGER_COLUMN: Final = "ManagerId"
_USER_COLUMNS: Final = ("Id", "Username", "Email", "Name", "IsActive", "UserType", MANAGER_COLUMN)


@dataclass(frozen=True, slots=True)
class Columns:
    """What is selected for one kind, and how its rows are read."""

    kind: Kind
    object: str
    fields: Mapping[str, str]
    structure: tuple[str, ...]

    @property
    def select(self) -> str:
        """The select list: structural columns first, each once."""
        wanted = [*self.structure, *map(_selectable, self.fields.values())]
        return ", ".join(dict.fromkeys(wanted))

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that is read, structural ones first, each once."""
        return tuple(dict.fromkeys((*self.structure, *self.fields.values())))

    def parts(self, room: int) -> tuple[Columns, ...]:
        """The same columns in parts whose select lists take at most `room` bytes of a URI; each has the structure.

        A single name always fits: API names have at most 80 characters.
        """
        groups: list[dict[str, str]] = [{}]
        for name, column in self.fields.items():
            fuller = {**groups[-1], name: column}
            if groups[-1] and len(quote_plus(replace(self, fields=fuller).select)) > room:
                groups.append({name: column})
            else:
                groups[-1] = fuller
        return tuple(replace(self, fields=group) for group in groups)

    def record(self, row: Mapping[str, Any]) -> Record:
        """The record of a row; BadDataError where a column that was asked for is not in it."""
        return read_record("salesforce", self.object, lambda: self._record(row), lambda: structure_of(self, row))

    def _record(self, row: Mapping[str, Any]) -> Record:
        parent = PARENT_COLUMN.get(self.kind)
        return Record(
            ref=Ref(System.SALESFORCE, self.kind, id_in(row)),
            stamp=parse_instant(_value(row, "SystemModstamp")),
            fields=canonical_fields(self.kind, self._values(row)),
            owner=_reference(row, "OwnerId"),
            account=_reference(row, parent) if parent else None,
            deleted=flag(_value(row, "IsDeleted")),
            merged_into=_reference(row, "MasterRecordId") if self.kind in MERGEABLE else None,
            modified_by=_reference(row, "LastModifiedById"),
        )

    def user(self, row: Mapping[str, Any]) -> User:
        """The user of a row of User; only standard users may own accounts (salesforce.md 0-9)."""
        with decoding("salesforce", f"a row of {self.object}"):
            fields = canonical_fields(self.kind, self._values(row))
            if row.get(MANAGER_COLUMN):
                fields[MANAGER] = long_salesforce_id(str(row[MANAGER_COLUMN]))
            return User(
                ref=Ref(System.SALESFORCE, Kind.USER, id_in(row)),
                email=str(_value(row, "Email") or "").strip().lower(),
                name=str(_value(row, "Name") or ""),
                active=flag(_value(row, "IsActive")),
                eligible=_value(row, "UserType") == "Standard",
                login=str(_value(row, "Username") or "") or None,
                fields=fields,
            )

    def _values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, column in self.fields.items():
            value = row[column] if column in row else _value(row, column)
            if isinstance(value, str) and column.endswith("Id"):
                value = long_salesforce_id(value)  # ids in fields have 18 characters too
            values[name] = value
        return values


def structure_of(columns: Columns, row: Mapping[str, Any]) -> Parts:
    """The id of a row as it came, and each column that every record of its kind needs, with what reads it."""
    readers: dict[str, Callable[[], object]] = {
        "Id": lambda: id_in(row),
        "SystemModstamp": lambda: parse_instant(_value(row, "SystemModstamp")),
        "IsDeleted": lambda: flag(_value(row, "IsDeleted")),
    }
    named = [(name, readers.get(name, partial(_reference, row, name))) for name in columns.structure]
    return repr(row.get("Id")), tuple((name, row.get(name), read) for name, read in named)


def queue_of(row: Mapping[str, Any]) -> User:
    """The owner that a row of Group with the type Queue is: no person, and never eligible for an account."""
    with decoding("salesforce", "a row of Group"):
        return User(
            ref=Ref(System.SALESFORCE, Kind.USER, id_in(row)),
            email=str(_value(row, "Email") or "").strip().lower(),
            name=str(_value(row, "Name") or ""),
            active=True,
            eligible=False,
        )


def columns_of(mapping: SystemMapping, kind: Kind) -> Columns:
    """The columns of a mapped kind; SchemaError for a kind that is not mapped, or a name that cannot be one."""
    mapped = mapping.kinds.get(kind)
    if mapped is None:
        raise SchemaError("SYN405", f"no object is mapped to the kind {kind.value}", where="salesforce")
    for name in (mapped.object, *mapped.fields.values()):
        if not _NAME.fullmatch(name):
            raise SchemaError("SYN405", f"{name!r} is no API name", where=f"salesforce {mapped.object}")
    if kind is Kind.USER:
        return Columns(kind, mapped.object, mapped.fields, _USER_COLUMNS)
    structure = ["Id", "OwnerId", "SystemModstamp", "LastModifiedById", "IsDeleted"]
    if kind in MERGEABLE:
        structure.append("MasterRecordId")
    if kind in PARENT_COLUMN:
        structure.append(PARENT_COLUMN[kind])
    return Columns(kind, mapped.object, mapped.fields, tuple(structure))


def _selectable(column: str) -> str:
    """What SOQL selects for a column: an address is selected whole and its part read out of it."""
    first, dot, _ = column.partition(".")
    return first if dot and first.endswith("Address") else column


def _value(row: Mapping[str, Any], column: str) -> Any:
    """A column's value; answers keep the describe casing, whatever the casing of the query (salesforce.md 8.4)."""
    if column in row:
        return row[column]
    value: Any = row
    for part in column.split("."):
        if value is None:
            return None
        value = _entry(value, part)
    return value


def _entry(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        if part in value:
            return value[part]
        lowered = part.lower()
        for key, entry in value.items():
            if key.lower() == lowered:
                return entry
    raise BadDataError("SYN421", f"a row lacks the column {part} that was asked for", where="salesforce")


def id_in(row: Mapping[str, Any], column: str = "Id") -> str:
    """The id in a column, in its long form; ValueError or TypeError for what is none."""
    value = _value(row, column)
    if not SALESFORCE_ID.fullmatch(value):
        raise ValueError("not an id")
    return long_salesforce_id(value)


def _reference(row: Mapping[str, Any], column: str) -> str | None:
    return None if _value(row, column) is None else id_in(row, column)
