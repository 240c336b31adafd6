"""Teams as they were right before a write of ours, until they are whole again: a change of owner drops them.

One row an outbox row. Knows nothing of how members are put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from syncd.model.plans import LOST_ANSWER, RowState
from syncd.model.records import Team
from syncd.model.refs import Ref, System
from syncd.store.outbox import OPEN
from syncd.store.people import team_document, team_of
from syncd.store.tables import outbox, saved_teams
from syncd.store.upserts import chunks, upsert


@dataclass(frozen=True, slots=True)
class SavedTeam:
    """A team before a write of `new_owner`: `done` once it was looked at after it.

    `lost` are the members who could not be put back, None for nobody. `code` is that of the row's end.
    """

    outbox_id: int
    plan_id: str
    new_owner: str
    team: Team
    state: RowState
    code: str | None
    done: bool
    lost: Team | None


def save(conn: Connection, teams: Mapping[int, Team | None], *, now: datetime) -> None:
    """Save teams by the id of the outbox row about to be sent, in place of what an earlier attempt at it saved.

    That attempt was proved not to have been applied, so who left the team since was taken out by somebody else.
    """
    found = {outbox_id: team for outbox_id, team in sorted(teams.items()) if team is not None and team.members}
    for batch in chunks(sorted(teams.keys() - found.keys())):
        conn.execute(delete(saved_teams).where(saved_teams.c.outbox_id.in_(batch)))
    rows = [
        {"outbox_id": outbox_id, "ref": team.record, "members": team_document(team), "saved_at": now, "done": False}
        for outbox_id, team in found.items()
    ]
    if rows:
        conn.execute(upsert(conn, saved_teams, ("outbox_id",), ("members", "saved_at", "done")), rows)


def pending(conn: Connection, system: System) -> tuple[SavedTeam, ...]:
    """The teams of one system that were not looked at since their row came to an end, oldest first.

    Of rows whose write was, or may have been, applied: nobody else dropped a team that we could put back.
    """
    found = (_saved(row) for row in conn.execute(_PENDING))
    return tuple(each for each in found if each.team.record.system is system)


def of_plan(conn: Connection, plan_id: str) -> tuple[SavedTeam, ...]:
    """The teams that the rows of a plan had, oldest first, but of those that ended without having been sent."""
    return tuple(_saved(row) for row in conn.execute(_ALL.where(outbox.c.plan_id == plan_id)))


_SENT = or_(outbox.c.attempt != None, outbox.c.code == LOST_ANSWER)  # noqa: E711 - SQL
"""Rows that were under way when they ended, or are; and those that turned out to be done after they were given up."""
_ALL = (
    select(saved_teams, outbox.c.plan_id, outbox.c.new, outbox.c.state, outbox.c.code)
    .join(outbox, outbox.c.id == saved_teams.c.outbox_id)
    .where(_SENT)
    .order_by(saved_teams.c.outbox_id)
)
_PENDING = _ALL.where(saved_teams.c.done == False, outbox.c.state.not_in(list(OPEN)))  # noqa: E712 - SQL


def finish(conn: Connection, outbox_ids: Iterable[int], lost: Mapping[int, Team], *, now: datetime) -> None:
    """Say that teams were looked at, and who could not be put back."""
    whole = [outbox_id for outbox_id in outbox_ids if outbox_id not in lost]
    for batch in chunks(whole):
        ended = {"done": True, "done_at": now, "lost": None}
        conn.execute(update(saved_teams).where(saved_teams.c.outbox_id.in_(batch)).values(ended))
    for outbox_id, left in lost.items():
        values = {"done": True, "done_at": now, "lost": team_document(left)}
        conn.execute(update(saved_teams).where(saved_teams.c.outbox_id == outbox_id).values(values))


def _saved(row: Any) -> SavedTeam:
    ref: Ref = row.ref
    lost = team_of(ref, row.lost) if row.lost else None
    team = team_of(ref, row.members)
    return SavedTeam(row.outbox_id, row.plan_id, row.new, team, row.state, row.code, row.done, lost)
