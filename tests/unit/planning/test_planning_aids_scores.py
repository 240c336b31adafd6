"""Scores held against history: planted win rates lie in their intervals, and a changed weight says who changes band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import UsageError
from syncd.planning.aids.scores import (
    band_document,
    component_document,
    fit_document,
    histogram,
    moves_between,
    moves_document,
    segment_document,
    with_what_if,
)
from syncd.rules.facts import Facts
from syncd.rules.loader import load_pack
from syncd.rules.pack import Pack
from syncd.rules.scoring import graded
from tests.aids_books import NOW, book, history

RULES = """
score:
  components:
    size: {field: employees, curve: [[0, 0], [1000, 40]]}
    money: {when: {industry: [Food, Telecom, Media]}, points: 50}
  bands: {A: ">= 60", B: "30..59", C: "< 30"}
territories:
  - {name: all, when: always, owners: unassigned}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    (tmp_path / "pack.yaml").write_text(RULES)
    return load_pack(tmp_path)


def scored(pack: Pack, facts: Sequence[Facts]) -> tuple[Facts, ...]:
    return tuple(graded(pack, facts, NOW))


def bands(book: Sequence[Facts]) -> dict[str, tuple[int | None, str | None]]:
    return {each.key: (each.grade.score, each.grade.band) for each in book if each.grade}


def what_if(pack: Pack, *changes: str) -> Pack:
    assert pack.scoring is not None
    return replace(pack, scoring=with_what_if(pack.scoring, changes), revision="other")


def test_win_rates_learnt_by_segment_hold_the_planted_ones(pack: Pack) -> None:
    facts = book(1200, 21)
    told = history(facts, 22)
    rows = segment_document(facts, told.deals, lambda each: str(each.values["industry"]))
    inside = [row["win_rate"]["low"] <= told.rates[row["segment"]] <= row["win_rate"]["high"] for row in rows]
    assert len(rows) == 10
    assert sum(inside) >= 9  # one interval in twenty misses
    assert sum(row["companies"] for row in rows) == 1200
    assert all(row["cycle_days"]["median"] == "40.0" for row in rows)
    assert all(row["reached"]["share"] == 1.0 for row in rows)


def test_a_score_that_follows_what_wins_tells_bands_apart_and_its_opposite_is_called_wrong(pack: Pack) -> None:
    facts = book(1500, 23)
    deals = history(facts, 24).deals
    good = scored(pack, facts)
    assert fit_document(band_document(pack, good, deals))["told"] is True
    wrong = what_if(pack, "money.points=-50", "size.weight=2")
    assert fit_document(band_document(wrong, scored(wrong, facts), deals))["told"] is False


def test_few_deals_say_nothing_of_the_fit(pack: Pack) -> None:
    facts = scored(pack, book(40, 25))
    assert fit_document(band_document(pack, facts, {}))["told"] is None
    few = dict(list(history(facts, 26, each=1).deals.items())[:6])
    assert fit_document(band_document(pack, facts, few))["told"] is None


def test_bands_and_histogram_count_every_company_once(pack: Pack) -> None:
    facts = scored(pack, book(300, 27))
    rows = band_document(pack, facts, {})
    assert [row["band"] for row in rows] == ["A", "B", "C"]
    assert sum(row["companies"] for row in rows) == 300
    assert sum(step["companies"] for step in histogram(facts)) == 300


def test_a_component_says_what_it_gives_and_who_misses_its_field(pack: Pack) -> None:
    facts = [*book(200, 28)]
    facts[0] = replace(facts[0], values={key: each for key, each in facts[0].values.items() if key != "employees"})
    size, money = component_document(pack, scored(pack, facts), history(facts, 29).deals)
    assert (size["component"], size["most"], size["missing"]) == ("size", "40", 1)
    points = [each.values["industry"] in ("food", "telecom", "media") for each in facts]
    assert (money["companies"], money["mean"]) == (sum(points), f"{Decimal(50 * sum(points)) / 200:.1f}")
    assert money["win_rate_with"]["low"] > money["win_rate_without"]["high"]


def test_who_changes_band_is_said_with_money_and_nobody_else(pack: Pack) -> None:
    facts = book(300, 30)
    before, after = scored(pack, facts), scored(what_if(pack, "money.points=10"), facts)
    document = moves_document(moves_between(bands(before), after))
    differing = [one for one, other in zip(before, after, strict=True) if one.grade.band != other.grade.band]  # type: ignore[union-attr]
    assert document["count"] == len(differing) > 0
    assert Decimal(document["money"]) == sum(each.values["open_pipeline"] for each in differing)  # type: ignore[misc]
    assert all(row["from"] < row["to"] for row in document["moves"])  # A falls to B or C
    assert moves_between(bands(before), before) == ()


def test_a_weight_multiplies_a_curve(pack: Pack) -> None:
    facts = book(50, 31)
    one, two = scored(pack, facts), scored(what_if(pack, "size.weight=0"), facts)
    assert [each.grade.parts[0].points for each in two if each.grade] == [Decimal(0)] * 50
    assert [each.grade.parts[1] for each in two if each.grade] == [each.grade.parts[1] for each in one if each.grade]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("size", "is no change"),
        ("size.points", "is no change"),
        ("money.points=many", "is no change"),
        ("money.points=NaN", "is no change"),
        ("money.colour=3", "is no change"),
        ("size.points=30", "a curve has no points"),
        ("mony.points=3", "no component 'mony'"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_in_words(pack: Pack, change: str, words: str) -> None:
    assert pack.scoring is not None
    with pytest.raises(UsageError, match=words) as refused:
        with_what_if(pack.scoring, (change,))
    assert refused.value.code == "SYN744"


def test_a_company_that_no_run_knew_is_no_move(pack: Pack) -> None:
    facts: Any = scored(pack, book(5, 32))
    assert moves_between({}, facts) == ()
