"""Users and account teams as the last pull read them. Users are never dropped: who vanishes becomes inactive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from syncd.errors import GuardTrippedError
from syncd.model.records import Team, TeamMember, User
from syncd.model.refs import Kind, Ref, System
from syncd.store import tables
from syncd.store.columns import clean
from syncd.store.systems import change_system
from syncd.store.upserts import chunks, upsert

SMALLEST_GUARDED = 10
"""So few rows may always vanish, whatever their share."""
_USER_CONTENT = ("email", "name", "active", "eligible", "login", "fields", "vanished", "changed_at", "run_id")


@dataclass(frozen=True, slots=True)
class TeamsView:
    """The account teams of one system by account id, and whether the last pull could read them.

    Where it could not (`readable` is False) the members are the last ones known, and none may be relied on.
    """

    readable: bool
    members: Mapping[str, Team] = field(default_factory=lambda: MappingProxyType({}))


def store_users(
    conn: Connection,
    system: System,
    users: Iterable[User],
    *,
    now: datetime,
    run_id: str | None,
    max_share: float = 0.2,
) -> int:
    """Store all users of a system; returns how many changed. Those known but not among them become inactive.

    Raises GuardTrippedError SYN404, with nothing stored, if more than `max_share` of the users known (and more than
    10) would vanish at once: a lost permission, not people who left.
    """
    known = {user.ref.id: (user, vanished) for user, vanished in _stored(conn, system)}
    incoming = {clean(user.ref.id): user for user in users}
    if any(user.ref.system is not system for user in incoming.values()):
        raise ValueError(f"users of another system among those of {system.value}")
    rows = [_user_row(key, user, now, run_id) for key, user in incoming.items()]
    changed = [row for row in rows if row["id"] not in known or _differs(row, *known[row["id"]])]
    gone = [key for key, (_, vanished) in known.items() if key not in incoming and not vanished]
    present = sum(1 for _, vanished in known.values() if not vanished)
    guard_vanishing(system, "users", gone, of=present, max_share=max_share)
    if changed:
        conn.execute(upsert(conn, tables.users, ("system", "id"), _USER_CONTENT), changed)
    for batch in chunks(gone):
        conn.execute(
            update(tables.users)
            .where(tables.users.c.system == system, tables.users.c.id.in_(batch))
            .values(active=False, vanished=True, changed_at=now, run_id=run_id)
        )
    return len(changed) + len(gone)


def guard_vanishing(system: System, what: str, gone: Sequence[str], *, of: int, max_share: float) -> None:
    """Raise GuardTrippedError SYN404 if the ids `gone` are more than the share of `of` rows, and more than 10."""
    if len(gone) > SMALLEST_GUARDED and len(gone) > of * max_share:
        raise GuardTrippedError(
            "SYN404",
            f"{len(gone)} of {of} {what} would vanish from the mirror at once, such as {gone[0]}; at most"
            f" {max_share:.0%} may",
            where=system.value,
            hint="check that the integration user still sees all of them; nothing was changed",
        )


def users(conn: Connection, system: System | None = None) -> tuple[User, ...]:
    """All users of one system or of every one, vanished ones included, sorted by ref."""
    return tuple(user for user, _ in _stored(conn, system))


def store_teams(conn: Connection, system: System, teams: Sequence[Team] | None, *, now: datetime) -> None:
    """Replace all account teams of a system; None says that they could not be read, and keeps the last ones known."""
    change_system(conn, system, now=now, teams_readable=teams is not None)
    if teams is None:
        return
    conn.execute(_NO_TEAMS, {"of": system})
    rows = [
        {
            "system": system,
            "account": team.record.id,
            "members": team_document(team),
            "restorable": team.restorable,
            "changed_at": now,
        }
        for team in teams
        if team.members
    ]
    if rows:
        conn.execute(upsert(conn, tables.teams, ("system", "account"), ("members", "restorable", "changed_at")), rows)


def teams(conn: Connection, system: System) -> TeamsView:
    """The account teams of a system; not readable before they were first stored."""
    readable = conn.execute(_READABLE, {"of": system}).scalar()
    members = {
        row.account: team_of(Ref(system, Kind.ACCOUNT, row.account), row.members, row.restorable)
        for row in conn.execute(_TEAMS, {"of": system})
    }
    return TeamsView(bool(readable), members)


def team_document(team: Team) -> list[list[Any]]:
    """The members of a team as JSON: each a user's id and the fields."""
    return [[member.user, dict(member.fields)] for member in team.members]


def team_of(record: Ref, members: Sequence[Sequence[Any]], restorable: bool = True) -> Team:
    """The team of a record that `team_document` wrote down."""
    found = (TeamMember(user, tuple(sorted(fields.items()))) for user, fields in members)
    return Team(record, tuple(sorted(found)), restorable)


_NO_TEAMS = delete(tables.teams).where(tables.teams.c.system == bindparam("of"))
_TEAMS = select(tables.teams).where(tables.teams.c.system == bindparam("of")).order_by(tables.teams.c.account)
_READABLE = select(tables.systems.c.teams_readable).where(tables.systems.c.system == bindparam("of"))
_USERS = select(tables.users).order_by(tables.users.c.system, tables.users.c.id)
_USERS_OF = _USERS.where(tables.users.c.system == bindparam("of"))
"""Every pull and plan asks for them, and making a statement costs more than running it."""


def _stored(conn: Connection, system: System | None) -> list[tuple[User, bool]]:
    found = conn.execute(_USERS) if system is None else conn.execute(_USERS_OF, {"of": system})
    return [
        (
            User(
                Ref(row.system, Kind.USER, row.id), row.email, row.name, row.active, row.eligible, row.login, row.fields
            ),
            row.vanished,
        )
        for row in found
    ]


def _user_row(key: str, user: User, now: datetime, run_id: str | None) -> dict[str, Any]:
    return {
        "system": user.ref.system,
        "id": key,
        "email": clean(user.email),
        "name": clean(user.name),
        "active": user.active,
        "eligible": user.eligible,
        "login": None if user.login is None else clean(user.login),
        "fields": dict(user.fields),
        "vanished": False,
        "changed_at": now,
        "run_id": run_id,
    }


def _differs(row: Mapping[str, Any], known: User, vanished: bool) -> bool:
    stored = (known.email, known.name, known.active, known.eligible, known.login, dict(known.fields), vanished)
    return stored != tuple(row[name] for name in ("email", "name", "active", "eligible", "login", "fields", "vanished"))
