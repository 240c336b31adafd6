"""A simulated month of watches, seeded: churn, leavers, dead feeds, restarts and edits of the pack.

What must be told is known beforehand, so that a false page is found as surely as a missed one. `SOAK_DAYS` and
`SOAK_SEEDS` make it longer: `make soak` runs a year.
"""

from __future__ import annotations

import gc
import json
import os
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from alerts_world import HS, World, account, gone, receiver, user

from syncd.clock import ManualClock
from syncd.jobs.alerting import acknowledge
from syncd.model.records import Record
from syncd.store import mirror
from syncd.store.engine import Store
from syncd.store.episodes import monitor_state

DAYS = int(os.environ.get("SOAK_DAYS", "30"))
SEEDS = range(int(os.environ.get("SOAK_SEEDS", "1")))
STEP = timedelta(minutes=int(os.environ.get("SOAK_STEP", "30")))
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
REPS = tuple(f"rep{number}" for number in range(12))
ACCOUNTS = 40
CONFIG = 'mode = "apply"\n[schedule]\npull = "30min"\nstale_after = "95min"\n'
PACK = """\
format: 1
pack: {{name: soak, working_hours: ["00:00-24:00"]}}
territories:
  - {{name: everywhere, when: always, owners: [{reps}], assign: balanced}}
monitors: {{TerritoryComposition: false, Imbalance: false}}
lists: {{edit: [v{edit}.example]}}
"""


@dataclass
class Month:
    """The world, what happened in it, and what has to be told of it."""

    world: World
    dice: Random
    accounts: dict[int, Record] = field(default_factory=dict)
    active: set[str] = field(default_factory=lambda: set(REPS))
    expected: Counter[str] = field(default_factory=Counter)
    digests: int = 0
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
        self.put(account(number, owner=f"005{self.dice.choice(sorted(self.active))}"))

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
        """Half an hour, and what happens in it: each thing alone, so that what it must lead to is known."""
        self.world.clock.advance(STEP)
        roll = self.dice.random()
        if self.dead_since is not None:
            if self.world.clock.now() - self.dead_since > timedelta(hours=3):
                self.dead_since = None
        elif roll < 0.02:
            lost = self.dice.choice(self.live())
            self.put(account(lost, owner=self.accounts[lost].owner, type="Former Customer"))
            self.expected[f"AccountChurned Company {lost} fired"] += 1
            self.add()
        elif roll < 0.03:
            lost = self.dice.choice(self.live())
            self.put(gone(self.accounts[lost]))
            self.expected[f"AccountChurned Company {lost} fired"] += 1
            self.add()
        elif roll < 0.04 and len(self.active) > 4:
            self.leave()
        elif roll < 0.05 and len(self.active) < len(REPS):
            self.active.add(self.dice.choice(sorted(set(REPS) - self.active)))
            self.people()
        elif roll < 0.06:
            self.dead_since = self.world.clock.now()
            self.expected["SourceStale salesforce fired"] += 1
            self.expected["SourceStale salesforce resolved"] += 1
        elif roll < 0.065:
            self.edit += 1
            self.write_pack()
        elif roll < 0.5:
            number = self.dice.choice(self.live())
            self.put(account(number, owner=self.accounts[number].owner, city=f"City {self.dice.random()}"))
        self.look()
        self.take()

    def leave(self) -> None:
        """A rep leaves, and is told of where they own something; their accounts go to others, as a plan would do."""
        name = self.dice.choice(sorted(self.active))
        self.active.discard(name)
        self.people()
        held = [each for each in self.accounts.values() if each.owner == f"005{name}" and not each.deleted]
        if held:
            self.expected[f"RepLeft {name}@example.com fired"] += 1
        self.look()
        self.put(
            *(
                account(each.ref.id, owner=f"005{self.dice.choice(sorted(self.active))}", type=each.fields["type"])
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
        self.world.clock.advance(timedelta(minutes=100))
        self.look()
        self.take()
        self.look()

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


@pytest.fixture
def month(request: pytest.FixtureRequest, tmp_path: Path, store: Store) -> Month:
    clock = store_clock(store)
    clock.set(START)
    config = CONFIG.replace("[schedule]", receiver("first", tmp_path / "first.jsonl") + "[schedule]")
    made = Month(World.make(tmp_path, store, clock, config=config), Random(request.param))
    made.begin()
    return made


def store_clock(store: Store) -> ManualClock:
    found = store.clock
    assert isinstance(found, ManualClock)
    return found


@pytest.mark.parametrize("month", SEEDS, indirect=True)
def test_a_month_of_watches_tells_of_everything_once_and_of_nothing_else(month: Month) -> None:
    steps = int(timedelta(days=DAYS) / STEP)
    sizes: list[int] = []
    for number in range(steps):
        month.step()
        if number in (steps // 3, steps - 1):
            gc.collect()
            if not tracemalloc.is_tracing():
                tracemalloc.start()
            sizes.append(tracemalloc.get_traced_memory()[0])
    month.finish()
    tracemalloc.stop()
    told = month.told()
    assert told - month.expected == Counter(), "told of what did not happen"
    assert month.expected - told == Counter(), "never told of what did happen"
    assert sizes[1] - sizes[0] < 2_000_000
    with month.world.store.read() as conn:
        assert len(monitor_state(conn, "histories")) < 100
