"""The Salesforce client: simple-salesforce in direct mode, on top of a gate, with what the SDK lacks around it.

The SDK builds URLs and parses; token, retry, timeouts, headers of answers and the meaning of errors are ours
(salesforce.md 1.4 way A, 1.5 and 6). It knows nothing of records, kinds or mappings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

import requests
from requests.adapters import BaseAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from syncd.clock import Clock
from syncd.connectors.gate import Gate
from syncd.connectors.retry import CallFailedError, Failure, Remedy, RetryPolicy, unanswered
from syncd.connectors.salesforce.auth import SalesforceAccess, Token, TokenSource
from syncd.connectors.salesforce.failures import classify
from syncd.connectors.wire import OVERSIZE, HttpRequest, HttpResponse, WireError
from syncd.errors import BadDataError, CrmError, CursorLostError

CLIENT_HEADERS: Final[Mapping[str, str]] = {"Sforce-Call-Options": "client=syncd"}
_PLAIN_HEADERS: Final[Mapping[str, str]] = {**CLIENT_HEADERS, "Accept": "*/*"}
QUERY_HEADERS: Final[Mapping[str, str]] = {**CLIENT_HEADERS, "Sforce-Query-Options": "batchSize=2000"}
WRITE_HEADERS: Final[Mapping[str, str]] = {
    **CLIENT_HEADERS,
    "Sforce-Auto-Assign": "FALSE",
    "Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false; runAsCurrentUser=false",
}
"""On every write (salesforce.md 3.5): without the first, assignment rules run on our write and may overrule it."""

WHERE: Final = "salesforce"
_PLACEHOLDER: Final = "instance.invalid"
_UNPARSED: Final = (
    SalesforceError,
    requests.exceptions.RequestException,
    RecursionError,  # JSON nested deeper than Python reads
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
"""What the SDK lets out when an answer is an error or is not what it expects; the answer itself is in the gate."""

T = TypeVar("T")


class OversizeError(Exception):
    """An answer is larger than the wire takes; asking for less of it helps, asking again does not."""


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One page of a query; `next_url` is None on the last one, whatever the number of rows.

    `total` is how many rows the whole query has, as far as the answer says so.
    """

    rows: Sequence[Mapping[str, Any]]
    next_url: str | None
    total: int | None = None


class GateAdapter(BaseAdapter):
    """Carries a requests session over a gate: the SDK's fixed `https://instance` becomes the instance's real origin."""

    def __init__(self, gate: Gate, instance_url: str) -> None:
        super().__init__()
        self._gate = gate
        self._instance_url = instance_url

    def send(
        self,
        request: requests.PreparedRequest,
        *_args: Any,
        **_kwargs: Any,
    ) -> requests.Response:
        """Send a prepared request; the wire decides timeouts, TLS and proxy, whatever the SDK says."""
        body = request.body.encode("utf-8") if isinstance(request.body, str) else request.body
        headers = {str(name): _text(value) for name, value in request.headers.items()}
        answer = self._gate.send(
            HttpRequest(request.method or "GET", self._instance_url + request.path_url, headers, body)
        )
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update({name: value for name, value in answer.headers.items() if name.lower() != "location"})
        response._content = answer.body
        response.encoding = "utf-8"
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        """Nothing to close: the wire owns the connections."""


