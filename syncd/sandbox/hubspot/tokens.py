"""Who may call: the private app's token, OAuth tokens with their life, and the token endpoints (hubspot.md 1.1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from syncd.sandbox.hubspot.refusals import Refusal, expired, unauthenticated
from syncd.sandbox.hubspot.values import stamp_text
from syncd.sandbox.wire import Request, Response

ACCESS_SECONDS = 1_800
_DAY = 86_400_000
SCOPES = (
    "oauth",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.leads.read",
    "crm.objects.leads.write",
    "crm.objects.owners.read",
    "crm.schemas.companies.read",
    "crm.schemas.deals.read",
    "tickets",
)


@dataclass(slots=True)
class Tokens:
    """The credentials of one app in one portal, derived from the seed, and the access tokens given out."""

    portal_id: int
    app_id: str
    seed: int
    issued: dict[str, int] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    _count: int = 0

    @property
    def access_token(self) -> str:
        """The private app's token, which never expires."""
        digest = self._secret("private")
        return f"pat-na1-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"

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

    def check(self, request: Request, now: int) -> None:
        """Let a request with a good bearer token pass; a Refusal (401) otherwise."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token or token in self.revoked:
            raise unauthenticated()
        if token == self.access_token:
            return
        if token not in self.issued:
            raise unauthenticated()
        if self.issued[token] <= now:
            raise expired(stamp_text(self.issued[token]), (now - self.issued[token]) // _DAY)

    def expire_all(self) -> None:
        """End the life of every OAuth access token given out so far, as of long ago."""
        self.issued = dict.fromkeys(self.issued, 0)

    def token(self, request: Request, now: int) -> Response:
        """Answer the token endpoint: a new access token for the refresh token, or an RFC 6749 error."""
        form = _form(request)
        if form.get("grant_type") != "refresh_token":
            raise _oauth_error("unsupported_grant_type", "BAD_GRANT_TYPE", "grant_type must be refresh_token")
        if form.get("client_id") != self.client_id:
            raise _oauth_error("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
        if form.get("client_secret") != self.client_secret:
            raise _oauth_error("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")
        if form.get("refresh_token") != self.refresh_token or self.refresh_token in self.revoked:
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
                "scopes": list(SCOPES),
            },
        )

    def introspection(self, token: str, now: int) -> dict[str, object] | None:
        """What the portal tells of an access token; None for one that is not valid now."""
        if token in self.revoked or (token != self.access_token and self.issued.get(token, 0) <= now):
            return None
        life = ACCESS_SECONDS if token == self.access_token else (self.issued[token] - now) // 1_000
        return {
            "token": token,
            "token_type": "access",
            "user": "integration@northwind.example",
            "user_id": 9_000,
            "hub_domain": "northwind.example",
            "hub_id": self.portal_id,
            "app_id": int(self.app_id),
            "expires_in": life,
            "scopes": list(SCOPES),
        }

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

    def _secret(self, purpose: str) -> str:
        return hashlib.sha256(f"hubspot/{self.seed}/{self.portal_id}/{purpose}".encode()).hexdigest()


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", errors="replace"), keep_blank_values=True))


def _oauth_error(error: str, status: str, message: str) -> Refusal:
    """An OAuth error: RFC 6749's words beside HubSpot's older ones."""
    return Refusal(400, {"error": error, "error_description": message, "status": status, "message": message})
