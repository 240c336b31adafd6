"""The fake portal behind its reception: who may call, how often, and which endpoint answers.

Both path families lead to the same answers: `/crm/v3/objects/{type}` and `/crm/objects/2026-03|2026-09/{type}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from syncd.sandbox.control import Answer
from syncd.sandbox.faults import RowFault
from syncd.sandbox.hubspot.changes import RecordChanges
from syncd.sandbox.hubspot.definitions import KIND_BY_NAME
from syncd.sandbox.hubspot.editing import Editor
from syncd.sandbox.hubspot.endpoints import Endpoints
from syncd.sandbox.hubspot.limits import RateLimits
from syncd.sandbox.hubspot.reading import RecordReader
from syncd.sandbox.hubspot.records import Entry, ObjectTable
from syncd.sandbox.hubspot.refusals import (
    Refusal,
    by_status,
    missing_scopes,
    not_found,
    plain,
    rate_limited,
    validation,
)
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.tokens import Tokens
from syncd.sandbox.hubspot.values import stamp_text
from syncd.sandbox.hubspot.writing import RecordWriter
from syncd.sandbox.wire import Request, Response

LONGEST_QUERY = 16_000
_DATED = r"(?P<dated>2026-03|2026-09)"
_ROUTES = tuple(
    (name, re.compile(f"(?:{pattern})"))
    for name, pattern in (
        (
            "associations_batch",
            rf"/crm/(?:(?P<old>v4)/associations|associations/{_DATED})/(?P<type>[^/]+)/(?P<to>[^/]+)/batch/read",
        ),
        (
            "associations_of",
            rf"/crm/(?:(?P<old>v4)/objects|objects/{_DATED})/(?P<type>[^/]+)/(?P<id>\d+)/associations/(?P<to>[^/]+)",
        ),
        ("objects", rf"/crm/(?:(?P<old>v3)/objects|objects/{_DATED})/(?P<type>[^/]+)(?P<rest>(?:/[^/]+)*)"),
        ("owners", rf"/crm/(?:(?P<old>v3)/owners|owners/{_DATED})(?P<rest>(?:/[^/]+)?)"),
        ("pipelines", rf"/crm/(?:(?P<old>v3)/pipelines|pipelines/{_DATED})/(?P<type>[^/]+)(?P<rest>(?:/[^/]+)*)"),
        ("properties", rf"/crm/(?:(?P<old>v3)/properties|properties/{_DATED})/(?P<type>[^/]+)(?P<rest>(?:/[^/]+)*)"),
        ("account", rf"/account-info/(?:(?P<old>v3)|{_DATED})/details"),
        ("daily_usage", rf"/account-info/(?:(?P<old>v3)|{_DATED})/api-usage/daily/private-apps"),
    )
)
_OAUTH = re.compile(
    r"/oauth/(?P<version>v1|2026-03|2026-09)/(?P<name>token|introspect|revoke|(?:access|refresh)-tokens)(?:/(?P<token>.+))?"
)
_WRITES = frozenset({"PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class _Call:
    """A request on its way to an endpoint: the endpoint's name, the path's parts, the API version."""

    request: Request
    name: str
    parts: Mapping[str, str]
    version: str

    @property
    def rest(self) -> tuple[str, ...]:
        """The path behind the object type."""
        return tuple(part for part in self.parts.get("rest", "").split("/") if part)

    @property
    def kind(self) -> str:
        """How the call counts: `search`, `associations` or an ordinary `call`."""
        if self.name == "objects" and self.rest == ("search",):
            return "search"
        return "associations" if self.name.startswith("associations") else "call"

    @property
    def writes(self) -> bool:
        """Whether the endpoint changes records."""
        reads = self.request.method == "GET" or self.rest[-1:] in (("search",), ("read",))
        return self.name == "objects" and (self.request.method in _WRITES or not reads)


class PortalModel:
    """Answers requests of HubSpot's API from one state. Not thread-safe by itself; the reception holds the lock."""

    def __init__(self, state: PortalState, tokens: Tokens, limits: RateLimits) -> None:
        self._state = state
        self._tokens = tokens
        self._limits = limits
        self._changes = RecordChanges(state)
        self._reader = RecordReader(state)
        self._writer = RecordWriter(state, self._changes)
        self._endpoints = Endpoints(state, limits)
        self._editor = Editor(state, self._changes, tokens, limits)

    def answer(self, request: Request, row_fault: RowFault | None) -> Answer:
        """Answer a request of the API."""
        kind = "call"
        try:
            oauth = _OAUTH.fullmatch(request.path)
            if oauth is not None:
                return Answer(self._finished(self._oauth(request, oauth), "oauth"))
            self._tokens.check(request, self._state.now)
            call = self._routed(request)
            kind = call.kind
            self._admit(call)
            response = self._respond(call, row_fault)
        except Refusal as refusal:
            response = self._refused(refusal)
        return Answer(self._finished(response, kind), self._changes.take_effects())

    def fault_response(self, status: int) -> Response:
        """An error of that status in HubSpot's shape."""
        return self._finished(self._refused(by_status(status)), "call")

    def edit(self, command: Mapping[str, Any]) -> Sequence[str]:
        """Act as a person in the UI; see `editing.Editor`."""
        return self._editor.carry_out(command)

    def records(self, name: str) -> Sequence[Mapping[str, Any]]:
        """All rows of an object type or of `owners`, archived and merged ones included. KeyError for another name."""
        if name.lower() == "owners":
            return [owner.to_json() for owner in self._state.owners]
        table = self._state.table(name)
        return [record_row(self._state, table, entry) for entry in table]

    def _routed(self, request: Request) -> _Call:
        """The endpoint of a path; a Refusal (404) for a path, or a version, that does not exist."""
        path = request.path.rstrip("/")
        if (
            sum(len(name) + len(value) + 2 for name, values in request.query.items() for value in values)
            > LONGEST_QUERY
        ):
            raise plain(414, None, "URI Too Long")
        for name, pattern in _ROUTES:
            match = pattern.fullmatch(path)
            if match is not None:
                parts = {key: value for key, value in match.groupdict().items() if value is not None}
                version = parts.get("old") or parts["dated"]
                if version in self._state.quirks.retired_versions:
                    raise not_found()
                return _Call(request, name, parts, version)
        raise not_found()

    def _admit(self, call: _Call) -> None:
        """Refuse a call without its scope, or over a limit."""
        policy = self._limits.refusal(call.kind, self._state.clock.now(), self._state.now, self._state.zone)
        if policy is not None:
            raise rate_limited(policy, self._state.next_correlation_id())
        scope = _scope(call)
        if scope is not None and scope in self._state.quirks.missing_scopes:
            raise missing_scopes([scope])

    def _respond(self, call: _Call, fault: RowFault | None) -> Response:
        if call.name == "objects":
            return self._objects(call, self._table(call.parts["type"]), fault)
        match call.name, call.request.method:
            case "owners", "GET":
                rest = call.rest
                return self._endpoints.owner(call.request, rest[0]) if rest else self._endpoints.owners(call.request)
            case "pipelines", "GET":
                return self._endpoints.pipelines(self._table(call.parts["type"]), call.rest)
            case "properties", "GET":
                return self._endpoints.properties(self._table(call.parts["type"]), call.rest)
            case "associations_batch", "POST":
                return self._endpoints.associations_batch(call.request, call.parts["type"], call.parts["to"])
            case "associations_of", "GET":
                parts = call.parts
                return self._endpoints.associations_of(call.request, parts["type"], parts["id"], parts["to"])
            case "account", "GET":
                return self._endpoints.account()
            case "daily_usage", "GET":
                return self._endpoints.daily_usage()
            case _:
                raise _not_allowed()

    def _objects(self, call: _Call, table: ObjectTable, fault: RowFault | None) -> Response:
        request = call.request
        match request.method, call.rest:
            case "GET", ():
                return self._reader.list_page(request, table)
            case "POST", ():
                return self._writer.create(request, table)
            case "POST", ("search",):
                return self._reader.search(request, table)
            case "POST", ("batch", "read"):
                return self._reader.batch_read(request, table)
            case "POST", ("batch", "update"):
                return self._writer.batch_update(request, table, call.version, fault)
            case "POST", ("batch", "archive"):
                return self._writer.batch_archive(request, table)
            case "POST", ("merge",):
                return self._writer.merge(request, table)
            case "GET", (record_id,):
                return self._reader.one(request, table, record_id)
            case "PATCH", (record_id,):
                return self._writer.update(request, table, record_id, call.version)
            case "DELETE", (record_id,):
                return self._writer.archive(table, record_id)
            case _, () | (_,) | ("batch", _):
                raise _not_allowed()
            case _:
                raise not_found()

    def _oauth(self, request: Request, match: re.Match[str]) -> Response:
        """The token endpoints, which take no bearer token."""
        name, token, now = match["name"], match["token"], self._state.now
        try:
            if match["version"] in self._state.quirks.retired_versions:
                raise not_found()
            match request.method, name:
                case "POST", "token":
                    return self._tokens.token(request, now)
                case "POST", "introspect":
                    return self._tokens.introspect(request, now)
                case "POST", "revoke":
                    return self._tokens.revoke(request)
                case "GET", "access-tokens":
                    found = self._tokens.introspection(token or "", now)
                    if found is None:
                        raise not_found()
                    return Response.of_json(200, found)
                case _:
                    raise _not_allowed()
        except Refusal as refusal:
            return self._refused(refusal)

    def _table(self, name: str) -> ObjectTable:
        if name.lower() not in KIND_BY_NAME:
            raise validation(f"Unable to infer object type from: {name}")
        return self._state.table(name)

    def _refused(self, refusal: Refusal) -> Response:
        """An error body with its correlation id."""
        body = {**refusal.body, "correlationId": self._state.next_correlation_id()}
        return Response.of_json(refusal.status, body, refusal.headers)

    def _finished(self, response: Response, kind: str) -> Response:
        """The response with the headers that every answer carries."""
        correlation = _correlation_of(response) or self._state.next_correlation_id()
        limits = {} if kind == "oauth" else self._limits.headers(kind)
        headers = {**response.headers, **limits, "X-HubSpot-Correlation-Id": correlation}
        if "Content-Type" in headers:
            headers["Content-Type"] = "application/json;charset=utf-8"
        return replace(response, headers=headers)


