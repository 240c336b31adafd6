"""Who may call: the private app's token, a service key, OAuth tokens with their life, and the token endpoints (1.1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from syncd.sandbox.hubspot.refusals import Refusal, expired, unauthenticated
from syncd.sandbox.hubspot.values import stamp_text
from syncd.sandbox.wire import Request, Response

ACCESS_SECONDS = 1_800
_DAY = 86_400_000
_OBJECTS = ("companies", "contacts", "deals", "leads", "tickets")
SCOPES = (
    "oauth",
    *(f"crm.objects.{name}.{right}" for name in _OBJECTS for right in ("read", "write")),
    "crm.objects.owners.read",
    *(f"crm.schemas.{name}.{right}" for name in _OBJECTS for right in ("read", "write")),
    "multi-currency-read",
    "settings.users.read",
    "settings.users.teams.read",
)
"""What every credential of the sandbox may do, unless one is narrowed."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Whom a token belongs to: `app_id` is what history says of its writes; `oauth` ones carry no daily limit."""

    app_id: str
    scopes: frozenset[str]
    oauth: bool = False


@dataclass(slots=True)
class Tokens:
    """The credentials of one app in one portal, derived from the seed, and the access tokens given out.

    A service key counts as an app of its own; that it stamps a number of its own is unverified (3.5). `scopes` is what
    was granted to all of them, `narrowed` what single tokens may do.
    """

    portal_id: int
    app_id: str
    seed: int
    issued: dict[str, int] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    scopes: frozenset[str] = frozenset(SCOPES)
    narrowed: dict[str, frozenset[str]] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    _count: int = 0

    @property
    def access_token(self) -> str:
        """The private app's token, which never expires."""
        digest = self._secret("private")
        return f"pat-na1-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"

    @property
    def service_key(self) -> str:
        """The account's service key, which never expires."""
        digest = self._secret("service key")
        return f"sk-na1-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"

    @property
    def authorization_code(self) -> str:
        """The code that an installation of the OAuth app gave out; it is good for one exchange."""
        return f"na1-{self._secret('code')[:32]}"

    @property
    def client_id(self) -> str:
        """The app's client id."""
        return f"{self._secret('client')[:8]}-sandbox-client"

    @property
    def client_secret(self) -> str:
        """The app's client secret."""
        return self._secret("client secret")[:36]

    @property
    def refresh_token(self) -> str:
        """The refresh token of the installed app; it stays valid until it is revoked."""
        return f"na1-{self._secret('refresh')[:36]}"

    def check(self, request: Request, now: int) -> Credential:
        """Whom the bearer token of a request belongs to; a Refusal (401) for none, or one that is not good now."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token or token in self.revoked:
            raise unauthenticated()
        scopes = self.narrowed.get(token, self.scopes)
        if token == self.access_token:
            return Credential(self.app_id, scopes)
        if token == self.service_key:
            return Credential(str(int(self.app_id) + 1), scopes)
        if token not in self.issued:
            raise unauthenticated()
        if self.issued[token] <= now:
            raise expired(stamp_text(self.issued[token]), (now - self.issued[token]) // _DAY)
        return Credential(self.app_id, scopes, oauth=True)

    def expire_all(self) -> None:
        """End the life of every OAuth access token given out so far, as of long ago."""
        self.issued = dict.fromkeys(self.issued, 0)

    def token(self, request: Request, now: int) -> Response:
        """Answer the token endpoint: a new access token for a refresh token or a code, or an RFC 6749 error."""
        form = _form(request)
        grant = form.get("grant_type")
        if grant not in ("refresh_token", "authorization_code"):
            raise _oauth_error("unsupported_grant_type", "BAD_GRANT_TYPE", f"grant_type {grant} is not known")
        if form.get("client_id") != self.client_id:
            raise _oauth_error("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
        if form.get("client_secret") != self.client_secret:
            raise _oauth_error("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")
        if grant == "authorization_code":
            self._spend(form.get("code", ""))
        elif form.get("refresh_token") != self.refresh_token or self.refresh_token in self.revoked:
            raise _oauth_error("invalid_grant", "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        self._count += 1
        access = f"na1-{self._secret(f'access {self._count}')}"
        self.issued[access] = now + ACCESS_SECONDS * 1_000
        return Response.of_json(
            200,
            {
                "token_type": "bearer",
                "refresh_token": self.refresh_token,
                "access_token": access,
                "expires_in": ACCESS_SECONDS,
                "hub_id": self.portal_id,
                "scopes": sorted(self.scopes),
            },
        )

    def introspection(self, token: str, now: int) -> dict[str, object] | None:
        """What the portal tells of an access token; None for one that is not valid now."""
        lasting = token in (self.access_token, self.service_key)
        if token in self.revoked or (not lasting and self.issued.get(token, 0) <= now):
            return None
        life = ACCESS_SECONDS if lasting else (self.issued[token] - now) // 1_000
        return {
            **self._identity(token),
            "token_type": "access",
            "app_id": int(self.app_id) + (token == self.service_key),
            "expires_in": life,
        }

    def refresh_information(self, token: str) -> dict[str, object] | None:
        """What the portal tells of a refresh token; None for one that is not valid."""
        if token != self.refresh_token or token in self.revoked:
            return None
        return {**self._identity(token), "token_type": "refresh", "client_id": self.client_id}

    def private_app_information(self, request: Request) -> Response | None:
        """Answer `/oauth/v2/private-apps/get/access-token-info`; None for a token that is no private app's."""
        try:
            token = request.json().get("tokenKey")
        except (ValueError, AttributeError):
            return None
        if token != self.access_token or token in self.revoked:
            return None
        scopes = sorted(self.narrowed.get(token, self.scopes))
        row = {"userId": 9_000, "hubId": self.portal_id, "appId": int(self.app_id), "scopes": scopes}
        return Response.of_json(200, row)

    def introspect(self, request: Request, now: int) -> Response:
        """Answer the dated introspection endpoint (RFC 7662: an unknown token is merely not active)."""
        found = self.introspection(_form(request).get("token", ""), now)
        return Response.of_json(200, {"active": False} if found is None else {"active": True, **found})

    def revoke(self, request: Request) -> Response:
        """Answer the dated revocation endpoint (RFC 7009: 200 whatever the token was)."""
        token = _form(request).get("token", "")
        if token:
            self.revoked.add(token)
        return Response.of_json(200, {})

    def _identity(self, token: str) -> dict[str, object]:
        return {
            "token": token,
            "user": "integration@northwind.example",
            "user_id": 9_000,
            "hub_domain": "northwind.example",
            "hub_id": self.portal_id,
            "scopes": sorted(self.narrowed.get(token, self.scopes)),
        }

    def _spend(self, code: str) -> None:
        """Take an authorization code, which is good once."""
        if code != self.authorization_code or code in self.spent:
            raise _oauth_error("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
        self.spent.add(code)

    def _secret(self, purpose: str) -> str:
        return hashlib.sha256(f"hubspot/{self.seed}/{self.portal_id}/{purpose}".encode()).hexdigest()


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", errors="replace"), keep_blank_values=True))


def _oauth_error(error: str, status: str, message: str) -> Refusal:
    """An OAuth error: RFC 6749's words beside HubSpot's older ones."""
    return Refusal(400, {"error": error, "error_description": message, "status": status, "message": message})
