"""The fake org behind the wire: which protocol a path belongs to, who may call it, what time brings about.

The endpoints and their shapes are those of salesforce.md 8; what is not there answers 404 as the platform does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from syncd.sandbox.control import Answer
from syncd.sandbox.faults import RowFault
from syncd.sandbox.salesforce import describe, identities, people, switches
from syncd.sandbox.salesforce.allowance import Allowance
from syncd.sandbox.salesforce.bulkjobs import BulkJobs
from syncd.sandbox.salesforce.cursors import Cursors
from syncd.sandbox.salesforce.endpoints import Call, Endpoints
from syncd.sandbox.salesforce.history import settle
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.ingest import IngestJobs
from syncd.sandbox.salesforce.lifecycle import purge
from syncd.sandbox.salesforce.refusals import Refusal, not_allowed, not_found, response_of_status
from syncd.sandbox.salesforce.sessions import Sessions
from syncd.sandbox.salesforce.soap import SoapFace
from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.wire import Request, Response

_VERSION = re.compile(r"v(\d{1,3})\.0")
_LONGEST_URI = 16_384
_PURGE_EVERY = timedelta(hours=1)
_TEXT = {"Content-Type": "text/plain"}


class OrgModel:
    """One org: state, sessions, cursors, jobs and the allowance of requests. The reception serialises calls.

    `oldest_version` is the oldest API version that still answers.
    """

    def __init__(self, state: OrgState, sessions: Sessions, organization_id: str) -> None:
        self.state = state
        self.sessions = sessions
        self.organization_id = organization_id
        self.cursors = Cursors(state.clock, state.seed)
        self.jobs = BulkJobs(state)
        self.ingest = IngestJobs(state)
        self.allowance = Allowance(state.clock)
        self.base_url = ""
        self.default_person = ""
        self.oldest_version = describe.OLDEST_VERSION
        self._endpoints = Endpoints(state, self.cursors, self.jobs, self.ingest, self._limits)
        self._soap = SoapFace(state, sessions, self.allowance, organization_id)
        self._next_purge = state.clock.now()

    @property
    def api_limit(self) -> int:
        """How many requests the org may make in 24 hours."""
        return self.allowance.limit

    @api_limit.setter
    def api_limit(self, limit: int) -> None:
        self.allowance.limit = limit

    def answer(self, request: Request, row_fault: RowFault | None) -> Answer:
        """Answer a request of the API."""
        self._keep_house()
        try:
            response = self._routed(request, row_fault)
        except Refusal as refusal:
            response = refusal.response()
        return Answer(self._with_usage(request, response), self.state.tables.take_effects())

    def fault_response(self, status: int, code: str = "") -> Response:
        """An injected error in the platform's own shape, with its own code where one is named."""
        return response_of_status(status, code)

    def edit(self, command: Mapping[str, Any]) -> Sequence[str]:
        """Let a person act; `by` is a user's id, username or e-mail, by default the administrator."""
        said = switches.turn(self, command)
        if said is not None:
            return [said]
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
        settle(self.state, now)
        if now >= self._next_purge:
            purge(self.state)
            self._next_purge = now + _PURGE_EVERY

    def _limits(self) -> dict[str, object]:
        """The answer to /limits."""
        return self.allowance.limits(self.jobs.daily_limit, self.jobs.remaining)

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
        headers = {"Sforce-Limit-Info": self.allowance.header(), **response.headers}
        return Response(response.status, headers, response.body, packed=response.packed)

    def _base(self, request: Request) -> str:
        """The address that answers name: the configured one, else the one the caller used."""
        return self.base_url or f"http://{request.headers.get('host', '127.0.0.1')}"

    def _routed(self, request: Request, row_fault: RowFault | None) -> Response:
        """Answer by path. Raises Refusal."""
        _check_length(request)
        parts = [part for part in request.path.split("/") if part]
        match parts:
            case ["services", "oauth2", "token"]:
                if request.method != "POST":
                    return self.sessions.wrong_method()
                return self.sessions.token_response(request, self._base(request))
            case ["services", "oauth2", "authorize"]:
                return self.sessions.codes.authorize(request)
            case ["services", "oauth2", "revoke"]:
                return self.sessions.revoke(request)
            case ["services", "oauth2", "introspect"]:
                return self.sessions.introspect(request)
            case ["services", "oauth2", "userinfo"] | ["id", _, _]:
                return self._identity(request, parts[0] == "id")
            case ["services", "Soap", "u" | "c", version, *_]:
                return self._soap.answer(request, version, self._base(request), self.oldest_version)
            case ["services", "async", version, *_]:
                return _bulk_one(version, self.oldest_version)
            case ["services", "data"]:
                if request.method not in ("GET", "HEAD"):
                    raise not_allowed(request.method, "GET")
                return Response.of_json(200, describe.versions(self.oldest_version))
            case ["services", "data", version, *rest]:
                return self._versioned(request, version, rest, row_fault)
            case _:
                raise not_found()

    def _identity(self, request: Request, by_url: bool) -> Response:
        """Userinfo and the identity URL; a bad token is plain text here (salesforce.md 4.3, shape 5)."""
        try:
            user = self.state.tables.get("User", self.sessions.user_of(request))
        except Refusal:
            return Response(403, _TEXT, b"Bad_OAuth_Token")
        if user is None:
            return Response(403, _TEXT, b"Bad_Id")
        told = identities.identity if by_url else identities.userinfo
        return Response.of_json(200, told(user, self.organization_id, self._base(request)))

    def _versioned(self, request: Request, version: str, rest: list[str], row_fault: RowFault | None) -> Response:
        """Answer a path under /services/data/vXX.X/."""
        match = _VERSION.fullmatch(version)
        if match is None or int(match[1]) > describe.NEWEST_VERSION:
            raise not_found()
        if int(match[1]) < self.oldest_version:
            raise Refusal(410, "GONE", f"API version {version} is no longer available")
        user_id = self.sessions.user_of(request)
        self.allowance.count()
        # HEAD is GET whose body the transport leaves out.
        call = Call(
            request if request.method != "HEAD" else Request("GET", request.path, request.query, request.headers),
            version,
            user_id,
            row_fault,
        )
        if not rest:
            base = self._base(request)
            return Response.of_json(200, describe.resources(version, base, self.organization_id, user_id))
        return self._endpoints.answer(call, rest)


def _check_length(request: Request) -> None:
    """The address, and the address with its headers, have a greatest length (salesforce.md 2.1). Raises Refusal."""
    length = len(request.path) + len(urlencode(request.query, doseq=True))
    if length > _LONGEST_URI:
        raise Refusal(414, "URI_TOO_LONG", "URI Too Long")
    if length + sum(len(key) + len(value) + 4 for key, value in request.headers.items()) > _LONGEST_URI:
        raise Refusal(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "Request Header Fields Too Large")


def _bulk_one(version: str, oldest: int) -> Response:
    """Bulk API 1.0, which this org does not have, in its own error shape (salesforce.md 4.3, shape 4)."""
    number = version.removeprefix("v").partition(".")[0]
    if not number.isdigit() or int(number[:4]) < oldest:
        return Response.of_json(
            400, {"exceptionCode": "InvalidVersion", "exceptionMessage": f"Invalid Api version specified: {version}"}
        )
    return Response.of_json(
        400, {"exceptionCode": "FeatureNotEnabled", "exceptionMessage": "Async Api not enabled for this organization"}
    )
