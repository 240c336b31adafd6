"""Bulk API 2.0 query jobs: created, polled, fetched as CSV in parts, aborted, deleted (salesforce.md 2.2 and 8.9)."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from syncd.sandbox.salesforce.bodies import json_object, whole_number
from syncd.sandbox.salesforce.bulkcsv import DELIMITERS, LINE_ENDINGS, Dialect, PartStore
from syncd.sandbox.salesforce.fieldtypes import stamp
from syncd.sandbox.salesforce.identifiers import IdSequence, canonical
from syncd.sandbox.salesforce.queries import ask
from syncd.sandbox.salesforce.refusals import Refusal, malformed_query, not_allowed, not_found
from syncd.sandbox.salesforce.soql.execution import Result
from syncd.sandbox.salesforce.soql.parser import parse
from syncd.sandbox.salesforce.soql.tree import Query
from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.wire import Request, Response

_DEFAULT_PART = 50_000
_JOBS_A_PAGE = 1_000
_KEPT_FOR = timedelta(days=7)
_DAY = timedelta(days=1)
_OPERATIONS = ("query", "queryAll")


@dataclass(slots=True)
class _Job:
    """One query job. Its result is what the rows were when it was created; `key` names that result."""

    id: str
    operation: str
    query: Query
    result: Result
    key: int
    created_at: datetime
    created_by: str
    version: str
    dialect: Dialect
    fails_with: str | None
    polls: int = 0
    aborted: bool = False


class BulkJobs:
    """The query jobs of an org. A job is complete at its `polls_needed`-th poll: created, in progress, complete.

    `stuck`: no job completes. `fail_with`: the next jobs fail with these words, one each. `daily_limit` jobs can be
    made in 24 hours. Two jobs of the same query over unchanged rows share what was rendered for them.
    """

    def __init__(self, state: OrgState) -> None:
        self.polls_needed = 2
        self.stuck = False
        self.fail_with: deque[str] = deque()
        self.daily_limit = 10_000
        self._state = state
        self._ids = IdSequence("750", state.seed)
        self._jobs: dict[str, _Job] = {}
        self._made: deque[datetime] = deque()
        self._parts = PartStore()
        self._results: dict[tuple[str, bool, int, str], tuple[int, Result]] = {}
        self._keys = 0

    @property
    def remaining(self) -> int:
        """How many jobs can still be made today."""
        return self.daily_limit - self._made_today()

    def answer(self, request: Request, parts: list[str], *, by: str, version: str) -> Response:
        """Answer a request under /jobs/query; `parts` is the path behind it. Raises Refusal."""
        match request.method, parts:
            case "POST", []:
                return self._create(request, by, version)
            case "GET", []:
                return Response.of_json(200, self._listed(request, version))
            case "GET", [job_id]:
                job = self._job(job_id)
                job.polls += 1
                return Response.of_json(200, self._shown(job))
            case "GET", [job_id, "results"]:
                return self._results_of(self._job(job_id), request, version)
            case "PATCH", [job_id]:
                return Response.of_json(200, self._shown(self._abort(self._job(job_id), request)))
            case "DELETE", [job_id]:
                self._delete(self._job(job_id))
                return Response(204)
            case method, []:
                raise not_allowed(method, "GET", "POST")
            case method, [_]:
                raise not_allowed(method, "GET", "PATCH", "DELETE")
            case method, [_, "results"]:
                raise not_allowed(method, "GET")
            case _:
                raise not_found()

    def _create(self, request: Request, by: str, version: str) -> Response:
        """A new job from `{"operation", "query"}`; the SOQL is checked at once."""
        body = json_object(request)
        operation, dialect = body.get("operation"), _dialect_of(body)
        if operation not in _OPERATIONS:
            raise Refusal(400, "API_ERROR", f"operation {operation!r} is not query or queryAll")
        query = parse(str(body.get("query", "")))
        _check_supported(query)
        if self.remaining <= 0:
            raise Refusal(400, "LIMIT_EXCEEDED", f"more than {self.daily_limit} query jobs in 24 hours")
        key, result = self._result(query, include_deleted=operation == "queryAll")
        if any(column.type == "address" for column in result.columns):
            raise Refusal(400, "API_ERROR", "Selecting compound data not supported in Bulk Query")
        now = self._state.clock.now()
        fails_with = self.fail_with.popleft() if self.fail_with else None
        job = _Job(self._ids.take(), operation, query, result, key, now, by, version, dialect, fails_with)
        self._jobs[job.id] = job
        self._made.append(now)
        return Response.of_json(200, self._shown(job))

    def _result(self, query: Query, *, include_deleted: bool) -> tuple[int, Result]:
        """The result of a query and the number it is kept under; the same while no row changed and no day passed."""
        state = self._state
        today = state.clock.now().date().isoformat()
        name = (query.text, include_deleted, state.tables.revision, today)
        known = self._results.get(name)
        if known is not None and not state.unfiltered:
            return known
        result = ask(state, query, include_deleted=include_deleted)
        if _is_chunked(query):
            result.rows.sort(key=itemgetter("Id"))
        self._keys += 1
        revision = state.tables.revision
        self._results = {key: value for key, value in self._results.items() if key[2] == revision}
        self._results[(*name[:2], revision, today)] = self._keys, result
        return self._keys, result

    def _job(self, job_id: str) -> _Job:
        """A job that still exists. Raises Refusal 404."""
        job = self._jobs.get(canonical(job_id) or job_id)
        if job is None or self._state.clock.now() - job.created_at > _KEPT_FOR:
            raise not_found()
        return job

    def _made_today(self) -> int:
        """How many jobs were made in the last 24 hours."""
        now = self._state.clock.now()
        while self._made and now - self._made[0] >= _DAY:
            self._made.popleft()
        return len(self._made)

    def _abort(self, job: _Job, request: Request) -> _Job:
        """`{"state": "Aborted"}` ends a job that has not ended. Raises Refusal."""
        if json_object(request).get("state") != "Aborted":
            raise Refusal(400, "INVALIDJOBSTATE", "a query job can only be set to Aborted")
        if self._state_of(job) in ("JobComplete", "Failed"):
            raise Refusal(400, "INVALIDJOBSTATE", "Aborting already Completed Job not allowed")
        job.aborted = True
        return job

    def _delete(self, job: _Job) -> None:
        """Forget a job. Raises Refusal for one that runs."""
        if self._state_of(job) == "InProgress":
            raise Refusal(400, "INVALIDJOBSTATE", "a job in progress cannot be deleted: abort it first")
        del self._jobs[job.id]

    def _state_of(self, job: _Job) -> str:
        """The state that the next poll shows."""
        if job.aborted:
            return "Aborted"
        if job.polls < self.polls_needed or self.stuck:
            return "InProgress" if job.polls else "UploadComplete"
        return "JobComplete" if job.fails_with is None else "Failed"

    def _listed(self, request: Request, version: str) -> dict[str, Any]:
        """The jobs that still exist, oldest first, a thousand a page."""
        start = _offset_of(request.query.get("queryLocator", [""])[0])
        now = self._state.clock.now()
        jobs = [job for job in self._jobs.values() if now - job.created_at <= _KEPT_FOR]
        end = start + _JOBS_A_PAGE
        following = f"/services/data/{version}/jobs/query?queryLocator={_locator_of(end)}" if end < len(jobs) else None
        shown = [self._shown(job) for job in jobs[start:end]]
        return {"done": following is None, "records": shown, "nextRecordsUrl": following}

    def _shown(self, job: _Job) -> dict[str, Any]:
        """A job as JSON; one that ended says how much it found, or why it failed."""
        created, state = stamp(job.created_at), self._state_of(job)
        document: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.query.object,
            "createdById": job.created_by,
            "createdDate": created,
            "systemModstamp": created,
            "state": state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(job.version.removeprefix("v")),
            "jobType": "V2Query",
            "lineEnding": job.dialect.line_ending,
            "columnDelimiter": job.dialect.delimiter,
            "retries": 0,
        }
        if state in ("JobComplete", "Failed"):
            found = len(job.result.rows) if state == "JobComplete" else 0
            document |= {"numberRecordsProcessed": found, "totalProcessingTime": 812}
            document["isPkChunkingSupported"] = _is_chunked(job.query)
        if state == "Failed":
            document["errorMessage"] = job.fails_with
        return document

    def _results_of(self, job: _Job, request: Request, version: str) -> Response:
        """One part of the result as CSV with its header row; the locator of the last part is the word `null`."""
        if version != job.version:
            raise Refusal(409, "API_ERROR", f"the job was created with {job.version}")
        state = self._state_of(job)
        if state in ("Failed", "Aborted"):
            raise Refusal(400, "API_ERROR", f"Results are not available: the job is {state}")
        if state != "JobComplete":
            return Response(204)
        start = _offset_of(request.query.get("locator", [""])[0])
        end = start + max(1, whole_number(request, "maxRecords", _DEFAULT_PART))
        if start > len(job.result.rows):
            raise Refusal(400, "API_ERROR", "Invalid locator")
        part = self._parts.part(job.key, job.result, start, end, job.dialect)
        headers = {
            "Content-Type": "text/csv",
            "Sforce-Locator": _locator_of(end) if end < len(job.result.rows) else "null",
            "Sforce-NumberOfRecords": str(part.rows),
        }
        packed = part.packed() if "gzip" in request.headers.get("accept-encoding", "") else None
        return Response(200, headers, part.body, packed=packed)


def _is_chunked(query: Query) -> bool:
    """Whether the platform cuts a job by ranges of ids, so that rows come in their order (salesforce.md 2.2)."""
    return query.limit is None and not query.order


def _dialect_of(body: Mapping[str, Any]) -> Dialect:
    """How a job's body wants the CSV. Raises Refusal for a name that is none."""
    dialect = Dialect(str(body.get("columnDelimiter", "COMMA")), str(body.get("lineEnding", "LF")))
    if dialect.delimiter not in DELIMITERS or dialect.line_ending not in LINE_ENDINGS:
        raise Refusal(400, "API_ERROR", f"unknown columnDelimiter or lineEnding: {dialect}")
    if body.get("contentType", "CSV") != "CSV":
        raise Refusal(400, "API_ERROR", "contentType must be CSV")
    return dialect


def _check_supported(query: Query) -> None:
    """What Bulk 2.0 queries lack (salesforce.md 2.2). Raises Refusal."""
    found = {
        "COUNT()": query.count,
        "GROUP BY and aggregates": query.aggregate,
        "OFFSET": bool(query.offset),
        "TYPEOF": bool(query.types),
        "FIELDS()": query.fields is not None,
        "parent-to-child subqueries": bool(query.children),
        "functions": any(item.term.function for item in query.selected),
    }
    lacking = [name for name, used in found.items() if used]
    if lacking:
        raise malformed_query(f"Bulk API 2.0 queries do not support {', '.join(lacking)}")


def _locator_of(offset: int) -> str:
    """The opaque name of a place in a result: `MjAwMA` for 2000 (salesforce.md 8.9)."""
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset_of(locator: str) -> int:
    """The place that a locator names; 0 for none. Raises Refusal for one that was never given out."""
    try:
        text = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise Refusal(400, "API_ERROR", "Invalid locator") from error
    if not locator:
        return 0
    if not text.isdigit() or len(text) > 9:
        raise Refusal(400, "API_ERROR", "Invalid locator")
    return int(text)
