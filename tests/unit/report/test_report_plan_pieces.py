"""A plan's JSON comes in pieces, which together are what a JSON writer with an indent of two would write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncd.report.plans.plan_formats import render, rendered
from syncd.report.plans.plan_json import plan_json_pieces, render_plan_json

CHANGE = {"ref": "salesforce:account:001", "field": "owner", "from": "005A", "to": '00"5B % Köln', "because": "c"}


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1_000, 1_001])
def test_pieces_of_long_lists_are_plain_json(count: int) -> None:
    document: dict[str, Any] = {"format": 1, "changes": [CHANGE] * count, "shifts": {}, "guard": {"tripped": []}}
    text = "".join(plan_json_pieces(document))
    assert text == json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    assert text == render_plan_json(document) == "".join(rendered(document, "json")) == render(document, "json")


def test_no_piece_is_a_whole_large_plan() -> None:
    pieces = list(plan_json_pieces({"format": 1, "changes": [CHANGE] * 5_000}))
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 9


def test_halves_of_surrogate_pairs_are_spelled_out() -> None:
    assert "\\ud800" in "".join(plan_json_pieces({"changes": [{"text": "\ud800"}] * 600}))
