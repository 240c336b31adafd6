"""Quotas: parts that add up exactly, ramps, seasons that are learnt, potential, and what history says of a target."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import Place
from syncd.planning.aids.forecast import Expected, Stretch
from syncd.planning.aids.potential import potentials
from syncd.planning.aids.quota_check import Below, below, conversion_document, summed
from syncd.planning.aids.quota_split import Ground, by_rep, ramp_over, split, with_parents
from syncd.planning.aids.seasons import largest_remainder, seasons_of
from syncd.rules.pack import RepEntry
from tests.aids_books import NOW, book, history

D = Decimal


@settings(max_examples=80, derandomize=True)
@given(
    amount=st.decimals(0, 10**9, places=2),
    shares=st.lists(st.decimals(0, 1000, places=3), min_size=1, max_size=12),
    step=st.sampled_from([D("0.01"), D(1), D(1000)]),
)
def test_parts_add_up_to_the_cent_and_are_a_step_from_exact_at_most(
    amount: Decimal, shares: list[Decimal], step: Decimal
) -> None:
    parts = largest_remainder(amount, shares, step)
    whole = sum(shares)
    assert sum(parts) == amount
    for part, share in zip(parts, shares, strict=True):
        exact = amount * share / whole if whole else amount / len(shares)
        assert abs(part - exact) <= 2 * step
        assert part >= 0


def ground(potential: int, history_: int, capacity: int, ramp: str = "1", **reps: int) -> Ground:
    parts = {f"{name}@x.com": D(amount) for name, amount in reps.items()}
    return Ground(10, D(potential), D(history_), D(capacity), D(ramp), parts)


def test_each_method_follows_its_own_ground_and_the_blend_all_three() -> None:
    found = {"a": ground(30, 0, 10), "b/c": ground(10, 50, 10), "b/d": ground(0, 50, 20)}
    assert [part.amount for part in split(D(100), found, "potential", D(1)).values()] == [75, 25, 0]
    assert [part.amount for part in split(D(100), found, "history", D(1)).values()] == [0, 50, 50]
    assert [part.amount for part in split(D(100), found, "capacity", D(1)).values()] == [25, 25, 50]
    blend = split(D(100), found, "blend", D(1))
    assert [part.amount for part in blend.values()] == [34, 33, 33]
    assert with_parents({path: part.amount for path, part in blend.items()}) == {"a": 34, "b": 66, "b/c": 33, "b/d": 33}


def test_a_territory_whose_reps_ramp_gets_less_and_the_others_the_rest() -> None:
    found = {"new": ground(50, 50, 5, "0.5", ana=5), "old": ground(50, 50, 10, "1", ben=7, cat=3)}
    for method in ("potential", "history", "capacity", "blend"):
        parts = split(D(90), found, method, D(1))
        assert parts["old"].amount > parts["new"].amount
        assert sum(part.amount for part in parts.values()) == 90
    potential = split(D(90), found, "potential", D(1))
    assert potential["new"].amount == 30
    assert by_rep(potential, D(1)) == {"ana@x.com": 30, "ben@x.com": 42, "cat@x.com": 18}


def test_a_ramp_is_the_mean_of_the_months_and_nothing_before_the_start() -> None:
    months = [date(2027, month, 1) for month in range(1, 5)]
    entry = RepEntry("a@x.com", Place("p", 1), start=date(2027, 2, 10), ramp=(D("0.5"), D(1)))
    assert ramp_over(entry, months) == (D(0) + D("0.5") + 1 + 1) / 4
    gone = RepEntry("a@x.com", Place("p", 1), end=date(2027, 2, 10))
    assert ramp_over(gone, months) == D("0.5")


def quarters(year: int) -> list[tuple[date, date]]:
    return [(date(year, 3 * n + 1, 1), date(year + n // 3, 3 * n % 9 + 4 if n < 3 else 1, 1)) for n in range(4)]


def test_a_planted_season_is_learnt_and_an_unknown_one_is_even() -> None:
    daily = {
        date(year, month, day): D(400 if month >= 10 else 100)
        for year in (2024, 2025)
        for month in range(1, 13)
        for day in range(1, 29)
    }
    found = seasons_of(daily, quarters, 2026)
    assert found.years == 2
    assert sum(found.shares) == pytest.approx(1)
    assert float(found.shares[3]) == pytest.approx((4 / 7 * 2 + 0.125) / 2.5, abs=0.001)
    assert seasons_of({}, quarters, 2026).shares == (D("0.25"),) * 4


def test_potential_is_what_accounts_alike_brought_and_few_are_drawn_to_the_mean() -> None:
    facts = book(2_000, 21)
    deals = history(facts, 22, each=4)
    found = potentials(facts, deals.deals, NOW, by_band=False)
    by_industry = {
        industry: float(sum(found[each.key].yearly for each in facts if each.values["industry"] == industry))
        / sum(each.values["industry"] == industry for each in facts)
        for industry in deals.rates
    }
    ordered = sorted(deals.rates, key=lambda each: deals.rates[each])
    assert by_industry[ordered[-1]] > 2 * by_industry[ordered[0]]
    whole = sum(each.yearly for each in found.values())
    won = sum(d.amount or 0 for each in deals.deals.values() for d in each if d.won)
    assert float(whole) == pytest.approx(float(won) / (700 / 365), rel=0.05)


def test_what_comes_from_below_adds_up_and_never_counts_a_company_twice() -> None:
    facts = book(200, 31)
    deals = history(facts, 32).deals
    homes = {each.key: "a/b" if number % 2 else "a/c" for number, each in enumerate(facts)}
    yearly = dict.fromkeys(homes, D(1000))
    period = Stretch("2027", NOW, NOW + timedelta(days=365))
    found = summed(below({"a/b": Expected(won=5.0, from_open=7.0)}, deals, homes, yearly, period, NOW))
    assert found["a"].whole == found[""].whole == found["a/b"].whole + found["a/c"].whole
    assert found["a"].whitespace == pytest.approx(200_000)
    assert found["a/b"].won == 5.0


def test_required_conversion_is_flagged_beyond_the_limit_only() -> None:
    mine = Below(won=0.0, available=1000.0, closed=1000.0, closed_won=300.0, deals=50)
    at = conversion_document(D(329), mine, mine, D("0.1"))
    over = conversion_document(D(331), mine, mine, D("0.1"))
    assert (at["required"], at["trailing"], at["over"], over["over"]) == (0.329, 0.3, False, True)
    few = conversion_document(D(100), Below(available=1000.0, closed=10.0, closed_won=10.0, deals=1), mine, D("0.1"))
    assert (few["trailing"], few["of"]) == (0.3, "all deals")
    assert conversion_document(D(10), Below(), mine, D("0.1"))["over"] is True
    assert conversion_document(D(10), Below(), Below(), D("0.1"))["over"] is None


def test_what_is_no_whole_step_goes_to_the_largest_part() -> None:
    assert largest_remainder(D("10.50"), [D(1), D(9)], D(1)) == [D(1), D("9.50")]
