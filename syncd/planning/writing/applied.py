"""The report of an apply: what became of every row, what it took, and the exit code that follows from it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.errors import ExitCode, worst
from syncd.model.plans import OutboxRow, RowState

DONE = frozenset({RowState.CONFIRMED, RowState.SKIPPED_ALREADY})
"""The states of rows whose record has the owner that the plan wants."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why an apply ended before its last row: a code with a page, what happened, and the exit code of the cause."""

    code: str
    text: str
    exit_code: ExitCode
    system: str | None = None


@dataclass(frozen=True, slots=True)
class TeamReport:
    """A team that a write dropped: how many members it had, and the users who could not be put back.

    `done` is False while it waits to be put back.
    """

    ref: str
    members: int
    lost: tuple[str, ...] = ()
    done: bool = True


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What one apply did. `rows` are all rows of the plan as they stand now; `calls` the HTTP calls it took."""

    plan_id: str
    rows: tuple[OutboxRow, ...]
    calls: int
    recovered: int = 0
    stops: tuple[Stop, ...] = ()
    teams: tuple[TeamReport, ...] = ()

    @property
    def counts(self) -> Mapping[RowState, int]:
        """How many rows are in each state; states without a row are left out."""
        counts = Counter(row.state for row in self.rows)
        return {state: counts[state] for state in RowState if counts[state]}

    @property
    def exit_code(self) -> ExitCode:
        """0 if every row has its owner, 7 if some do not, or the worst cause that ended it early."""
        codes = [stop.exit_code for stop in self.stops]
        if any(row.state not in DONE for row in self.rows) or any(team.lost for team in self.teams):
            codes.append(ExitCode.PARTIAL)
        return worst(codes)

    def to_json(self) -> dict[str, Any]:
        """The report as a document: what `apply --format json` prints and the text is rendered from."""
        return {
            "format": 1,
            "plan_id": self.plan_id,
            "exit_code": int(self.exit_code),
            "calls": self.calls,
            "recovered": self.recovered,
            "counts": {state.value: count for state, count in self.counts.items()},
            "stops": [
                {"code": stop.code, "text": stop.text, "exit_code": int(stop.exit_code), "system": stop.system}
                for stop in self.stops
            ],
            "teams": [
                {"ref": team.ref, "members": team.members, "lost": list(team.lost), "done": team.done}
                for team in sorted(self.teams, key=lambda each: each.ref)
            ],
            "rows": [_row_entry(row) for row in _by_ref(self.rows)],
        }


def _by_ref(rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    return sorted(rows, key=lambda row: (str(row.ref), row.id))


def _row_entry(row: OutboxRow) -> dict[str, Any]:
    return {
        "ref": str(row.ref),
        "field": row.field,
        "from": row.old,
        "to": row.new,
        "because": row.because,
        "state": row.state.value,
        "attempts": row.attempts,
        "code": row.code,
        "message": row.message,
    }
