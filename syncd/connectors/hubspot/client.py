"""The HubSpot client: hubspot-api-client as a thin transport on top of a gate, with what it lacks around it.

Only the SDK's generic `call_api` is used, with paths of our own table: its typed calls hard-code one version, decode
slowly and drop what they do not know (hubspot.md 6). It knows nothing of records, kinds or mappings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from hubspot.crm.objects import ApiClient, Configuration
from hubspot.crm.objects.exceptions import OpenApiException

from syncd.clock import Clock
from syncd.connectors.budget import ASSOCIATIONS, GENERAL, SEARCH
from syncd.connectors.gate import Gate
from syncd.connectors.hubspot.failures import classify
from syncd.connectors.hubspot.paths import Paths, paths_of
from syncd.connectors.retry import CallFailedError, Failure, Remedy, RetryPolicy, unanswered
from syncd.connectors.shape import UNEXPECTED, json_object, object_of, objects
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.errors import BadDataError

WHERE: Final = "hubspot"
_UNPARSED: Final = (OpenApiException, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What the SDK lets out when an answer is an error or not what it expects; the answer itself is in the gate."""

T = TypeVar("T")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HubspotAccess:
    """How to reach a portal. `token` is asked at the start and again after a 401, so that a rotation needs no restart.

    A token of a private app, a service key or OAuth is the same bearer form (hubspot.md 1.1).
    """

    token: Callable[[], str] = field(repr=False)
    base_url: str = "https://api.hubapi.com"
    api_version: str = "v3"


class _PoolAnswer:
    """An answer in the form that the SDK takes from urllib3."""

    def __init__(self, answer: HttpResponse) -> None:
        self.status = answer.status
        self.reason = ""
        self.headers = dict(answer.headers)
        # the SDK decodes the body of an error strictly, whatever an edge server wrote
        self.data = answer.body if 200 <= answer.status < 300 else answer.body.decode("utf-8", "replace").encode()

    def getheaders(self) -> dict[str, str]:
        """The headers."""
        return self.headers


class _GatePool:
    """What the SDK takes for a urllib3 PoolManager: every request goes over the gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def request(
        self,
        method: str,
        url: str,
        body: str | bytes | None = None,
        fields: Any = None,
        headers: Mapping[str, str] | None = None,
        **_kwargs: Any,
    ) -> _PoolAnswer:
        """Send one request; the wire decides timeouts and TLS, and nothing is retried here."""
        if fields:
            url = f"{url}?{urlencode(fields)}"
        raw = body.encode("utf-8") if isinstance(body, str) else body
        return _PoolAnswer(self._gate.send(HttpRequest(method, url, dict(headers or {}), raw)))


class HubspotClient:
    """Calls to one portal. Reads are retried by the policy; a write is sent once. Paths are the access's version's."""

    def __init__(self, access: HubspotAccess, gate: Gate, policy: RetryPolicy, clock: Clock) -> None:
        self.paths: Paths = paths_of(access.api_version)
        self._access = access
        self._gate = gate
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self._sdk: Any = None

    def get(self, path: str, query: Sequence[tuple[str, str]] = (), *, check: Callable[[Json], T]) -> T:
        """What `check` makes of the JSON that a GET answers."""
        return self._read(lambda: self._call("GET", path, query=query), check, GENERAL)

    def search(self, path: str, body: Json, *, check: Callable[[Json], T]) -> T:
        """What `check` makes of a page of the index; search has a rate limit of its own."""
        return self._read(lambda: self._call("POST", path, body=body), check, SEARCH)

    def post(self, path: str, body: Json, *, check: Callable[[Json], T], pool: str = GENERAL) -> T:
        """What `check` makes of the answer to a POST that only reads."""
        return self._read(lambda: self._call("POST", path, body=body), check, pool)

    def associated(self, path: str, body: Json, *, check: Callable[[Json], T]) -> T:
        """What `check` makes of a batch of associations, which have a rate limit of their own."""
        return self.post(path, body, check=check, pool=ASSOCIATIONS)

    def write(self, path: str, body: Json) -> HttpResponse:
        """Send one write and return its answer, whatever its status; WireError where none came.

        A refused token is read again once and the write repeated, since a 401 did nothing.
        """
        used = self._api()
        answer = self._call("POST", path, body=body)
        if answer.status == 401:
            self._discard(used)
            answer = self._call("POST", path, body=body)
        return answer

    def token(self) -> str:
        """The token in use, for the one call that asks about it in its body."""
        return self._access.token()

    def server_date(self) -> str | None:
        """The Date header of this thread's last answer."""
        last = self._gate.last
        return last.header("Date") if last is not None else None

    def _read(self, call: Callable[[], HttpResponse], check: Callable[[Json], T], pool: str) -> T:
        used: list[Any] = []

        def attempt() -> T:
            used[:] = [self._api()]
            try:
                answer = call()
            except WireError as error:
                raise CallFailedError(unanswered(error, WHERE)) from None
            document = json_object(answer.body) if 200 <= answer.status < 300 else None
            if document is None:
                raise CallFailedError(classify(answer, WHERE, self._clock.now(), self._gate.request))
            try:
                return check(document)
            except UNEXPECTED as error:
                raise bad(f"the answer cannot be read ({type(error).__name__})") from error

        with self._gate.purpose(pool):
            return self._policy.run(attempt, lambda: self._discard(used[0]))

    def _call(
        self, method: str, path: str, *, query: Sequence[tuple[str, str]] = (), body: Json | None = None
    ) -> HttpResponse:
        api = self._api()
        self._gate.forget()
        try:
            api.call_api(
                path,
                method,
                query_params=list(query),
                header_params={"Accept": "application/json", "Content-Type": "application/json"},
                body=body,
                auth_settings=["oauth2"],
                _preload_content=False,
            )
        except _UNPARSED:
            if self._gate.last is None:
                raise
        answer = self._gate.last
        assert answer is not None, "an SDK call returned without an answer"  # noqa: S101 - a bug of ours
        return answer

    def _api(self) -> Any:
        """The SDK bound to the token; an API object keeps the token it was made with (hubspot.md 1.2)."""
        with self._lock:
            if self._sdk is None:
                configuration = Configuration(host=self._access.base_url.rstrip("/"))
                configuration.access_token = self._access.token()
                configuration.retries = False
                api = ApiClient(configuration=configuration)
                api.rest_client.pool_manager = _GatePool(self._gate)
                self._sdk = api
            return self._sdk

    def _discard(self, refused: Any) -> None:
        with self._lock:
            if self._sdk is refused:
                self._sdk = None


def bad(summary: str) -> CallFailedError:
    """An answer that is JSON and still not what HubSpot promises: asked for again, never taken for nothing."""
    return CallFailedError(Failure(Remedy.REPEAT, BadDataError("SYN421", summary, where=WHERE)))


def results_of(document: Json) -> list[Json]:
    """The `results` of an answer, each an object."""
    if "results" not in document or document["results"] is None:
        raise bad("the answer has no results")
    return objects(document["results"])


def next_after(document: Json) -> str | None:
    """The cursor of the next page; None on the last one, whatever the number of results."""
    paging = object_of(document.get("paging"))
    if paging.get("next") is None:
        return None
    after = object_of(paging["next"]).get("after")
    if isinstance(after, bool) or not isinstance(after, str | int) or after == "":
        raise bad("a page that has a next one does not say where")
    return str(after)
