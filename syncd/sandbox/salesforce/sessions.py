"""Who may call: the OAuth token endpoint, access tokens and their end (salesforce.md 1 and 8.1).

JWT bearer, client credentials, authorization code, refresh token and password, and what SOAP's login needs. It knows
users by id.
"""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

import jwt

from syncd.sandbox.salesforce.refusals import session_invalid
from syncd.sandbox.salesforce.webflow import AuthorizationCodes
from syncd.sandbox.timekeeping import SandboxClock
from syncd.sandbox.wire import Request, Response

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_LIFETIME = timedelta(hours=2)
_LONGEST_ASSERTION = timedelta(minutes=5)
GRANTS = ("jwt", "client_credentials", "authorization_code", "refresh_token", "password", "soap")
"""The ways to sign in, by the names an administrator refuses them by."""
MOST_LOGINS = 3_600
"""How many sign-ins of one user an hour bears (salesforce.md 1.1)."""
_HOUR = timedelta(hours=1)
_GRANT_NAMES = {
    JWT_GRANT: "jwt",
    "client_credentials": "client_credentials",
    "authorization_code": "authorization_code",
    "refresh_token": "refresh_token",
    "password": "password",
}
# How an org words the refusal of a grant that its administrator, or its age, does not allow.
_NOT_ALLOWED = {
    "jwt": ("invalid_grant", "user hasn't approved this consumer"),
    "client_credentials": ("invalid_grant", "no client credentials user enabled"),
    "authorization_code": ("invalid_grant", "expired authorization code"),
    "refresh_token": ("invalid_grant", "expired access/refresh token"),
    "password": ("invalid_grant", "authentication failure"),
}
_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")


@dataclass(frozen=True, slots=True)
class Consumer:
    """The connected app and the user it runs as. `public_key` is PEM; without one any RS256 assertion passes."""

    client_id: str
    client_secret: str
    username: str
    password: str
    refresh_token: str
    public_key: str | None = None


