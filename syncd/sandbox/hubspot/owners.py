"""The owners of the fake portal: people and queues that records belong to, live and archived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from syncd.sandbox.hubspot.values import stamp_text


@dataclass(slots=True)
class Owner:
    """One owner. `user` is the user's number, which history names; the owner id is another number (hubspot.md 0.7)."""

    id: int
    email: str
    first: str
    last: str
    user: int
    created: int
    updated: int
    archived: bool = False
    kind: str = "PERSON"
    teams: tuple[Mapping[str, object], ...] = ()

    def to_json(self) -> dict[str, object]:
        """The row of the Owners API; an archived one has lost its user id, its names and its teams (2.6)."""
        document: dict[str, object] = {
            "id": str(self.id),
            "email": self.email,
            "type": self.kind,
            "firstName": "" if self.archived else self.first,
            "lastName": "" if self.archived else self.last,
            "userId": None if self.archived else self.user,
            "userIdIncludingInactive": self.user,
            "createdAt": stamp_text(self.created),
            "updatedAt": stamp_text(self.updated),
            "archived": self.archived,
        }
        if self.teams and not self.archived:
            document["teams"] = [dict(team) for team in self.teams]
        return document

    @property
    def main_team(self) -> str:
        """The id of the primary team; empty text for none."""
        return next((str(team["id"]) for team in self.teams if team.get("primary")), "")


@dataclass(slots=True)
class Owners:
    """All owners by id."""

    rows: dict[int, Owner] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Owner]:
        """All owners by id, archived ones included."""
        return (self.rows[key] for key in sorted(self.rows))

    def get(self, owner_id: str) -> Owner | None:
        """The owner of an id; None for one that does not exist (a user's number, for example)."""
        return self.rows.get(int(owner_id)) if owner_id.isdecimal() else None

    def page(self, *, archived: bool, email: str | None, after: int, limit: int) -> tuple[list[Owner], int | None]:
        """Owners with an id above `after`, and the last id shown where more follow."""
        found = [
            owner
            for owner in self
            if owner.archived == archived
            and owner.id > after
            and (email is None or owner.email.lower() == email.lower())
        ]
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    def by_user(self, user: int) -> Owner | None:
        """The owner of a user's number, archived ones included."""
        return next((owner for owner in self if owner.user == user), None)

    def next_id(self) -> int:
        """An id that no owner has."""
        return max(self.rows, default=77_000) + 1

    def next_user(self) -> int:
        """A user's number that no owner has."""
        return max((owner.user for owner in self.rows.values()), default=9_000) + 1
