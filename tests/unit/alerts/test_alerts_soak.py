"""A simulated month of watches, seeded: churn, leavers, dead feeds, restarts and edits of the pack.

What must be told is known beforehand, so that a false page is found as surely as a missed one. `SOAK_DAYS` and
`SOAK_SEEDS` make it longer: `make soak` runs a year.
"""

from __future__ import annotations

import json
import os
import resource
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alerts_world import HS, World, account, gone, receiver, user

from syncd.clock import ManualClock
from syncd.jobs.watching.alerting import acknowledge
from syncd.model.records import Record
from syncd.store import mirror
from syncd.store.engine import Store
from syncd.store.episodes import monitor_state
from tests.simulation.dice import Dice

DAYS = int(os.environ.get("SOAK_DAYS", "30"))
SEEDS = range(int(os.environ.get("SOAK_SEEDS", "1")))
STEP = timedelta(minutes=int(os.environ.get("SOAK_STEP", "240")))
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
REPS = tuple(f"rep{number}" for number in range(12))
ACCOUNTS = 40
STALE_AFTER, DEAD_FOR = 3 * STEP, 6 * STEP
PACK = """\
format: 1
pack: {{name: soak, working_hours: ["00:00-24:00"]}}
territories:
  - {{name: everywhere, when: always, owners: [{reps}], assign: balanced}}
monitors: {{TerritoryComposition: false, Imbalance: false}}
lists: {{edit: [v{edit}.example]}}
"""


