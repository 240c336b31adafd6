"""When a duty is due: by the last success, through restarts, failures, clock changes and clocks that are set wrong."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from syncd.clock import ManualClock
from syncd.jobs.daemon.due import At, Duty, Every
from syncd.jobs.daemon.duties import duties
from syncd.jobs.daemon.rounds import Rounds
from syncd.settings import load_settings
from syncd.store import runs
from syncd.store.engine import Store

UTC_ZONE = ZoneInfo("UTC")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "UTC")
MINUTE = timedelta(minutes=1)


@dataclass
class Machine:
    """A daemon's rounds over a real database; what they do is written down as a run, as a job would."""

    store: Store
    clock: ManualClock
    done: list[tuple[str, datetime]] = field(default_factory=list)
    outcome: str = "ok"
    silent: bool = False
    takes: timedelta = timedelta(seconds=5)

    def rounds(self, *mine: Duty) -> Rounds:
        """What a fresh process would have: no memory."""
        made = Rounds(self.store, self.clock, self.perform)
        made.take_up(mine)
        return made

    def perform(self, duty: Duty) -> None:
        began, name = self.clock.now(), f"{duty.name}-{len(self.done)}"
        self.done.append((duty.name, began))
        if self.silent:
            return
        with self.store.write() as conn:
            runs.start_run(conn, name, duty.job, now=began, detail=duty.details[0] if duty.details else {})
        self.clock.advance(self.takes)
        with self.store.write() as conn:
            runs.finish_run(conn, name, self.outcome, now=self.clock.now(), summary={})

    def live(self, rounds: Rounds, length: timedelta, step: timedelta = MINUTE) -> list[datetime]:
        """Let time pass; when anything was done."""
        before, until = len(self.done), self.clock.now() + length
        while self.clock.now() < until:
            rounds.go_round("work")
            self.clock.advance(step)
        return [at for _, at in self.done[before:]]


@pytest.fixture
def machine(tmp_path: Path, empty_database: Path) -> Iterator[Machine]:
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    shutil.copyfile(empty_database, tmp_path / "syncd.db")
    store = Store.open(f"sqlite:///{tmp_path}/syncd.db", clock=clock)
    yield Machine(store, clock)
    store.close()


def every(period: timedelta) -> Duty:
    return Duty("sync", "work", Every(period), ("sync",), "pull")


def at(*times: str, zone: str = "UTC") -> Duty:
    return Duty("sweep", "work", At(times, ZoneInfo(zone)), ("pull", "--sweep"), "sweep")


def test_a_restart_neither_skips_a_duty_nor_doubles_it(machine: Machine) -> None:
    duty = every(timedelta(minutes=5))
    seen = machine.live(machine.rounds(duty), timedelta(minutes=11))
    for _ in range(30):
        seen += machine.live(machine.rounds(duty), MINUTE)
    gaps = {(later - earlier) // MINUTE for earlier, later in pairwise(seen)}
    assert gaps <= {5, 6}, seen
    assert len(seen) in (8, 9)


def test_a_machine_that_is_restarted_every_day_still_does_the_daily_duty(machine: Machine) -> None:
    machine.perform(every(MINUTE))  # anything ran once
    seen: list[datetime] = []
    for _ in range(7):
        machine.clock.advance(timedelta(hours=16))  # off over the night, and the time with it
        seen += machine.live(machine.rounds(at("02:15")), timedelta(hours=8))
    assert len(seen) == 7
    assert len({moment.date() for moment in seen}) == 7


def test_what_was_never_done_waits_for_its_first_time(machine: Machine) -> None:
    rounds = machine.rounds(at("02:15"))
    assert machine.live(rounds, timedelta(hours=1)) == []
    machine.perform(every(MINUTE))
    assert [moment.hour for moment in machine.live(rounds, timedelta(hours=24))] == [2]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("time", ["02:15", "00:30", "02:45", "23:59"])
def test_no_clock_change_of_a_year_skips_or_doubles_a_nightly_duty(machine: Machine, zone: str, time: str) -> None:
    """The nights around both clock changes of a year, ten minutes by ten, with a restart every three hours."""
    duty, here = at(time, zone=zone), ZoneInfo(zone)
    offsets = [
        (day, (datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)).astimezone(here).utcoffset())
        for day in range(400)
    ]
    changes = [day for (day, offset), (_, next_) in pairwise(offsets) if offset != next_]
    for day in changes[:2] or [80]:
        start = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day - 1)
        machine.clock.set(start)
        machine.perform(duty)
        seen: list[datetime] = []
        for _ in range(24):
            seen += machine.live(machine.rounds(duty), timedelta(hours=3), timedelta(minutes=10))
        assert len(seen) == 3, (zone, time, start, seen)
        gaps = [later - earlier for earlier, later in pairwise(seen)]
        assert all(timedelta(hours=22) < gap < timedelta(hours=26) for gap in gaps), (zone, time, seen)


