"""One line of a Salesforce assignment rule as a clause of ours; what cannot be said exactly is refused with a reason.

Salesforce's own meaning: a comma separates alternatives, `not equal` is true of an empty field too, postal codes are
compared as text (Salesforce Help, "How Account Assignment Rules Work").
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass

from syncd.connectors.salesforce import DEFAULT_MAPPING
from syncd.jobs.importing.exports import Item
from syncd.model.fields import SELF_READING_FIELDS, FieldType
from syncd.model.normalisation import country, number, state
from syncd.model.refs import Kind
from syncd.rules.formatting.yaml_text import Quoted, Value, Word

Clause = dict[str, Value]
_T = FieldType
_OPERATIONS = {
    "equals": "equals",
    "notequal": "notEqual",
    "notequalto": "notEqual",
    "notequals": "notEqual",
    "lessthan": "<",
    "greaterthan": ">",
    "lessorequal": "<=",
    "greaterorequal": ">=",
    "contains": "contains",
    "notcontain": "notContain",
    "doesnotcontain": "notContain",
    "startswith": "startsWith",
    "includes": "includes",
    "excludes": "excludes",
}
_TEXTS = frozenset({_T.TEXT, _T.PICKLIST, _T.EMAIL, _T.DOMAIN})
_SPECIAL = re.compile(r"[*?]|^[<>!@=]|\.\.|^(?:missing|true|false|always)$", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ALSO = {"billingcountrycode": "country", "billingstatecode": "state"}


class NotCarriedError(Exception):
    """The clause cannot be said in a rule; the text says why."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Our fields by Salesforce's names, in lower case, and their types."""

    ours: Mapping[str, str]
    types: Mapping[str, FieldType]

    @classmethod
    def of(cls, mapped: Mapping[str, str], types: Mapping[str, FieldType]) -> FieldNames:
        """From a mapping of our names to Salesforce's; a website is a text, whatever else is read from it."""
        ours = {theirs.casefold(): name for name, theirs in mapped.items() if name != "domain"}
        return cls({**_ALSO, **ours}, types)


def default_fields() -> Mapping[str, str]:
    """The standard fields of an account that are mapped without settings."""
    return DEFAULT_MAPPING.kinds[Kind.ACCOUNT].fields


def clause(item: Item, names: FieldNames, home: str | None) -> Clause:
    """The clause of one item; states are read within `home`, the country that its rule or the caller names.

    Raises NotCarriedError.
    """
    operation = _OPERATIONS.get(re.sub(r"[^a-z]", "", item.operation.casefold()))
    if operation is None:
        raise NotCarriedError(f"the operation {item.operation!r} has no counterpart")
    theirs = item.field.rpartition(".")[2] if item.field.casefold().startswith("account.") else item.field
    name = names.ours.get(theirs.casefold())
    if name is None:
        raise NotCarriedError(f"the field {item.field!r} is not mapped; map it in the settings and import again")
    if name in SELF_READING_FIELDS:
        raise NotCarriedError(f"a rule may not read the {name}: that is its own result")
    return _said(name, names.types[name], operation, values_of(item.value), home)


def values_of(text: str) -> tuple[str, ...]:
    """The alternatives of a value, which commas separate; one in quotes may hold a comma."""
    return tuple(value for value in (each.strip() for each in next(csv.reader([text]), [])) if value)


def _said(name: str, type_: FieldType, operation: str, values: tuple[str, ...], home: str | None) -> Clause:
    if operation in ("notEqual", "notContain", "excludes"):
        positive = {"notEqual": "equals", "notContain": "contains", "excludes": "includes"}[operation]
        if not values:
            return {name: {"present": Word("true")}}
        return {"not": _said(name, type_, positive, values, home)}
    if not values:
        if operation == "equals":
            return {name: "missing"}
        raise NotCarriedError(f"{operation} needs a value")
    if type_ in (_T.COUNTRY, _T.STATE):
        return {name: _one_or_list([_place(type_, value, operation, home) for value in values])}
    if operation in ("<", ">", "<=", ">="):
        return {name: _compared(type_, operation, values)}
    if operation in ("includes",) or type_ is _T.SEVERAL:
        return _among(name, type_, operation, values)
    if operation == "equals":
        return {name: _one_or_list([_equal(type_, value) for value in values])}
    key = {"contains": "contains", "startsWith": "starts_with"}[operation]
    if type_ not in _TEXTS and not (type_ is _T.POSTAL_CODE and key == "starts_with"):
        raise NotCarriedError(f"{operation} on the {type_.value.replace('_', ' ')} {name} has no counterpart")
    return {name: _one_or_list([{key: Quoted(value)} for value in values])}


def _place(type_: FieldType, value: str, operation: str, home: str | None) -> Value:
    """A country or state by its code. Orgs with picklists must write `contains` for these: it means equality then."""
    if operation not in ("equals", "contains"):
        raise NotCarriedError(f"{operation} on a {type_.value} has no counterpart")
    found = country(value) if type_ is _T.COUNTRY else state(value, home)
    if found is None:
        where = "" if type_ is _T.COUNTRY or home else "; name its country with --country"
        raise NotCarriedError(f"{value!r} is no {type_.value} that is known{where}")
    return found


def _compared(type_: FieldType, operation: str, values: tuple[str, ...]) -> Value:
    if len(values) != 1:
        raise NotCarriedError(f"{operation} with several values")
    plain = type_ in (_T.NUMBER, _T.MONEY) and number(values[0]) is not None
    if not plain and not (type_ is _T.DATE and _DAY.fullmatch(values[0])):
        raise NotCarriedError(f"{operation} {values[0]!r} on a {type_.value.replace('_', ' ')} has no counterpart")
    return Quoted(f"{operation} {values[0]}")


def _equal(type_: FieldType, value: str) -> Value:
    if type_ is _T.BOOLEAN:
        known = {"true": "true", "1": "true", "false": "false", "0": "false"}
        if value.casefold() not in known:
            raise NotCarriedError(f"{value!r} is neither true nor false")
        return known[value.casefold()]
    if type_ in (_T.NUMBER, _T.MONEY):
        if number(value) is None:
            raise NotCarriedError(f"{value!r} is no number")
        return value
    if type_ is _T.DATE and not _DAY.fullmatch(value):
        raise NotCarriedError(f"{value!r} is no day as 2026-12-31")
    return {"is": Quoted(value)} if _SPECIAL.search(value) and type_ in _TEXTS else Quoted(value)


def _among(name: str, type_: FieldType, operation: str, values: tuple[str, ...]) -> Clause:
    """A multi-select picklist: a comma is `or`, a semicolon `and`."""
    if type_ is not _T.SEVERAL or operation not in ("includes", "equals"):
        raise NotCarriedError(f"{operation} on the {type_.value.replace('_', ' ')} {name} has no counterpart")
    groups = [[Quoted(part.strip()) for part in value.split(";") if part.strip()] for value in values]
    if all(len(group) == 1 for group in groups):
        return {name: {"any_of": [group[0] for group in groups]}}
    if len(groups) == 1:
        return {name: {"all_of": groups[0]}}
    return {"any": [{name: {"all_of": group}} for group in groups]}


def _one_or_list(values: list[Value]) -> Value:
    return values[0] if len(values) == 1 else values
