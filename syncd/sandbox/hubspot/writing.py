"""Writing records by the API: update, batch update, create, archive, merge (hubspot.md 2.4, 2.5 and 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.sandbox.faults import RowFault
from syncd.sandbox.hubspot.changes import RecordChanges
from syncd.sandbox.hubspot.reading import BATCH, batch_response, input_ids, inputs_of, json_object, missing_error
from syncd.sandbox.hubspot.records import Entry, ObjectTable
from syncd.sandbox.hubspot.refusals import PropertyProblem, invalid_values, not_found, plain, validation, values_message
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.wire import Request, Response

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Row:
    """One input of a batch update, checked: the record and its new values, or why it cannot be written."""

    record_id: str
    trace: str | None
    entry: Entry | None
    values: Mapping[str, str]
    problems: tuple[PropertyProblem, ...] = ()
    fault: RowFault | None = None


class RecordWriter:
    """Answers what writes records of any object type, as our own app."""

    def __init__(self, state: PortalState, changes: RecordChanges) -> None:
        self._state = state
        self._changes = changes

    def update(self, request: Request, table: ObjectTable, record_id: str, version: str) -> Response:
        """PATCH of one record; an id that was merged away is accepted and answers with the merged record's id (2.4)."""
        entry = self._live(table, record_id)
        if entry is None:
            raise not_found()
        values, problems = self._checked(json_object(request).get("properties"), table, entry, version)
        if problems:
            raise invalid_values(problems)
        self._changes.write(table, entry, values, self._state.app)
        return Response.of_json(200, self._written(table, entry, values))

    def batch_update(self, request: Request, table: ObjectTable, version: str, fault: RowFault | None) -> Response:
        """Up to 100 updates. How rows that cannot be written come back is a switch (3.2)."""
        inputs = inputs_of(json_object(request), BATCH)
        _check_ids(inputs)
        rows = [self._row(place, item, table, version, fault) for place, item in enumerate(inputs)]
        bad = [row for row in rows if row.entry is None or row.problems or row.fault]
        self._refuse_all(rows, bad)
        results = []
        for row in rows:
            if row.entry is None or row.problems or row.fault:
                continue
            self._changes.write(table, row.entry, row.values, self._state.app)
            document = self._written(table, row.entry, row.values)
            results.append({**document, "objectWriteTraceId": row.trace} if row.trace else document)
        results.sort(key=lambda document: int(document["id"]))
        return batch_response(self._state, results, self._errors(table, bad), 200)

    def create(self, request: Request, table: ObjectTable) -> Response:
        """POST of one new record."""
        document = json_object(request)
        values, problems = self._checked(document.get("properties"), table, None, "")
        if problems:
            raise invalid_values(problems)
        entry = self._changes.create(table, values, self._state.app)
        return Response.of_json(201, self._written(table, entry, values))

    def archive(self, table: ObjectTable, record_id: str) -> Response:
        """DELETE of one record into the recycle bin; 204 also for one that is not there, as HubSpot does."""
        entry = self._live(table, record_id)
        if entry is not None:
            self._changes.archive(table, entry)
        return Response(204)

    def batch_archive(self, request: Request, table: ObjectTable) -> Response:
        """Up to 100 records into the recycle bin."""
        for record_id in input_ids(json_object(request), BATCH):
            self.archive(table, record_id)
        return Response(204)

    def merge(self, request: Request, table: ObjectTable) -> Response:
        """Two records into a new one with a new id (2.4)."""
        document = json_object(request)
        primary = self._live(table, str(document.get("primaryObjectId", "")))
        secondary = self._live(table, str(document.get("objectIdToMerge", "")))
        if primary is None or secondary is None:
            raise not_found()
        if primary is secondary:
            raise validation("A record cannot be merged with itself")
        merged = self._changes.merge(table, primary, secondary)
        return Response.of_json(200, self._written(table, merged, merged.properties))

    def _live(self, table: ObjectTable, record_id: str) -> Entry | None:
        entry = table.find(record_id)
        if entry is None or entry.archived is not None or self._state.hidden(table, entry):
            return None
        return entry

    def _row(self, place: int, item: Document, table: ObjectTable, version: str, fault: RowFault | None) -> _Row:
        """An input checked. Ids that were merged away are not accepted in batches (2.4)."""
        record_id, trace = str(item["id"]), item.get("objectWriteTraceId")
        entry = self._live(table, record_id)
        if entry is not None and str(entry.id) != record_id:
            entry = None
        values, problems = self._checked(item.get("properties"), table, entry, version)
        hit = fault if fault is not None and fault.hits(place, record_id) else None
        return _Row(record_id, None if trace is None else str(trace), entry, values, tuple(problems), hit)

    def _refuse_all(self, rows: Sequence[_Row], bad: Sequence[_Row]) -> None:
        """Refuse the whole batch where one bad row does that."""
        mode = self._state.quirks.batch_errors
        invalid = [row for row in bad if row.problems]
        traced = all(row.trace is not None for row in rows)
        if mode == "refuse" and bad:
            if invalid:
                raise invalid_values(invalid[0].problems)
            raise plain(400, "VALIDATION_ERROR", f"Some of the inputs cannot be written: {bad[0].record_id}")
        if mode == "documented" and invalid and not traced:
            raise invalid_values(invalid[0].problems)

    def _errors(self, table: ObjectTable, bad: Sequence[_Row]) -> list[Document]:
        """The `errors` of a batch with bad rows: one an invalid row, one for all ids that were not found."""
        errors = []
        for row in bad:
            if row.fault is not None:
                errors.append(self._error(row, row.fault.code, row.fault.message))
            elif row.entry is not None:
                errors.append(self._error(row, "VALIDATION_ERROR", values_message(row.problems)))
        missing = [row.record_id for row in bad if row.fault is None and row.entry is None]
        return [*errors, missing_error(table.kind, missing)] if missing else errors

    def _error(self, row: _Row, category: str, message: str) -> Document:
        by_id = self._state.quirks.batch_errors == "ids" or row.trace is None
        context = {"ids": [row.record_id]} if by_id else {"objectWriteTraceId": [row.trace]}
        return {"status": "error", "category": category, "message": message, "context": context}

    def _checked(
        self, properties: Any, table: ObjectTable, entry: Entry | None, version: str
    ) -> tuple[dict[str, str], list[PropertyProblem]]:
        """Canonical values of a write, and what is wrong with them."""
        if not isinstance(properties, dict):
            raise validation("properties must be an object", properties=["invalid"])
        values: dict[str, str] = {}
        problems: list[PropertyProblem] = []
        for name, value in properties.items():
            if not isinstance(value, str):
                raise validation(
                    f"Invalid input JSON: {name} must be a string", code="INVALID_JSON", propertyName=[name]
                )
            checked = self._changes.checked(table, name, value)
            if isinstance(checked, PropertyProblem):
                problems.append(checked)
            else:
                values[name] = checked
        required = self._state.quirks.required_on_2026_09.get(table.kind.name)
        if version == "2026-09" and required and entry is not None and not {**entry.properties, **values}.get(required):
            message = f"{required} is required by a validation rule of this account"
            problems.append(PropertyProblem(required, "REQUIRED_FIELD", message))
        return values, problems

    def _written(self, table: ObjectTable, entry: Entry, values: Mapping[str, str]) -> Document:
        """A record as a write answers it: the properties written, the stamp and the id (9.4)."""
        names = sorted({*values, table.kind.stamp, "hs_object_id"})
        return {
            "id": str(entry.id),
            "properties": {name: entry.properties.get(name) for name in names},
            "createdAt": entry.properties["createdate"],
            "updatedAt": entry.properties[table.kind.stamp],
            "archived": entry.archived is not None,
        }


def _check_ids(inputs: Sequence[Document]) -> None:
    """Refuse a batch whose inputs lack ids, name a record twice, or look records up by another property."""
    ids = [item.get("id") for item in inputs]
    if any(not isinstance(one, str) or not one for one in ids):
        raise validation("every input needs an id, which is a string", inputs=["id"])
    if len(set(ids)) < len(ids):
        twice = sorted({str(one) for one in ids if ids.count(one) > 1})
        raise validation(f"Duplicate IDs found in batch input: [{', '.join(twice)}]", id=twice)
    named = next((item["idProperty"] for item in inputs if item.get("idProperty")), None)
    if named is not None:
        raise validation(f"{named} is a non-unique property", idProperty=[str(named)])
