"""The fake portal behind its reception: who may call, how often, and which endpoint answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from syncd.sandbox.control import Answer
from syncd.sandbox.faults import RowFault
from syncd.sandbox.hubspot.account_endpoints import AccountEndpoints
from syncd.sandbox.hubspot.association_endpoints import AssociationEndpoints
from syncd.sandbox.hubspot.batch_writing import BatchWriter
from syncd.sandbox.hubspot.changes import RecordChanges
from syncd.sandbox.hubspot.checking import WriteChecks
from syncd.sandbox.hubspot.definitions import ELSEWHERE, KIND_BY_NAME
from syncd.sandbox.hubspot.editing import Editor
from syncd.sandbox.hubspot.limits import RateLimits
from syncd.sandbox.hubspot.owner_endpoints import OwnerEndpoints
from syncd.sandbox.hubspot.pipeline_endpoints import PipelineEndpoints
from syncd.sandbox.hubspot.property_endpoints import PropertyEndpoints
from syncd.sandbox.hubspot.reading import RecordReader
from syncd.sandbox.hubspot.records import Entry, ObjectTable, Source
from syncd.sandbox.hubspot.refusals import (
    Refusal,
    by_status,
    migrating,
    missing_scopes,
    not_allowed,
    not_found,
    plain,
    rate_limited,
    validation,
)
from syncd.sandbox.hubspot.routing import Call, route
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.tokens import Credential, Tokens
from syncd.sandbox.hubspot.values import stamp_text
from syncd.sandbox.hubspot.writing import RecordWriter
from syncd.sandbox.wire import Request, Response

LONGEST_QUERY = 16_000
_OAUTH = re.compile(
    r"/oauth/(?P<version>v1|2026-03|2026-09)/(?P<name>token|introspect|revoke|(?:access|refresh)-tokens)(?:/(?P<token>.+))?"
)
_PRIVATE_APP = "/oauth/v2/private-apps/get/access-token-info"


class PortalModel:
    """Answers requests of HubSpot's API from one state. Not thread-safe by itself; the reception holds the lock."""

    def __init__(self, state: PortalState, tokens: Tokens, limits: RateLimits) -> None:
        self._state = state
        self._tokens = tokens
        self._limits = limits
        self._changes = RecordChanges(state)
        checks = WriteChecks(state)
        self._reader = RecordReader(state, checks)
        self._writer = RecordWriter(state, self._changes, checks)
        self._batches = BatchWriter(state, self._changes, checks, self._writer)
        self._associations = AssociationEndpoints(state, self._changes)
        self._pipelines = PipelineEndpoints(state)
        self._properties = PropertyEndpoints(state)
        self._owners = OwnerEndpoints(state)
        self._account = AccountEndpoints(state, limits)
        self._editor = Editor(state, self._changes, tokens, limits)

    def answer(self, request: Request, row_fault: RowFault | None) -> Answer:
        """Answer a request of the API."""
        kind = "call"
        try:
            if self._state.quirks.migrating is not None:
                raise migrating(self._state.quirks.migrating)
            oauth = _OAUTH.fullmatch(request.path)
            if oauth is not None or request.path == _PRIVATE_APP:
                kind = "oauth"
                return Answer(self._finished(self._oauth(request, oauth), kind))
            credential = self._tokens.check(request, self._state.now)
            self._state.writer = Source("INTEGRATION", credential.app_id)
            call = self._routed(request)
            kind = "oauth_app" if credential.oauth and call.kind != "search" else call.kind
            self._admit(call, credential)
            response = self._respond(call, row_fault)
        except Refusal as refusal:
            response = self._refused(refusal)
        return Answer(self._finished(response, kind), self._changes.take_effects())

    def fault_response(self, status: int, code: str = "") -> Response:
        """An error of that status in HubSpot's shape; `code` is the policy of a 429."""
        return self._finished(self._refused(by_status(status, code)), "call")

    def edit(self, command: Mapping[str, Any]) -> Sequence[str]:
        """Act as a person in the UI; see `editing.Editor`."""
        return self._editor.carry_out(command)

    def records(self, name: str) -> Sequence[Mapping[str, Any]]:
        """All rows of an object type or of `owners`, archived and merged ones included. KeyError for another name."""
        if name.lower() == "owners":
            return [owner.to_json() for owner in self._state.owners]
        table = self._state.table(name)
        return [record_row(self._state, table, entry) for entry in table]

    def _routed(self, request: Request) -> Call:
        """The endpoint of a path; a Refusal (404) for a path, or a version, that does not exist."""
        pairs = ((name, value) for name, values in request.query.items() for value in values)
        if sum(len(name) + len(value) + 2 for name, value in pairs) > LONGEST_QUERY:
            raise plain(414, None, "URI Too Long")
        call = route(request)
        if call is None:
            raise not_found()
        if call.version in self._state.quirks.retired_versions:
            raise not_found(self._state.quirks.retired_status)
        return call

    def _admit(self, call: Call, credential: Credential) -> None:
        """Refuse a call without its scope, or over a limit."""
        policy = self._limits.refusal(call.kind, self._state.clock.now(), self._state.now, self._state.zone)
        if policy is not None:
            bare = self._state.quirks.plain_rate_limit
            raise rate_limited(policy, self._state.next_correlation_id(), bare=bare)
        scope = call.scope
        if scope is not None and (scope in self._state.quirks.missing_scopes or scope not in credential.scopes):
            raise missing_scopes([scope])

    def _respond(self, call: Call, fault: RowFault | None) -> Response:
        request, parts = call.request, call.parts
        match call.name, request.method:
            case "objects", _:
                return self._objects(call, self._table(parts["type"]), fault)
            case "owners", "GET":
                return self._owners.answer(request, call.rest)
            case "users", "GET":
                return self._owners.users(request, call.rest)
            case "pipelines", _:
                return self._pipelines.answer(request, self._table(parts["type"]), call.rest)
            case "properties", _:
                return self._properties.answer(request, self._table(parts["type"]), call.rest)
            case "associations" | "associations_default" | "associations_of", _:
                return self._associated(call)
            case "account", "GET":
                return self._account.details()
            case "daily_usage", "GET":
                return self._account.daily_usage()
            case "currencies", "GET":
                return self._account.currencies(call.rest)
            case _:
                raise not_allowed()

    def _associated(self, call: Call) -> Response:
        """Answer a path of associations; v3 has words where v4 and the dated paths have labels."""
        request, parts = call.request, call.parts
        source, target = self._table(parts["type"]).kind, self._table(parts["to"]).kind
        if call.name == "associations":
            answer = self._associations.words if call.version == "v3" else self._associations.batch
            return answer(request, source, target, call.rest)
        rest = ("default", parts["other"]) if call.name == "associations_default" else call.rest
        return self._associations.of_record(request, source, parts["id"], target, rest, old=call.version == "v3")

    def _objects(self, call: Call, table: ObjectTable, fault: RowFault | None) -> Response:
        request, version = call.request, call.version
        match request.method, call.rest:
            case "GET", ():
                return self._reader.list_page(request, table)
            case "POST", ():
                return self._writer.create(request, table, version)
            case "POST", ("search",):
                return self._reader.search(request, table)
            case "POST", ("batch", "read"):
                return self._reader.batch_read(request, table)
            case "POST", ("batch", "update"):
                return self._batches.update(request, table, version, fault)
            case "POST", ("batch", "create"):
                return self._batches.create(request, table, version, fault)
            case "POST", ("batch", "upsert"):
                return self._batches.upsert(request, table, version, fault)
            case "POST", ("batch", "archive"):
                return self._batches.archive(request, table)
            case "POST", ("merge",):
                return self._writer.merge(request, table)
            case "POST", ("gdpr-delete",) if table.kind.name == "contacts":
                return self._writer.erase(request, table)
            case "GET", (record_id,):
                return self._reader.one(request, table, record_id)
            case "PATCH", (record_id,):
                return self._writer.update(request, table, record_id, version)
            case "DELETE", (record_id,):
                return self._writer.archive(table, record_id)
            case _, () | (_,) | ("batch", _):
                raise not_allowed()
            case _:
                raise not_found()

    def _oauth(self, request: Request, match: re.Match[str] | None) -> Response:
        """The token endpoints, which take no bearer token."""
        now = self._state.now
        if match is None:
            told = self._tokens.private_app_information(request) if request.method == "POST" else None
            return told if told is not None else self._refused(not_found())
        name, token = match["name"], match["token"] or ""
        try:
            if match["version"] in self._state.quirks.retired_versions:
                raise not_found(self._state.quirks.retired_status)
            match request.method, name:
                case "POST", "token":
                    return self._tokens.token(request, now)
                case "POST", "introspect":
                    return self._tokens.introspect(request, now)
                case "POST", "revoke":
                    return self._tokens.revoke(request)
                case "GET", "access-tokens" | "refresh-tokens":
                    access = name == "access-tokens"
                    found = (
                        self._tokens.introspection(token, now) if access else self._tokens.refresh_information(token)
                    )
                    if found is None:
                        raise not_found()
                    return Response.of_json(200, found)
                case "DELETE", "refresh-tokens":
                    self._tokens.revoked.add(token)
                    return Response(204)
                case _:
                    raise not_allowed()
        except Refusal as refusal:
            return self._refused(refusal)

    def _table(self, name: str) -> ObjectTable:
        if name.lower() in ELSEWHERE:
            raise missing_scopes([f"crm.objects.{name.lower()}.read"])
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
