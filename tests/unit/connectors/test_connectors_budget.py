"""The call budget: rates kept by the clock, our share of the day, the organization's floor, the reserve for writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncd.clock import ManualClock
from syncd.connectors.budget import ASSOCIATIONS, GENERAL, SEARCH, Bucket, RateBudget, hubspot_budget, salesforce_budget
from syncd.errors import QuotaExhaustedError

START = datetime(2026, 11, 20, 10, tzinfo=UTC)


def refusal(budget: RateBudget, *, writing: bool = False) -> str | None:
    try:
        budget.admit(writing=writing)
    except QuotaExhaustedError as error:
        return error.code
    return None


def test_a_bucket_never_lets_more_through_than_its_rate() -> None:
    clock = ManualClock(START)
    bucket = Bucket(clock, rate=4.0)
    times = []
    for _ in range(20):
        bucket.take()
        times.append(clock.monotonic())
    for first in times:
        assert sum(1 for time in times if first <= time < first + 1.0) <= 4


def test_search_stays_within_five_a_second_and_the_rest_within_a_hundred_in_ten() -> None:
    clock = ManualClock(START)
    budget = hubspot_budget(clock)
    for pool, limit, span in ((SEARCH, 5, 1.0), (GENERAL, 100, 10.0)):
        times = []
        for _ in range(300):
            budget.admit(pool)
            times.append(clock.monotonic())
        assert max(sum(1 for time in times if first <= time < first + span) for first in times) <= limit


def test_the_portals_own_burst_limit_is_used_once_it_is_told() -> None:
    clock = ManualClock(START)
    budget = hubspot_budget(clock)
    budget.note_interval("190", "10000")
    for _ in range(300):
        budget.admit(GENERAL)
    assert clock.monotonic() < 18


def test_association_calls_count_against_both_limits() -> None:
    clock = ManualClock(START)
    budget = hubspot_budget(clock)
    times = []
    for number in range(300):
        budget.admit(ASSOCIATIONS if number % 2 else GENERAL)
        times.append(clock.monotonic())
    assert max(sum(1 for time in times if first <= time < first + 10.0) for first in times) <= 100


@pytest.mark.parametrize("broken", [(None, "10000"), ("190", None), ("x", "10000"), ("0", "0")])
def test_an_unreadable_burst_limit_changes_nothing(broken: tuple[str | None, str | None]) -> None:
    clock = ManualClock(START)
    budget = hubspot_budget(clock)
    budget.note_interval(*broken)
    for _ in range(100):
        budget.admit(GENERAL)
    assert clock.monotonic() > 9


def test_nothing_is_refused_before_the_crm_has_told_its_allowance() -> None:
    budget = salesforce_budget(ManualClock(START))
    assert [refusal(budget) for _ in range(5_000)] == [None] * 5_000


@pytest.mark.parametrize(
    "header",
    ["api-usage=100/1000", "api-usage=100/1000; per-app-api-usage=17/250(appName=sync)", "x=1; api-usage=100/1000"],
)
def test_reads_stop_at_our_share_less_the_reserve_in_either_shape_of_the_header(header: str) -> None:
    budget = salesforce_budget(ManualClock(START), api_share=0.20)
    budget.note_limit_info(header)
    outcomes = [refusal(budget) for _ in range(181)]
    assert outcomes[:180] == [None] * 180
    assert outcomes[180] == "SYN415"


def test_the_reserve_lets_writes_through_and_ends_too() -> None:
    budget = salesforce_budget(ManualClock(START), spent=180)
    budget.note_limit_info("api-usage=200/1000")
    assert refusal(budget) == "SYN415"
    assert [refusal(budget, writing=True) for _ in range(21)] == [None] * 20 + ["SYN415"]


def test_reads_stop_when_the_org_has_under_a_tenth_left_and_writes_do_not() -> None:
    budget = salesforce_budget(ManualClock(START))
    budget.note_limit_info("api-usage=900/1000")
    assert refusal(budget) is None
    budget.note_limit_info("api-usage=901/1000")
    assert refusal(budget) == "SYN416"
    assert refusal(budget, writing=True) is None


def test_an_app_that_has_an_allowance_of_its_own_keeps_to_it() -> None:
    budget = salesforce_budget(ManualClock(START))
    budget.note_limit_info("api-usage=300/100000; per-app-api-usage=225/250(appName=sync)")
    assert refusal(budget) == "SYN415"
    assert refusal(budget, writing=True) is None


def test_hubspots_daily_headers_are_understood() -> None:
    budget = hubspot_budget(ManualClock(START))
    budget.note_daily("650000", "60000")
    assert refusal(budget) == "SYN416"
    budget.note_daily(None, None)
    budget.note_daily("x", "y")
    assert budget.usage().org_used == 590_000


def test_an_unreadable_header_does_not_switch_the_guard_off() -> None:
    budget = salesforce_budget(ManualClock(START))
    budget.note_limit_info("api-usage=990/1000")
    for header in (None, "", "garbage", "per-app-only"):
        budget.note_limit_info(header)
    assert refusal(budget) == "SYN416"


def test_calls_of_earlier_processes_count_until_the_day_ends() -> None:
    clock = ManualClock(START)
    budget = salesforce_budget(clock, spent=500)
    budget.note_limit_info("api-usage=600/1000")
    assert refusal(budget) == "SYN415"
    clock.advance(timedelta(days=1))
    assert refusal(budget) is None
    assert budget.usage().spent == 1