class OAuthError(Exception):
    """A token request refused: HTTP 400 with `error` and `error_description` (salesforce.md 4.3, shape 2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


class Sessions:
    """Access tokens of one org. `user_id_of` gives the active user of a username, or None.

    `security_token` is what a password is followed by where a caller comes from an address that is not trusted; both
    forms are taken.
    """

    def __init__(
        self,
        consumer: Consumer,
        clock: SandboxClock,
        *,
        seed: int,
        organization_id: str,
        user_id_of: Callable[[str], str | None],
    ) -> None:
        self.consumer = consumer
        self.codes = AuthorizationCodes(consumer.client_id, clock, seed=seed)
        self.lifetime = TOKEN_LIFETIME
        self._clock = clock
        self._seed = seed
        self._organization_id = organization_id
        self._user_id_of = user_id_of
        self.security_token = ""
        self._refused: frozenset[str] = frozenset()
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._logins: dict[str, deque[datetime]] = {}
        self._issued = 0

    def issue(self, user_id: str) -> str:
        """A new access token of a user: opaque, `00D…!…`."""
        self._issued += 1
        digest = hashlib.sha256(f"token:{self._seed}:{self._issued}".encode()).digest()
        secret = base64.urlsafe_b64encode(digest).decode().rstrip("=").replace("-", ".")
        token = f"{self._organization_id[:15]}!AQ{secret}"
        self._tokens[token] = (user_id, self._clock.now() + self.lifetime)
        return token

    def user_of(self, request: Request) -> str:
        """The user whose token the request carries. Raises Refusal 401 INVALID_SESSION_ID."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        user_id = self.token_user(token)
        if scheme.lower() not in ("bearer", "oauth") or user_id is None:
            raise session_invalid()
        return user_id

    def refuse(self, grants: Iterable[str]) -> None:
        """Refuse these ways to sign in from now on, and no others. ValueError for one that is none (T52)."""
        refused = frozenset(str(grant) for grant in grants)
        if not refused <= set(GRANTS):
            raise ValueError(f"a grant is one of {', '.join(GRANTS)}")
        self._refused = refused

    def refuses(self, grant: str) -> bool:
        """Whether this way to sign in is refused."""
        return grant in self._refused

    def set_lifetime(self, seconds: float) -> None:
        """How long tokens given out from now on are good."""
        self.lifetime = timedelta(seconds=seconds)

    def check_password(self, username: str, password: str) -> bool:
        """Whether a name and a password, with or without the security token behind it, are the app user's."""
        known = self.consumer
        passwords = (known.password, known.password + self.security_token)
        return username.casefold() == known.username.casefold() and password in passwords

    def log_in(self, username: str) -> tuple[str, str]:
        """The user id and a new access token of an active user.

        Raises OAuthError inactive_user or rate_limit_exceeded.
        """
        user_id = self._user_id_of(username)
        if user_id is None:
            raise OAuthError("inactive_user", "user is inactive")
        now = self._clock.now()
        recent = self._logins.setdefault(user_id, deque())
        while recent and now - recent[0] >= _HOUR:
            recent.popleft()
        if len(recent) >= MOST_LOGINS:
            raise OAuthError("rate_limit_exceeded", "login rate exceeded")
        recent.append(now)
        return user_id, self.issue(user_id)

    def token_user(self, token: str) -> str | None:
        """The user whose token this is, None for one that is unknown or over."""
        user_id, until = self._tokens.get(token.strip(), ("", self._clock.now()))
        return user_id if until > self._clock.now() else None

    def end(self, token: str) -> None:
        """End one session."""
        self._tokens.pop(token, None)

    def introspect(self, request: Request) -> Response:
        """Answer POST /services/oauth2/introspect, for the app's own client id and secret."""
        form = _form(request)
        try:
            self._check_client(form, request, secret_needed=True)
        except OAuthError as error:
            return _refused(error)
        user_id = self.token_user(form.get("token", ""))
        if user_id is None:
            return Response.of_json(200, {"active": False})
        until = self._tokens[form["token"].strip()][1]
        return Response.of_json(
            200,
            {
                "active": True,
                "scope": "api",
                "client_id": self.consumer.client_id,
                "username": self.consumer.username,
                "sub": f"https://login.salesforce.com/id/{self._organization_id}/{user_id}",
                "token_type": "access_token",
                "exp": int(until.timestamp()),
            },
        )

    def wrong_method(self) -> Response:
        """The token endpoint asked by another method than POST."""
        return _refused(OAuthError("invalid_request", "must use HTTP POST"))

    def revoke_all(self) -> None:
        """End every session, as an administrator can."""
        self._tokens.clear()

    def revoke(self, request: Request) -> Response:
        """Answer POST /services/oauth2/revoke: 200 without a body, 400 for a token that is none."""
        token = _form(request).get("token", request.query.get("token", [""])[0])
        if self._tokens.pop(token, None) is None and token != self.consumer.refresh_token:
            return _refused(OAuthError("unsupported_token_type", "this token type is not supported"))
        return Response(200)

    def token_response(self, request: Request, base_url: str) -> Response:
        """Answer POST /services/oauth2/token."""
        form = _form(request)
        try:
            username = self._granted(form, request, base_url)
            user_id, token = self.log_in(username)
        except OAuthError as error:
            return _refused(error)
        issued_at = str(int(self._clock.now().timestamp() * 1000))
        identity = f"{base_url}/id/{self._organization_id}/{user_id}"
        document = {
            "access_token": token,
            "scope": "api",
            "instance_url": base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
            "signature": base64.b64encode(hashlib.sha256((identity + issued_at).encode()).digest()).decode(),
        }
        if form.get("grant_type") == "authorization_code":
            document["refresh_token"] = self.consumer.refresh_token
        return Response.of_json(200, document, {"Cache-Control": "no-cache, no-store"})

    def _granted(self, form: Mapping[str, str], request: Request, base_url: str) -> str:
        """The username that the grant leads to. Raises OAuthError."""
        grant = form.get("grant_type")
        if self.refuses(_GRANT_NAMES.get(grant or "", "")):
            raise OAuthError(*_NOT_ALLOWED[_GRANT_NAMES[str(grant)]])
        if grant == JWT_GRANT:
            return self._asserted(form.get("assertion", ""), base_url)
        if grant == "client_credentials":
            self._check_client(form, request, secret_needed=True)
            return self.consumer.username
        if grant == "authorization_code":
            self._check_client(form, request, secret_needed="code_verifier" not in form)
            wanted = (form.get(name, "") for name in ("code", "redirect_uri", "code_verifier"))
            refusal = self.codes.spend(*wanted)
            if refusal is not None:
                raise OAuthError(*refusal)
            return self.consumer.username
        if grant == "refresh_token":
            self._check_client(form, request, secret_needed=False)
            if form.get("refresh_token") != self.consumer.refresh_token:
                raise OAuthError("invalid_grant", "expired access/refresh token")
            return self.consumer.username
        if grant == "password":
            self._check_client(form, request, secret_needed=True)
            if not self.check_password(form.get("username", ""), form.get("password", "")):
                raise OAuthError("invalid_grant", "authentication failure")
            return self.consumer.username
        raise OAuthError("unsupported_grant_type", "grant type not supported")

    def _check_client(self, form: Mapping[str, str], request: Request, *, secret_needed: bool) -> None:
        """The client id and secret, from a Basic header or from the body."""
        client_id, secret = form.get("client_id"), form.get("client_secret")
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                text = base64.b64decode(encoded, validate=True).decode()
            except ValueError as error:
                raise OAuthError("invalid_client", "invalid client credentials") from error
            client_id, _, secret = (unquote(part) for part in text.partition(":"))
        if client_id != self.consumer.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if secret != self.consumer.client_secret and (secret_needed or secret is not None):
            raise OAuthError("invalid_client", "invalid client credentials")

    def _asserted(self, assertion: str, base_url: str) -> str:
        """The user whom a JWT bearer assertion names."""
        try:
            algorithm = jwt.get_unverified_header(assertion).get("alg")
            claims = self._claims(assertion)
        except jwt.PyJWTError as error:
            raise OAuthError("invalid_grant", "invalid assertion") from error
        if algorithm != "RS256":
            raise OAuthError("invalid_grant", "invalid assertion")
        if claims.get("iss") != self.consumer.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        audiences = claims.get("aud")
        wanted = {*_AUDIENCES, base_url, f"{base_url}/services/oauth2/token"}
        if not wanted & set(audiences if isinstance(audiences, list) else [str(audiences).rstrip("/")]):
            raise OAuthError("invalid_grant", "audience is invalid")
        if not self._is_fresh(claims.get("exp")):
            raise OAuthError("invalid_grant", "expired authorization code")
        username = str(claims.get("sub", ""))
        if self._user_id_of(username) is None:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        return username

    def _claims(self, assertion: str) -> dict[str, Any]:
        """The claims of an assertion; its signature is checked where a key is configured, its times are not."""
        unchecked = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False}
        key = self.consumer.public_key
        options: Any = {**unchecked, "verify_signature": key is not None}
        return dict(jwt.decode(assertion, key or "", algorithms=["RS256"], options=options))

    def _is_fresh(self, expires: object) -> bool:
        """Whether an assertion is unexpired and short-lived, by the org's clock or the machine's, if they differ."""
        try:
            seconds = float(str(expires))
        except ValueError:
            return False
        clocks = (self._clock.now(), self._clock.base.now())
        return any(0 < seconds - now.timestamp() <= _LONGEST_ASSERTION.total_seconds() for now in clocks)


def _form(request: Request) -> dict[str, str]:
    """The fields of a form body."""
    fields = parse_qs(request.body.decode("utf-8", errors="replace"), keep_blank_values=True)
    return {key: values[0] for key, values in fields.items()}


def _refused(error: OAuthError) -> Response:
    """A refused token request as the wire shows it."""
    return Response.of_json(400, {"error": error.error, "error_description": error.description})
