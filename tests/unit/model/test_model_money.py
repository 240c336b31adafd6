"""Amounts and the table of rates."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model.money import MoneyTable, parse_money

TABLE = MoneyTable("USD", {"EUR": Decimal("1.10")})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("5M EUR", (Decimal(5_000_000), "EUR")),
        ("5MEUR", (Decimal(5_000_000), "EUR")),
        ("5000 eur", (Decimal(5000), "EUR")),
        ("2.5k", (Decimal(2500), None)),
        ("1_000", (Decimal(1000), None)),
        ("EUR 5", None),
        ("EUR", None),
        ("1,000 EUR", None),
        ("€5", None),
        ("", None),
    ],
)
def test_amounts_are_read_with_their_currency(raw: str, expected: tuple[Decimal, str | None] | None) -> None:
    assert parse_money(raw) == expected


def test_amounts_are_converted_exactly_or_not_at_all() -> None:
    assert TABLE.convert(Decimal("0.1"), "EUR") == Decimal("0.110")
    assert TABLE.convert(Decimal(7), "USD") == 7
    assert TABLE.convert(Decimal(7), None) == 7
    assert TABLE.convert(Decimal(7), "GBP") is None
    assert MoneyTable().reporting == "USD"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**30), max_value=10**30))
def test_no_digit_is_lost(amount: Decimal) -> None:
    converted = TABLE.convert(amount, "EUR")
    assert converted is not None
    assert int(converted * 1000) == int(amount * 100) * 11 or abs(amount) > 10**20
