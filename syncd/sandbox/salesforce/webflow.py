"""The web server flow: a code for a person's consent, which a foreign client trades for a token (OAuth 2, with PKCE).

The person has always signed in and agreed. It knows codes and where they lead, and neither tokens nor users.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from syncd.sandbox.timekeeping import SandboxClock
from syncd.sandbox.wire import Request, Response

_LIFETIME: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _Code:
    redirect: str
    challenge: str
    until: datetime


class AuthorizationCodes:
    """The codes of one org's app, each good once, for a quarter of an hour."""

    def __init__(self, client_id: str, clock: SandboxClock, *, seed: int) -> None:
        self._client_id = client_id
        self._clock = clock
        self._seed = seed
        self._issued = 0
        self._codes: dict[str, _Code] = {}

    def authorize(self, request: Request) -> Response:
        """Answer /services/oauth2/authorize: back to the app with a code; 400 where no page could be shown."""
        asked = {key: values[0] for key, values in request.query.items()}
        redirect = asked.get("redirect_uri", "")
        if asked.get("client_id") != self._client_id:
            return _refused("invalid_client_id", "client identifier invalid")
        if not redirect:
            return _refused("redirect_uri_missing", "redirect_uri not provided")
        if asked.get("response_type") != "code":
            return _refused("unsupported_response_type", "response type must be code")
        self._issued += 1
        code = "aPrx" + hashlib.sha256(f"code:{self._seed}:{self._issued}".encode()).hexdigest()[:60]
        self._codes[code] = _Code(redirect, asked.get("code_challenge", ""), self._clock.now() + _LIFETIME)
        told = {"code": code} | ({"state": asked["state"]} if "state" in asked else {})
        return Response(302, {"Location": f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(told)}"})

    def spend(self, code: str, redirect: str, verifier: str) -> tuple[str, str] | None:
        """Take a code back. None where it is good, else how the token endpoint words its refusal."""
        known = self._codes.pop(code, None)
        if known is None or known.until <= self._clock.now():
            return "invalid_grant", "expired authorization code"
        if redirect != known.redirect:
            return "redirect_uri_mismatch", "redirect_uri must match configuration"
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if known.challenge and digest != known.challenge:
            return "invalid_grant", "invalid code verifier"
        return None


def _refused(error: str, description: str) -> Response:
    return Response.of_json(400, {"error": error, "error_description": description})
