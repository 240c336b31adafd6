"""A state machine over what syncd keeps: mirror, plans, outbox, lease and alerts against a small model of each.

The simulation runs whole courses; this one runs the store alone, in any order that rules allow, with deaths between any
two steps, and shrinks what fails to the fewest steps. `make machine EXAMPLES=n` runs more of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from syncd.clock import ManualClock
from syncd.errors import LeaseHeldError, RefusedError, StorageError
from syncd.model.plans import Change, PlanStatus, RowState, SavedPlan, document_hash
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store import episodes, lease, mirror, outbox, plans
from syncd.store.engine import Store
from syncd.store.episodes import Episode

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
STEPS = 40
_TTL = timedelta(minutes=1)
_ACCOUNTS = st.integers(0, 3)
_OWNERS = st.sampled_from(("ann", "bob", "cem"))
_FINAL = st.sampled_from(
    (RowState.CONFIRMED, RowState.SKIPPED_ALREADY, RowState.STALE, RowState.CONFLICT, RowState.REJECTED, RowState.DEAD)
)


@cache
def _empty() -> Path:
    """A database with the schema and nothing in it."""
    path = Path(tempfile.mkdtemp()) / "empty.db"
    Store.open(f"sqlite:///{path}", clock=ManualClock(START), create=True).close()
    return path


@dataclass(slots=True)
class Row:
    """What the model knows of a row of the outbox."""

    plan: str
    ref: Ref
    state: RowState


class StoreMachine(RuleBasedStateMachine):
    """The store, its model, and the processes that use it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(_empty(), self.folder / "syncd.db")
        self.clock = ManualClock(START)
        self.number = 0
        self.held: lease.Lease | None = None
        self.lost: lease.Lease | None = None
        self.accounts: dict[Ref, tuple[datetime, str, bool]] = {}
        self.rows: dict[int, Row] = {}
        self.firing: dict[str, Episode] = {}
        self.expected: list[tuple[int, str]] = []
        self.inbox: list[tuple[int, str]] = []
        self._open()

    def _open(self) -> None:
        self.store = Store.open(f"sqlite:///{self.folder / 'syncd.db'}", clock=self.clock)

    def teardown(self) -> None:
        """Everything that was to be told is told in the end, once as its receiver sees it, in order."""
        self.clock.advance(timedelta(minutes=10))
        self._tell(die=False)
        self.store.close()
        shutil.rmtree(self.folder)
        assert set(self.inbox) == set(self.expected)
        for episode in {number for number, _ in self.inbox}:
            reasons = list(dict.fromkeys(reason for number, reason in self.inbox if number == episode))
            assert reasons == ["fired", "resolved"][: len(reasons)]

    @rule(minutes=st.sampled_from((0.1, 2.0, 10.0)))
    def time_passes(self, minutes: float) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule()
    def the_process_dies(self) -> None:
        self.store.close()
        self.lost, self.held = self.held or self.lost, None
        self._open()

    @rule(gone=st.booleans())
    def somebody_leads(self, gone: bool) -> None:
        now = self.clock.now()
        self.number += 1
        try:
            with self.store.write() as conn:
                taken = lease.acquire(conn, f"process {self.number}", now=now, ttl=_TTL, gone=lambda _: gone)
        except LeaseHeldError:
            assert not gone
            return
        if self.held is not None:
            self.lost = self.held
        assert self.lost is None or taken.epoch > self.lost.epoch
        self.held = taken

    @rule(number=_ACCOUNTS, at=st.integers(0, 4), owner=_OWNERS, deleted=st.booleans())
    def a_version_is_read(self, number: int, at: int, owner: str, deleted: bool) -> None:
        ref, stamp = _ref(number), START + timedelta(seconds=at)
        with self.store.write() as conn:
            record = Record(ref, stamp, {"name": f"Company {number}"}, owner=owner, deleted=deleted)
            mirror.record_reading(conn, [record], now=self.clock.now(), run_id="run")
        known = self.accounts.get(ref)
        if known is None or stamp >= known[0]:
            self.accounts[ref] = (stamp, owner, deleted)

    @rule(numbers=st.sets(_ACCOUNTS, min_size=1, max_size=3), new=_OWNERS)
    def a_plan_is_approved(self, numbers: set[int], new: str) -> None:
        """All of its rows are put into the outbox, or none and the plan stays as it was."""
        self.number += 1
        name, now = f"plan{self.number}", self.clock.now()
        changes = [Change(_ref(one), "old", new, str(_ref(one)), "print") for one in sorted(numbers)]
        document = {"format": 1, "plan_id": name, "changes": []}
        plan = SavedPlan(
            name, document_hash(document), "plan", PlanStatus.OFFERED, "r", now, now + timedelta(hours=9), document
        )
        taken = any(row.ref in {one.ref for one in changes} and not row.state.final for row in self.rows.values())
        with self.store.write() as conn:
            plans.save_plan(conn, plan)
        try:
            with self.store.write() as conn:
                plans.approve(conn, name, plan_hash=plan.hash, who="ruth", why="so", limits=(), now=now)
                outbox.enqueue(conn, name, changes)
        except RefusedError as error:
            assert (error.code, taken) == ("SYN613", True)  # noqa: PT017 - either end is right, by the model
        else:
            assert not taken
        with self.store.read() as conn:
            wanted = PlanStatus.OFFERED if taken else PlanStatus.APPROVED
            assert plans.get_plan(conn, name).status is wanted
            self.rows |= {row.id: Row(name, row.ref, RowState.APPROVED) for row in outbox.rows(conn, name)}

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), old=st.booleans())
    def a_row_is_claimed(self, data: st.DataObject, old: bool) -> None:
        """Only what is approved, and only under the newest lease while it stands, which a process may outlive."""
        number = data.draw(st.sampled_from(sorted(self.rows)))
        mine = self.lost if old else self.held
        if mine is None:
            return
        now, row = self.clock.now(), self.rows[number]
        newest = max(one.epoch for one in (self.held, self.lost) if one is not None)
        leads = mine.epoch == newest and now < mine.until and not (mine.writes_from and now < mine.writes_from)
        self.number += 1  # no two claims share the name of an attempt
        try:
            with self.store.write() as conn:
                outbox.claim(conn, [number], epoch=mine.epoch, attempt=f"attempt {self.number}", now=now)
        except LeaseHeldError:
            assert not leads
        except StorageError as error:
            assert (error.code, leads) == ("SYN611", True)  # noqa: PT017 - see above
            assert row.state is not RowState.APPROVED
        else:
            assert leads
            assert row.state is RowState.APPROVED
            row.state = RowState.SENDING

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), state=st.one_of(_FINAL, st.just(RowState.APPROVED)))
    def a_row_ends_or_is_put_back(self, data: st.DataObject, state: RowState) -> None:
        """A row ends once; confirmed is only what was sent, and put back too."""
        number = data.draw(st.sampled_from(sorted(self.rows)))
        row = self.rows[number]
        sent = row.state is RowState.SENDING
        fits = sent if state in (RowState.CONFIRMED, RowState.APPROVED) else not row.state.final
        move = outbox.reopen if state is RowState.APPROVED else outbox.finish
        try:
            with self.store.write() as conn:
                move(conn, [outbox.Ending(number, state)], now=self.clock.now())
        except StorageError as error:
            assert (error.code, fits) == ("SYN611", False)  # noqa: PT017 - see above
        else:
            assert fits
            row.state = state

    @rule(what=st.sampled_from(("churn", "leaver")))
    def something_begins(self, what: str) -> None:
        now = self.clock.now()
        episode = Episode(None, what, "Monitor", what, {}, "ticket", "firing", now, fired_at=now)
        try:
            with self.store.write() as conn:
                saved = episodes.save_episode(conn, episode)
                self._queued(conn, saved, "fired")
        except StorageError as error:
            assert (error.code, what in self.firing) == ("SYN611", True)  # noqa: PT017 - see above
        else:
            assert what not in self.firing
            self.firing[what] = saved

    @precondition(lambda self: self.firing)
    @rule(data=st.data())
    def something_ends(self, data: st.DataObject) -> None:
        episode = self.firing.pop(data.draw(st.sampled_from(sorted(self.firing))))
        with self.store.write() as conn:
            over = replace(episode, state="resolved", resolved_at=self.clock.now())
            self._queued(conn, episodes.save_episode(conn, over), "resolved")

    def _queued(self, conn: Any, episode: Episode, reason: str) -> None:
        assert episode.id is not None
        now = self.clock.now()
        assert episodes.enqueue_notice(conn, episode.id, "desk", reason, {}, now=now)
        assert not episodes.enqueue_notice(conn, episode.id, "desk", reason, {}, now=now)
        self.expected.append((episode.id, reason))

    @rule(die=st.booleans(), fail=st.booleans())
    def notices_are_told(self, die: bool, fail: bool) -> None:
        """A process that dies after a receiver took a notice tells it again; a receiver that fails is tried later."""
        self._tell(die=die, fail=fail)

    def _tell(self, *, die: bool, fail: bool = False) -> None:
        with self.store.write() as conn:
            claimed = episodes.claim_notices(conn, now=self.clock.now(), limit=50)
        for notice in claimed:
            if fail:
                self._finish(notice.id, ok=False)
                continue
            assert notice.episode_id is not None
            self.inbox.append((notice.episode_id, notice.reason))
            if die:
                self.the_process_dies()
                return
            self._finish(notice.id, ok=True)

    def _finish(self, notice: int, *, ok: bool) -> None:
        now = self.clock.now()
        with self.store.write() as conn:
            again = None if ok else now + timedelta(minutes=1)
            episodes.finish_notice(conn, notice, ok=ok, reason=None, now=now, retry_at=again)

    @invariant()
    def the_mirror_is_the_newest_of_what_was_read(self) -> None:
        with self.store.read() as conn:
            found = mirror.records(conn, System.SALESFORCE, Kind.ACCOUNT, include_deleted=True)
            assert {one.ref: (one.stamp, one.owner, one.deleted) for one in found} == self.accounts

    @invariant()
    def every_row_is_where_the_model_has_it(self) -> None:
        with self.store.read() as conn:
            assert {row.id: row.state for row in outbox.rows(conn)} == {n: row.state for n, row in self.rows.items()}
            ends = [one for name in {row.plan for row in self.rows.values()} for one in outbox.receipts(conn, name)]
        final = sorted(one.outbox_id for one in ends if one.state.final)
        assert final == sorted(number for number, row in self.rows.items() if row.state.final)
        open_refs = [row.ref for row in self.rows.values() if not row.state.final]
        assert len(open_refs) == len(set(open_refs))


def _ref(number: int) -> Ref:
    return Ref(System.SALESFORCE, Kind.ACCOUNT, f"00{number}")


StoreMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=EXAMPLES <= 25,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestStoreMachine = StoreMachine.TestCase
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
