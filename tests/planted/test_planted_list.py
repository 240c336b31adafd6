"""The list of planted bugs fits the tree: each text stands where it says, and every invariant is broken by one."""

from __future__ import annotations

import pytest

from tests.planted.planting import ROOT, Bug, bugs

INVARIANTS = [f"I{number:02d}" for number in range(1, 28)]


def test_every_invariant_is_broken_by_some_bug() -> None:
    broken = {bug.breaks for bug in bugs()}
    assert broken >= {*INVARIANTS, "T01", "P01"}


@pytest.mark.parametrize("bug", bugs(), ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Bug) -> None:
    text = (ROOT / bug.file).read_text(encoding="utf-8")
    assert bug.planted(text) != text


@pytest.mark.parametrize("bug", bugs(), ids=lambda bug: bug.name)
def test_the_lane_of_a_bug_is_there(bug: Bug) -> None:
    for lane in bug.lane.split():
        path, _, test = lane.partition("::")
        assert lane == "seeds" or (ROOT / path).exists()
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8")


def test_names_differ() -> None:
    names = [bug.name for bug in bugs()]
    assert len(names) == len(set(names))