def config(folder: Path) -> str:
    minutes = int(STALE_AFTER.total_seconds() // 60)
    schedule = f'[schedule]\nstale_after = "{minutes}min"\n'
    return 'mode = "apply"\n' + receiver("first", folder / "first.jsonl") + schedule


@dataclass
class Month:
    """The world, what happened in it, and what has to be told of it."""

    world: World
    dice: Dice
    accounts: dict[int, Record] = field(default_factory=dict)
    active: set[str] = field(default_factory=lambda: set(REPS))
    expected: Counter[str] = field(default_factory=Counter)
    dead: int = 0
    edit: int = 0
    dead_since: datetime | None = None
    next_number: int = 0

    def begin(self) -> None:
        self.write_pack()
        for _ in range(ACCOUNTS):
            self.add()
        self.people()
        self.look()

    def write_pack(self) -> None:
        reps = ", ".join(f"{name}@example.com" for name in REPS)
        self.world.pack(PACK.format(reps=reps, edit=self.edit))

    def add(self) -> None:
        number, self.next_number = self.next_number, self.next_number + 1
        self.put(account(number, owner=f"005{self.dice.one_of(sorted(self.active))}"))

    def put(self, *records: Record) -> None:
        at = self.world.clock.now()
        with self.world.store.write() as conn:
            for each in records:
                stamped = Record(each.ref, at, each.fields, each.owner, None, each.deleted)
                mirror.record_reading(conn, [stamped], now=at, run_id="run")
                self.accounts[int(each.ref.id)] = stamped

    def people(self) -> None:
        self.world.users(*(user(name, active=name in self.active) for name in REPS))

    def look(self) -> None:
        """A pull, unless the feed is dead, and a watch."""
        if self.dead_since is None:
            self.world.pulled()
        else:
            self.world.pulled(HS)
        self.world.watch()

    def live(self) -> list[int]:
        return [n for n, each in self.accounts.items() if not each.deleted and each.fields["type"] == "Customer"]

    def step(self) -> None:
        """Some time, and what happens in it: each thing alone, so that what it must lead to is known."""
        self.world.clock.advance(STEP)
        roll = self.dice.between(0, 1)
        if self.dead_since is not None:
            if self.world.clock.now() - self.dead_since > DEAD_FOR:
                self.dead_since = None
        elif roll < 0.08:
            lost = self.dice.one_of(self.live())
            self.put(account(lost, owner=self.accounts[lost].owner, type="Former Customer"))
            self.expected[f"AccountChurned Company {lost} fired"] += 1
            self.add()
        elif roll < 0.12:
            lost = self.dice.one_of(self.live())
            self.put(gone(self.accounts[lost]))
            self.expected[f"AccountChurned Company {lost} fired"] += 1
            self.add()
        elif roll < 0.17 and len(self.active) > 4:
            self.leave()
        elif roll < 0.22 and len(self.active) < len(REPS):
            self.active.add(self.dice.one_of(sorted(set(REPS) - self.active)))
            self.people()
        elif roll < 0.25:
            self.dead_since = self.world.clock.now()
            self.dead += 1
            self.expected["SourceStale salesforce fired"] += 1
            self.expected["SourceStale salesforce resolved"] += 1
        elif roll < 0.28:
            self.edit += 1
            self.write_pack()
        elif roll < 0.6:
            number = self.dice.one_of(self.live())
            self.put(account(number, owner=self.accounts[number].owner, city=f"City {self.dice.between(0, 1)}"))
        self.look()
        self.take()

    def leave(self) -> None:
        """A rep leaves, and is told of where they own something; their accounts go to others, as a plan would do."""
        name = self.dice.one_of(sorted(self.active))
        self.active.discard(name)
        self.people()
        held = [each for each in self.accounts.values() if each.owner == f"005{name}" and not each.deleted]
        if held:
            self.expected[f"RepLeft {name}@example.com fired"] += 1
        self.look()
        self.put(
            *(
                account(each.ref.id, owner=f"005{self.dice.one_of(sorted(self.active))}", type=each.fields["type"])
                for each in held
            )
        )

    def take(self) -> None:
        """Whoever is on call takes what tells of a change, so that it can be told again another time."""
        for episode in self.world.episodes(states=["firing"]):
            if episode.monitor in ("AccountChurned", "RepLeft", "BaselineFindings"):
                acknowledge(self.world.context, episode.id or 0)

    def finish(self) -> None:
        """The feed comes back, so that nothing is left half told."""
        self.dead_since = None
        self.world.clock.advance(STEP)
        self.look()
        self.take()
        self.look()

    def paged(self) -> int:
        """How many pages the receiver got, their ends among them."""
        path = self.world.folder / "first.jsonl"
        return sum(json.loads(line)["severity"] == "page" for line in path.read_text().splitlines())

    def told(self) -> Counter[str]:
        """What the receiver got, each event once, the ends of what was taken by hand apart."""
        path = self.world.folder / "first.jsonl"
        bodies = [json.loads(line) for line in path.read_text().splitlines()]
        assert len({body["event_id"] for body in bodies}) == len(bodies)
        kept = [body for body in bodies if body["reason"] == "fired" or body["monitor"] == "SourceStale"]
        return Counter(
            f"{body['monitor']} {body['subject']} {body['reason']}"
            for body in kept
            if body["monitor"] != "BaselineFindings"
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_month_of_watches_tells_of_everything_once_and_of_nothing_else(seed: int, tmp_path: Path) -> None:
    clock = ManualClock(START)
    store = Store.open(f"sqlite:///{tmp_path}/soak.db", clock=clock, create=True)
    month = Month(World.make(tmp_path, store, clock, config=config(tmp_path)), Dice(seed))
    month.begin()
    steps = int(timedelta(days=DAYS) / STEP)
    sizes: list[int] = []
    for number in range(steps):
        month.step()
        if number in (steps // 3, steps - 1):
            sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    month.finish()
    told = month.told()
    assert told - month.expected == Counter(), "told of what did not happen"
    assert month.expected - told == Counter(), "never told of what did happen"
    assert sum(told.values()) >= DAYS // 3
    assert month.paged() == 2 * month.dead, "a dead feed pages once, and its end is told once"
    assert sizes[1] - sizes[0] < 20_000, "memory grows with time"
    with store.read() as conn:
        assert len(monitor_state(conn, "histories")) < 100
    store.close()
