"""A Wire that answers from the sandbox's faces without sockets, and at which a test can make things go wrong.

It is what the contract suite and the simulation put under a connector. It knows nothing of either CRM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.sandbox.wire import Face, Request

Outcome = HttpResponse | WireError


def always(request: HttpRequest) -> bool:
    """Matches every request."""
    return True


def path_has(text: str, method: str | None = None) -> Callable[[HttpRequest], bool]:
    """Matches requests whose URL contains `text`, of one method where it is given."""
    return lambda request: text in request.url and method in (None, request.method)


@dataclass(slots=True)
class Trouble:
    """Something that goes wrong: `before` is answered without asking the face, `after` instead of what it answered.

    It strikes `times` matching requests (None: every one) after `skip` of them went through. `during` is called before
    the request reaches the face, and changes nothing of the answer.
    """

    match: Callable[[HttpRequest], bool] = always
    before: Outcome | None = None
    after: Outcome | Callable[[HttpResponse], Outcome] | None = None
    during: Callable[[], None] | None = None
    times: int | None = 1
    skip: int = 0
    struck: int = 0

    def strikes(self, request: HttpRequest) -> bool:
        """Whether this request is hit; counts it."""
        if not self.match(request):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        self.struck += 1
        return True


@dataclass(slots=True)
class InProcessWire:
    """Carries requests to faces by origin (`https://host`); a single face under `""` takes them all.

    `sent` has every request, those that came to grief included. `forbidden` makes any send fail a test.
    """

    faces: Mapping[str, Face]
    sent: list[HttpRequest] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    forbidden: Callable[[], bool] = lambda: False

    @classmethod
    def to(cls, face: Face) -> InProcessWire:
        """A wire on which one face takes every request."""
        return cls({"": face})

    def send(self, request: HttpRequest) -> HttpResponse:
        """The face's answer, or the trouble that a test asked for."""
        if self.forbidden():
            raise AssertionError(f"{request.method} {request.url} sent while that is forbidden")
        self.sent.append(request)
        trouble = next((known for known in self.troubles if known.strikes(request)), None)
        if trouble is not None and trouble.during is not None:
            trouble.during()
        if trouble is not None and trouble.before is not None:
            return _given(trouble.before)
        answer = self._answer(request)
        if trouble is not None and trouble.after is not None:
            return _given(trouble.after(answer) if callable(trouble.after) else trouble.after)
        return answer

    def requests(self, text: str = "", method: str | None = None) -> list[HttpRequest]:
        """The requests sent whose URL contains `text`."""
        return list(filter(path_has(text, method), self.sent))

    def add(self, *troubles: Trouble) -> None:
        """Let these things go wrong from now on."""
        self.troubles.extend(troubles)

    def unmet(self) -> list[Trouble]:
        """Troubles that no request met: whoever staged them has tested nothing yet."""
        return [trouble for trouble in self.troubles if not trouble.struck]

    def _answer(self, request: HttpRequest) -> HttpResponse:
        parts = urlsplit(request.url)
        face = self.faces.get(f"{parts.scheme}://{parts.netloc}") or self.faces.get("")
        if face is None:
            raise WireError("connect", False, f"no face at {parts.netloc}")
        headers = {"Host": parts.netloc, **request.headers}
        answer = face.handle(Request.of(request.method, request.url, headers, request.body or b""))
        if answer.refused:
            raise WireError("connect", False, "refused")
        trick, _, amount = answer.trick.partition(" ")
        if answer.timeout or answer.stall >= request.read_timeout or trick == "drip":
            raise WireError("timeout", True)
        if trick == "length" and int(amount) > 0:
            raise WireError("broken", True)
        if trick == "headers":
            # http.client takes headers that break off for whole ones, and what follows for an empty body.
            return HttpResponse(answer.status)
        if trick:
            # A stream that ends early decodes, in urllib3, to what came of it.
            kept = len(answer.body) + int(amount) if trick == "length" else len(answer.body) // 2
            return HttpResponse(answer.status, dict(answer.headers), answer.body[:kept])
        if answer.drop:
            raise WireError("broken" if answer.body else "reset", True)
        return HttpResponse(answer.status, dict(answer.headers), answer.body)


def _given(outcome: Outcome) -> HttpResponse:
    if isinstance(outcome, WireError):
        raise outcome
    return outcome


def urls(requests: Iterable[HttpRequest]) -> list[str]:
    """The paths of requests, with their queries."""
    return [request.url.split("://", 1)[1].partition("/")[2] for request in requests]