def test_a_failed_duty_is_tried_again_soon_but_not_in_a_loop(machine: Machine) -> None:
    machine.perform(every(MINUTE))
    machine.outcome = "failed"
    rounds = machine.rounds(at("02:15"))
    assert len(machine.live(rounds, timedelta(hours=3, minutes=15))) == 4
    machine.outcome = "ok"
    assert len(machine.live(rounds, timedelta(hours=12))) == 1


def test_a_child_that_dies_before_it_writes_anything_is_not_tried_in_a_loop(machine: Machine) -> None:
    machine.silent = True
    seen = machine.live(machine.rounds(every(timedelta(minutes=5))), timedelta(minutes=30), timedelta(seconds=1))
    assert len(seen) == 6


def test_what_a_dead_process_had_begun_is_due_at_once(machine: Machine) -> None:
    now = machine.clock.now()
    with machine.store.write() as conn:
        runs.start_run(conn, "r1", "pull", now=now)
    duty = every(timedelta(minutes=5))
    assert machine.live(machine.rounds(duty), timedelta(minutes=4)) == []
    with machine.store.write() as conn:
        assert runs.close_cut_off(conn, ["pull"], now=machine.clock.now()) == 1
        assert runs.get_run(conn, "r1").outcome == "cut off"  # type: ignore[union-attr]
    assert machine.live(machine.rounds(duty), MINUTE) != []


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=400)])
def test_a_clock_that_steps_back_neither_stops_a_duty_nor_runs_it_wild(machine: Machine, back: timedelta) -> None:
    duty = every(timedelta(minutes=5))
    rounds = machine.rounds(duty)
    machine.live(rounds, timedelta(minutes=11))
    machine.clock.set(machine.clock.now() - back)
    seen = machine.live(rounds, timedelta(minutes=30))
    assert 4 <= len(seen) <= 7


def test_a_clock_that_jumps_far_ahead_does_one_run_not_hundreds(machine: Machine) -> None:
    rounds = machine.rounds(every(timedelta(minutes=5)))
    machine.live(rounds, timedelta(minutes=11))
    machine.clock.set(datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC))
    assert len(machine.live(rounds, timedelta(minutes=4))) == 1


def test_no_duty_of_a_lane_starves_another(machine: Machine) -> None:
    machine.perform(every(MINUTE))
    machine.clock.set(datetime(2026, 3, 2, 2, 20, tzinfo=UTC))
    machine.takes = timedelta(minutes=10)  # longer than the period of the first: it is always due
    machine.live(machine.rounds(every(MINUTE), at("02:15")), timedelta(minutes=40))
    assert "sweep" in {name for name, _ in machine.done}


def test_a_full_pull_by_hand_counts_as_the_weekly_one(machine: Machine) -> None:
    full = Duty("full-sweep", "work", At(("Sun 03:15",), UTC_ZONE), ("pull", "--full"), "pull", ({"full": True},))
    machine.perform(every(MINUTE))
    machine.clock.set(datetime(2026, 3, 8, 3, 20, tzinfo=UTC))  # a Sunday
    with machine.store.write() as conn:
        runs.start_run(conn, "by hand", "pull", now=machine.clock.now(), detail={"full": True})
        runs.finish_run(conn, "by hand", "ok", now=machine.clock.now(), summary={})
    assert machine.live(machine.rounds(full), timedelta(hours=2)) == []
    assert len(machine.live(machine.rounds(full), timedelta(days=7), timedelta(minutes=10))) == 1


def test_the_duties_are_those_of_the_settings_and_the_pack() -> None:
    settings = load_settings(None, {"SYNCD_HUBSPOT__BASE_URL": "http://127.0.0.1:9", "SYNCD_MODE": "approve"})
    names = [duty.name for duty in duties(settings, ("Mon-Fri 10:00",), UTC_ZONE)]
    assert names == ["sync", "delayed-pass", "sweep", "full-sweep", "housekeeping", "watch", "rights", "offer"]
    observe = load_settings(None, {"SYNCD_PACK__GIT__REPOSITORY": "/srv/pack.git"})
    assert [duty.name for duty in duties(observe, ("10:00",), UTC_ZONE)][-1] == "pack"


def test_ten_thousand_rounds_take_no_more_memory_than_a_hundred(machine: Machine) -> None:
    rounds = machine.rounds(every(timedelta(minutes=5)), at("02:15"))
    machine.silent = True
    machine.live(rounds, timedelta(minutes=200))
    before = resident()
    for _ in range(10_000):
        rounds.go_round("work")
        machine.clock.advance(timedelta(seconds=5))
        machine.done.clear()
    assert resident() - before < 4 * 1024 * 1024


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
