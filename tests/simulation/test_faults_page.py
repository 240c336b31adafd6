"""The table of faults in docs/reliability.md names every fault, and only files that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| (F\d\d[^|]*)\|", re.MULTILINE)
_RANGE = re.compile(r"F(\d\d)(?: to F(\d\d))?")


def _page() -> str:
    whole = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    return whole.partition("## Faults in the simulation")[2].partition("## Planted bugs")[0]


def test_every_fault_stands_once_in_the_table() -> None:
    found = [
        number
        for row in _ROW.findall(_page())
        for first, last in _RANGE.findall(row)
        for number in range(int(first), int(last or first) + 1)
    ]
    assert sorted(found) == list(range(1, 40))


def test_every_file_of_the_table_is_there() -> None:
    named = re.findall(r"`(tests/[^`]+)`", _page())
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []
