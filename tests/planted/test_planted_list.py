"""The list of planted bugs fits the tree: each text stands where it says, and every invariant is broken by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted.__main__ import PAGE, main, table
from tests.planted.planting import ROOT, Bug, bugs
from tests.reliability_page import rows

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


def test_the_page_has_a_verdict_on_every_bug() -> None:
    told = rows(PAGE, "planted")
    verdicts = {name: (by, said) for _, name, by, said in told}
    assert verdicts.keys() == {bug.name for bug in bugs()}
    assert [name for name, (by, _) in verdicts.items() if by in ("not run yet", "**nobody**")] == []
    assert table(verdicts) in PAGE.read_text(encoding="utf-8")


def test_a_word_that_no_bug_has_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_bytes(PAGE.read_bytes())
    assert main(["--help"], page) == 2
    assert "no planted bug breaks or is named --help" in capsys.readouterr().err
    assert page.read_bytes() == PAGE.read_bytes()
