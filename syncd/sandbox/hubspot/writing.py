"""Writing single records by the API: create, update, archive, merge, erase (hubspot.md 2.4, 2.5 and 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.hubspot.associations import LABELLED
from syncd.sandbox.hubspot.changes import LARGEST_MERGE, RecordChanges
from syncd.sandbox.hubspot.checking import WriteChecks
from syncd.sandbox.hubspot.definitions import KIND_BY_NAME
from syncd.sandbox.hubspot.envelopes import Document, json_object
from syncd.sandbox.hubspot.records import Entry, ObjectTable
from syncd.sandbox.hubspot.refusals import invalid_values, not_found, plain, validation
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.wire import Request, Response

Link = tuple[str, int, frozenset[int]]
"""A new record's association: the other object type, its id, the type ids asked for."""


class RecordWriter:
    """Answers what writes one record of any object type, as the app that the token belongs to."""

    def __init__(self, state: PortalState, changes: RecordChanges, checks: WriteChecks) -> None:
        self._state = state
        self._changes = changes
        self._checks = checks

    def update(self, request: Request, table: ObjectTable, record_id: str, version: str) -> Response:
        """PATCH of one record; an id that was merged away is accepted and answers with the merged record's id (2.4)."""
        id_property = request.query.get("idProperty", [""])[0]
        entry = live(self._state, table, self._checks.found(table, record_id, id_property))
        if entry is None:
            raise not_found()
        self._state.check_lock(table, entry)
        values, problems = self._checks.values(json_object(request).get("properties"), table, entry, version)
        if problems:
            raise invalid_values(problems)
        clash = self._checks.clash(table, entry, values)
        if clash is not None:
            raise clash
        self._changes.write(table, entry, values, self._state.writer)
        return Response.of_json(200, written(table, entry, values))

    def create(self, request: Request, table: ObjectTable, version: str) -> Response:
        """POST of one new record, with its associations."""
        document = json_object(request)
        values, problems = self._checks.values(document.get("properties"), table, None, version)
        if problems:
            raise invalid_values(problems)
        clash = self._checks.clash(table, None, values)
        if clash is not None:
            raise clash
        links = self.links(document.get("associations"), table)
        return Response.of_json(201, self.make(table, values, links))

    def make(self, table: ObjectTable, values: Mapping[str, str], links: list[Link]) -> Document:
        """A new record from checked values; its document."""
        entry = self._changes.create(table, values, self._state.writer)
        for other, other_id, types in links:
            self._changes.associate(table, entry, other, other_id, types)
        return written(table, entry, values)

    def links(self, associations: Any, table: ObjectTable) -> list[Link]:
        """The associations of a new record's body; a Refusal for one that leads nowhere."""
        found: list[Link] = []
        for item in associations or []:
            types = frozenset(int(one.get("associationTypeId", 0)) for one in item.get("types", []))
            other = _object_of(table.kind.name, types)
            target = self._state.tables.get(other)
            to = str(dict(item.get("to") or {}).get("id", ""))
            if target is None or live(self._state, target, target.find(to)) is None:
                raise validation(f"The association to {to} is not valid", associations=[to])
            found.append((other, int(to), types))
        return found

    def archive(self, table: ObjectTable, record_id: str) -> Response:
        """DELETE of one record into the recycle bin; 204 also for one that is not there, as HubSpot does."""
        entry = live(self._state, table, table.find(record_id))
        if entry is not None:
            self._state.check_lock(table, entry)
            self._changes.archive(table, entry)
        return Response(204)

    def merge(self, request: Request, table: ObjectTable) -> Response:
        """Two records into one (2.4)."""
        document = json_object(request)
        ids = str(document.get("primaryObjectId", "")), str(document.get("objectIdToMerge", ""))
        primary, secondary = (live(self._state, table, table.find(one)) for one in ids)
        if primary is None or secondary is None:
            raise not_found()
        if primary is secondary:
            raise validation("A record cannot be merged with itself")
        if self._state.salesforce and table.kind.name == "companies":
            raise validation("Companies cannot be merged while the Salesforce integration is installed")
        if len(self._changes.merged_ids(primary, secondary)) > LARGEST_MERGE:
            raise plain(414, None, f"The merged record would have more than {LARGEST_MERGE} identities")
        merged = self._changes.merge(table, primary, secondary)
        return Response.of_json(200, written(table, merged, merged.properties))

    def erase(self, request: Request, table: ObjectTable) -> Response:
        """A contact gone for good, from both lists (2.5)."""
        document = json_object(request)
        entry = self._checks.found(table, str(document.get("objectId", "")), document.get("idProperty"))
        if entry is None:
            raise not_found()
        self._changes.purge(table, entry)
        return Response(204)


def live(state: PortalState, table: ObjectTable, entry: Entry | None) -> Entry | None:
    """The record itself where it lives and the token may see it."""
    if entry is None or entry.archived is not None or state.hidden(table, entry):
        return None
    return entry


def written(table: ObjectTable, entry: Entry, values: Mapping[str, str]) -> Document:
    """A record as a write answers it: the properties written, the stamp and the id (9.4)."""
    names = sorted({*values, table.kind.stamp, "hs_object_id"})
    return {
        "id": str(entry.id),
        "properties": {name: entry.properties.get(name) for name in names},
        "createdAt": entry.properties["createdate"],
        "updatedAt": entry.properties[table.kind.stamp],
        "archived": entry.archived is not None,
    }


def _object_of(source: str, types: frozenset[int]) -> str:
    """The object type that association types of `source` lead to; empty text for none."""
    names = dict.fromkeys(kind.name for kind in KIND_BY_NAME.values())
    return next((other for other in names if types & frozenset(LABELLED.get((source, other), ()))), "")
