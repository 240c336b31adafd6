"""Calls to Cardbox: what an answer means, and when it is asked for again. It knows nothing of records.

Everything that any connector needs is taken from the room: the gate counts and paces, the policy repeats, `shape` takes
documents apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from syncd.clock import Clock
from syncd.connectors.gate import Gate
from syncd.connectors.retry import CallFailedError, Failure, Remedy, RetryPolicy, limited, retry_after, unanswered
from syncd.connectors.shape import UNEXPECTED, json_object
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.errors import AuthError, BadDataError, CrmError, QuotaExhaustedError, RetryableError, SchemaError

WHERE = "cardbox"
PASSING = frozenset({406, 408, 409, 420, 423})
LONGEST_WAIT = 60.0

T = TypeVar("T")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CardboxAccess:
    """How to reach a box. `token` is asked again after a 401, so that a rotation needs no restart."""

    token: Callable[[], str] = field(repr=False)
    base_url: str


class CardboxClient:
    """One box. Reads are retried by the policy; a write is sent once."""

    def __init__(self, access: CardboxAccess, gate: Gate, policy: RetryPolicy, clock: Clock) -> None:
        self._access = access
        self._gate = gate
        self._policy = policy
        self._clock = clock
        self._token: str | None = None

    def get(self, path: str, query: Mapping[str, str] | None = None, *, check: Callable[[Json], T]) -> T:
        """What `check` makes of the JSON that a GET answers."""
        return self._read("GET", f"{path}?{urlencode(query)}" if query else path, None, check)

    def post(self, path: str, body: Json, *, check: Callable[[Json], T]) -> T:
        """What `check` makes of the answer to a POST that only reads."""
        return self._read("POST", path, body, check)

    def write(self, path: str, body: Json) -> HttpResponse:
        """Send one write; once more after a 401, which did nothing. WireError where no answer came."""
        answer = self._send("POST", path, body)
        if answer.status == 401:
            self._token = None
            answer = self._send("POST", path, body)
        return answer

    def failure(self, answer: HttpResponse) -> Failure:
        """What an answer that is not the one promised means."""
        words, status = json_object(answer.body) or {}, answer.status
        if status == 401:
            return Failure(Remedy.REFRESH, AuthError("SYN401", "Cardbox refuses the token", where=WHERE))
        if status < 400:
            return Failure(Remedy.REPEAT, BadDataError("SYN421", f"{status} without the JSON promised", where=WHERE))
        if status == 429 and words.get("policyName") != "DAILY":
            wait = retry_after(answer.header("Retry-After"), self._clock.now())
            return limited("Cardbox asks to wait", where=WHERE, wait=10.0 if wait is None else min(wait, LONGEST_WAIT))
        if status >= 500 or status in PASSING:
            return Failure(Remedy.REPEAT, RetryableError("SYN412", f"Cardbox answered {status}", where=WHERE))
        return Failure(Remedy.STOP, _final(status))

    def _read(self, method: str, path: str, body: Json | None, check: Callable[[Json], T]) -> T:
        def attempt() -> T:
            try:
                answer = self._send(method, path, body)
            except WireError as error:
                raise CallFailedError(unanswered(error, WHERE)) from None
            document = json_object(answer.body) if 200 <= answer.status < 300 else None
            if document is None:
                raise CallFailedError(self.failure(answer))
            try:
                return check(document)
            except UNEXPECTED as error:
                problem = BadDataError("SYN421", f"the answer cannot be read ({type(error).__name__})", where=WHERE)
                raise CallFailedError(Failure(Remedy.REPEAT, problem)) from error

        return self._policy.run(attempt, self._forget)

    def _send(self, method: str, path: str, body: Json | None) -> HttpResponse:
        if self._token is None:
            self._token = self._access.token()
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        raw = None if body is None else json.dumps(body).encode()
        return self._gate.send(HttpRequest(method, f"{self._access.base_url}/v1/{path}", headers, raw))

    def _forget(self) -> None:
        self._token = None


def _final(status: int) -> CrmError:
    """The refusals that no repeat changes."""
    if status == 403:
        return AuthError("SYN402", "Cardbox refuses access", where=WHERE, hint="give the token the right to it")
    if status == 429:
        return QuotaExhaustedError("SYN414", "the day's calls to Cardbox are used up", where=WHERE)
    if status in (404, 410):
        return SchemaError("SYN406", f"Cardbox answered {status}: this path is not there", where=WHERE)
    return SchemaError("SYN407", f"Cardbox refuses the request ({status})", where=WHERE)
