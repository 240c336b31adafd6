"""Whether the mapping fits the portal: list each object's properties, and name everything that is not among them.

A list asked for a property that is not there says nothing of it, and a search by it finds nothing; so it is checked
here, before anything is read (reliability.md B31).
"""

from __future__ import annotations

from collections.abc import Iterable

from syncd.connectors.hubspot.client import WHERE, HubspotClient, Json, results_of
from syncd.connectors.hubspot.mapping import MERGED, OWNER, Columns
from syncd.errors import SchemaError

SYNC_PROPERTY = "salesforceaccountid"
"""A company property that HubSpot's own Salesforce connector makes."""


def schema_notes(client: HubspotClient, kinds: Iterable[Columns]) -> tuple[str, ...]:
    """What an operator should know of the mapping; SchemaError with all that is missing."""
    missing: list[str] = []
    notes: list[str] = []
    for columns in kinds:
        try:
            listed = client.get(client.paths.properties_of(columns.object), check=results_of)
        except SchemaError:
            missing.append(columns.object)
            continue
        properties = {str(entry.get("name")): entry for entry in listed}
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


def _notes(columns: Columns, properties: dict[str, Json]) -> list[str]:
    notes = []
    for rule_field, name in columns.fields.items():
        property_ = properties.get(name, {})
        if property_.get("calculated") and not name.startswith("hs_is_closed"):
            notes.append(
                f"{columns.object}.{name} ({rule_field}) is calculated: "
                "a change of it may not stamp the record, and only a full sweep sees it for sure"
            )
    if MERGED not in properties:
        notes.append(f"{columns.object}.{MERGED} is not there: merges show as deletions")
    owner = properties.get(OWNER, {})
    if (owner.get("modificationMetadata") or {}).get("readOnlyValue") is True:
        notes.append(f"{columns.object}.{OWNER} cannot be written by the app")
    return notes
