"""Whether the mapping fits the organization: describe each object, and name everything that does not.

A field that the integration user may not see is absent from describe; never is it taken for an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from syncd.connectors.salesforce.client import WHERE, SalesforceClient
from syncd.connectors.salesforce.failures import RetiredVersionError
from syncd.connectors.salesforce.mapping import Columns
from syncd.errors import CrmError, SchemaError
from syncd.model.refs import Kind
from syncd.model.schemas import FieldSchema, ObjectSchema


class Descriptions:
    """What describe says of objects; each is asked once by one reader."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._known: dict[str, Mapping[str, Any]] = {}

    def of(self, name: str) -> Mapping[str, Any]:
        """The description of an object. SchemaError where it is not there, or hidden from us."""
        if name not in self._known:
            self._known[name] = self._client.describe(name)
        return self._known[name]

    def versions(self) -> tuple[str, ...]:
        """The API versions that the organization answers, as far as it says so."""
        try:
            return self._client.versions()
        except CrmError:
            return ()

    def type_of(self, name: str, column: str) -> str | None:
        """The type of a column, also of a parent's by `Owner.Name`; None for one that is not there."""
        first, dot, rest = column.partition(".")
        for field in self.of(name)["fields"]:
            if not dot and str(field.get("name", "")).lower() == column.lower():
                return str(field.get("type", "")).lower()
            if dot and str(field.get("relationshipName") or "").lower() == first.lower():
                targets = field.get("referenceTo") or []
                return self.type_of(str(targets[0]), rest) if targets else None
        return None


def object_schema(descriptions: Descriptions, columns: Columns) -> ObjectSchema:
    """Every field of an object that we are shown, with the values of those picklists that are mapped."""
    mapped = {name.lower() for name in columns.names}
    fields = {}
    for each in descriptions.of(columns.object)["fields"]:
        name = str(each.get("name", ""))
        offered = each.get("picklistValues") or [] if name.lower() in mapped else []
        values = {str(value.get("value")) for value in offered if value.get("active") is not False}
        fields[name] = FieldSchema(str(each.get("type", "")).lower(), tuple(sorted(values)))
    return ObjectSchema(columns.kind, columns.object, fields)


def unfit(descriptions: Descriptions, kinds: Iterable[Columns]) -> Mapping[Kind, tuple[str, ...]]:
    """The objects and fields that are not there, or hidden from us, of each kind that has such."""
    found: dict[Kind, tuple[str, ...]] = {}
    for columns in _described(kinds):
        fields = _fields(descriptions, columns)
        absent = [columns.object] if fields is None else [f"{columns.object}.{n}" for n in _absent(columns, fields)]
        if absent:
            found[columns.kind] = tuple(absent)
    return found


def schema_notes(descriptions: Descriptions, kinds: Iterable[Columns]) -> tuple[str, ...]:
    """What an operator should know of the mapping of kinds that fit."""
    notes: list[str] = []
    for columns in _described(kinds):
        notes += _notes(columns, _fields(descriptions, columns) or {})
    return tuple(notes)


def _described(kinds: Iterable[Columns]) -> Iterator[Columns]:
    """Not users without fields of their own: what is read of them every organization has; it would cost a call."""
    return (columns for columns in kinds if columns.kind is not Kind.USER or columns.fields)


def _fields(descriptions: Descriptions, columns: Columns) -> Mapping[str, Mapping[str, Any]] | None:
    """The fields of an object by name and by relation, in lower case; None for an object that is not there."""
    try:
        described = descriptions.of(columns.object)
    except RetiredVersionError as error:
        raise SchemaError(
            "SYN438",
            f"Salesforce does not answer the API version that is set: {error.summary}",
            where=WHERE,
            hint=f"set salesforce.api_version to one of {_told(descriptions.versions())}",
        ) from None
    except SchemaError:
        return None
    by_name = {str(field.get("name", "")).lower(): field for field in described["fields"]}
    relations = {
        str(field["relationshipName"]).lower(): field for field in by_name.values() if field.get("relationshipName")
    }
    return {**relations, **by_name}


def _absent(columns: Columns, fields: Mapping[str, Mapping[str, Any]]) -> list[str]:
    wanted = dict.fromkeys((*columns.structure, *columns.fields.values()))
    return [name for name in wanted if name.partition(".")[0].lower() not in fields]


def _notes(columns: Columns, fields: Mapping[str, Mapping[str, Any]]) -> list[str]:
    notes = []
    for rule_field, name in columns.fields.items():
        field = fields.get(name.partition(".")[0].lower(), {})
        if field.get("calculated") or "." in name:
            notes.append(
                f"{columns.object}.{name} ({rule_field}) does not stamp the record when it changes: "
                "only a full sweep sees its changes"
            )
    owner = fields.get("ownerid")
    if columns.kind is not Kind.USER and owner is not None and owner.get("updateable") is False:
        notes.append(f"{columns.object}.OwnerId cannot be written by the integration user")
    return notes


def _told(versions: tuple[str, ...]) -> str:
    """The newest versions, in words."""
    return ", ".join(versions[-3:]) or "the versions that the organization answers"
