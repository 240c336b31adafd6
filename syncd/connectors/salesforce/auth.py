"""How syncd gets a Salesforce access token: by a token POST of our own, which can be aimed and timed.

Flows: JWT bearer and client credentials (salesforce.md 1.1). Secrets are read at each request and are in no message,
log or text form. It knows nothing of records.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import urlencode, urlsplit

import jwt

from syncd.clock import Clock
from syncd.connectors.gate import Gate
from syncd.connectors.retry import CallFailedError, Failure, Remedy, limited, unanswered
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.errors import AuthError, BadDataError, RetryableError

TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 - a path, not a secret
_ASSERTION_LIFE: Final = timedelta(minutes=3)
_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LOGIN_WAIT: Final = 60.0
_PASSING_ERRORS: Final = frozenset({"unknown_error", "server_error", "temporarily_unavailable"})
WHERE: Final = "salesforce login"


@dataclass(frozen=True, slots=True)
class SalesforceAccess:
    """How to log in. The secrets are callables, asked at each token request, so that a rotation needs no restart.

    `client_credentials` needs `client_secret`, and the My Domain host as `login_url`; `jwt` needs `username` and
    `private_key` (PEM). `audience` overrides the JWT's `aud`, which is otherwise the login host's origin.
    `instance_url` overrides the instance that the token names.
    """

    login_url: str
    client_id: str
    instance_url: str | None = None
    grant: Literal["client_credentials", "jwt"] = "client_credentials"
    client_secret: Callable[[], str] | None = field(default=None, repr=False)
    username: str | None = None
    private_key: Callable[[], str] | None = field(default=None, repr=False)
    api_version: str = "66.0"
    audience: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the instance it is good for."""

    text: str = field(repr=False)
    instance_url: str


class TokenSource:
    """The one place that asks for tokens: keeps the last, and asks anew once for each that was refused."""

    def __init__(self, access: SalesforceAccess, gate: Gate, clock: Clock) -> None:
        self._access = access
        self._gate = gate
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self) -> Token:
        """The token to use. Raises CallFailedError."""
        with self._lock:
            if self._token is None:
                self._token = self._request()
            return self._token

    def discard(self, refused: Token | None) -> None:
        """Forget a token that was refused, unless another thread has already replaced it."""
        with self._lock:
            if self._token is refused:
                self._token = None

    def _request(self) -> Token:
        form = {"client_id": self._access.client_id, **self._proof()}
        request = HttpRequest(
            "POST",
            self._access.login_url.rstrip("/") + TOKEN_PATH,
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            urlencode(form).encode("ascii"),
        )
        try:
            response = self._gate.send(request)
        except WireError as error:
            raise CallFailedError(unanswered(error, WHERE)) from None
        return self._read(response)

    def _proof(self) -> dict[str, str]:
        if self._access.grant == "client_credentials":
            secret = self._access.client_secret
            if secret is None:
                raise AuthError("SYN401", "the client_credentials grant needs a client secret", where=WHERE)
            return {"grant_type": "client_credentials", "client_secret": secret()}
        return {"grant_type": _JWT_GRANT, "assertion": self._assertion()}

    def _assertion(self) -> str:
        """The signed claims (salesforce.md 1.1): a short life, since Salesforce takes at most five minutes."""
        access = self._access
        if access.private_key is None or access.username is None:
            raise AuthError("SYN401", "the jwt grant needs a username and a private key", where=WHERE)
        claims = {
            "iss": access.client_id,
            "sub": access.username,
            "aud": access.audience or origin(access.login_url),
            "exp": int((self._clock.now() + _ASSERTION_LIFE).timestamp()),
        }
        try:
            return jwt.encode(claims, access.private_key(), algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError):
            # the library's own words may quote the key
            raise AuthError("SYN401", "the private key is no RSA key in PEM form", where=WHERE) from None

    def _read(self, response: HttpResponse) -> Token:
        document = _document(response)
        if response.status == 200 and isinstance(document, dict) and document.get("access_token"):
            instance = self._access.instance_url or document.get("instance_url") or self._access.login_url
            return Token(str(document["access_token"]), origin(str(instance)))
        raise CallFailedError(_refusal(response.status, document))


def _document(response: HttpResponse) -> Any:
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None


def _refusal(status: int, document: Any) -> Failure:
    """What a token answer that holds no token means (salesforce.md 1.1, 4.3-2 and 8.1)."""
    if status >= 500 or status == 429:
        error = RetryableError("SYN412", f"the login host answered {status}", where=WHERE, applied=False)
        return Failure(Remedy.REPEAT, error)
    if not isinstance(document, dict) or "error" not in document:
        return Failure(
            Remedy.REPEAT, BadDataError("SYN421", f"the login host answered {status} without JSON", where=WHERE)
        )
    word = str(document["error"])
    description = str(document.get("error_description", ""))[:200]
    if "rate_limit" in word or "LOGIN_RATE_EXCEEDED" in description:
        return limited("too many logins in the last hour", where=WHERE, wait=_LOGIN_WAIT, code=word)
    if word in _PASSING_ERRORS:
        error = RetryableError("SYN412", f"the login host answered {word}", where=WHERE, applied=False)
        return Failure(Remedy.REPEAT, error, code=word)
    refused = AuthError(
        "SYN401",
        f"Salesforce refuses the login: {word} ({description})",
        where=WHERE,
        hint="check the app's credentials, its approval for the user, and this machine's clock",
    )
    return Failure(Remedy.STOP, refused, code=word)


def origin(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
