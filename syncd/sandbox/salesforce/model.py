"""The fake org behind the wire: which endpoint a path is, who may call it, and what it answers.

The endpoints and their shapes are those of salesforce.md 8; what is not there answers 404 as the platform does.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from syncd.sandbox.control import Answer
from syncd.sandbox.faults import RowFault
from syncd.sandbox.salesforce import batches, describe, people, replication, rows
from syncd.sandbox.salesforce.bodies import json_object
from syncd.sandbox.salesforce.bulkjobs import BulkJobs
from syncd.sandbox.salesforce.cursors import Cursors
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.lifecycle import purge
from syncd.sandbox.salesforce.refusals import Refusal, limit_exceeded, not_found, response_of_status
from syncd.sandbox.salesforce.sessions import Sessions
from syncd.sandbox.salesforce.soql.execution import run
from syncd.sandbox.salesforce.soql.parser import parse
from syncd.sandbox.salesforce.tables import Table
from syncd.sandbox.salesforce.writing import OrgState
from syncd.sandbox.wire import Request, Response

_VERSION = re.compile(r"v(\d+)\.0")
_BATCH_HINT = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_LONGEST_URI = 16_384
_PURGE_EVERY = timedelta(hours=1)
_DAY = timedelta(days=1)


class OrgModel:
    """One org: state, sessions, cursors, jobs and the allowance of requests. The reception serialises calls."""

    def __init__(self, state: OrgState, sessions: Sessions, organization_id: str) -> None:
        self.state = state
        self.sessions = sessions
        self.organization_id = organization_id
        self.cursors = Cursors(state.clock, state.seed)
        self.jobs = BulkJobs(state)
        self.base_url = ""
        self.api_limit = 115_000
        self.default_person = ""
        self._calls: deque[datetime] = deque()
        self._next_purge = state.clock.now()

    def answer(self, request: Request, row_fault: RowFault | None) -> Answer:
        """Answer a request of the API."""
        self._keep_house()
        try:
            response = self._routed(request, row_fault)
        except Refusal as refusal:
            response = refusal.response()
        return Answer(self._with_usage(request, response), self.state.tables.take_effects())

    def fault_response(self, status: int) -> Response:
        """An injected error in the platform's own shape."""
        return response_of_status(status)

    def edit(self, command: Mapping[str, Any]) -> Sequence[str]:
        """Let a person act; `by` is a user's id, username or e-mail, by default the administrator."""
        if "session" in command:
            return self._end_sessions(command)
        people.act(self.state, command, person=self._person(command.get("by")))
        return self.state.tables.take_effects()

    def records(self, name: str) -> Sequence[Mapping[str, Any]]:
        """All rows of an object, every field of it, deleted ones included; KeyError where there is no such object."""
        self._keep_house()
        table = self.state.tables.table(name)
        names = [field.name for field in table.schema.fields.values() if field.type != "address"]
        return [{field: row.get(field) for field in names} for row in table.rows.values()]

    def user_id_of(self, name: str) -> str | None:
        """The id of an active user by username, None where there is none."""
        users = self.state.tables.table("User").rows.values()
        wanted = name.casefold()
        return next(
            (str(row["Id"]) for row in users if str(row.get("Username")).casefold() == wanted and row.get("IsActive")),
            None,
        )

    def _keep_house(self) -> None:
        """What time alone brings about: late commits become visible, the bin is emptied."""
        now = self.state.clock.now()
        self.state.tables.settle(now)
        if now >= self._next_purge:
            purge(self.state)
            self._next_purge = now + _PURGE_EVERY

    def _end_sessions(self, command: Mapping[str, Any]) -> Sequence[str]:
        """`{"session": "revoke"}` ends every access token, `{"session": "cursors"}` every query cursor."""
        if command["session"] == "revoke":
            self.sessions.revoke_all()
        elif command["session"] == "cursors":
            self.cursors.expire_all()
        else:
            raise ValueError("a session edit is revoke or cursors")
        return [f"session {command['session']}"]

    def _person(self, by: object) -> str:
        """The user id of who acts. ValueError for an unknown one."""
        if by is None:
            return self.default_person
        users = self.state.tables.table("User").rows
        key = canonical(str(by))
        if key in users:
            return str(key)
        wanted = str(by).casefold()
        for row in users.values():
            if wanted in (str(row.get("Username")).casefold(), str(row.get("Email")).casefold()):
                return str(row["Id"])
        raise ValueError(f"there is no user {by}")

    def _with_usage(self, request: Request, response: Response) -> Response:
        """The response with the org's use of its allowance, which every REST reply carries."""
        if not request.path.startswith("/services/data"):
            return response
        usage = f"api-usage={len(self._calls)}/{self.api_limit}"
        return Response(response.status, {"Sforce-Limit-Info": usage, **response.headers}, response.body)

    def _count_call(self) -> None:
        """One call of the rolling 24 hours. Raises Refusal 403 where the allowance is used up."""
        now = self.state.clock.now()
        while self._calls and now - self._calls[0] >= _DAY:
            self._calls.popleft()
        if len(self._calls) >= self.api_limit:
            raise limit_exceeded()
        self._calls.append(now)

    def _base(self, request: Request) -> str:
        """The address that answers name: the configured one, else the one the caller used."""
        return self.base_url or f"http://{request.headers.get('host', '127.0.0.1')}"

    def _routed(self, request: Request, row_fault: RowFault | None) -> Response:
        """Answer by path. Raises Refusal."""
        if len(request.path) + len(urlencode(request.query, doseq=True)) > _LONGEST_URI:
            raise Refusal(414, "URI_TOO_LONG", "URI Too Long")
        parts = [part for part in request.path.split("/") if part]
        match parts:
            case ["services", "oauth2", "token"] if request.method == "POST":
                return self.sessions.token_response(request, self._base(request))
            case ["services", "oauth2", "revoke"]:
                return self.sessions.revoke(request)
            case ["services", "oauth2", "userinfo"] | ["id", _, _]:
                return self._identity(request, parts[0] == "id")
            case ["services", "data"]:
                return Response.of_json(200, describe.versions())
            case ["services", "data", version, *rest]:
                return self._versioned(request, version, rest, row_fault)
            case _:
                raise not_found()

    def _identity(self, request: Request, by_url: bool) -> Response:
        """Userinfo and the identity URL; a bad token is plain text here (salesforce.md 4.3, shape 5)."""
        try:
            user = self.state.tables.get("User", self.sessions.user_of(request))
        except Refusal:
            return Response(403, {"Content-Type": "text/plain"}, b"Bad_OAuth_Token")
        if user is None:
            return Response(403, {"Content-Type": "text/plain"}, b"Bad_Id")
        told = describe.identity if by_url else describe.userinfo
        return Response.of_json(200, told(user, self.organization_id, self._base(request)))

    def _versioned(self, request: Request, version: str, rest: list[str], row_fault: RowFault | None) -> Response:
        """Answer a path under /services/data/vXX.X/."""
        match = _VERSION.fullmatch(version)
        if match is None or int(match[1]) > describe.NEWEST_VERSION:
            raise not_found()
        if int(match[1]) < describe.OLDEST_VERSION:
            raise Refusal(410, "GONE", f"API version {version} is no longer available")
        user_id = self.sessions.user_of(request)
        self._count_call()
        match rest:
            case []:
                base = self._base(request)
                return Response.of_json(200, describe.resources(version, base, self.organization_id, user_id))
            case ["limits"]:
                return Response.of_json(200, describe.limits(self.api_limit, len(self._calls)))
            case ["query" | "queryAll" as name]:
                return self._query(request, version, include_deleted=name == "queryAll")
            case ["query" | "queryAll", locator]:
                return Response.of_json(200, self.cursors.next_page(locator, version))
            case ["jobs", "query", *parts]:
                return self.jobs.answer(request, parts, by=user_id, version=version)
            case ["composite", "sobjects", *parts]:
                return self._collection(request, parts, user_id, row_fault)
            case ["sobjects", *parts]:
                return self._sobjects(request, parts, user_id, version, row_fault)
            case _:
                raise not_found()

    def _query(self, request: Request, version: str, *, include_deleted: bool) -> Response:
        """The first page of a query, or the count of one."""
        text = request.query.get("q", [""])[0]
        query = parse(text)
        state = self.state
        result = run(query, state.tables, state.visibility, state.clock.now(), include_deleted=include_deleted)
        if query.count:
            return Response.of_json(200, {"totalSize": len(result.rows), "done": True, "records": []})
        hint = _BATCH_HINT.search(request.headers.get("sforce-query-options", ""))
        return Response.of_json(200, self.cursors.first_page(result, version, int(hint[1]) if hint else None))

    def _collection(self, request: Request, parts: list[str], user_id: str, row_fault: RowFault | None) -> Response:
        """Answer a call of many rows."""
        state = self.state
        match request.method, parts:
            case "PATCH", []:
                auto = _auto_assign(request)
                results = batches.update_all(
                    state, json_object(request), by=user_id, auto_assign=auto, row_fault=row_fault
                )
            case "POST", []:
                results = batches.create_all(state, json_object(request), by=user_id, row_fault=row_fault)
            case "DELETE", []:
                ids = [item for text in request.query.get("ids", []) for item in text.split(",") if item]
                all_or_none = request.query.get("allOrNone", ["false"])[0].lower() == "true"
                results = batches.delete_all(state, ids, all_or_none=all_or_none, by=user_id, row_fault=row_fault)
            case _:
                raise not_found()
        return Response.of_json(200, results)

    def _sobjects(
        self, request: Request, parts: list[str], user_id: str, version: str, row_fault: RowFault | None
    ) -> Response:
        """Answer a path under /sobjects."""
        state = self.state
        if not parts:
            return Response.of_json(200, describe.object_list(state.tables, state.visibility, version))
        table = self._visible_table(parts[0])
        name = table.schema.name
        match request.method, parts[1:]:
            case "GET", []:
                row_template = {"objectDescribe": describe.object_describe(table, state.visibility, version)}
                return Response.of_json(200, {**row_template, "recentItems": []})
            case "POST", []:
                return rows.add(state, name, request, by=user_id)
            case "GET", ["describe"]:
                return Response.of_json(200, describe.object_describe(table, state.visibility, version))
            case "GET", ["updated"]:
                return Response.of_json(200, replication.updated(state, table, request))
            case "GET", ["deleted"]:
                return Response.of_json(200, replication.deleted(state, table, request))
            case "GET", [record_id]:
                return rows.read(state, name, record_id, request, version)
            case "PATCH", [record_id]:
                auto = _auto_assign(request)
                return rows.change(state, name, record_id, request, by=user_id, auto_assign=auto, row_fault=row_fault)
            case "DELETE", [record_id]:
                return rows.drop(state, name, record_id, by=user_id)
            case _:
                raise not_found()

    def _visible_table(self, name: str) -> Table:
        """The table of an object that is seen. Raises Refusal 404."""
        if name not in self.state.tables or not self.state.visibility.sees_object(name):
            raise not_found()
        return self.state.tables.table(name)


def _auto_assign(request: Request) -> bool:
    """Whether active assignment rules run: the header's default is TRUE (salesforce.md 3.5)."""
    return request.headers.get("sforce-auto-assign", "TRUE").strip().upper() != "FALSE"
