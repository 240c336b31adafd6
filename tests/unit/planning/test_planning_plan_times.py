from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.planning.proposing.windows import last_plan_time

BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = ("Mon-Fri 10:00",)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-20T10:00:00+01:00", "2026-11-20T10:00:00+01:00"),  # Friday, to the minute
        ("2026-11-20T09:59:59+01:00", "2026-11-19T10:00:00+01:00"),
        ("2026-11-22T12:00:00+01:00", "2026-11-20T10:00:00+01:00"),  # Sunday: still Friday's
        ("2026-11-23T09:00:00+01:00", "2026-11-20T10:00:00+01:00"),
    ],
)
def test_the_last_plan_time_is_the_latest_that_has_passed(now: str, expected: str) -> None:
    assert last_plan_time(WEEKDAYS, at(now), BERLIN) == at(expected)


def test_of_several_times_the_latest_counts() -> None:
    specs = ("Mon-Fri 10:00", "16:30", "Sat 08:00")
    assert last_plan_time(specs, at("2026-11-21T09:00:00+01:00"), BERLIN) == at("2026-11-21T08:00:00+01:00")
    assert last_plan_time(specs, at("2026-11-21T17:00:00+01:00"), BERLIN) == at("2026-11-21T16:30:00+01:00")


def test_without_times_there_is_none() -> None:
    assert last_plan_time((), at("2026-11-21T09:00:00+01:00"), BERLIN) is None


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_clock_change_neither_loses_nor_doubles_a_time(day: str) -> None:
    midnight = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=BERLIN).astimezone(UTC)
    nows = [midnight + timedelta(minutes=10 * number) for number in range(60)]
    seen = [last_plan_time(("02:30",), now, BERLIN) for now in nows]
    today = {instant.timestamp() for instant in seen if instant is not None and instant.date().isoformat() == day}
    assert len(today) == 1
