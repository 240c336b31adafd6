"""Spread, shares and medians: against figures worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.planning.aids.measures import Share, middle_of, spread_of


def numbers(*values: int) -> list[Decimal]:
    return [Decimal(value) for value in values]


def test_equal_books_have_no_spread() -> None:
    spread = spread_of(numbers(10, 10, 10))
    assert (spread.cv, spread.gini, spread.ratio) == (Decimal("0.000"), Decimal("0.000"), Decimal("1.000"))


def test_the_spread_of_unequal_books_is_that_of_the_textbook() -> None:
    spread = spread_of(numbers(1, 2, 3, 4))
    assert spread.mean == Decimal("2.5")
    assert spread.cv == Decimal("0.447")  # sqrt(1.25) / 2.5
    assert spread.gini == Decimal("0.250")
    assert spread.ratio == Decimal("4.000")


def test_one_who_holds_all_makes_gini_large_and_no_ratio() -> None:
    spread = spread_of(numbers(0, 0, 0, 8))
    assert spread.gini == Decimal("0.750")
    assert spread.ratio is None


def test_nobody_and_nothing_have_a_spread_of_zero() -> None:
    assert spread_of([]).holders == 0
    assert spread_of(numbers(0, 0)).cv == 0


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = Share(8, 10).interval or (0.0, 0.0)
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)
    assert Share(0, 5).interval == (0.0, pytest.approx(0.4345, abs=1e-4))


def test_a_share_of_nothing_is_none() -> None:
    assert Share(0, 0).document() == {"hits": 0, "of": 0, "share": None, "low": None, "high": None}


def test_the_median_lies_in_its_interval_and_few_numbers_say_little() -> None:
    few, many = middle_of(numbers(3, 1, 2)), middle_of(numbers(*range(1, 101)))
    assert (few.median, few.low, few.high) == (2, 1, 3)
    assert many.median == Decimal("50.5")
    assert (many.low, many.high) == (41, 61)
    assert middle_of([]).median is None