class SalesforceClient:
    """Calls to one organization. Reads are retried by the policy; a write is sent once."""

    def __init__(self, access: SalesforceAccess, gate: Gate, policy: RetryPolicy, clock: Clock) -> None:
        self._version = access.api_version
        self._gate = gate
        self._policy = policy
        self._clock = clock
        self._tokens = TokenSource(access, gate, clock)
        self._sdk: tuple[Token, Any] | None = None

    def query(self, soql: str, *, deleted: bool = False) -> QueryPage:
        """The first page of a query; `deleted` takes queryAll, which also shows deleted, merged and archived rows."""
        return self._read(lambda sdk: sdk.query(soql, include_deleted=deleted, headers=dict(QUERY_HEADERS)), _page)

    def more(self, url: str) -> QueryPage:
        """The page behind a `next_url`, which is followed as it came."""
        return self._read(lambda sdk: sdk.query_more(url, True, headers=dict(QUERY_HEADERS)), _page)

    def count(self, soql: str, *, deleted: bool = False) -> int:
        """How many rows a `SELECT COUNT() …` finds."""
        return self._read(lambda sdk: sdk.query(soql, include_deleted=deleted, headers=dict(QUERY_HEADERS)), _total)

    def versions(self) -> tuple[str, ...]:
        """The API versions that the instance answers, oldest first, such as `66.0`; this call needs no session."""
        return self.request("GET", "/services/data", check=_versions)

    def request(
        self,
        method: str,
        path: str,
        *,
        check: Callable[[HttpResponse], T],
        payload: Mapping[str, Any] | None = None,
        lost: Collection[int] = (),
    ) -> T:
        """What `check` makes of the answer to a call that the SDK has no good word for, retried by the policy.

        `path` begins with `/services/data`, or is below the pinned version. `check` raises CallFailedError for an
        answer that is none. A status in `lost` is a CursorLostError; OversizeError says that less must be asked for.
        """
        place, headers = self._place(path), dict(_PLAIN_HEADERS)
        body = None
        if payload is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(payload).encode()
        used: list[Token] = []

        def attempt() -> T:
            used[:] = [self._tokens.current()]
            token = used[0]
            try:
                answer = self._gate.send(_signed(method, token, place, headers, body))
            except WireError as error:
                if error.detail == OVERSIZE:
                    raise OversizeError from None
                raise CallFailedError(unanswered(error, WHERE)) from None
            if answer.status in lost:
                gone = CursorLostError("SYN420", "the job, or its results, are gone", where=WHERE)
                raise CallFailedError(Failure(Remedy.STOP, gone))
            if not 200 <= answer.status < 300:
                raise CallFailedError(classify(answer, WHERE, self._clock.now(), self._gate.request))
            return check(answer)

        return self._policy.run(attempt, lambda: self._tokens.discard(used[0]))

    def expect(self, path: str) -> None:
        """Begin to read what `request` is asked for next, this path; nothing in a simulation. See `Gate.expect`."""
        if self._gate.is_networked:
            with suppress(CrmError, CallFailedError):  # of a token, told when the path is asked for
                self._gate.expect(_signed("GET", self._tokens.current(), self._place(path), _PLAIN_HEADERS, None))

    def _place(self, path: str) -> str:
        """The path on a host, of one that begins with `/services/data` or is below the pinned version."""
        return path if path.startswith("/services/") else f"/services/data/v{self._version}/{path}"

    def describe(self, name: str) -> Mapping[str, Any]:
        """What Salesforce says of an object and its fields."""
        path = f"sobjects/{name}/describe"
        return self._read(lambda sdk: sdk.restful(path, headers=dict(CLIENT_HEADERS)), _described)

    def userinfo(self) -> tuple[Mapping[str, Any], str | None]:
        """Who we are, and the Date header of the answer."""
        document = self._read(lambda sdk: sdk.oauth2("userinfo"), _object)
        last = self._gate.last
        return document, last.header("Date") if last is not None else None

    def patch(self, path: str, payload: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> HttpResponse:
        """Send one change; see `_written`."""
        return self._written("PATCH", path, payload, headers or {})

    def post(self, path: str, payload: Mapping[str, Any]) -> HttpResponse:
        """Send new rows; see `_written`."""
        return self._written("POST", path, payload, {})

    def _written(self, method: str, path: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> HttpResponse:
        """Send one write and return its answer, whatever its status; WireError where none came.

        A refused session is renewed once and the write repeated with all its headers, since a 401 did nothing. Raises
        the CrmError of a login that fails.
        """
        first = self._policy.run(self._tokens.current)
        response = self._write_once(first, method, path, payload, headers)
        if response.status != 401:
            return response
        self._tokens.discard(first)
        return self._write_once(self._policy.run(self._tokens.current), method, path, payload, headers)

    def _write_once(
        self, token: Token, method: str, path: str, payload: Mapping[str, Any], headers: Mapping[str, str]
    ) -> HttpResponse:
        sdk = self._sdk_for(token)
        self._gate.forget()
        try:
            sdk.restful(path, method=method, json=dict(payload), headers={**WRITE_HEADERS, **headers})
        except _UNPARSED:
            if self._gate.last is None:
                raise
        answer = self._gate.last
        assert answer is not None, "an SDK call returned without an answer"  # noqa: S101 - a bug of ours
        return answer

    def _read(self, call: Callable[[Any], Any], check: Callable[[Any], T]) -> T:
        used: list[Token] = []

        def attempt() -> T:
            used[:] = [self._tokens.current()]
            return check(self._answer(used[0], call))

        return self._policy.run(attempt, lambda: self._tokens.discard(used[0]))

    def _answer(self, token: Token, call: Callable[[Any], Any]) -> Any:
        sdk = self._sdk_for(token)
        self._gate.forget()
        try:
            document = call(sdk)
        except WireError as error:
            raise CallFailedError(unanswered(error, WHERE)) from None
        except _UNPARSED:
            if self._gate.last is None:
                raise
            document = None
        answer = self._gate.last
        if answer is None or document is None or not 200 <= answer.status < 300 or not _is_utf8(answer.body):
            refused = classify(answer or HttpResponse(0), WHERE, self._clock.now(), self._gate.request)
            raise CallFailedError(refused) from None
        return document

    def _sdk_for(self, token: Token) -> Any:
        """The SDK bound to this token; a new token makes a new one, since the SDK keeps the old host (1.3)."""
        if self._sdk is None or self._sdk[0] is not token:
            session = requests.Session()
            session.trust_env = False
            session.mount("https://", GateAdapter(self._gate, token.instance_url))
            sdk = Salesforce(
                session_id=token.text,
                instance=_PLACEHOLDER,
                version=self._version,
                session=session,
                parse_float=Decimal,
                object_pairs_hook=dict,
            )
            del sdk.headers["X-PrettyPrint"]
            self._sdk = (token, sdk)
        return self._sdk[1]


def _signed(method: str, token: Token, place: str, headers: Mapping[str, str], body: bytes | None) -> HttpRequest:
    return HttpRequest(method, token.instance_url + place, {**headers, "Authorization": f"Bearer {token.text}"}, body)


def _bad(summary: str) -> CallFailedError:
    return CallFailedError(Failure(Remedy.REPEAT, BadDataError("SYN421", summary, where=WHERE)))


def _object(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise _bad("the answer is no JSON object")
    return document


def _described(document: Any) -> Mapping[str, Any]:
    fields = document.get("fields") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(fields, list) or not all(isinstance(f, dict) for f in fields):
        raise _bad("the answer to describe lists no fields")
    return document


def _page(document: Any) -> QueryPage:
    """A query's page; an answer that does not say whether it is the last is none (reliability.md T30)."""
    if not isinstance(document, dict) or not isinstance(document.get("done"), bool):
        raise _bad("the answer to a query does not say whether it is done")
    rows = document.get("records")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _bad("the answer to a query has no records")
    url, size = document.get("nextRecordsUrl"), document.get("totalSize")
    total = size if isinstance(size, int) else None
    if document["done"]:
        return QueryPage(rows, None, total)
    if not isinstance(url, str) or not url.startswith("/services/data/"):
        raise _bad("a query that is not done names no next page")
    return QueryPage(rows, url, total)


def _total(document: Any) -> int:
    total = document.get("totalSize") if isinstance(document, dict) else None
    if not isinstance(total, int) or isinstance(total, bool) or document.get("done") is not True:
        raise _bad("the answer to a count tells no number")
    return total


def _versions(answer: HttpResponse) -> tuple[str, ...]:
    try:
        return tuple(str(each["version"]) for each in json.loads(answer.body))
    except (ValueError, TypeError, LookupError, RecursionError):
        raise _bad("the list of API versions cannot be read") from None


def bad_answer(summary: str) -> CallFailedError:
    """What a `check` raises for an answer that is not as promised: it is asked again, and bad data at last."""
    return _bad(summary)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
