"""The check of the harness: bugs planted into the product, each of which some seed must catch, by its invariant.

A harness that lets one of them live is not to be trusted. Without the bug the same seeds pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.connectors.hubspot import HubspotWriter
from syncd.connectors.port import OwnerWrite, Reading, WriteOutcome, WriteResult
from syncd.connectors.salesforce import SalesforceWriter
from syncd.jobs.pulling import reading as reading_job
from syncd.model.cursors import Window
from syncd.model.plans import OutboxRow, RowState, SavedPlan
from syncd.model.records import Team
from syncd.model.refs import Kind, System
from syncd.planning.writing import recovery, sending, verdicts
from syncd.planning.writing.line import Line
from syncd.planning.writing.settling import Settlement
from syncd.store import ledger, mirror, outbox, plans, saved_teams
from tests.simulation.stepper import SimulationFailedError, Stepper

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


def _overlap_dropped(patch: Patch) -> None:
    """Each pull starts exactly where the one before ended."""

    def window(lower: datetime | None, upper: datetime) -> Window:
        return Window(None if lower is None else lower + timedelta(minutes=15), upper)

    patch.setattr(reading_job, "Window", window)


def _deletions_missed(patch: Patch) -> None:
    """The id sweep marks nothing."""
    patch.setattr(mirror, "mark_gone", lambda *_, **__: 0)


def _sent_again_blindly(patch: Patch) -> None:
    """A write whose answer was lost is sent once more at once."""
    for writer in (SalesforceWriter, HubspotWriter):
        once = writer.write_owners

        def twice(self: Any, kind: Kind, writes: Sequence[OwnerWrite], once: Any = once) -> tuple[WriteResult, ...]:
            results: tuple[WriteResult, ...] = once(self, kind, writes)
            if any(result.outcome is WriteOutcome.UNKNOWN for result in results):
                results = once(self, kind, [replace(write, unmodified_since=None) for write in writes])
            return results

        patch.setattr(writer, "write_owners", twice)


def _reopened_unread(patch: Patch) -> None:
    """After a crash rows in doubt count as not sent, without a look at the record."""

    def reopen(line: Line, rows: Sequence[OutboxRow]) -> None:
        with line.store.write() as conn:
            endings = [outbox.Ending(row.id, RowState.APPROVED) for row in rows]
            outbox.reopen(conn, endings, now=line.clock.now())

    compared = sending._compared

    def trusting(line: Line, context: Any, rows: Sequence[OutboxRow], tries: Any) -> Any:
        again = [row for row in rows if row.attempts]
        fresh = [row for row in rows if not row.attempts]
        ready = compared(line, context, fresh, tries) if fresh else []
        return [sending.Ready(row, Reading(row.ref, None), line.clock.now(), None) for row in again] + ready

    patch.setattr(recovery, "_settle_batch", reopen)
    patch.setattr(sending, "_compared", trusting)


def _not_compared(patch: Patch) -> None:
    """The record is read before a write, and written whatever it holds."""
    patch.setattr(sending, "before_write", lambda *_, **__: None)


def _expiry_forgotten(patch: Patch) -> None:
    """Plans live for ever."""
    found = plans.get_plan

    def ageless(conn: Any, plan_id: str) -> SavedPlan:
        plan = found(conn, plan_id)
        return replace(plan, expires_at=plan.expires_at + timedelta(days=365))

    patch.setattr(plans, "get_plan", ageless)


def _people_forgotten(patch: Patch) -> None:
    """Who was given an account by a person is no reason to leave it alone."""
    patch.setattr("syncd.jobs.books.book.person_changes", lambda *_, **__: {})


def _another_owner_written(patch: Patch) -> None:
    """Now and then a row gets an owner that no plan names: the one before it in the batch."""
    once = SalesforceWriter.write_owners

    def mixed(self: Any, kind: Kind, writes: Sequence[OwnerWrite]) -> tuple[WriteResult, ...]:
        swapped = [replace(write, new=writes[0].new) for write in writes]
        return once(self, kind, swapped)

    patch.setattr(SalesforceWriter, "write_owners", mixed)


def _answers_believed(patch: Patch) -> None:
    """A success is a confirmation, whatever the record shows."""

    def after(row: OutboxRow, result: WriteResult, reading: Reading | None, **more: Any) -> Settlement | None:
        if result.outcome is WriteOutcome.ACCEPTED:
            return Settlement(row, RowState.CONFIRMED, None, None, result.request_id, row.old, row.new, reading)
        return judged(row, result, reading, **more)

    judged = verdicts.after_write
    patch.setattr(sending, "after_write", after)


def _intent_not_told(patch: Patch) -> None:
    """A write is not in the ledger before it is made."""
    told = ledger.append_many

    def silent(conn: Any, new: Sequence[ledger.NewRow], **more: Any) -> int:
        return told(conn, [row for row in new if row.event != "write.intended"], **more)

    patch.setattr(ledger, "append_many", silent)


def _sent_in_a_transaction(patch: Patch) -> None:
    """Records are read while the store is being written."""
    claim = sending._claim

    def inside(line: Line, chunk: Sequence[sending.Ready]) -> Any:
        first = chunk[0].row.ref
        with line.store.write():
            line.read_refs(first.system, first.kind, [each.row.ref for each in chunk])
        return claim(line, chunk)

    patch.setattr(sending, "_claim", inside)


def _teams_forgotten(patch: Patch) -> None:
    """Who was in a team before a write is not put back after it."""
    for module in ("sending", "recovery"):
        patch.setattr(f"syncd.planning.writing.{module}.restore_teams", lambda *_: None)
    patch.setattr("syncd.planning.writing.apply.finish_teams", lambda *_: None)


def _seats_without_roles(patch: Patch) -> None:
    """Members come back into their team, and may do less in it than before."""
    once = SalesforceWriter.add_members

    def poorer(self: Any, kind: Kind, teams: Sequence[Team]) -> tuple[WriteResult, ...]:
        bare = [replace(team, members=tuple(replace(one, fields=()) for one in team.members)) for team in teams]
        return once(self, kind, bare)

    patch.setattr(SalesforceWriter, "add_members", poorer)


def _teams_saved_late(patch: Patch) -> None:
    """Teams are kept in mind, not in the store: a death after the write loses them."""
    patch.setattr("syncd.planning.writing.recovery.restore_teams", lambda *_: None)
    patch.setattr("syncd.planning.writing.apply.finish_teams", lambda *_: None)
    held = saved_teams.pending

    def recent(conn: Any, system: System) -> tuple[saved_teams.SavedTeam, ...]:
        return tuple(saved for saved in held(conn, system) if saved.outbox_id in kept)

    kept: set[int] = set()
    saving = saved_teams.save

    def save(conn: Any, teams: Any, **more: Any) -> None:
        kept.clear()
        kept.update(teams)
        saving(conn, teams, **more)

    patch.setattr(saved_teams, "pending", recent)
    patch.setattr(saved_teams, "save", save)


# A bug, the invariants that may name it, and the seed that is known to catch it and is tried first.
READING: tuple[tuple[Plant, tuple[str, ...], int], ...] = (
    (_overlap_dropped, ("I01", "I02"), 10),
    (_deletions_missed, ("I01",), 9),
    (_sent_in_a_transaction, ("I26",), 1),
    (_intent_not_told, ("I21",), 1),
)
WRITING: tuple[tuple[Plant, tuple[str, ...], int], ...] = (
    (_sent_again_blindly, ("I10",), 1),
    (_reopened_unread, ("I10", "I12"), 3),
    (_not_compared, ("I11",), 10),
    (_another_owner_written, ("I09",), 1),
    (_expiry_forgotten, ("I09",), 7),
    (_answers_believed, ("I12",), 1),
    (_people_forgotten, ("P01",), 1),
    (_teams_forgotten, ("T01",), 1),
    (_teams_saved_late, ("T01",), 19),
    (_seats_without_roles, ("I09",), 1),
)
SEEDS = range(1, 21)
"""They are among the seeds that test_simulation.py passes with."""


def _name(value: object) -> str | None:
    return getattr(value, "__name__", "").strip("_") or ""


def caught(plant: Plant, folder: Path, seeds: Iterable[int]) -> tuple[int, str] | None:
    """The first of the seeds that catches a bug, and the invariant that names it."""
    for seed in dict.fromkeys(seeds):
        place = folder / str(seed)
        place.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            try:
                Stepper.of(seed, place).run()
            except SimulationFailedError as failure:
                return seed, failure.invariant
    return None


class TestPlantedInReading:
    @pytest.mark.parametrize(("plant", "names", "seed"), READING, ids=_name)
    def test_a_bug_is_caught(self, plant: Plant, names: tuple[str, ...], seed: int, tmp_path: Path) -> None:
        found = caught(plant, tmp_path, [seed, *SEEDS])
        assert found is not None, "no seed caught it"
        assert found[1].startswith(names)


class TestPlantedInWriting:
    @pytest.mark.parametrize(("plant", "names", "seed"), WRITING, ids=_name)
    def test_a_bug_is_caught(self, plant: Plant, names: tuple[str, ...], seed: int, tmp_path: Path) -> None:
        found = caught(plant, tmp_path, [seed, *SEEDS])
        assert found is not None, "no seed caught it"
        assert found[1].startswith(names)


def test_without_the_bugs_these_seeds_pass(tmp_path: Path) -> None:
    """The check over all of them is test_simulation.py's; this one shows that planting leaves nothing behind."""

    def nothing(_: Patch) -> None:
        return

    assert caught(nothing, tmp_path, [1, 2]) is None
