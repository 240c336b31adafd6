"""What stands between the network and the pages: hosts, origins, sessions, form tokens, headers."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, redirect, request, session, url_for

from syncd.clock import Clock, iso, parse_instant
from syncd.console.people import Person
from syncd.entropy import Entropy
from syncd.settings import Settings

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No script at all, nothing from elsewhere, no frame around it."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
OPEN = frozenset({"sign_in", "enter", "static"})
"""The endpoints for which nobody has to be signed in."""
LARGEST_FORM = 64 * 1024


@dataclass(frozen=True, slots=True)
class Door:
    """Lets people in and keeps others out."""

    settings: Settings
    clock: Clock
    entropy: Entropy
    people: Callable[[], Mapping[str, Person]]

    def fit(self, app: Flask) -> None:
        """Put the guards before every page of an app, and the headers on every answer."""
        secure = (self.settings.console.url or "").startswith("https://")
        app.config.update(
            SECRET_KEY=self.entropy.token(64),
            SESSION_COOKIE_NAME="__Host-syncd" if secure else "syncd",
            SESSION_COOKIE_HTTPONLY=True,
            SESSION_COOKIE_SAMESITE="Strict",
            SESSION_COOKIE_SECURE=secure,
            SESSION_COOKIE_PATH="/",
            MAX_CONTENT_LENGTH=LARGEST_FORM,
        )
        app.before_request(self._check)
        app.after_request(_with_headers)
        app.context_processor(lambda: {"person": g.get("person"), "form_token": session.get("form_token", "")})

    def enter(self, person: Person) -> None:
        """Begin a session, under a form token of its own."""
        session.clear()
        session.update(hash=person.hash, since=iso(self.clock.now()), form_token=self.entropy.token(32))

    def _check(self) -> Any:
        if request.host not in self._hosts():
            abort(421)
        if request.method not in ("GET", "HEAD"):
            self._check_origin()
        g.person = self._person()
        if request.endpoint in OPEN:
            return None
        if g.person is None:
            session.clear()
            return redirect(url_for("sign_in", next=_asked()))
        if request.method not in ("GET", "HEAD"):
            _check_form_token()
        return None

    def _person(self) -> Person | None:
        """Who is signed in: known still, under the same token, and not for too long."""
        known, since = session.get("hash"), session.get("since")
        if not known or not since:
            return None
        left = parse_instant(since) + timedelta(hours=self.settings.console.hours) - self.clock.now()
        return self.people().get(known) if left > timedelta(0) else None

    def _hosts(self) -> frozenset[str]:
        """The names that people reach us by: any other is a page that points its own name at this machine."""
        listen, url = self.settings.console.listen, self.settings.console.url
        port = listen.rpartition(":")[2]
        named = {f"127.0.0.1:{port}", f"localhost:{port}"}
        return frozenset(named | ({urlsplit(url).netloc} if url else set()))

    def _check_origin(self) -> None:
        """A form that another site sent is refused; browsers say where a form is from."""
        origin = request.headers.get("Origin")
        if origin is not None and (urlsplit(origin).netloc not in self._hosts()):
            abort(403)


def _check_form_token() -> None:
    given, known = request.form.get("form_token", ""), session.get("form_token", "")
    if not known or not hmac.compare_digest(given.encode(), known.encode()):
        abort(403)


def _asked() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


def local_path(text: str) -> str:
    """A path on this site, to go on to after signing in; anything else becomes the first page."""
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if plain else "/"


def _with_headers(response: Response) -> Response:
    response.headers.update(_HEADERS)
    if request.endpoint == "static" and response.status_code == 200:
        response.headers["Cache-Control"] = "private, max-age=300"
    return response
