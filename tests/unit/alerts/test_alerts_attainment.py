"""Attainment: periods of the fiscal calendar, whose deals count, the pace, and the two thresholds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from alerts_world import HS, NOW, PACK, SF, World, account, user, won

from syncd.alerts.periods import earlier, fiscal_period, period_of
from syncd.jobs.recording import recorded
from syncd.store import ownership

UTC_ZONE = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("day", "start", "name"),
    [
        (date(2026, 11, 20), 1, "2026-Q4"),
        (date(2026, 1, 1), 1, "2026-Q1"),
        (date(2026, 2, 1), 2, "2027-Q1"),
        (date(2026, 1, 31), 2, "2026-Q4"),
        (date(2026, 11, 20), 10, "2027-Q1"),
        (date(2026, 12, 31), 12, "2027-Q1"),
        (date(2026, 11, 30), 12, "2026-Q4"),
    ],
)
def test_a_fiscal_year_is_named_after_the_year_it_ends_in(day: date, start: int, name: str) -> None:
    assert fiscal_period(day, start) == name
    midday = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert period_of(name, start, UTC_ZONE).holds(midday)


@pytest.mark.parametrize(
    ("name", "start", "first", "after"),
    [
        ("2026-Q4", 1, date(2026, 10, 1), date(2027, 1, 1)),
        ("2027-Q1", 2, date(2026, 2, 1), date(2026, 5, 1)),
        ("2027-Q4", 2, date(2026, 11, 1), date(2027, 2, 1)),
        ("2026-11", 2, date(2026, 11, 1), date(2026, 12, 1)),
        ("2026-12", 1, date(2026, 12, 1), date(2027, 1, 1)),
        ("2026", 1, date(2026, 1, 1), date(2027, 1, 1)),
        ("2027", 7, date(2026, 7, 1), date(2027, 7, 1)),
    ],
)
def test_a_period_begins_and_ends_at_local_midnight(name: str, start: int, first: date, after: date) -> None:
    zone = ZoneInfo("Europe/Berlin")
    period = period_of(name, start, zone)
    assert period.start == datetime(first.year, first.month, first.day, tzinfo=zone)
    assert period.end == datetime(after.year, after.month, after.day, tzinfo=zone)
    assert period.elapsed(period.start) == 0
    assert period.elapsed(period.end) == 1


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
)
@pytest.mark.parametrize("start", [1, 2, 4, 11])
def test_every_instant_lies_in_one_period_of_a_kind_whatever_the_clocks_do(name: str, start: int) -> None:
    """Havana's clocks go back at one o'clock on 1 November 2026, so that midnight of that day comes twice."""
    zone = ZoneInfo(name)
    months = [f"{year}-{month:02}" for year in (2026, 2027, 2028) for month in range(1, 13)]
    quarters = [f"{year}-Q{quarter}" for year in (2026, 2027, 2028) for quarter in (1, 2, 3, 4)]
    for names in (months, quarters, ["2026", "2027", "2028"]):
        found = [period_of(each, start, zone) for each in names]
        for before, after in pairwise(found):
            assert before.end == after.start
            assert earlier(after.name, start, zone) == before
            assert not before.holds(before.end)
            assert after.holds(before.end)
            assert before.holds(before.end - timedelta.resolution)
            shares = [before.elapsed(before.start + (before.end - before.start) * part / 7) for part in range(8)]
            assert shares == sorted(shares)
            assert (shares[0], shares[-1]) == (0, 1)


def test_a_leap_day_and_an_hour_more_are_part_of_their_period() -> None:
    zone = ZoneInfo("Europe/Berlin")
    february = period_of("2028-02", 1, zone)
    assert february.end - february.start == timedelta(days=29)
    assert february.holds(datetime(2028, 2, 29, 23, 59, tzinfo=zone))
    assert february.elapsed(datetime(2028, 2, 29, tzinfo=zone)) == Decimal(28) / 29
    winter = period_of("2026-Q4", 1, zone)
    assert winter.end - winter.start == timedelta(days=92, hours=1), "the clocks go back on 25 October"
    assert winter.elapsed(datetime(2026, 10, 25, 12, tzinfo=zone)) == Decimal(24 * 24 + 13) / (92 * 24 + 1)


def firing(world: World) -> list[str]:
    """What fires of attainment, and what says why it does not."""
    return world.firing("AttainmentBelow", "PackInvalid", "RepLeft")


def quota(world: World, rows: str, monitors: str = "") -> None:
    """A pack with these quotas; columns territory, rep, period, quota, currency."""
    world.more_pack(f"quotas: {{file: quotas.csv}}\n{monitors}")
    world.file("quotas.csv", f"territory,rep,period,quota,currency\n{rows}\n")


def begin(world: World, *deals: tuple[int, int, str]) -> None:
    """Accounts 1 in Germany, 2 in France, 3 in Japan; deals as (account, amount, close date)."""
    countries = {1: "Germany", 2: "France", 3: "Japan"}
    accounts = {number: account(number, country=country) for number, country in countries.items()}
    world.users(user("anna"), user("ben"))
    world.put(*accounts.values())
    world.put(*(won(index, accounts[number], amount, closed) for index, (number, amount, closed) in enumerate(deals)))
    world.pulled()
    world.watch()


def test_a_territory_counts_what_is_below_it_and_its_own_period_only(world: World) -> None:
    rows = ("emea,,2026-Q4,1000,", "dach,,2026-Q4,1000,", "rest,,2026-Q4,1000,", "emea,,2026-Q3,999999,")
    quota(world, "\n".join((*rows, "rest,,2026,1,")))
    begin(world, (1, 300, "2026-10-05"), (2, 200, "2026-11-01"), (3, 50, "2026-11-19"), (3, 9999, "2026-09-30"))
    assert firing(world) == ["AttainmentBelow emea/dach", "AttainmentBelow rest"]
    (dach, _) = world.episodes("AttainmentBelow")
    assert dach.labels == {"territory": "emea/dach", "period": "2026-Q4"}
    assert "300 USD won" in dach.summary


def test_a_territory_may_say_its_quota_itself(world: World) -> None:
    world.pack(
        PACK.replace("when: {country: [DE, AT, CH]}", "when: {country: [DE, AT, CH]}\n        quota: 1000 per quarter")
    )
    begin(world, (1, 300, "2026-10-05"))
    assert firing(world) == ["AttainmentBelow emea/dach"]
    (dach,) = world.episodes("AttainmentBelow")
    assert dach.labels == {"territory": "emea/dach", "period": "2026-Q4"}


def test_an_unlikely_quota_warns_early_where_the_pack_asks_for_it(world: World) -> None:
    def forecast(chance: float) -> None:
        told = {"forecast": "600", "low": "400", "high": "800", "quota": "1000", "chance": chance}
        with recorded(world.context, "forecast") as run:
            run.summary = {"period": "2026-Q4", "territories": {"emea": told}}

    quota(world, "emea,,2026-Q4,1000,", "monitors: {AttainmentBelow: {early: 20%}}")
    begin(world, (1, 500, "2026-11-01"))  # the pace is fine
    assert firing(world) == []
    forecast(0.15)
    world.clock.advance(timedelta(hours=1, minutes=1))
    world.pulled()
    world.watch()
    assert firing(world) == ["AttainmentBelow emea"]
    (episode,) = world.episodes("AttainmentBelow")
    assert "it ends at 600 USD (400 USD to 800 USD); the quota is reached with 15%" in str(episode.detail["evidence"])
    forecast(0.25)  # a little likelier changes nothing, a tenth likelier does
    world.clock.advance(timedelta(hours=1, minutes=1))
    world.pulled()
    world.watch()
    assert firing(world) == ["AttainmentBelow emea"]
    forecast(0.35)
    world.clock.advance(timedelta(hours=1, minutes=1))
    world.pulled()
    world.watch()
    assert firing(world) == []


def test_a_deal_that_closes_on_the_leap_day_is_of_february(world: World) -> None:
    world.clock.set(datetime(2028, 2, 29, 9, tzinfo=UTC))
    quota(world, "emea,,2028-02,1000,\nrest,,2028-Q1,1000,")
    begin(world, (1, 800, "2028-02-29"))
    world.watch()
    assert firing(world) == ["AttainmentBelow rest"]


def test_a_rep_counts_the_deals_they_own_where_the_pack_says_so(world: World) -> None:
    rule = "monitors: {AttainmentBelow: {attribute: deal-owner}}\n"
    quota(world, ",Ben@Example.com,2026-Q4,1000,\n,anna@example.com,2026-Q4,1000,", rule)
    world.users(user("anna"), user("ben"))
    world.put(account(1), won(1, account(1), 900, "2026-11-01", owner="005ben"))
    world.pulled()
    world.watch()
    assert firing(world) == ["AttainmentBelow anna@example.com"]


def test_a_deal_that_is_won_in_the_future_or_only_open_does_not_count(world: World) -> None:
    quota(world, "emea,,2026-Q4,1000,")
    begin(world, (1, 900, "2026-12-24"))
    assert firing(world) == ["AttainmentBelow emea"]


def test_between_the_thresholds_nothing_changes(world: World) -> None:
    """The quarter is 54.8 % over: of 1,000 are 548 expected; 70 % of that are 383.6, 75 % are 411.0."""
    quota(world, "emea,,2026-Q4,1000,")
    begin(world, (1, 390, "2026-11-01"))
    assert firing(world) == []
    world.put(won(0, account(1), 380, "2026-11-01"))
    world.later(1)
    assert world.watch().fired == 1
    world.put(won(0, account(1), 410, "2026-11-01"))
    world.later(1)
    report = world.watch()
    assert (firing(world), report.resolved) == (["AttainmentBelow emea"], 0)
    world.put(won(0, account(1), 412, "2026-11-01"))
    world.later(1)
    assert world.watch().resolved == 1
    world.put(won(0, account(1), 395, "2026-11-01"))
    world.later(1)
    world.watch()
    assert firing(world) == []


def test_the_pack_sets_both_thresholds_and_the_least_that_counts(world: World) -> None:
    rule = "monitors: {AttainmentBelow: {below: 50%, resolve: 60%, min_expected: 400}}\n"
    quota(world, "emea,,2026-Q4,1000,\nrest,,2026-Q4,700,", rule)
    begin(world, (1, 290, "2026-11-01"))
    assert firing(world) == []
    quota(world, "emea,,2026-Q4,1100,\nrest,,2026-Q4,700,", rule)
    world.later(1)
    world.watch()
    assert firing(world) == ["AttainmentBelow emea"]


def test_before_a_fifth_of_the_period_nothing_is_said(world: World) -> None:
    quota(world, "emea,,2026-12,1000,\nemea,,2026-Q4,1,")
    begin(world, (1, 10, "2026-11-01"))
    world.clock.set(datetime(2026, 12, 7, 4, 47, tzinfo=UTC))
    world.later(0)
    world.watch()
    assert firing(world) == []
    world.later(16)
    world.watch()
    assert firing(world) == ["AttainmentBelow emea"]


def test_when_the_period_is_over_so_is_the_alert(world: World) -> None:
    quota(world, "emea,,2026-11,1000,")
    begin(world)
    assert firing(world) == ["AttainmentBelow emea"]
    world.clock.set(datetime(2026, 12, 1, 0, 1, tzinfo=UTC))
    world.later(0)
    world.watch()
    assert firing(world) == []


def test_a_quota_in_another_currency_needs_a_rate(world: World) -> None:
    quota(world, "emea,,2026-Q4,1000,EUR")
    begin(world)
    assert firing(world) == ["PackInvalid pack"]
    (episode,) = world.episodes("PackInvalid")
    assert "quotas.csv:2" in str(episode.detail["evidence"])


def test_a_territory_of_the_last_apply_counts_before_the_one_of_todays_rules(world: World) -> None:
    quota(world, "dach,,2026-Q4,1000,\nrest,,2026-Q4,1000,")
    begin(world, (1, 900, "2026-11-01"))
    assert firing(world) == ["AttainmentBelow rest"]
    with world.store.write() as conn:
        key = "salesforce:account:1"
        ownership.set_applied(conn, "owner", {key: ownership.AppliedRow("rest", "anna@example.com", NOW, "r")})
    world.later(20)
    world.watch()
    assert firing(world) == ["AttainmentBelow emea/dach"]


def test_one_stale_system_leaves_every_attainment_as_it_was(world: World) -> None:
    quota(world, "emea,,2026-Q4,1000,")
    begin(world)
    assert firing(world) == ["AttainmentBelow emea"]
    world.put(won(1, account(1), 5000, "2026-11-02"))
    world.later(1, SF)
    world.pulled(HS, outcome="incomplete")
    world.watch()
    assert firing(world) == ["AttainmentBelow emea"]


def test_the_one_who_left_is_not_also_behind(world: World) -> None:
    quota(world, ",anna@example.com,2026-Q4,1000,")
    begin(world, (1, 900, "2026-11-01"))
    world.users(user("anna", active=False))
    world.put(won(0, account(1), 100, "2026-11-01"))
    world.later(1)
    world.watch()
    assert firing(world) == ["RepLeft anna@example.com"]


def test_the_amounts_stand_in_the_alert(world: World) -> None:
    quota(world, "emea,,2026-Q4,1000,")
    begin(world, (1, 100, "2026-11-01"))
    (episode,) = world.episodes("AttainmentBelow")
    assert Decimal(episode.detail["money"]["amount"]) == Decimal("448.01")
    assert "won 100 USD at Company 1 on 2026-11-01" in episode.detail["evidence"]
    assert episode.detail["who"] == ["anna@example.com"]