def record_row(state: PortalState, table: ObjectTable, entry: Entry) -> dict[str, Any]:
    """A record as tests and `/_sandbox/records` see it: its values, what became of it, its companies, its history."""
    row: dict[str, Any] = {
        "id": str(entry.id),
        "properties": dict(sorted(entry.properties.items())),
        "createdAt": stamp_text(entry.created),
        "updatedAt": stamp_text(entry.updated),
        "archived": entry.archived is not None,
        "archivedAt": None if entry.archived is None else stamp_text(entry.archived),
        "mergedInto": None if entry.merged_into is None else str(entry.merged_into),
        "history": {name: [version.to_json() for version in entry.versions(name)] for name in sorted(entry.history)},
    }
    if table.kind.name != "companies":
        row["companies"] = [str(other) for other in state.associations.of(table.kind.name, entry.id, "companies")]
    return row


def _correlation_of(response: Response) -> str | None:
    """The correlation id in an error body, which its header repeats."""
    if response.status < 400 or not response.body:
        return None
    value = json.loads(response.body).get("correlationId")
    return str(value) if value else None


def _scope(call: _Call) -> str | None:
    """The scope that a call needs; None for those that need none."""
    if call.name == "owners":
        return "crm.objects.owners.read"
    kind = KIND_BY_NAME.get(call.parts.get("type", "").lower())
    if kind is None:
        return None
    if call.name in ("pipelines", "properties"):
        return f"crm.schemas.{kind.name}.read"
    return f"crm.objects.{kind.name}.{'write' if call.writes else 'read'}"


def _not_allowed() -> Refusal:
    return plain(405, None, "HTTP 405 Method Not Allowed")
