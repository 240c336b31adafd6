"""The golden day, broken at every place: the process dies at each crashpoint, and each call fails, in turn.

`make test` takes a sample; `SWEEP=all` (`make sweep`) takes every place. The day must always come to the same end.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

from syncd.model.refs import System
from tests.simulation.branching import Branches
from tests.simulation.golden_day import Day, Trace

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "syncd"
ALL = os.environ.get("SWEEP") == "all"
SHARES = 4
FAILURES = ("status 500 before", "timeout 15 before", "timeout 15 after")

SAMPLED = (
    "apply.claimed",
    "apply.sent",
    "apply.finished",
    "teams.before_add",
    "teams.added",
    "approval.before_commit",
    "watch.committed",
    "notice.told",
    "leads.approved",
)
ELSEWHERE = {
    "backup.before_rename": "unit/store/test_store_backup.py",
    "restore.before_swap": "unit/store/test_store_backup.py",
    "pack.activated": "unit/jobs/test_jobs_fetching.py",
    "pack.before_rename": "unit/jobs/test_jobs_fetching.py",
    "daemon.before_snapshot": "unit/jobs/test_jobs_daemon_parts.py",
    "daemon.snapshot_taken": "unit/jobs/test_jobs_daemon_parts.py",
    "feed.told": "unit/jobs/test_jobs_feed.py",
    "pull.indexes_left_out": "integration/test_reliability_first_load.py",
    "pull.index_made": "integration/test_reliability_first_load.py",
}
"""The crashpoints that no golden day passes (no backup, fetched pack, daemon, feed, large load), and who dies there."""

T = TypeVar("T")


@cache
def functions(path: Path, having: str) -> tuple[ast.FunctionDef, ...]:
    """The functions of a file in whose text a word stands; none of a file without it, which is not parsed."""
    text = path.read_text(encoding="utf-8")
    found = ast.walk(ast.parse(text)) if having in text else ()
    return tuple(one for one in found if isinstance(one, ast.FunctionDef))


@cache
def crashpoints() -> tuple[tuple[str, Path, ast.FunctionDef], ...]:
    """Every crashpoint of the source: its name, and the function it stands in."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        for function in functions(path, "crashpoint("):
            for call in _calls(function, "crashpoint"):
                assert isinstance(call.args[0], ast.Constant), f"{path}: a crashpoint's name is a literal"
                found.append((str(call.args[0].value), path, function))
    return tuple(found)


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [one for one in found if name in (getattr(one.func, "id", None), getattr(one.func, "attr", None))]


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return Day(tmp_path_factory.mktemp("golden")).run()


def killed(golden: Trace, folder: Path, number: int, again: int | None = None) -> Trace:
    """A day whose process dies at a crashpoint, and perhaps once more in its recovery; it ends as the golden one."""
    found = Day(folder, kills=(number,) if again is None else (number, again)).run()
    assert found.deaths == (1 if again is None else 2)
    assert found.state == golden.state, f"killed at {golden.passed[number - 1]}"
    return found


def nth(golden: Trace, name: str, share: float) -> int:
    """One of the passings of a crashpoint, counted from 1."""
    found = [number for number, one in enumerate(golden.passed, 1) if one == name]
    return found[int(share * (len(found) - 1))]


class TestCrashpointsAreComplete:
    """That the sweep looks at every place where a death could make a difference."""

    def test_names_are_unique(self) -> None:
        names = [name for name, *_ in crashpoints()]
        assert sorted(names) == sorted(set(names))

    def test_every_commit_is_between_two_crashpoints(self) -> None:
        """What commits is `Store.write`, which has both; `Store.beat` only renews the lease."""
        engine = SOURCE / "store" / "engine.py"
        asked = functions(engine, "_transaction")
        committing = {one.name for one in asked if "_transaction(self._writer, " in ast.unparse(one)}
        assert committing == {"write", "beat"}
        assert {name for name, path, function in crashpoints() if path == engine and function.name == "write"} == {
            "store.before_commit",
            "store.after_commit",
        }
        beating = {path.name for path in SOURCE.rglob("*.py") if ".beat() as" in path.read_text(encoding="utf-8")}
        assert beating <= {"election.py", "service.py"}

    def test_every_write_to_a_crm_stands_before_a_crashpoint(self) -> None:
        found = {}
        for room in ("planning", "jobs", "cli"):
            for path in (SOURCE / room).rglob("*.py"):
                for function in (*functions(path, "write_owners("), *functions(path, "add_members(")):
                    for call in [*_calls(function, "write_owners"), *_calls(function, "add_members")]:
                        points = [one.lineno for one in _calls(function, "crashpoint")]
                        found[function.name] = any(line > call.lineno for line in points)
        assert found == {"_write": True, "_restore": True}

    def test_every_write_of_the_day_lies_between_named_crashpoints(self, golden: Trace) -> None:
        """A death before a call finds it written down as intended, a death after it finds nothing said of it yet."""
        assert golden.writes
        for passed in golden.writes:
            assert golden.passed[passed - 1] in ("apply.claimed", "teams.before_add", "store.after_commit")
            assert golden.passed[passed] in ("apply.sent", "teams.added")

    def test_every_crashpoint_is_passed_by_the_sweep(self, golden: Trace, tmp_path: Path) -> None:
        recovered = killed(golden, tmp_path, nth(golden, "apply.sent", 0.0))
        assert {*golden.passed, *recovered.passed} | ELSEWHERE.keys() == {name for name, *_ in crashpoints()}
        assert not {*golden.passed, *recovered.passed} & ELSEWHERE.keys()
        for name, place in ELSEWHERE.items():
            assert f'"{name}"' in (ROOT / "tests" / place).read_text(encoding="utf-8")


class _Everywhere:
    """One share of all places; what is broken is told together. xdist's loadscope gives a class to one worker."""

    share: int

    def test_a_death_at_any_crashpoint_changes_nothing(self, golden: Trace, tmp_path: Path) -> None:
        """Nor does a second one, at any crashpoint of the recovery from a death around a write: rows are in doubt."""
        numbers = self._mine(range(1, len(golden.passed) + 1))
        around = [one for one in numbers if golden.passed[one - 1].startswith(("apply.", "teams."))]
        branches = Branches(tmp_path / "days", golden.state, deaths=numbers, twice=around)
        assert branches.run() == []
        if ALL:
            assert branches.days > len(numbers) + len(around)

    def test_a_call_that_fails_changes_nothing(self, golden: Trace, tmp_path: Path) -> None:
        calls = self._mine([(system, number) for system in System for number in range(1, golden.calls[system] + 1)])
        branches = Branches(tmp_path / "days", golden.state, calls=calls, faults=FAILURES)
        assert branches.run() == []
        if ALL:
            assert branches.days == len(calls) * len(FAILURES) + 1

    def _mine(self, places: Sequence[T]) -> Sequence[T]:
        if not ALL:
            pytest.skip("make sweep")
        return places[self.share :: SHARES]


class TestEveryPlaceFirst(_Everywhere):
    share = 0


class TestEveryPlaceSecond(_Everywhere):
    share = 1


class TestEveryPlaceThird(_Everywhere):
    share = 2


class TestEveryPlaceFourth(_Everywhere):
    share = 3


def failing(golden: Trace, folder: Path, system: System, number: int, fault: str, **match: object) -> None:
    """A day of which one call of one CRM fails; it ends as the golden one."""
    entry = {"match": {"nth": number, "times": 1, **match}, "fault": fault}
    day = Day(folder, fault=(system, entry))
    assert day.run().state == golden.state, f"{system.value} call {number}: {fault}"
    assert [each["hits"] for each in day.world.faces[system].faults.to_json()] == [1]


class TestSample:
    """What `make test` takes of the sweep: the places around writes, and a few of the others."""

    def test_a_death_around_a_write_changes_nothing(self, golden: Trace, tmp_path: Path) -> None:
        """Nor does a file that cannot be written, any that a process keeps for itself: they save work alone."""
        places = [nth(golden, name, 0.5) for name in SAMPLED]
        branches = Branches(tmp_path / "days", golden.state, deaths=places, files=True)
        assert branches.run() == []
        assert branches.days > len(SAMPLED) + 5

    def test_nor_does_a_second_one_in_the_recovery(self, golden: Trace, tmp_path: Path) -> None:
        killed(golden, tmp_path, nth(golden, "apply.sent", 0.4), 8)

    def test_a_day_that_ends_otherwise_is_told_with_its_turn(self, golden: Trace, tmp_path: Path) -> None:
        other = {**golden.state, "alerts": []}
        late = len(golden.passed)
        told = Branches(tmp_path / "days", other, deaths=[late]).run()
        assert told == [
            f"killed at {late} (store.after_commit): it came to another end",
            "the day itself: it came to another end",
        ]

    @pytest.mark.parametrize("fault", FAILURES)
    def test_a_write_that_fails_changes_nothing(self, golden: Trace, fault: str, tmp_path: Path) -> None:
        failing(golden, tmp_path, System.SALESFORCE, 1, fault, method="PATCH")

    def test_a_team_that_cannot_be_put_back_at_once_is_put_back_later(self, golden: Trace, tmp_path: Path) -> None:
        failing(golden, tmp_path, System.SALESFORCE, 1, FAILURES[2], path="*/composite/sobjects", method="POST")

    @pytest.mark.parametrize("system", System)
    def test_a_read_that_fails_changes_nothing(self, golden: Trace, system: System, tmp_path: Path) -> None:
        failing(golden, tmp_path, system, golden.calls[system] // 2, FAILURES[0])
