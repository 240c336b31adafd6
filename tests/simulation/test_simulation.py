"""Seeded simulation: whole courses of syncd's life between two CRMs, people and faults. See docs/simulation.md."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.simulation.shrinking import MOST_RUNS, shrink, smallest
from tests.simulation.stepper import Event, SimulationFailedError, Stepper

ROOT = Path(__file__).parents[2]
_REGRESSIONS = ROOT / "tests" / "regressions" / "seeds.txt"
_SHARES = 4
_SEEDS = 20
_PRINT_DIGEST = """
import sys
from pathlib import Path
from tests.simulation.stepper import Stepper
print(Stepper.of(int(sys.argv[1]), Path(sys.argv[2])).run(6).digest)
"""


def seeds() -> list[int]:
    """`SEED`, or the `SEEDS` from `FIRST` on; without any of them all that ever failed, and others to make 20."""
    if "SEED" in os.environ:
        return [int(os.environ["SEED"])]
    if not {"SEEDS", "FIRST"} & os.environ.keys():
        kept = regressions()
        return sorted({*kept, *range(1, 1 + _SEEDS - len(kept))})
    first, count = int(os.environ.get("FIRST", "1")), int(os.environ.get("SEEDS", str(_SEEDS)))
    return list(range(first, first + count))


def only() -> list[Event] | None:
    """The events of `ONLY`, as a shrunk course names them; None for all of them."""
    text = os.environ.get("ONLY")
    return [Event.parse(one) for one in text.split(",")] if text else None


def regressions() -> list[int]:
    """The seeds that failed once."""
    lines = _REGRESSIONS.read_text(encoding="utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each class takes its share of the seeds: xdist's loadscope gives a class to one worker."""
    share = getattr(metafunc.cls, "share", None)
    if share is not None and "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds()[share::_SHARES])


class _Seeds:
    def test_every_invariant_holds_for_seed(self, seed: int, tmp_path: Path) -> None:
        (tmp_path / "course").mkdir()
        try:
            course = Stepper.of(seed, tmp_path / "course").run(events=only())
        except SimulationFailedError as failure:
            if only() is None and MOST_RUNS:
                raise AssertionError(f"{failure}\n\n{shrink(seed, tmp_path, failure)}") from failure
            raise
        print("\n".join(course.steps))  # noqa: T201 - shown by `pytest -rA`, to look at a course that holds


class TestSeedsFirst(_Seeds):
    share = 0


class TestSeedsSecond(_Seeds):
    share = 1


class TestSeedsThird(_Seeds):
    share = 2


class TestSeedsFourth(_Seeds):
    share = 3


class TestReplay:
    def test_a_course_is_the_same_in_another_process_to_the_byte(self, tmp_path: Path) -> None:
        """Hashes of text differ from process to process, so sets that order anything would show here."""
        here, there = tmp_path / "here", tmp_path / "there"
        here.mkdir()
        there.mkdir()
        environ = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", _PRINT_DIGEST, "3", str(there)]
        # no deadline here but the test's own: how long a loaded machine takes says nothing of the course
        told = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout.strip() == Stepper.of(3, here).run(6).digest


class TestShrinking:
    def test_what_is_left_is_what_it_takes(self) -> None:
        events = [Event(number) for number in range(40)]
        needed = {Event(3), Event(17), Event(31)}
        assert set(smallest(events, lambda some: needed <= set(some), most=500)) == needed

    def test_it_ends_after_so_many_questions(self) -> None:
        asked: list[int] = []

        def fails(some: Sequence[Event]) -> bool:
            asked.append(len(some))
            return Event(7) in some

        assert Event(7) in smallest([Event(number) for number in range(1000)], fails, most=5)
        assert len(asked) == 5

    def test_a_course_without_some_events_is_a_course(self, tmp_path: Path) -> None:
        (tmp_path / "all").mkdir()
        (tmp_path / "few").mkdir()
        whole = Stepper.of(2, tmp_path / "all").run(3)
        few = Stepper.of(2, tmp_path / "few").run(3, events=[Event.parse("1"), Event.parse("2!")])
        assert whole.steps[0] == few.steps[0]
        assert len(few.steps) < len(whole.steps)
