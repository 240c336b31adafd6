"""Canonical text: one spelling for each value (reliability.md T10, T28, T34)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.connectors.canonical import canonical, canonical_fields
from syncd.model.fields import FieldType
from syncd.model.refs import Kind


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        (True, None, "true"),
        (False, FieldType.BOOLEAN, "false"),
        ("True", FieldType.BOOLEAN, "true"),
        (None, None, None),
        ("", FieldType.TEXT, None),
        ("\0", FieldType.TEXT, "\ufffd"),
        ("a\0b", FieldType.TEXT, "a\ufffdb"),
        (0, FieldType.NUMBER, "0"),
        (1_500_000.0, FieldType.MONEY, "1500000"),
        (Decimal("1.5E+6"), FieldType.MONEY, "1500000"),
        (Decimal("0.10"), FieldType.NUMBER, "0.1"),
        ("1500000.00", FieldType.MONEY, "1500000"),
        ("1.0E7", FieldType.NUMBER, "10000000"),
        ("-0.0", FieldType.NUMBER, "0"),
        ("about 50", FieldType.NUMBER, "about 50"),
        ("NaN", FieldType.NUMBER, "NaN"),
        ("00123", FieldType.POSTAL_CODE, "00123"),
        ("00123", None, "00123"),
        ("NA", FieldType.TEXT, "NA"),
        ("null", FieldType.TEXT, "null"),
        ("  spaced  ", FieldType.TEXT, "  spaced  "),
        ("Łódź 🏭 \u202eabc", FieldType.TEXT, "Łódź 🏭 \u202eabc"),
        ("2026-11-20", FieldType.DATE, "2026-11-20"),
        ("someday", FieldType.DATE, "someday"),
        (["a", "b"], None, "a;b"),
        ([], None, None),
        ({"nested": 1}, None, None),
    ],
)
def test_a_value_has_one_spelling(value: Any, type_: FieldType | None, text: str | None) -> None:
    assert canonical(value, type_) == text


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-11-20T10:00:07.000+0000",
        "2026-11-20T10:00:07Z",
        "2026-11-20T10:00:07.0Z",
        "2026-11-20T10:00:07.000000Z",
        "2026-11-20T12:00:07.000+02:00",
        "1795168807000",
        "1795168807000.0",
        1795168807000,
    ],
)
def test_an_instant_has_one_spelling_however_it_came(spelling: Any) -> None:
    assert canonical(spelling, FieldType.DATE) == "2026-11-20T10:00:07.000Z"


def test_text_without_a_type_is_respelled_only_where_it_is_unmistakably_an_instant() -> None:
    assert canonical("2026-11-20T10:00:07.000+0000") == "2026-11-20T10:00:07.000Z"
    assert canonical("1795168807000") == "1795168807000"
    assert canonical("2026-13-40T10:00:07Z") == "2026-13-40T10:00:07Z"


def test_empty_fields_are_left_out_and_types_are_those_of_the_rule_fields() -> None:
    values = {"name": "12.0", "employees": "12.0", "industry": "", "annual_revenue": None, "custom": "12.0"}
    assert canonical_fields(Kind.ACCOUNT, values) == {"name": "12.0", "employees": "12", "custom": "12.0"}


def test_a_mapped_currency_follows_the_money_and_is_no_field() -> None:
    values = {"amount": Decimal("5000.00"), "probability": 10, "currency": "EUR"}
    assert canonical_fields(Kind.OPPORTUNITY, values) == {"amount": "5000 EUR", "probability": "10"}
