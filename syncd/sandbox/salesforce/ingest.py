"""Bulk API 2.0 ingest jobs: created, one CSV put in, closed, worked off row by row, asked for what became of each row.

As salesforce.md 3.2 says: a blank cell leaves a field, `#N/A` empties it; rows fail one by one, never as a whole.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.sandbox.faults import RowFault
from syncd.sandbox.salesforce.bodies import json_object
from syncd.sandbox.salesforce.bulkcsv import DELIMITERS, LINE_ENDINGS
from syncd.sandbox.salesforce.fieldtypes import stamp
from syncd.sandbox.salesforce.identifiers import IdSequence, canonical
from syncd.sandbox.salesforce.lifecycle import delete, hard_delete
from syncd.sandbox.salesforce.refusals import Refusal, not_allowed, not_found
from syncd.sandbox.salesforce.state import OrgState, Saving
from syncd.sandbox.salesforce.upserting import upsert
from syncd.sandbox.salesforce.writing import create, update
from syncd.sandbox.wire import Request, Response

_OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_LARGEST_BODY = 150_000_000
_KEPT_FOR = timedelta(days=7)
_EMPTIED = "#N/A"
_RESULTS = ("successfulResults", "failedResults", "unprocessedrecords")
_Row = dict[str, str]


@dataclass(slots=True)
class _Job:
    """One job: what to do with which object, the rows put in, and what became of them."""

    id: str
    object: str
    operation: str
    key_field: str
    delimiter: str
    line_ending: str
    version: str
    created_by: str
    created_at: datetime
    state: str = "Open"
    error: str | None = None
    rows: list[_Row] | None = None
    done: list[tuple[str, bool, _Row]] = field(default_factory=list)
    failed: list[tuple[str, str, _Row]] = field(default_factory=list)


class IngestJobs:
    """The ingest jobs of an org; a closed job is worked off at once."""

    def __init__(self, state: OrgState) -> None:
        self._state = state
        self._ids = IdSequence("751", state.seed)
        self._jobs: dict[str, _Job] = {}

    def answer(
        self, request: Request, parts: list[str], *, saving: Saving, version: str, row_fault: RowFault | None
    ) -> Response:
        """Answer a request under /jobs/ingest; `parts` is the path behind it. Raises Refusal."""
        match request.method, parts:
            case "POST", []:
                return Response.of_json(200, self._shown(self._create(request, saving.by, version)))
            case "GET", []:
                records = [self._shown(job) for job in self._jobs.values()]
                return Response.of_json(200, {"done": True, "records": records, "nextRecordsUrl": None})
            case "GET", [job_id]:
                return Response.of_json(200, self._shown(self._job(job_id)))
            case "PUT", [job_id, "batches"]:
                self._put_in(self._job(job_id), request)
                return Response(201)
            case "PATCH", [job_id]:
                return Response.of_json(200, self._shown(self._close(self._job(job_id), request, saving, row_fault)))
            case "GET", [job_id, name] if name in _RESULTS:
                return self._outcome(self._job(job_id), name)
            case "DELETE", [job_id]:
                return self._delete(self._job(job_id))
            case method, []:
                raise not_allowed(method, "GET", "POST")
            case method, [_]:
                raise not_allowed(method, "GET", "PATCH", "DELETE")
            case _:
                raise not_found()

    def _create(self, request: Request, by: str, version: str) -> _Job:
        """A new job, open for its rows. Raises Refusal."""
        body = json_object(request)
        name, operation = str(body.get("object", "")), str(body.get("operation", ""))
        delimiter, ending = str(body.get("columnDelimiter", "COMMA")), str(body.get("lineEnding", "LF"))
        if operation not in _OPERATIONS:
            raise Refusal(400, "API_ERROR", f"operation {operation!r} is not one of {', '.join(_OPERATIONS)}")
        if name not in self._state.tables or not self._state.visibility.sees_object(name):
            raise Refusal(400, "INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")
        if delimiter not in DELIMITERS or ending not in LINE_ENDINGS or body.get("contentType", "CSV") != "CSV":
            raise Refusal(400, "API_ERROR", "unknown contentType, columnDelimiter or lineEnding")
        key = str(body.get("externalIdFieldName") or "Id")
        schema = self._state.tables.table(name).schema
        now = self._state.clock.now()
        job = _Job(self._ids.take(), schema.name, operation, key, delimiter, ending, version, by, now)
        self._jobs[job.id] = job
        return job

    def _job(self, job_id: str) -> _Job:
        """A job that still exists. Raises Refusal 404."""
        job = self._jobs.get(canonical(job_id) or job_id)
        if job is None or self._state.clock.now() - job.created_at > _KEPT_FOR:
            raise not_found()
        return job

    def _put_in(self, job: _Job, request: Request) -> None:
        """Take the job's one CSV. Raises Refusal."""
        if job.state != "Open" or job.rows is not None:
            raise Refusal(400, "INVALIDBATCH", "data was uploaded already, or the job is not open")
        if len(request.body) > _LARGEST_BODY:
            raise Refusal(413, "EXCEEDED_MAX_SIZE_REQUEST", f"more than {_LARGEST_BODY} bytes")
        text = request.body.decode("utf-8-sig", errors="replace")
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=DELIMITERS[job.delimiter], restval="")
        job.rows = [{str(key): str(value) for key, value in row.items() if key is not None} for row in reader]

    def _close(self, job: _Job, request: Request, saving: Saving, row_fault: RowFault | None) -> _Job:
        """`UploadComplete` works the job off, `Aborted` ends it. Raises Refusal."""
        wanted = json_object(request).get("state")
        if wanted not in ("UploadComplete", "Aborted") or job.state not in ("Open", "UploadComplete"):
            raise Refusal(400, "INVALIDJOBSTATE", f"a job that is {job.state} cannot become {wanted}")
        job.state = "Aborted"
        if wanted == "UploadComplete":
            self._work_off(job, saving, row_fault)
        return job

    def _work_off(self, job: _Job, saving: Saving, row_fault: RowFault | None) -> None:
        """Do the operation for every row."""
        rows = job.rows or []
        schema = self._state.tables.table(job.object).schema
        unknown = [name for name in (rows[0] if rows else {}) if schema.get(name) is None and "." not in name]
        if unknown:
            job.state, job.error = "Failed", f"InvalidBatch : Field name not found : {', '.join(unknown)}"
            return
        work = self._work(job, saving)
        for position, row in enumerate(rows):
            values = {key: None if value == _EMPTIED else value for key, value in row.items() if value != ""}
            given = str(values.pop("Id", None) or values.pop("id", ""))
            try:
                if row_fault is not None and row_fault.hits(position, canonical(given) or given):
                    raise Refusal(400, row_fault.code, row_fault.message, ())
                record_id, made = work(given, values)
                job.done.append((record_id, made, row))
            except Refusal as refusal:
                fields = ",".join(refusal.fields or ())
                job.failed.append((given, f"{refusal.code}:{refusal.message}:{fields} --", row))
        job.state = "JobComplete"

    def _work(self, job: _Job, saving: Saving) -> Callable[[str, Mapping[str, Any]], tuple[str, bool]]:
        """What to do with one row: the id it then has, and whether it was made."""
        state, name = self._state, job.object

        def insert(_: str, values: Mapping[str, Any]) -> tuple[str, bool]:
            return create(state, name, values, saving), True

        def change(given: str, values: Mapping[str, Any]) -> tuple[str, bool]:
            update(state, name, given, values, saving)
            return canonical(given) or given, False

        def change_or_insert(given: str, values: Mapping[str, Any]) -> tuple[str, bool]:
            fields = dict(values)
            value = given if job.key_field.lower() == "id" else fields.pop(job.key_field, None)
            return upsert(state, name, job.key_field, None if value is None else str(value), fields, saving)

        def remove(given: str, _: Mapping[str, Any]) -> tuple[str, bool]:
            delete(state, name, given, saving)
            if job.operation == "hardDelete":
                hard_delete(state, name, canonical(given) or given)
            return canonical(given) or given, False

        return {"insert": insert, "update": change, "upsert": change_or_insert}.get(job.operation, remove)

    def _outcome(self, job: _Job, name: str) -> Response:
        """The rows that were done, that failed or that were never looked at, as CSV."""
        columns = list(job.rows[0]) if job.rows else []
        out = io.StringIO()
        writer = csv.writer(
            out,
            delimiter=DELIMITERS[job.delimiter],
            lineterminator=LINE_ENDINGS[job.line_ending],
            quoting=csv.QUOTE_ALL,
        )
        if name == "successfulResults":
            writer.writerow(["sf__Id", "sf__Created", *columns])
            writer.writerows([i, str(made).lower(), *row.values()] for i, made, row in job.done)
        elif name == "failedResults":
            writer.writerow(["sf__Id", "sf__Error", *columns])
            writer.writerows([i, error, *row.values()] for i, error, row in job.failed)
        else:
            writer.writerow(columns)
            untouched = job.rows if job.state in ("Aborted", "Failed") and job.rows else []
            writer.writerows(list(row.values()) for row in untouched)
        return Response(200, {"Content-Type": "text/csv"}, out.getvalue().encode("utf-8", errors="replace"))

    def _delete(self, job: _Job) -> Response:
        """Forget a job that is closed. Raises Refusal for one that is open."""
        if job.state == "Open":
            raise Refusal(400, "INVALIDJOBSTATE", "an open job cannot be deleted: abort it first")
        del self._jobs[job.id]
        return Response(204)

    def _shown(self, job: _Job) -> dict[str, Any]:
        """A job as JSON."""
        created = stamp(job.created_at)
        document: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.object,
            "createdById": job.created_by,
            "createdDate": created,
            "systemModstamp": created,
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(job.version.removeprefix("v")),
            "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter,
        }
        if job.operation == "upsert":
            document["externalIdFieldName"] = job.key_field
        if job.state == "Open":
            document["contentUrl"] = f"services/data/{job.version}/jobs/ingest/{job.id}/batches"
        else:
            processed = len(job.done) + len(job.failed)
            document |= {"jobType": "V2Ingest", "numberRecordsProcessed": processed, "retries": 0}
            document |= {"numberRecordsFailed": len(job.failed), "totalProcessingTime": 812}
        if job.error is not None:
            document["errorMessage"] = job.error
        return document
