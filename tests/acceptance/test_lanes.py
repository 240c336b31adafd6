"""The table of lanes adds up."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.lanes import PAGE, lane_of, renewed, slowest, table


def test_a_lane_is_a_folder_and_a_room_of_the_units() -> None:
    assert lane_of("tests/unit/rules/test_a.py::test_x[1]") == "unit/rules"
    assert lane_of("tests/contract/live/test_b.py::test_y") == "contract"


def test_the_table_has_the_longest_lane_first_and_all_at_the_end() -> None:
    seconds: Counter[str] = Counter()
    seconds.update({"tests/unit/rules/test_a.py::test_x": 2, "tests/integration/test_b.py::test_y": 5})
    lines = table(seconds)
    assert lines[2:5] == ["| integration | 1 | 5 |", "| unit/rules | 1 | 2 |", "| all | 2 | 7 |"]
    assert [line.split()[-1] for line in slowest(seconds)] == [
        "tests/integration/test_b.py::test_y",
        "tests/unit/rules/test_a.py::test_x",
    ]


def test_the_page_has_one_place_for_the_table_and_the_rest_of_it_stays() -> None:
    page = PAGE.read_text(encoding="utf-8")
    once = renewed(page, ["| one |"])
    assert "<!-- lanes: begin -->\n| one |\n<!-- lanes: end -->" in once
    assert renewed(once, ["| one |"]) == once
    with pytest.raises(ValueError, match="no place"):
        renewed("nothing", [])
