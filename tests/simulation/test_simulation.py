"""Seeded simulation: whole courses of syncd's life between two CRMs, people and faults. See docs/simulation.md."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.simulation.stepper import Stepper

_SEEDS_FILE = Path(__file__).parents[1] / "regressions" / "seeds.txt"
_DEFAULT_COUNT = 20


def seeds() -> list[int]:
    """`SEED`, or the `SEEDS` from `FIRST` on; without either the default ones and all that ever failed."""
    if "SEED" in os.environ:
        return [int(os.environ["SEED"])]
    first, count = int(os.environ.get("FIRST", "1")), int(os.environ.get("SEEDS", _DEFAULT_COUNT))
    asked = list(range(first, first + count))
    chosen = {"SEEDS", "FIRST"} & os.environ.keys()
    return asked if chosen else sorted({*asked, *_regressions()})


def _regressions() -> list[int]:
    lines = _SEEDS_FILE.read_text(encoding="utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


class TestSeed:
    """In a class, so that xdist's loadscope could keep seeds together; each seed is its own scope below."""


def _a_seed_holds(seed: int, folder: Path) -> None:
    course = Stepper.of(seed, folder).run()
    assert course.steps


@pytest.mark.parametrize("seed", seeds())
def test_every_invariant_holds_in_the_course_of(seed: int, tmp_path: Path) -> None:
    _a_seed_holds(seed, tmp_path)
