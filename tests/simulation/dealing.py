"""A process that deals accounts in turn on a real database until it is killed, and goes on where it was: `python -m`.

It plans a load (1, 5 or 200 accounts, some people away), writes the plan down, and charges its receipts batch by batch
in the order in which an apply writes. After every commit nobody may be off by more than the bound.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.clock import ManualClock
from syncd.entropy import SeededEntropy
from syncd.errors import Place
from syncd.model.plans import OutboxRow, RowState
from syncd.model.refs import Kind, Ref, System
from syncd.model.rotation import Standings
from syncd.planning.people.turns import in_turn
from syncd.planning.proposing.document import turn_entry
from syncd.planning.writing.charging import charge_receipts
from syncd.rules.conditions import Always
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory, Facts
from syncd.rules.memory import Memory
from syncd.rules.pack import OutOfOffice, OwnersByPool, Pack, Pool, RepEntry, Territory
from syncd.store import picking
from syncd.store.engine import Store

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
TODAY = date(2026, 12, 1)
ROTATION = "pool:p"
UNFAIR = 3
"""The exit code of a process that found somebody off by more than the bound."""
_PLACE = Place("territories.yaml", 1)
_LOADS = (1, 1, 1, 5, 200)
_BATCHES = (1, 10, 25)


def bound_of(members: int) -> int:
    """By how many accounts anybody may be off: issue 7."""
    return 1 if members <= 3 else 2


def pack_of(members: int) -> Pack:
    """A pool of people with unlike weights, whose accounts are dealt out in turn."""
    weights = tuple((f"rep{number}@x", Decimal((1, 1, 2, 3)[number % 4])) for number in range(members))
    everything = Territory("t", "t", Always(_PLACE), OwnersByPool("p"), _PLACE, "t")
    pools = {"p": Pool("p", _PLACE, weights, "rotate")}
    return Pack("dealing", "r1", (), roles={"owner": (everything,)}, pools=pools)


def standings(store: Store) -> Standings:
    """What receipts have charged."""
    with store.read() as conn:
        return picking.standings_of(conn, "owner", ROTATION)


def worst(found: Standings) -> float:
    """By how much somebody is off."""
    return float(max((abs(each.lag) for each in found.values()), default=0))


def deal(folder: Path, members: int, total: int, seed: int) -> int:
    """Deal until `total` accounts were given; 0, or UNFAIR where somebody was off by more than the bound."""
    store = Store.open(f"sqlite:///{folder / 'syncd.db'}", clock=ManualClock(NOW))
    plan_file, bound = folder / "plan.json", bound_of(members)
    while (dealt := sum(each.given for each in standings(store).values())) < total or plan_file.exists():
        if not plan_file.exists():
            _write(plan_file, _plan(store, members, dealt, seed))
        plan = json.loads(plan_file.read_text("utf-8"))
        for found in _apply(store, plan, SeededEntropy(seed + dealt)):
            if worst(found) > bound:
                return UNFAIR
        plan_file.unlink()
    store.close()
    return 0


def _plan(store: Store, members: int, dealt: int, seed: int) -> dict[str, Any]:
    """The next load, decided on what receipts charged, while some are away."""
    entropy = SeededEntropy(seed * 1_000_003 + dealt)
    count = _LOADS[int(entropy.uniform(0, len(_LOADS)))]
    pack = pack_of(members)
    names = [name for name, _ in pack.pools["p"].members]
    away = {name for name in names if entropy.uniform(0, 1) < 0.2}
    away = away if len(away) < members else set()
    off = (OutOfOffice(TODAY, TODAY),)
    reps = {name: RepEntry(name, _PLACE, out_of_office=off) for name in away}
    companies = tuple(Facts(_key(dealt + number, seed), (_key(dealt + number, seed),)) for number in range(count))
    with store.read() as conn:
        memory = Memory(rotations=picking.rotations(conn))
    book = Book(companies, Directory({}, assume_active=True), memory=memory)
    decisions = decide(replace(pack, reps=reps), book, NOW)
    return {"plan_id": f"plan{dealt}", "decisions": {each.company: _entry(each) for each in decisions}}


def _key(number: int, seed: int) -> str:
    """A company's key: in another order than they are dealt in."""
    return f"salesforce:account:{(number * 7919 + seed) % 1_000_003:07d}-{number}"


def _entry(decision: Any) -> dict[str, Any]:
    return {
        "company": decision.company,
        "role": "owner",
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "territory": decision.territory,
        "owner": {"email": decision.owner.email},
        "current_owner": None,
        "turn": turn_entry(decision.turn),
    }


def _apply(store: Store, plan: Mapping[str, Any], entropy: SeededEntropy) -> Iterator[Standings]:
    """The rest of a plan, batch by batch; the standings after each commit."""
    plan_id, decisions = plan["plan_id"], plan["decisions"]
    with store.read() as conn:
        done = picking.companies_given(conn, plan_id, "owner")
    rows = [_row(number, plan_id, key) for number, key in enumerate(sorted(decisions.keys() - done), 1)]
    ordered = in_turn(rows, decisions, {ROTATION: standings(store)})
    number = 0
    while ordered:
        size = _BATCHES[int(entropy.uniform(0, len(_BATCHES)))]
        batch, ordered = ordered[:size], ordered[size:]
        with store.write() as conn:
            mine = [decisions[row.because] for row in batch]
            charge_receipts(conn, plan_id, mine, now=NOW + timedelta(seconds=number))
        number += 1
        yield standings(store)


def _row(number: int, plan_id: str, key: str) -> OutboxRow:
    ref = Ref(System.SALESFORCE, Kind.ACCOUNT, key.rpartition(":")[2])
    return OutboxRow(number, plan_id, ref, None, "x", key, None, "f", RowState.APPROVED)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """All of it or nothing, however the process ends."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(document), "utf-8")
    beside.replace(path)


if __name__ == "__main__":
    sys.exit(deal(Path(sys.argv[1]), *(int(each) for each in sys.argv[2:5])))
