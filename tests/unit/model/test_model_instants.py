"""Instants as CRMs write them, and texts that name none."""

from __future__ import annotations

import pytest

from syncd.clock import iso, parse_instant


@pytest.mark.parametrize("text", ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00.000+0100", "1795168800000"])
def test_an_instant_in_any_spelling_is_the_same(text: str) -> None:
    assert iso(parse_instant(text)) == "2026-11-20T10:00:00.000Z"


@pytest.mark.parametrize(
    "text", ["9223372036854775296000", "9" * 60, "-9" * 5, "0001-01-01T00:00:00+23:00", "2026-11-20T10:00:00", "soon"]
)
def test_what_is_no_instant_of_the_calendar_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"instant|zone|ISO|isoformat"):
        parse_instant(text)
