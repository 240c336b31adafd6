"""Forecasts: calibrated on planted deals, blind to the future, and certain of what is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from syncd.planning.aids.chances import known_at, learn
from syncd.planning.aids.forecast import Expected, Stretch, actual, better, check, expect
from syncd.planning.aids.stage_chances import learn_stages
from syncd.planning.aids.stage_table import stage_table
from tests.deal_books import NOW, STAGES, planted_deals, with_ways


def place_of(at: datetime) -> int:
    return (at.month - 1) % 3


def quarter(year: int, number: int) -> Stretch:
    end = datetime(year + number // 4, 3 * number % 12 + 1, 1, tzinfo=UTC)
    return Stretch(f"{year}-Q{number}", datetime(year, 3 * number - 2, 1, tzinfo=UTC), end)


PAST = [quarter(year, number) for year in (2026, 2025, 2024) for number in (4, 3, 2, 1)][1:]


@pytest.mark.parametrize(("seed", "a_month"), [(2, 1.5), (3, 4.0)])
def test_four_in_five_intervals_hold_quarters_that_were_held_back(seed: int, a_month: float) -> None:
    deals = planted_deals([f"t{n}" for n in range(30)], seed, a_month=a_month, win_rates=(0.2, 0.35, 0.5))
    for share in (0.1, 0.55):
        found = check(deals, PAST, share, place_of, NOW)
        assert found.tested >= 100
        assert found.share is not None
        assert 0.7 <= found.share <= 0.95
        assert found.bias is not None
        assert abs(found.bias) < 0.2


def test_a_forecast_does_not_know_what_came_later() -> None:
    deals = planted_deals(["a", "b"], 5)
    at = PAST[1].at(0.5)
    later = [(holder, deal) for holder, deal in deals if deal.created is not None and deal.created <= at]
    assert expect(deals, PAST[1], at, place_of) == expect(later, PAST[1], at, place_of)
    assert all(each.end is None or each.end <= at for each in known_at(deals, at))


def test_a_period_that_is_over_is_what_was_won() -> None:
    deals = planted_deals(["a", "b"], 6)
    found = expect(deals, PAST[2], PAST[2].end, place_of)
    true = actual(deals, PAST[2])
    for holder in ("a", "b"):
        assert found[holder].mean == pytest.approx(true[holder])
        assert found[holder].interval() == pytest.approx((true[holder], true[holder]))


def test_planted_win_rates_and_the_rush_at_the_quarters_end_are_learnt() -> None:
    deals = planted_deals(["low", "high"], 7, a_month=60, win_rates=(0.2, 0.5), rush=3.0)
    chances = learn(known_at(deals, NOW), NOW, place_of)
    assert chances.factor("high") > 1.7 * chances.factor("low")
    assert chances.season[2] > 1.5 * chances.season[0]
    far = NOW + timedelta(days=730)
    assert chances.win(0, NOW, far, chances.factor("high")) == pytest.approx(0.5, abs=0.1)
    near = [chances.win(0, NOW, NOW + timedelta(days=days)) for days in (7, 30, 90, 365)]
    assert near == sorted(near)


def test_the_chance_of_a_quota_falls_with_it_and_of_what_is_won_it_is_certain() -> None:
    each = Expected(won=100.0, from_open=50.0, to_come=50.0, variance=2500.0, wins=6.0)
    chances = [each.chance_of(amount) for amount in (100.0, 150.0, 200.0, 300.0, 1000.0)]
    assert chances[0] == 1.0
    assert chances == sorted(chances, reverse=True)
    low, high = each.interval()
    assert 100 <= low < each.mean < high
    assert each.chance_of(low) == pytest.approx(0.9, abs=0.01)
    assert each.chance_of(high) == pytest.approx(0.1, abs=0.01)
    few = Expected(from_open=10.0, variance=100.0, wins=0.3)
    assert few.interval()[0] == 0.0  # there may well be none


def test_nothing_known_is_nothing_promised() -> None:
    assert expect([], PAST[0], NOW, place_of) == {}
    found = check([], PAST, 0.5, place_of, NOW)
    assert (found.tested, found.share, found.wider) == (0, None, 1.0)
    assert Expected().chance_of(float(Decimal(1))) == 0.0


def test_the_stage_of_open_deals_makes_forecasts_of_held_back_quarters_better() -> None:
    seed = 2
    plain = planted_deals([f"t{n}" for n in range(30)], seed, a_month=2.0, win_rates=(0.2, 0.35, 0.5))
    deals = with_ways(plain, seed)
    by_age, by_stage = (check(deals, PAST, 0.55, place_of, NOW, staged=staged) for staged in (False, True))
    assert by_age.error is not None
    assert by_stage.error is not None
    assert by_stage.error < 0.95 * by_age.error
    assert by_stage.share is not None
    assert 0.7 <= by_stage.share <= 0.95
    assert better(by_age, by_stage) is by_stage
    unknown = check(plain, PAST, 0.55, place_of, NOW, staged=True)
    assert unknown.error == pytest.approx(by_age.error)
    assert better(by_age, unknown) is by_age


def test_planted_stages_are_learnt_with_their_conversion_and_time() -> None:
    seen = known_at(with_ways(planted_deals(["a", "b"], 8, a_month=60, rush=1.0), 8), NOW)
    chances = learn(seen, NOW, place_of)
    stages = learn_stages(seen, chances.season, place_of)
    assert stages is not None
    far = NOW + timedelta(days=730)
    rows = {each["stage"]: each for each in stage_table(seen)}
    assert list(rows) == list(STAGES)
    likely = []
    for stage in STAGES:
        found = stages.win(stage, 0, NOW, far)
        assert found is not None
        assert found == pytest.approx(rows[stage]["won"]["share"], abs=0.06)
        assert rows[stage]["won"]["low"] <= rows[stage]["won"]["share"] <= rows[stage]["won"]["high"]
        likely.append(found)
    assert likely == sorted(likely)
    assert rows["Negotiation"]["moved_on"]["hits"] == 0
    assert stages.win("Nowhere", 0, NOW, far) is None
    soon = [stages.win("Proposal", 0, NOW, NOW + timedelta(days=days)) or 0.0 for days in (0, 7, 30, 90)]
    assert soon == sorted(soon)
    assert soon[0] == 0.0


def test_stages_entered_later_are_not_known_and_few_ways_teach_nothing() -> None:
    deals = with_ways(planted_deals(["a"], 9, a_month=4.0), 9)
    at = PAST[1].at(0.5)
    assert all(entry.at < at for each in known_at(deals, at) for entry in each.way)
    assert any(entry.at >= at for _, deal in deals for entry in deal.way)
    assert learn_stages(known_at(deals[:20], NOW), (1.0, 1.0, 1.0), place_of) is None
