"""Which endpoint a path leads to, in which version of the API, and what a call of it needs and counts as.

Both path families lead to the same answers: `/crm/v3/objects/{type}` and `/crm/objects/2026-03|2026-09/{type}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from syncd.sandbox.hubspot.definitions import KIND_BY_NAME
from syncd.sandbox.wire import Request

_DATED = r"(?P<dated>2026-03|2026-09)"
_REST = r"(?P<rest>(?:/[^/]+)*)"
_ROUTES = tuple(
    (name, re.compile(f"(?:{pattern})"))
    for name, pattern in (
        (
            "associations",
            rf"/crm/(?:(?P<old>v[34])/associations|associations/{_DATED})/(?P<type>[^/]+)/(?P<to>[^/]+)"
            r"(?P<rest>/(?:batch|labels|types)(?:/[^/]+)*)",
        ),
        (
            "associations_default",
            rf"/crm/(?:(?P<old>v4)/objects|objects/{_DATED})/(?P<type>[^/]+)/(?P<id>\d+)/associations/default"
            r"/(?P<to>[^/]+)/(?P<other>\d+)",
        ),
        (
            "associations_of",
            rf"/crm/(?:(?P<old>v[34])/objects|objects/{_DATED})/(?P<type>[^/]+)/(?P<id>\d+)/associations/(?P<to>[^/]+)"
            r"(?P<rest>(?:/[^/]+){0,2})",
        ),
        ("objects", rf"/crm/(?:(?P<old>v3)/objects|objects/{_DATED})/(?P<type>[^/]+){_REST}"),
        ("owners", rf"/crm/(?:(?P<old>v3)/owners|owners/{_DATED})(?P<rest>(?:/[^/]+)?)"),
        ("pipelines", rf"/crm/(?:(?P<old>v3)/pipelines|pipelines/{_DATED})/(?P<type>[^/]+){_REST}"),
        ("properties", rf"/crm/(?:(?P<old>v3)/properties|properties/{_DATED})/(?P<type>[^/]+){_REST}"),
        ("users", rf"/settings/(?:(?P<old>v3)/users|users/{_DATED}){_REST}"),
        ("currencies", rf"/settings/(?:(?P<old>v3)/currencies|currencies/{_DATED}){_REST}"),
        ("account", rf"/account-info/(?:(?P<old>v3)|{_DATED})/details"),
        ("daily_usage", rf"/account-info/(?:(?P<old>v3)|{_DATED})/api-usage/daily/private-apps"),
    )
)
_WRITES = frozenset({"PATCH", "DELETE", "PUT"})
_READING_POSTS = frozenset({"search", "read"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way to an endpoint: the endpoint's name, the path's parts, the API version."""

    request: Request
    name: str
    parts: Mapping[str, str]
    version: str

    @property
    def rest(self) -> tuple[str, ...]:
        """The path behind the object type."""
        return tuple(unquote(part) for part in self.parts.get("rest", "").split("/") if part)

    @property
    def kind(self) -> str:
        """How the call counts: `search`, `associations` or an ordinary `call`."""
        if self.name == "objects" and self.rest == ("search",):
            return "search"
        return "associations" if self.name.startswith("associations") else "call"

    @property
    def writes(self) -> bool:
        """Whether the endpoint changes something."""
        if self.request.method == "GET":
            return False
        return self.request.method in _WRITES or not _READING_POSTS & set(self.rest[-1:])

    @property
    def scope(self) -> str | None:
        """The scope that the call needs; None for one that needs none."""
        if self.name == "owners":
            return "crm.objects.owners.read"
        if self.name == "users":
            return "settings.users.teams.read" if self.rest == ("teams",) else "settings.users.read"
        if self.name == "currencies":
            return "multi-currency-read"
        kind = KIND_BY_NAME.get(self.parts.get("type", "").lower())
        if kind is None:
            return None
        family = "schemas" if self.name in ("pipelines", "properties") else "objects"
        return f"crm.{family}.{kind.scope}.{'write' if self.writes else 'read'}"


def route(request: Request) -> Call | None:
    """The call that a request is; None for a path that leads nowhere. A slash at the end is forgiven."""
    path = request.path.rstrip("/")
    for name, pattern in _ROUTES:
        match = pattern.fullmatch(path)
        if match is not None:
            parts = {key: value for key, value in match.groupdict().items() if value is not None}
            return Call(request, name, parts, parts.get("old") or parts["dated"])
    return None
