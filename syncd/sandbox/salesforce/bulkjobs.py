"""Bulk API 2.0 query jobs: created, polled, fetched as CSV in parts, deleted (salesforce.md 2.2 and 8.9)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from syncd.sandbox.salesforce.bodies import json_object, whole_number
from syncd.sandbox.salesforce.fieldtypes import stamp
from syncd.sandbox.salesforce.identifiers import IdSequence
from syncd.sandbox.salesforce.refusals import Refusal, malformed_query, not_found
from syncd.sandbox.salesforce.soql.execution import Result, run
from syncd.sandbox.salesforce.soql.parser import parse
from syncd.sandbox.salesforce.soql.tree import Query
from syncd.sandbox.salesforce.writing import OrgState
from syncd.sandbox.wire import Request, Response

_DEFAULT_PART = 50_000
_KEPT_FOR = timedelta(days=7)
_DELIMITERS = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}


@dataclass(slots=True)
class _Job:
    """One query job. Its result is what the rows were when it was created."""

    id: str
    operation: str
    query: Query
    result: Result
    created_at: datetime
    created_by: str
    version: str
    delimiter: str
    line_ending: str
    polls: int = 0
    aborted: bool = False


class BulkJobs:
    """The query jobs of an org. A job is complete at its `polls_needed`-th poll: created, in progress, complete."""

    def __init__(self, state: OrgState) -> None:
        self.polls_needed = 2
        self._state = state
        self._ids = IdSequence("750", state.seed)
        self._jobs: dict[str, _Job] = {}

    def answer(self, request: Request, parts: list[str], *, by: str, version: str) -> Response:
        """Answer a request under /jobs/query; `parts` is the path behind it. Raises Refusal."""
        match request.method, parts:
            case "POST", []:
                return self._create(request, by, version)
            case "GET", []:
                jobs = [self._shown(job) for job in self._jobs.values()]
                return Response.of_json(200, {"done": True, "records": jobs, "nextRecordsUrl": None})
            case "GET", [job_id]:
                job = self._job(job_id)
                job.polls += 1
                return Response.of_json(200, self._shown(job))
            case "GET", [job_id, "results"]:
                return self._results(self._job(job_id), request, version)
            case "PATCH", [job_id]:
                job = self._job(job_id)
                job.aborted = True
                return Response.of_json(200, self._shown(job))
            case "DELETE", [job_id]:
                del self._jobs[self._job(job_id).id]
                return Response(204)
            case _:
                raise not_found()

    def _create(self, request: Request, by: str, version: str) -> Response:
        """A new job from `{"operation", "query"}`; the SOQL is checked at once."""
        body = json_object(request)
        operation = body.get("operation")
        if operation not in ("query", "queryAll"):
            raise Refusal(400, "API_ERROR", f"operation {operation!r} is not query or queryAll")
        query = parse(str(body.get("query", "")))
        if query.count or query.offset or query.group:
            raise malformed_query("aggregates, OFFSET and FIELDS() are not supported by Bulk API queries")
        state = self._state
        now = state.clock.now()
        result = run(query, state.tables, state.visibility, now, include_deleted=operation == "queryAll")
        delimiter, ending = str(body.get("columnDelimiter", "COMMA")), str(body.get("lineEnding", "LF"))
        job = _Job(self._ids.take(), operation, query, result, now, by, version, delimiter, ending)
        self._jobs[job.id] = job
        return Response.of_json(200, self._shown(job))

    def _job(self, job_id: str) -> _Job:
        """A job that still exists. Raises Refusal 404."""
        job = self._jobs.get(job_id)
        if job is None or self._state.clock.now() - job.created_at > _KEPT_FOR:
            raise not_found()
        return job

    def _state_of(self, job: _Job) -> str:
        """The state that the next poll shows."""
        if job.aborted:
            return "Aborted"
        if job.polls >= self.polls_needed:
            return "JobComplete"
        return "InProgress" if job.polls else "UploadComplete"

    def _shown(self, job: _Job) -> dict[str, Any]:
        """A job as JSON; a complete one says how much it found."""
        created = stamp(job.created_at)
        document: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.query.object,
            "createdById": job.created_by,
            "createdDate": created,
            "systemModstamp": created,
            "state": self._state_of(job),
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(job.version.removeprefix("v")),
            "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter,
        }
        if document["state"] == "JobComplete":
            document |= {"jobType": "V2Query", "numberRecordsProcessed": len(job.result.rows), "retries": 0}
            document |= {"totalProcessingTime": 812, "isPkChunkingSupported": True}
        return document

    def _results(self, job: _Job, request: Request, version: str) -> Response:
        """One part of the result as CSV with its header row; the locator of the last part is the word `null`."""
        if version != job.version:
            raise Refusal(409, "API_ERROR", f"the job was created with {job.version}")
        if self._state_of(job) != "JobComplete":
            return Response(204)
        start = whole_number(request, "locator", 0)
        end = start + whole_number(request, "maxRecords", _DEFAULT_PART)
        rows = job.result.rows[start:end]
        more = end < len(job.result.rows)
        headers = {
            "Content-Type": "text/csv",
            "Sforce-Locator": str(end) if more else "null",
            "Sforce-NumberOfRecords": str(len(rows)),
        }
        return Response(200, headers, self._csv(job, start, end).encode("utf-8"))

    def _csv(self, job: _Job, start: int, end: int) -> str:
        """Rows as CSV, every value quoted; null is empty, instants end in Z as Bulk 2 writes them."""
        ending = "\r\n" if job.line_ending == "CRLF" else "\n"
        out = io.StringIO()
        writer = csv.writer(
            out, delimiter=_DELIMITERS.get(job.delimiter, ","), lineterminator=ending, quoting=csv.QUOTE_ALL
        )
        writer.writerow([".".join(path) for path in job.result.names])
        for row in job.result.rows[start:end]:
            record = job.result.shape.rendered(row, job.version)
            writer.writerow([_cell(_at(record, path)) for path in job.result.names])
        return out.getvalue()


def _at(record: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of a rendered record."""
    for name in path:
        record = record.get(name) if record is not None else None
    return record


def _cell(value: Any) -> str:
    """A value as CSV text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f"{text[:-5]}Z" if text.endswith(".000+0000") else text
