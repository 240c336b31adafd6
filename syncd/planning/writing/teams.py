"""Teams around a write: a change of owner by API drops them (salesforce.md 3.4), so they are saved and put back.

Saved in the transaction that claims the row, put back once the row has come to an end, by whoever comes to it: this
process or, after a crash, the next. A member who could not be put back is named, never forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from syncd.connectors.port import Reader, WriteOutcome, WriteResult
from syncd.crashpoints import crashpoint
from syncd.errors import AuthError, CrmError, ExitCode, LeaseHeldError, RefusedError, SchemaError
from syncd.model.records import Team, TeamMember
from syncd.model.refs import Kind, Ref, System
from syncd.planning.writing.applied import Stop
from syncd.planning.writing.line import Line, stopped_by
from syncd.planning.writing.verdicts import GONE
from syncd.store import ledger, saved_teams
from syncd.store.saved_teams import SavedTeam

HAS_TEAM = "has-team"
_BATCH = 200
_NOT_FINAL = frozenset({WriteOutcome.RETRY, WriteOutcome.UNKNOWN})


@dataclass(frozen=True, slots=True)
class TeamReading:
    """The teams of some records right now, by id; `unreadable` says why they cannot be seen, where that is so."""

    teams: Mapping[str, Team] = field(default_factory=dict)
    unreadable: str | None = None

    def hold(self, record_id: str) -> str | None:
        """Why a record must not be written: its team cannot be seen, or could not be put back; else None."""
        if self.unreadable is not None:
            return self.unreadable
        team = self.teams.get(record_id)
        if team is None or team.restorable:
            return None
        count = len(team.members)
        return f"the team has {count} members whom we may not put back, and a change of owner would drop them"


def read_teams(reader: Reader, kind: Kind, ids: Sequence[str]) -> TeamReading:
    """The teams of some records. What cannot be seen could be lost; remote errors that say nothing of it pass."""
    if not ids:
        return TeamReading()
    try:
        return TeamReading({team.record.id: team for team in reader.teams(kind, ids) if team.members})
    except (AuthError, SchemaError) as error:
        return TeamReading(
            unreadable=f"teams of {kind.value}s cannot be read ({error.code}), and a change of owner would drop them"
        )


def with_seats(team: Team | None, seats: Team | None) -> Team | None:
    """A team as it will have to be: who is in it now, and who is to be given a seat back."""
    if seats is None:
        return team
    present = team.members if team is not None else ()
    users = {member.user for member in present}
    return Team(seats.record, (*present, *(member for member in seats.members if member.user not in users)))


def restore_teams(line: Line, system: System) -> Stop | None:
    """Put back what our writes dropped from the teams of one system; what forbids or keeps us from it, else None.

    Reads before it writes and after, so that doing it twice changes nothing; and twice where nobody seems to be gone.
    A team that is locked just now waits for the next time. One whose record was deleted or merged away since is let
    go: a deletion takes the team along, and to a record that is gone nobody can be added.
    """
    with line.store.read() as conn:
        pending = saved_teams.pending(conn, system)
    saved = [each for each in pending if each.code != GONE]
    _let_go(line, [each for each in pending if each.code == GONE])
    for kind, group in groupby(sorted(saved, key=_order), key=lambda each: each.team.record.kind):
        teams = list(group)
        for start in range(0, len(teams), _BATCH):
            try:
                _restore(line, kind, teams[start : start + _BATCH])
            except (RefusedError, LeaseHeldError) as error:
                return Stop(error.code, error.summary, error.exit_code)
            except CrmError as error:
                return stopped_by(error, system)
    return None


def finish_teams(line: Line, system: System) -> Stop | None:
    """The last look at the teams of one system: as `restore_teams`, and a stop where some still wait."""
    stop = restore_teams(line, system)
    with line.store.read() as conn:
        waiting = saved_teams.pending(conn, system)
    if stop is not None or not waiting:
        return stop
    text = f"the teams of {len(waiting)} records wait to be put back, such as {waiting[0].team.record}"
    return Stop("SYN521", text, ExitCode.PARTIAL, system.value)


def _let_go(line: Line, teams: Sequence[SavedTeam]) -> None:
    """Say of teams that they went with their records."""
    if not teams:
        return
    now = line.clock.now()
    with line.store.write() as conn:
        saved_teams.finish(conn, [saved.outbox_id for saved in teams], {}, now=now)
        told = [ledger.NewRow("team.gone", str(saved.team.record), _facts(saved)) for saved in teams]
        ledger.append_many(conn, told, at=now, run_id=line.run_id)
    for saved in teams:
        line.log.event("team.gone", ref=str(saved.team.record), plan_id=saved.plan_id)


def _order(saved: SavedTeam) -> tuple[str, int]:
    return saved.team.record.kind.value, saved.outbox_id


def _restore(line: Line, kind: Kind, batch: Sequence[SavedTeam]) -> None:
    system = batch[0].team.record.system
    reader = line.readers[system]
    missing = _missing(batch, reader, kind)
    if len(missing) < len(batch):  # nobody seems to be dropped: an answer of before the write would look the same
        line.back_off(1)
        missing = _missing(batch, reader, kind) | missing
    words: Mapping[Ref, str] = {}
    again: set[Ref] = set()
    if missing:
        crashpoint("teams.before_add")
        line.may_write()
        asked = [Team(saved.team.record, missing[saved.outbox_id]) for saved in batch if saved.outbox_id in missing]
        results = line.writers[system].add_members(kind, asked)
        crashpoint("teams.added")
        words = {result.ref: _words(result) for result in results if result.outcome is WriteOutcome.REJECTED}
        again = {result.ref for result in results if result.outcome in _NOT_FINAL}
        missing = _missing(batch, reader, kind)
    ended = [saved for saved in batch if saved.outbox_id not in missing or saved.team.record not in again]
    _settle(line, ended, missing, words)


def _missing(batch: Sequence[SavedTeam], reader: Reader, kind: Kind) -> dict[int, tuple[TeamMember, ...]]:
    """The members who are not there, by outbox row. The new owner of a record needs no seat in its team."""
    teams = reader.teams(kind, sorted({saved.team.record.id for saved in batch}))
    present = {team.record.id: {member.user for member in team.members} for team in teams}
    found: dict[int, tuple[TeamMember, ...]] = {}
    for saved in batch:
        there = present.get(saved.team.record.id, set()) | {saved.new_owner}
        gone = tuple(member for member in saved.team.members if member.user not in there)
        if gone:
            found[saved.outbox_id] = gone
    return found


def _words(result: WriteResult) -> str:
    return f"{result.code}: {result.message}" if result.message else str(result.code)


def _settle(
    line: Line, batch: Sequence[SavedTeam], missing: Mapping[int, tuple[TeamMember, ...]], words: Mapping[Ref, str]
) -> None:
    """Say of each team that it is whole again, or who is lost and in whose words."""
    now = line.clock.now()
    lost = {
        saved.outbox_id: Team(saved.team.record, missing[saved.outbox_id])
        for saved in batch
        if saved.outbox_id in missing
    }
    with line.store.write() as conn:
        saved_teams.finish(conn, [saved.outbox_id for saved in batch], lost, now=now)
        told = [_ledger_row(saved, lost.get(saved.outbox_id), words) for saved in batch]
        ledger.append_many(conn, told, at=now, run_id=line.run_id)
    for saved in batch:
        left = lost.get(saved.outbox_id)
        if left is not None:
            line.log.event(
                "team.lost",
                ref=str(saved.team.record),
                plan_id=saved.plan_id,
                users=[member.user for member in left.members],
                message=words.get(saved.team.record),
            )
        else:
            line.log.event("team.restored", ref=str(saved.team.record), plan_id=saved.plan_id)


def _ledger_row(saved: SavedTeam, left: Team | None, words: Mapping[Ref, str]) -> ledger.NewRow:
    facts = {**_facts(saved), "lost": ",".join(member.user for member in left.members) if left else None}
    payload = {"message": words[saved.team.record]} if left and saved.team.record in words else None
    return ledger.NewRow("team.lost" if left else "team.restored", str(saved.team.record), facts, payload)


def _facts(saved: SavedTeam) -> dict[str, str | int | None]:
    return {"plan": saved.plan_id, "outbox": saved.outbox_id, "members": len(saved.team.members)}
