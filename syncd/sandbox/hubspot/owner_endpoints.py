"""Owners, users and teams as the API tells them (hubspot.md 2.6): full lists, no modified filter, nothing to write."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from urllib.parse import quote, unquote

from syncd.sandbox.hubspot.envelopes import Document, read_limit
from syncd.sandbox.hubspot.refusals import not_found, validation
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import truth
from syncd.sandbox.wire import Request, Response

OWNERS_PAGE = 500


class OwnerEndpoints:
    """Answers what is asked about people."""

    def __init__(self, state: PortalState) -> None:
        self._state = state

    def answer(self, request: Request, parts: Sequence[str]) -> Response:
        """A page of owners, or one."""
        return self._one(request, parts[0]) if parts else self._page(request)

    def users(self, request: Request, parts: Sequence[str]) -> Response:
        """The users of the account who may sign in: `settings/v3/users`, one of them, or the teams."""
        owners = [owner for owner in self._state.owners if not owner.archived and owner.kind == "PERSON"]
        if list(parts) == ["teams"]:
            return Response.of_json(200, {"results": self._teams()})
        rows: list[Document] = [
            {
                "id": str(owner.user),
                "email": owner.email,
                "firstName": owner.first,
                "lastName": owner.last,
                "primaryTeamId": owner.main_team or None,
                "secondaryTeamIds": [str(team["id"]) for team in owner.teams if not team.get("primary")],
                "superAdmin": False,
            }
            for owner in owners
        ]
        if not parts:
            limit = read_limit(request, default=100, most=100)
            start = int(request.query.get("after", ["0"])[0] or 0)
            document: Document = {"results": rows[start : start + limit]}
            if start + limit < len(rows):
                document["paging"] = {"next": {"after": str(start + limit), "link": ""}}
            return Response.of_json(200, document)
        by_email = request.query.get("idProperty", ["USER_ID"])[0].upper() == "EMAIL"
        key = "email" if by_email else "id"
        found = next((row for row in rows if str(row[key]).lower() == unquote(parts[0]).lower()), None)
        if found is None or len(parts) > 1:
            raise not_found()
        return Response.of_json(200, found)

    def _page(self, request: Request) -> Response:
        """A page of owners, live or archived ones."""
        limit = read_limit(request, default=100, most=OWNERS_PAGE)
        archived = truth(request.query.get("archived", ["false"])[0])
        email = request.query.get("email", [""])[0] or None
        after = _after(request.query.get("after", [""])[0])
        page, last = self._state.owners.page(archived=archived, email=email, after=after, limit=limit)
        document: Document = {"results": [owner.to_json() for owner in page]}
        if last is not None:
            cursor = quote(base64.b64encode(str(last).encode()).decode(), safe="")
            link = f"{self._state.base_url}{request.path}?limit={limit}&after={cursor}&archived={str(archived).lower()}"
            document["paging"] = {"next": {"after": cursor, "link": link}}
        return Response.of_json(200, document)

    def _one(self, request: Request, owner_id: str) -> Response:
        """One owner by id, or by the user's number with idProperty=userId."""
        archived = truth(request.query.get("archived", ["false"])[0])
        by_user = request.query.get("idProperty", ["id"])[0] == "userId"
        if by_user and owner_id.isdecimal():
            found = self._state.owners.by_user(int(owner_id))
        else:
            found = self._state.owners.get(owner_id)
        if found is None or found.archived != archived:
            raise not_found()
        return Response.of_json(200, found.to_json())

    def _teams(self) -> list[Document]:
        teams: dict[str, Document] = {}
        for owner in self._state.owners:
            for team in owner.teams if not owner.archived else ():
                key = str(team["id"])
                row = teams.setdefault(
                    key, {"id": key, "name": str(team.get("name", "")), "userIds": [], "secondaryUserIds": []}
                )
                row["userIds" if team.get("primary") else "secondaryUserIds"].append(str(owner.user))
        return [teams[key] for key in sorted(teams)]


def _after(cursor: str) -> int:
    """The owner id in a cursor, which travels in base64 (9.5)."""
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(unquote(cursor), validate=True))
    except ValueError:
        raise validation(f"{cursor} is not a valid cursor", after=[cursor]) from None
