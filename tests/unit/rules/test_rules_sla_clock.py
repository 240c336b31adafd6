"""The clock of `routing: sla`: working hours in the rep's own place, over nights, weekends and clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rule_builders import pack, place, rep, territory

from syncd.rules.matching.time_window import Duration
from syncd.rules.matching.working_hours import parse_hours
from syncd.rules.routing.sla_clock import WorkingTime, due_at, worked, working_time_of
from syncd.rules.routing_rules import Sla

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata", "UTC")
HOURS = (
    "Mon-Fri 09:00-17:00",
    "09:00-17:00",
    "22:00-06:00",
    "Sat,Sun 00:00-24:00",
    "Sun 01:30-03:30",
    "Fri 20:00-04:00",
)
MINUTE = timedelta(minutes=1)


def working(*hours: str, zone: str = "Europe/Berlin") -> WorkingTime:
    parsed = tuple(each for text in hours if (each := parse_hours(text)) is not None)
    assert len(parsed) == len(hours)
    return WorkingTime(parsed, ZoneInfo(zone))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "span", "due"),
    [
        ("2026-12-01T10:00:00Z", Duration(15, "min"), "2026-12-01T10:15:00Z"),
        ("2026-12-01T15:50:00Z", Duration(15, "min"), "2026-12-02T08:05:00Z"),  # 16:50 in Berlin
        ("2026-12-04T15:50:00Z", Duration(15, "min"), "2026-12-07T08:05:00Z"),  # over a weekend
        ("2026-12-05T12:00:00Z", Duration(15, "min"), "2026-12-07T08:15:00Z"),
        ("2026-12-04T15:30:00Z", Duration(9, "h"), "2026-12-08T08:30:00Z"),
        ("2026-03-27T15:30:00Z", Duration(1, "h"), "2026-03-30T07:30:00Z"),  # the clock goes forward on Sunday
        ("2026-10-23T14:30:00Z", Duration(1, "h"), "2026-10-26T08:30:00Z"),  # and back
        ("2026-12-01T16:00:00Z", Duration(0, "min"), "2026-12-02T08:00:00Z"),
        ("2026-12-03T10:00:00Z", Duration(1, "d"), "2026-12-04T10:00:00Z"),
        ("2026-12-04T10:00:00Z", Duration(1, "d"), "2026-12-07T08:00:00Z"),
    ],
)
def test_time_runs_in_working_hours_alone(start: str, span: Duration, due: str) -> None:
    assert due_at(at(start), span, working("Mon-Fri 09:00-17:00")) == at(due)


def test_always_is_always() -> None:
    assert due_at(at("2026-12-05T23:50:00Z"), Duration(15, "min"), working()) == at("2026-12-06T00:05:00Z")


def test_whose_hours_count() -> None:
    people = (rep("anna@x", hours="07:00-15:00 America/New_York"), rep("ben@x"))
    rules = pack(territory("rest", None), reps=people)
    business, always = Sla(place(1), Duration(15, "min"), "business"), Sla(place(1), Duration(15, "min"), "always")
    noon = at("2026-12-05T13:00:00Z")  # a Saturday, 8 o'clock in New York
    assert working_time_of(rules, business, "anna@x").holds(noon)
    assert not working_time_of(rules, business, "ben@x").holds(noon)
    assert not working_time_of(rules, business, None).holds(noon)
    assert working_time_of(rules, always, "ben@x").holds(noon)
    written = Sla(place(1), Duration(15, "min"), "Sat 12:00-14:00 UTC")
    assert working_time_of(rules, written, "ben@x").holds(noon)


@settings(max_examples=60)
@given(
    hours=st.lists(st.sampled_from(HOURS), min_size=1, max_size=2, unique=True),
    zone=st.sampled_from(ZONES),
    start=st.integers(0, 60 * 24 * 365),
    minutes=st.integers(1, 60 * 12),
)
@example(hours=["Sun 01:30-03:30"], zone="Europe/Berlin", start=60 * 24 * 86, minutes=90)
@example(hours=["22:00-06:00"], zone="America/New_York", start=60 * 24 * 66 + 300, minutes=700)
@example(hours=["Fri 20:00-04:00"], zone="Africa/Cairo", start=60 * 24 * 113, minutes=500)
def test_a_span_is_over_when_so_much_was_worked_counted_minute_by_minute(
    hours: list[str], zone: str, start: int, minutes: int
) -> None:
    time = working(*hours, zone=zone)
    begins = datetime(2026, 1, 1, tzinfo=UTC) + start * MINUTE
    due = due_at(begins, Duration(minutes, "min"), time)
    assert due is not None
    assert worked(begins, due, time) == minutes * MINUTE
    assert worked(begins, due - MINUTE, time) < minutes * MINUTE
    if due - begins < timedelta(days=3):
        plain = sum(time.holds(begins + number * MINUTE) for number in range(int((due - begins) / MINUTE)))
        assert plain == minutes


@settings(max_examples=40)
@given(zone=st.sampled_from(ZONES), day=st.integers(0, 364), minutes=st.integers(1, 600))
def test_working_time_never_ends_outside_the_hours_or_on_a_weekend(zone: str, day: int, minutes: int) -> None:
    time = working("Mon-Fri 09:00-17:00", zone=zone)
    due = due_at(datetime(2026, 1, 1, 3, 7, tzinfo=UTC) + timedelta(days=day), Duration(minutes, "min"), time)
    assert due is not None
    local = due.astimezone(ZoneInfo(zone))
    assert local.weekday() < 5
    assert (9, 0) <= (local.hour, local.minute) <= (17, 0)
