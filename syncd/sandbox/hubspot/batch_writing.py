"""Writing many records in one call: update, create, upsert, archive, and how the rows that fail come back (3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncd.sandbox.faults import RowFault
from syncd.sandbox.hubspot.changes import RecordChanges
from syncd.sandbox.hubspot.checking import WriteChecks
from syncd.sandbox.hubspot.envelopes import (
    BATCH,
    Document,
    batch_response,
    input_ids,
    inputs_of,
    json_object,
    missing_error,
)
from syncd.sandbox.hubspot.records import Entry, ObjectTable
from syncd.sandbox.hubspot.refusals import PropertyProblem, Refusal, invalid_values, plain, validation, values_message
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.writing import Link, RecordWriter, live, written
from syncd.sandbox.wire import Request, Response


@dataclass(frozen=True, slots=True)
class _Row:
    """One input, checked: the record and its new values, or why it cannot be written.

    `entry` is None for a record that is to be made (`missing` False), or that was not found (`missing` True).
    """

    record_id: str
    trace: str | None
    entry: Entry | None
    values: Mapping[str, str]
    problems: tuple[PropertyProblem, ...] = ()
    clash: Refusal | None = None
    fault: RowFault | None = None
    missing: bool = False
    links: tuple[Link, ...] = ()

    @property
    def bad(self) -> bool:
        """Whether the row cannot be written."""
        return bool(self.missing or self.problems or self.clash or self.fault)

    @property
    def refused(self) -> bool:
        """Whether what it holds is refused, as against a record that is not there."""
        return bool(self.problems or self.clash)


class BatchWriter:
    """Answers what writes many records of any object type, as the app that the token belongs to."""

    def __init__(self, state: PortalState, changes: RecordChanges, checks: WriteChecks, single: RecordWriter) -> None:
        self._state = state
        self._changes = changes
        self._checks = checks
        self._single = single

    def update(self, request: Request, table: ObjectTable, version: str, fault: RowFault | None) -> Response:
        """Up to 100 updates. How rows that cannot be written come back is a switch (3.2)."""
        inputs = inputs_of(json_object(request), BATCH)
        _check_ids(inputs)
        rows = [self._update_row(place, item, table, version, fault) for place, item in enumerate(inputs)]
        self._refuse_all(rows)
        results = [self._save(table, row, row.entry) for row in rows if row.entry is not None and not row.bad]
        results.sort(key=lambda document: int(document["id"]))
        return self._answer(table, results, rows, 200)

    def create(self, request: Request, table: ObjectTable, version: str, fault: RowFault | None) -> Response:
        """Up to 100 new records; of several that exist already only the first is told (hubspot-api-python #51)."""
        rows = []
        for place, item in enumerate(inputs_of(json_object(request), BATCH)):
            values, problems = self._checks.values(item.get("properties"), table, None, version)
            hit = fault if fault is not None and fault.hits(place, str(place)) else None
            clash = None if problems else self._checks.clash(table, None, values)
            links = tuple(self._single.links(item.get("associations"), table))
            rows.append(_Row(str(place), _trace(item), None, values, tuple(problems), clash, hit, links=links))
        self._refuse_all(rows)
        results = []
        for row in rows:
            if not row.bad:
                results.append(_traced(self._single.make(table, row.values, list(row.links)), row))
        return self._answer(table, results, rows, 201)

    def upsert(self, request: Request, table: ObjectTable, version: str, fault: RowFault | None) -> Response:
        """Up to 100 records by the value of a unique property: written where there is one, else made."""
        inputs = inputs_of(json_object(request), BATCH)
        if any(not item.get("idProperty") for item in inputs):
            raise validation("every input of an upsert needs an idProperty", idProperty=["missing"])
        rows = []
        for place, item in enumerate(inputs):
            record_id = str(item.get("id", ""))
            entry = live(self._state, table, self._checks.found(table, record_id, item["idProperty"]))
            given = item.get("properties")
            if isinstance(given, dict):
                given = {str(item["idProperty"]): record_id, **given}
            values, problems = self._checks.values(given, table, entry, version)
            hit = fault if fault is not None and fault.hits(place, record_id) else None
            rows.append(_Row(record_id, _trace(item), entry, values, tuple(problems), None, hit))
        self._refuse_all(rows)
        results = []
        for row in rows:
            if row.bad:
                continue
            if row.entry is None:
                document = _traced(self._single.make(table, row.values, []), row)
            else:
                document = self._save(table, row, row.entry)
            results.append({**document, "new": row.entry is None})
        return self._answer(table, results, rows, 200)

    def archive(self, request: Request, table: ObjectTable) -> Response:
        """Up to 100 records into the recycle bin; ids that lead nowhere are passed over."""
        for record_id in input_ids(json_object(request), BATCH):
            self._single.archive(table, record_id)
        return Response(204)

    def _update_row(self, place: int, item: Document, table: ObjectTable, version: str, fault: RowFault | None) -> _Row:
        """An input checked. Ids that were merged away are not accepted in batches (2.4)."""
        record_id, id_property = str(item["id"]), item.get("idProperty")
        entry = live(self._state, table, self._checks.found(table, record_id, id_property))
        if entry is not None and not id_property and str(entry.id) != record_id:
            entry = None
        if entry is not None:
            self._state.check_lock(table, entry)
        values, problems = self._checks.values(item.get("properties"), table, entry, version)
        clash = None if problems or entry is None else self._checks.clash(table, entry, values)
        hit = fault if fault is not None and fault.hits(place, record_id) else None
        return _Row(record_id, _trace(item), entry, values, tuple(problems), clash, hit, missing=entry is None)

    def _save(self, table: ObjectTable, row: _Row, entry: Entry) -> Document:
        self._changes.write(table, entry, row.values, self._state.writer)
        return _traced(written(table, entry, row.values), row)

    def _refuse_all(self, rows: Sequence[_Row]) -> None:
        """Refuse the whole batch where one bad row does that."""
        mode = self._state.quirks.batch_errors
        refused = [row for row in rows if row.refused]
        bad = [row for row in rows if row.bad]
        traced = all(row.trace is not None for row in rows)
        if refused and (mode == "refuse" or (mode == "documented" and not traced)):
            raise refused[0].clash or invalid_values(refused[0].problems)
        if mode == "refuse" and bad:
            raise plain(400, "VALIDATION_ERROR", f"Some of the inputs cannot be written: {bad[0].record_id}")

    def _answer(self, table: ObjectTable, results: Sequence[Document], rows: Sequence[_Row], status: int) -> Response:
        """The envelope of a batch, with one error an invalid row and one for all ids that were not found."""
        errors = []
        for row in rows:
            if row.fault is not None:
                errors.append(self._error(row, row.fault.code, row.fault.message))
            elif row.clash is not None:
                errors.append(self._error(row, "CONFLICT", str(row.clash.body["message"])))
            elif row.problems and not row.missing:
                errors.append(self._error(row, "VALIDATION_ERROR", values_message(row.problems)))
        missing = [row.record_id for row in rows if row.fault is None and row.missing]
        if missing:
            errors.append(missing_error(table.kind, missing))
        within = self._state.quirks.batch_errors == "within_200"
        return batch_response(self._state, results, errors, status, status if within else 207)

    def _error(self, row: _Row, category: str, message: str) -> Document:
        by_id = self._state.quirks.batch_errors == "ids" or row.trace is None
        context = {"ids": [row.record_id]} if by_id else {"objectWriteTraceId": [row.trace]}
        return {"status": "error", "category": category, "message": message, "context": context}


def _trace(item: Document) -> str | None:
    trace = item.get("objectWriteTraceId")
    return None if trace is None else str(trace)


def _traced(document: Document, row: _Row) -> Document:
    return {**document, "objectWriteTraceId": row.trace} if row.trace else document


def _check_ids(inputs: Sequence[Document]) -> None:
    """Refuse a batch whose inputs lack ids or name a record twice."""
    ids = [item.get("id") for item in inputs]
    if any(not isinstance(one, str) or not one for one in ids):
        raise validation("every input needs an id, which is a string", inputs=["id"])
    if len(set(ids)) < len(ids):
        twice = sorted({str(one) for one in ids if ids.count(one) > 1})
        raise validation(f"Duplicate IDs found in batch input: [{', '.join(twice)}]", id=twice)
