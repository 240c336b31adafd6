"""Instants as CRMs write them, and texts that name none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.clock import iso, iso_all, parse_instant, read_iso

_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00.000+0100", "1795168800000"])
def test_an_instant_in_any_spelling_is_the_same(text: str) -> None:
    assert iso(parse_instant(text)) == "2026-11-20T10:00:00.000Z"


@pytest.mark.parametrize(
    "text", ["9223372036854775296000", "9" * 60, "-9" * 5, "0001-01-01T00:00:00+23:00", "2026-11-20T10:00:00", "soon"]
)
def test_what_is_no_instant_of_the_calendar_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"instant|zone|ISO|isoformat"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T24:00:00Z",
        "2026-11-20 24:00:00.000+00:00",
        "2026-11-20T24",
        "2026-11-20-2400",
        "20261120T24Z",
        "20261120T240000.000Z",
        "2026-W47-5T24:00-05:00",
        "2026-W47T24",
    ],
)
def test_hour_24_is_no_time_under_any_python(text: str) -> None:
    """Python 3.14 reads it as the midnight that follows; those before it refuse."""
    with pytest.raises(ValueError, match=r"hour must be in 0\.\.23: "):
        read_iso(text)
    with pytest.raises(ValueError, match=r"hour must be in 0\.\.23: "):
        parse_instant(text)


@pytest.mark.parametrize(
    "text", ["2026-11-24", "20261124", "2026-11-24T00:24Z", "2026-11-20T10:24:00-00:24", "2026-11-24T23:24"]
)
def test_a_24_that_is_no_hour_is_read_as_ever(text: str) -> None:
    assert read_iso(text) == datetime.fromisoformat(text)


@given(st.lists(st.datetimes(_NOON.replace(tzinfo=None, year=2), timezones=_ZONES)))
@example([_NOON, _NOON + timedelta(microseconds=999), _NOON + timedelta(microseconds=1_000), _NOON])
def test_many_instants_are_told_as_each_is(instants: list[datetime]) -> None:
    assert iso_all(instants) == [iso(each) for each in instants]


def test_an_instant_without_a_zone_is_refused_among_many() -> None:
    with pytest.raises(ValueError, match="naive"):
        iso_all([_NOON, datetime(2026, 11, 20, 12)])  # noqa: DTZ001 - that is the point
