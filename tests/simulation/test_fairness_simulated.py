"""Rotation is fair on a real database through leaves, restarts, loads of 200 and kill -9 (issue 7).

`make fairness` deals 10,000 accounts; here it is a few hundred for each pool.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from syncd.clock import ManualClock
from syncd.entropy import SeededEntropy
from syncd.model.plans import OutboxRow, RowState
from syncd.model.refs import Kind, Ref, System
from syncd.planning.people.turns import in_turn
from syncd.store.engine import Store
from tests.simulation.dealing import NOW, ROTATION, bound_of, standings, worst

ROOT = Path(__file__).parents[2]
TOTAL = int(os.environ.get("FAIRNESS", "300"))
MEMBERS = (3, 8) if "FAIRNESS" in os.environ else (8,)
KILLS = max(TOTAL // 250, 2)


def start(folder: Path, members: int, total: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.simulation.dealing", str(folder), str(members), str(total), "7"]
    return subprocess.Popen(command, cwd=ROOT)


@pytest.mark.parametrize("members", MEMBERS)
def test_nobody_is_off_by_more_than_the_bound_after_any_receipt_whenever_the_process_is_killed(
    tmp_path: Path, members: int
) -> None:
    url = f"sqlite:///{tmp_path / 'syncd.db'}"
    Store.open(url, clock=ManualClock(NOW), create=True).close()
    entropy, killed, given, off = SeededEntropy(members), 0, 0, 0.0
    while True:
        process = start(tmp_path, members, TOTAL)
        code = None
        if killed < KILLS:
            before = given
            deadline = time.monotonic() + 60  # noqa: TID251 - the child runs in real time
            while code is None and given - before < TOTAL / KILLS / 2 and time.monotonic() < deadline:  # noqa: TID251
                time.sleep(0.05 + entropy.uniform(0, 0.02))  # noqa: TID251
                code, given, off = process.poll(), *look(url)
            process.kill()
            killed += 1
            process.wait()
            assert off <= bound_of(members)
        else:
            code = process.wait(timeout=600)
        if code is not None:
            break
    assert code == 0, "somebody was off by more than the bound"
    given, off = look(url)
    assert given >= TOTAL
    assert off <= bound_of(members)
    assert killed >= 1
    sys.stderr.write(f"{members} members: {given:,} accounts, {killed} kills, {off:.3f} off at the end\n")


def look(url: str) -> tuple[int, float]:
    """How many accounts were given so far, and by how much somebody is off."""
    store = Store.open(url, clock=ManualClock(NOW))
    found = standings(store)
    store.close()
    return sum(each.given for each in found.values()), worst(found)


def test_rows_of_a_rotation_are_written_so_that_whoever_is_owed_most_is_next_and_the_others_stay_put() -> None:
    members = "aaabbbccc"
    rows = [_row(number) for number in range(len(members) + 1)]
    turns = {f"c{number}": {"turn": _turn(member)} for number, member in enumerate(members)}
    ordered = in_turn(rows, turns, {ROTATION: {}})
    got = [members[int(row.because[1:])] for row in ordered if row.because in turns]
    assert sorted(got[:3]) == sorted(got[3:6]) == sorted(got[6:]) == ["a", "b", "c"]
    assert ordered[-1] is rows[-1], "a row that takes no turn keeps its place"
    assert in_turn(rows, turns, {}, frozenset(turns)) == rows


def _row(number: int) -> OutboxRow:
    ref = Ref(System.SALESFORCE, Kind.ACCOUNT, f"{number:03d}")
    return OutboxRow(number, "p", ref, None, "x", f"c{number}", None, "f", RowState.APPROVED)


def _turn(member: str) -> dict[str, object]:
    return {"rotation": ROTATION, "member": member, "shares": dict.fromkeys("abc", "1/3")}
