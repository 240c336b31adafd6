"""Account and opportunity teams on Salesforce's wire: which objects hold them, and rows to and from `Team`.

A change of owner by API deletes both kinds of team (salesforce.md 3.4), and REST has no header that keeps them. What
a member may do stands in fields that differ from organization to organization, so describe says which can be put back.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from syncd.connectors.salesforce.client import WHERE
from syncd.connectors.salesforce.mapping import id_in
from syncd.connectors.shape import decoding
from syncd.model.records import Team, TeamMember
from syncd.model.refs import Kind, Ref, System


@dataclass(frozen=True, slots=True)
class TeamObject:
    """The object that holds the members of a kind of record's teams, and its reference to that record."""

    name: str
    parent: str


TEAM_OBJECTS: Final[Mapping[Kind, TeamObject]] = MappingProxyType(
    {
        Kind.ACCOUNT: TeamObject("AccountTeamMember", "AccountId"),
        Kind.OPPORTUNITY: TeamObject("OpportunityTeamMember", "OpportunityId"),
    }
)


@dataclass(frozen=True, slots=True)
class TeamShape:
    """Teams of one kind of record in one organization: `fields` can be written on a new member, beside the user."""

    kind: Kind
    fields: tuple[str, ...]
    restorable: bool

    @classmethod
    def of(cls, kind: Kind, described: Mapping[str, Any]) -> TeamShape:
        """The shape that describe tells; a field that we may not see is not there, and cannot be put back."""
        keys = {"UserId", TEAM_OBJECTS[kind].parent}
        names = [str(each["name"]) for each in described["fields"] if each.get("createable")]
        return cls(kind, tuple(sorted(set(names) - keys)), described.get("createable") is True)

    @property
    def parent(self) -> str:
        """The field that names the record."""
        return TEAM_OBJECTS[self.kind].parent

    @property
    def select(self) -> str:
        """The query of every member, without conditions and order."""
        columns = ", ".join((self.parent, "UserId", *self.fields))
        return f"SELECT {columns} FROM {TEAM_OBJECTS[self.kind].name}"

    def teams(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Team]:
        """The teams of rows that come ordered by their record."""
        for record, group in itertools.groupby(map(self._member, rows), key=lambda found: found[0]):
            members = sorted({member for _, member in group})
            yield Team(Ref(System.SALESFORCE, self.kind, record), tuple(members), self.restorable)

    def gathered(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Team]:
        """The teams of a few records from rows in any order: an answer in disorder must not part a team (F12)."""
        return self.teams(sorted(rows, key=lambda row: str(row.get(self.parent))))

    def _member(self, row: Mapping[str, Any]) -> tuple[str, TeamMember]:
        with decoding(WHERE, f"a row of {TEAM_OBJECTS[self.kind].name}"):
            fields = tuple((name, str(row[name])) for name in self.fields if row[name] is not None)
            return id_in(row, self.parent), TeamMember(id_in(row, "UserId"), fields)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member to be put back: the record of the team, and the row as sObject Collections takes it."""

    ref: Ref
    values: Mapping[str, Any]


def member_rows(kind: Kind, teams: Sequence[Team]) -> list[MemberRow]:
    """The rows that put members back, in the order of the teams."""
    found = TEAM_OBJECTS[kind]
    return [
        MemberRow(
            team.record,
            {
                "attributes": {"type": found.name},
                found.parent: team.record.id,
                "UserId": member.user,
                **dict(member.fields),
            },
        )
        for team in teams
        for member in team.members
    ]
