"""Whether the mapping fits the portal: list each object's properties, and name everything that is not among them.

A list asked for a property that is not there says nothing of it, and a search by it finds nothing; so it is checked
here, before anything is read (reliability.md B31).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from syncd.connectors.hubspot.client import WHERE, HubspotClient, Json, results_of
from syncd.connectors.hubspot.mapping import LINKED_KINDS, MERGED, OWNER, Columns
from syncd.errors import SchemaError

SYNC_PROPERTY = "salesforceaccountid"
"""A company property that HubSpot's own Salesforce connector makes."""


_STAMPED: Final = frozenset({"hs_is_closed", "hs_is_closed_won", "hs_deal_stage_probability", "notes_last_updated"})
"""Calculated properties that change only with what stamps the deal or company: its stage, or logged activity."""


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

    def notes(self, kinds: Iterable[Columns]) -> tuple[str, ...]:
        """What an operator should know of the mapping; SchemaError with all that is missing."""
        missing: list[str] = []
        notes: list[str] = []
        for columns in kinds:
            try:
                properties = self.properties(columns.object)
            except SchemaError:
                missing.append(columns.object)
                continue
            missing += [f"{columns.object}.{name}" for name in columns.required if name not in properties]
            notes += _notes(columns, properties)
        if missing:
            raise SchemaError(
                "SYN405",
                f"not there, or hidden from the app: {', '.join(missing)}",
                where=WHERE,
                hint="correct the mapping in the settings, or grant the app the schema scopes",
            )
        return tuple(notes)

    def unstamped(self, columns: Columns) -> tuple[str, ...]:
        """The rule fields whose change moves no stamp: calculated ones, and the company that a deal belongs to.

        An association is no property (hubspot.md 2.2), and whether a recomputed one stamps the record is not told.
        """
        linked = ("account",) if columns.kind in LINKED_KINDS else ()
        return (*_calculated(columns, self.properties(columns.object)), *linked)


def _calculated(columns: Columns, properties: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(
        rule_field
        for rule_field, name in columns.fields.items()
        if name not in _STAMPED and properties.get(name, {}).get("calculated") is True
    )


def _notes(columns: Columns, properties: Mapping[str, Json]) -> list[str]:
    notes = [
        f"{columns.object}.{columns.fields[rule_field]} ({rule_field}) is calculated: "
        "a change of it may not stamp the record, and only a sweep sees it for sure"
        for rule_field in _calculated(columns, properties)
    ]
    if MERGED not in properties:
        notes.append(f"{columns.object}.{MERGED} is not there: merges show as deletions")
    owner = properties.get(OWNER, {})
    if (owner.get("modificationMetadata") or {}).get("readOnlyValue") is True:
        notes.append(f"{columns.object}.{OWNER} cannot be written by the app")
    return notes
