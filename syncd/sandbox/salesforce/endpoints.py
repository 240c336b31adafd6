"""The REST endpoints below /services/data/vXX.X/: which call a path is, and who answers it.

Paths that the platform has and this org does not answer 404 as an unknown one does; a wrong method answers 405.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from syncd.sandbox.faults import RowFault
from syncd.sandbox.salesforce import batches, describe, replication, rows
from syncd.sandbox.salesforce.bodies import json_object
from syncd.sandbox.salesforce.bulkjobs import BulkJobs
from syncd.sandbox.salesforce.composite import batch, composite
from syncd.sandbox.salesforce.cursors import Cursors
from syncd.sandbox.salesforce.ingest import IngestJobs
from syncd.sandbox.salesforce.queries import ask
from syncd.sandbox.salesforce.refusals import Refusal, not_allowed, not_found
from syncd.sandbox.salesforce.soql.parser import parse
from syncd.sandbox.salesforce.state import OrgState, Saving
from syncd.sandbox.salesforce.tables import Table
from syncd.sandbox.salesforce.upserting import SeveralRows
from syncd.sandbox.timekeeping import http_date, http_instant
from syncd.sandbox.wire import Request, Response

_BATCH_HINT = re.compile(r"batchSize\s*=\s*(\d{1,9})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """One authorized request: its API version (`v66.0`), the user it is made as, the rows a fault refuses."""

    request: Request
    version: str
    user_id: str
    row_fault: RowFault | None

    @property
    def saving(self) -> Saving:
        """How the headers of the request want a row saved (salesforce.md 3.5)."""
        headers = self.request.headers
        auto_assign = headers.get("sforce-auto-assign", "TRUE").strip().upper() != "FALSE"
        duplicates = headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return Saving(self.user_id, auto_assign=auto_assign, allow_duplicates="allowsave=true" in duplicates)


class Endpoints:
    """The endpoints of one org."""

    def __init__(
        self,
        state: OrgState,
        cursors: Cursors,
        jobs: BulkJobs,
        ingest: IngestJobs,
        limits: Callable[[], dict[str, object]],
    ) -> None:
        self._state = state
        self._cursors = cursors
        self._jobs = jobs
        self._ingest = ingest
        self._limits = limits

    def answer(self, call: Call, rest: list[str]) -> Response:
        """Answer a call by the rest of its path. Raises Refusal."""
        request = call.request
        if request.method not in ("GET", "HEAD") and (rest[:1] in (["limits"], ["recent"]) or rest == ["jobs"]):
            raise not_allowed(request.method, "GET")
        match rest:
            case ["limits"]:
                return Response.of_json(200, self._limits())
            case ["limits", "recordCount"]:
                return Response.of_json(200, self._counts(request))
            case ["query" | "queryAll" as name]:
                return self._query(call, include_deleted=name == "queryAll")
            case ["query" | "queryAll", locator]:
                return Response.of_json(200, self._cursors.next_page(locator, call.version))
            case ["jobs"]:
                root = f"/services/data/{call.version}/jobs"
                return Response.of_json(200, {name: f"{root}/{name}" for name in ("ingest", "query")})
            case ["jobs", "query", *parts]:
                return self._jobs.answer(request, parts, by=call.user_id, version=call.version)
            case ["jobs", "ingest", *parts]:
                return self._ingest.answer(
                    request, parts, saving=call.saving, version=call.version, row_fault=call.row_fault
                )
            case ["composite", *parts]:
                return self._composite(call, parts)
            case ["sobjects", *parts]:
                return self._sobjects(call, parts)
            case ["recent"]:
                return Response.of_json(200, [])
            case _:
                raise not_found()

    def _query(self, call: Call, *, include_deleted: bool) -> Response:
        """The first page of a query, or the count of one."""
        if call.request.method != "GET":
            raise not_allowed(call.request.method, "GET")
        query = parse(call.request.query.get("q", [""])[0])
        result = ask(self._state, query, include_deleted=include_deleted)
        if query.count:
            return Response.of_json(200, {"totalSize": len(result.rows), "done": True, "records": []})
        if query.aggregate:
            records = [result.shape.rendered(row, call.version) for row in result.rows]
            return Response.of_json(200, {"totalSize": len(records), "done": True, "records": records})
        hint = _BATCH_HINT.search(call.request.headers.get("sforce-query-options", ""))
        return Response.of_json(200, self._cursors.first_page(result, call.version, int(hint[1]) if hint else None))

    def _counts(self, request: Request) -> dict[str, object]:
        """How many live rows the objects asked for have; the platform's own numbers are approximate."""
        wanted = [name for text in request.query.get("sObjects", []) for name in text.split(",") if name]
        seen = [self._state.tables.table(name) for name in wanted if name in self._state.tables]
        tables = seen if wanted else list(self._state.tables)
        return {
            "sObjects": [
                {"count": sum(not row.get("IsDeleted") for row in table.rows.values()), "name": table.schema.name}
                for table in tables
                if self._state.visibility.sees_object(table.schema.name)
            ]
        }

    def _composite(self, call: Call, parts: list[str]) -> Response:
        """Answer a call of many rows or of many calls."""
        request = call.request

        def dispatch(inner: Request) -> Response:
            path = [part for part in inner.path.split("/") if part][2:]
            inner_call = Call(inner, path[0] if path else call.version, call.user_id, None)
            try:
                return self.answer(inner_call, path[1:])
            except Refusal as refusal:
                return refusal.response()

        match request.method, parts:
            case "GET", []:
                root = f"/services/data/{call.version}/composite"
                return Response.of_json(200, {name: f"{root}/{name}" for name in ("batch", "sobjects")})
            case "POST", []:
                return composite(self._state, json_object(request), request, dispatch)
            case "POST", ["batch"]:
                return batch(json_object(request), request, dispatch)
            case _, ["sobjects", *names]:
                return self._collection(call, names)
            case method, [] | ["batch"]:
                raise not_allowed(method, "POST")
            case _:
                raise not_found()

    def _collection(self, call: Call, names: list[str]) -> Response:
        """Answer a call under /composite/sobjects."""
        state, request, saving = self._state, call.request, call.saving
        match request.method, names:
            case "PATCH", []:
                results = batches.update_all(state, json_object(request), saving, call.row_fault)
            case "POST", []:
                results = batches.create_all(state, json_object(request), saving, call.row_fault)
            case "DELETE", []:
                ids = [item for text in request.query.get("ids", []) for item in text.split(",") if item]
                whole = request.query.get("allOrNone", ["false"])[0].lower() == "true"
                results = batches.delete_all(state, ids, saving, all_or_none=whole, row_fault=call.row_fault)
            case "GET", [name]:
                ids, fields = (_listed(request, key) for key in ("ids", "fields"))
                results = batches.read_all(state, self._table(name).schema.name, ids, fields, call.version)
            case "POST", [name]:
                body = json_object(request)
                wanted, shown = (_list_in(body, key) for key in ("ids", "fields"))
                results = batches.read_all(state, self._table(name).schema.name, wanted, shown, call.version)
            case "PATCH", [name, key]:
                schema = self._table(name).schema
                results = batches.upsert_all(state, schema.name, key, json_object(request), saving, call.row_fault)
            case method, []:
                raise not_allowed(method, "POST", "PATCH", "DELETE")
            case _:
                raise not_found()
        return Response.of_json(200, results)

    def _sobjects(self, call: Call, parts: list[str]) -> Response:
        """Answer a path under /sobjects."""
        state, request = self._state, call.request
        if not parts:
            if request.method != "GET":
                raise not_allowed(request.method, "GET")
            return Response.of_json(200, describe.object_list(state.tables, state.visibility, call.version))
        table = self._table(parts[0])
        match request.method, parts[1:]:
            case "GET", []:
                basic = describe.object_basics(table, call.version)
                return Response.of_json(200, {"objectDescribe": basic, "recentItems": []})
            case "POST", []:
                return rows.add(state, table.schema.name, request, call.saving, call.version)
            case "GET", ["describe"]:
                return self._describe(request, table, call.version)
            case "GET", ["updated"]:
                return Response.of_json(200, replication.updated(state, table, request))
            case "GET", ["deleted"]:
                return Response.of_json(200, replication.deleted(state, table, request))
            case method, ["describe" | "updated" | "deleted"]:
                raise not_allowed(method, "GET")
            case _, [record_id]:
                return self._row(call, table, record_id)
            case _, [key, *value]:
                return self._row_by_key(call, table, key, unquote("/".join(value)))
            case method, _:
                raise not_allowed(method, "GET", "POST")

    def _row(self, call: Call, table: Table, record_id: str) -> Response:
        """Answer a path of one row."""
        state, name, request = self._state, table.schema.name, call.request
        match request.method:
            case "GET":
                return rows.read(state, name, record_id, request, call.version)
            case "PATCH":
                return rows.change(state, name, record_id, request, call.saving, call.row_fault)
            case "DELETE":
                return rows.drop(state, name, record_id, call.saving)
            case method:
                raise not_allowed(method, "GET", "PATCH", "DELETE")

    def _row_by_key(self, call: Call, table: Table, key: str, value: str) -> Response:
        """Answer a path of one row by its external id; 300 with all addresses where several rows have it."""
        state, name, request = self._state, table.schema.name, call.request
        try:
            match request.method:
                case "GET":
                    return rows.read_by_key(state, name, key, value, request, call.version)
                case "PATCH":
                    return rows.change_by_key(state, name, key, value, request, call.saving, call.row_fault)
                case "DELETE":
                    return rows.drop_by_key(state, name, key, value, call.saving)
                case method:
                    raise not_allowed(method, "GET", "PATCH", "DELETE")
        except SeveralRows as several:
            root = f"/services/data/{call.version}/sobjects/{name}"
            return Response.of_json(300, [f"{root}/{record_id}" for record_id in several.ids])

    def _describe(self, request: Request, table: Table, version: str) -> Response:
        """The describe of an object; 304 where it did not change since the caller looked."""
        changed = self._state.schema_changed_at
        since = request.headers.get("if-modified-since")
        seen = None if since is None else http_instant(since)
        headers = {"Last-Modified": http_date(changed)}
        if seen is not None and changed.replace(microsecond=0) <= seen:
            return Response(304, headers)
        document = describe.object_describe(self._state.tables, table, self._state.visibility, version)
        return Response.of_json(200, document, headers)

    def _table(self, name: str) -> Table:
        """The table of an object that is seen. Raises Refusal 404."""
        if name not in self._state.tables or not self._state.visibility.sees_object(name):
            raise not_found()
        return self._state.tables.table(name)


def _listed(request: Request, key: str) -> list[str]:
    """A parameter with commas between its values."""
    return [item.strip() for text in request.query.get(key, []) for item in text.split(",") if item.strip()]


def _list_in(body: Mapping[str, Any], key: str) -> list[Any]:
    """A list in a body; an empty one for anything else."""
    value = body.get(key)
    return value if isinstance(value, list) else []
