"""Whether the mapping fits the portal: list each object's properties, and name everything that is not among them.

A list asked for a property that is not there says nothing of it, and a search by it finds nothing; so it is checked
here, before anything is read (reliability.md B31).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from syncd.connectors.canonical import types_of
from syncd.connectors.hubspot.client import HubspotClient, Json, results_of
from syncd.connectors.hubspot.mapping import MERGED, OWNER, Columns
from syncd.errors import SchemaError
from syncd.model.fields import FieldType
from syncd.model.refs import Kind
from syncd.model.schemas import FieldSchema, ObjectSchema

SYNC_PROPERTY = "salesforceaccountid"
"""A company property that HubSpot's own Salesforce connector makes."""


_STAMPED: Final = frozenset({"hs_is_closed", "hs_is_closed_won", "hs_deal_stage_probability", "notes_last_updated"})
"""Calculated properties that change only with what stamps the deal or company: its stage, or logged activity."""

_EXPECTED: Final[Mapping[FieldType, tuple[str, frozenset[str]]]] = {
    FieldType.NUMBER: ("a number", frozenset({"number"})),
    FieldType.MONEY: ("a number", frozenset({"number"})),
    FieldType.DATE: ("a date", frozenset({"date", "datetime"})),
}


class PortalSchema:
    """The properties of a portal that the app may see, each object's read once a run."""

    def __init__(self, client: HubspotClient) -> None:
        self._client = client
        self._known: dict[str, Mapping[str, Json]] = {}

    def properties(self, object_: str) -> Mapping[str, Json]:
        """The properties of an object by name; SchemaError for an object that is not there."""
        if object_ not in self._known:
            listed = self._client.get(self._client.paths.properties_of(object_), check=results_of)
            self._known[object_] = {str(entry.get("name")): entry for entry in listed}
        return self._known[object_]

    def unfit(self, kinds: Iterable[Columns]) -> Mapping[Kind, tuple[str, ...]]:
        """The objects and properties that are not there, or hidden from the app, of each kind that has such."""
        found: dict[Kind, tuple[str, ...]] = {}
        for columns in kinds:
            try:
                properties = self.properties(columns.object)
            except SchemaError:
                found[columns.kind] = (columns.object,)
                continue
            absent = [f"{columns.object}.{name}" for name in columns.required if name not in properties]
            if absent:
                found[columns.kind] = tuple(absent)
        return found

    def notes(self, kinds: Iterable[Columns]) -> tuple[str, ...]:
        """What an operator should know of the mapping of kinds that fit."""
        return tuple(note for columns in kinds for note in _notes(columns, self.properties(columns.object)))

    def object_schema(self, columns: Columns) -> ObjectSchema:
        """Every property that we are shown, with the options of those that are mapped."""
        mapped = set(columns.fields.values())
        fields = {}
        for name, entry in self.properties(columns.object).items():
            options = entry.get("options") or [] if name in mapped else []
            values = {str(option.get("value")) for option in options if option.get("hidden") is not True}
            fields[name] = FieldSchema(str(entry.get("type", "")), tuple(sorted(values)))
        return ObjectSchema(columns.kind, columns.object, fields)

    def unstamped(self, columns: Columns) -> tuple[str, ...]:
        """The rule fields whose change moves no stamp: calculated ones, and the company that a deal belongs to.

        An association is no property (hubspot.md 2.2), and whether a recomputed one stamps the record is not told.
        """
        linked = ("account",) if columns.linked else ()
        return (*_calculated(columns, self.properties(columns.object)), *linked)


def _calculated(columns: Columns, properties: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(
        rule_field
        for rule_field, name in columns.fields.items()
        if name not in _STAMPED and properties.get(name, {}).get("calculated") is True
    )


def _retyped(columns: Columns, properties: Mapping[str, Json]) -> list[str]:
    """Fields that rules read as a number or a date, on properties of another type: what is none counts as unknown.

    Not of leads, whose company's size HubSpot itself keeps as text.
    """
    notes: list[str] = []
    if columns.kind not in (Kind.ACCOUNT, Kind.OPPORTUNITY):
        return notes
    for rule_field, name in columns.fields.items():
        told = str(properties.get(name, {}).get("type") or "")
        type_ = types_of(columns.kind).get(rule_field)
        expected = _EXPECTED.get(type_) if type_ is not None else None
        if told and expected is not None and told not in expected[1]:
            notes.append(f"{columns.object}.{name} ({rule_field}) is of type {told}, where rules expect {expected[0]}")
    return notes


def _notes(columns: Columns, properties: Mapping[str, Json]) -> list[str]:
    notes = [
        f"{columns.object}.{columns.fields[rule_field]} ({rule_field}) is calculated: "
        "a change of it may not stamp the record, and only a sweep sees it for sure"
        for rule_field in _calculated(columns, properties)
    ]
    notes += _retyped(columns, properties)
    if MERGED not in properties:
        notes.append(f"{columns.object}.{MERGED} is not there: merges show as deletions")
    owner = properties.get(OWNER, {})
    if (owner.get("modificationMetadata") or {}).get("readOnlyValue") is True:
        notes.append(f"{columns.object}.{OWNER} cannot be written by the app")
    return notes
