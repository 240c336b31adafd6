"""The guard's limits and the write windows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from planning_world import HS, SF, account, deal

from syncd.errors import InputError
from syncd.model.plans import Change, GuardTrip
from syncd.model.refs import Ref
from syncd.planning.proposing.guard import LIMITS, Move, Reach, check_guard, check_role, check_windows, estimated_calls
from syncd.planning.proposing.windows import inside_windows
from syncd.rules.pack import Guard

BERLIN = ZoneInfo("Europe/Berlin")


def move(
    gains: str = "anna", loses: str = "old", territory: str = "dach", band: str | None = "a", rule: str = "t.yaml:1"
) -> Move:
    return Move(gains, loses, territory, band, Decimal(100), rule)


def trips(guard: Guard, moves: Sequence[Move], **reach: object) -> tuple[GuardTrip, ...]:
    given: dict[str, object] = {"evaluated": 100, "totals": {}, "changes": (), "currency": "USD"}
    return check_guard(guard, Reach(moves=moves, **{**given, **reach}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("guard", "limit", "allowed", "found"),
    [
        (Guard(changes_max=3), "changes.max", "3", "4"),
        (Guard(changes_share=Decimal("0.03")), "changes.share", "3%", "4%"),
        (Guard(money=Decimal(300)), "money", "300 USD", "400 USD"),
        (Guard(per_rep=3), "per_rep", "3", "4 (anna)"),
        (Guard(per_territory=3), "per_territory", "3", "4 (dach)"),
        (Guard(per_band={"A": 3}), "per_band", "3 (A)", "4 (A)"),
        (Guard(per_owner_total=120), "per_owner_total", "120", "121 (anna)"),
    ],
)
def test_a_limit_trips_above_and_not_at_its_value(guard: Guard, limit: str, allowed: str, found: str) -> None:
    moves = [move() for _ in range(4)]
    (trip,) = trips(guard, moves, totals={"anna": 121})
    assert (trip.limit, trip.allowed, trip.found) == (limit, allowed, found)
    assert trip.rules == ("t.yaml:1",)
    assert trips(guard, moves[:3], totals={"anna": 120}) == ()


def test_a_share_is_told_in_percent() -> None:
    (trip,) = trips(Guard(changes_share=Decimal("0.505")), [move()] * 60)
    assert (trip.allowed, trip.found) == ("50.5%", "60%")


def test_no_limit_means_no_trip() -> None:
    assert trips(Guard(), [move()] * 1000, totals={"anna": 10**6}) == ()


def test_a_rep_who_loses_too_many_trips_like_one_who_gains() -> None:
    moves = [move(gains=f"rep{number}", loses="old") for number in range(4)]
    (trip,) = trips(Guard(per_rep=3), moves)
    assert trip.found == "4 (old)"
    assert "lose" in trip.text


def test_a_rep_who_gains_as_many_as_go_gains_too_many() -> None:
    moves = [move(gains="anna", loses="old"), move(gains="new", loses="anna")]
    (trip,) = trips(Guard(per_rep=0), moves)
    assert trip.text.startswith("anna would gain 1 ")
    assert "(3 reps are over it)" in trip.text


def test_two_that_are_over_a_limit_are_counted_and_one_is_not() -> None:
    (two,) = trips(Guard(per_territory=0), [move(), move(territory="uk")])
    assert "(2 territories are over it)" in two.text
    (one,) = trips(Guard(per_territory=0), [move()])
    assert "over it" not in one.text


def test_aligning_a_system_moves_no_account_between_reps() -> None:
    assert trips(Guard(per_rep=1), [move(gains="anna", loses="anna")] * 5) == ()


def test_a_trip_names_the_five_rules_that_cause_the_most() -> None:
    moves = [move(rule=f"t.yaml:{line}") for line in range(1, 8) for _ in range(line)]
    (trip,) = trips(Guard(changes_max=1), moves)
    assert trip.rules == ("t.yaml:7", "t.yaml:6", "t.yaml:5", "t.yaml:4", "t.yaml:3")


def test_a_trip_of_a_band_names_the_rules_that_move_that_band() -> None:
    moves = [move(rule="t.yaml:1"), move(band="b", rule="t.yaml:2"), move(band=None, rule="t.yaml:3")]
    (trip,) = trips(Guard(per_band={"A": 0}), moves)
    assert trip.rules == ("t.yaml:1",)


def test_a_trip_of_another_role_names_the_role_and_no_money() -> None:
    given = Reach(moves=[move()] * 2, evaluated=100, totals={}, changes=(), currency="USD")
    (trip,) = check_role(Guard(changes_max=1, money=Decimal(0)), "csm", given)
    assert trip.text.startswith("role csm: ")
    assert check_role(Guard(changes_max=2), "csm", given) == ()


def test_trips_come_in_the_order_of_the_limits() -> None:
    guard = Guard(changes_max=0, changes_share=Decimal(0), money=Decimal(0), per_rep=0, per_territory=0)
    names = [trip.limit for trip in trips(guard, [move()])]
    assert names == sorted(names, key=LIMITS.index)


def test_calls_are_estimated_from_batches() -> None:
    many = [Change(account(number), "a", "b", "c", "f") for number in range(401)]
    assert estimated_calls(many) == 3 * 4
    assert estimated_calls(many[:3]) == 3 + 3
    assert estimated_calls([Change(deal(number, HS), "a", "b", "c", "f") for number in range(101)]) == 2 * 3
    assert estimated_calls([Change(account(1), "a", "b", "c", "f", expected=True)]) == 0
    (trip,) = trips(Guard(api_calls=11), [move()], changes=many)
    assert (trip.limit, trip.found) == ("api_calls", "12")
    assert trips(Guard(api_calls=12), [move()], changes=many) == ()


@pytest.mark.parametrize(
    ("rows", "calls"),
    [
        ([account(number) for number in range(5)], 2 + 1 + 5),  # few rows of Salesforce are written one by one
        ([account(number) for number in range(6)], 2 + 1 + 1),
        ([deal(number) for number in range(6)], 2 + 1),  # teams are an account's
        ([account(number, HS) for number in range(6)], 2 + 1),
    ],
)
def test_calls_depend_on_how_rows_are_written_and_on_who_has_teams(rows: Sequence[Ref], calls: int) -> None:
    assert estimated_calls([Change(ref, "a", "b", "c", "f") for ref in rows]) == calls


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "instant", "inside"),
    [
        ("Mon-Thu 06:00-20:00", "2026-11-19T05:00", True),  # Thursday 06:00 in Berlin
        ("Mon-Thu 06:00-20:00", "2026-11-19T04:59", False),
        ("Mon-Thu 06:00-20:00", "2026-11-19T19:00", False),  # the end is not included
        ("Mon-Thu 06:00-20:00", "2026-11-20T10:00", False),  # Friday
        ("Sat,Sun 08:00-12:00", "2026-11-21T09:00", True),
        ("Fri-Mon 08:00-12:00", "2026-11-22T09:00", True),
        ("Fri-Mon 08:00-12:00", "2026-11-24T09:00", False),
        ("22:00-04:00", "2026-11-20T22:00", True),
        ("Fri 22:00-04:00", "2026-11-21T01:00", True),  # Saturday 02:00, still Friday's night
        ("Fri 22:00-04:00", "2026-11-20T01:00", False),
        ("Fri 00:00-24:00", "2026-11-20T22:59", True),
        ("Sun 22:00-04:00", "2026-11-23T01:00", True),  # Monday, still Sunday's night
        ("Fri-Mon 08:00-12:00", "2026-11-23T09:00", True),
    ],
)
def test_windows_are_local_times_of_weekdays(window: str, instant: str, inside: bool) -> None:
    assert inside_windows([window], at(instant), BERLIN) is inside


def test_any_window_will_do_and_none_means_always() -> None:
    assert inside_windows([], at("2026-11-22T03:00"), BERLIN)
    assert inside_windows(["Mon 01:00-02:00", "Sun 04:00-05:00"], at("2026-11-22T03:00"), BERLIN)


@pytest.mark.parametrize("text", ["", "Mon", "Mon-Thu 6-20", "Xyz 06:00-20:00", "Mon 25:00-26:00"])
def test_a_window_that_cannot_be_read_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError) as caught:
        inside_windows([text], at("2026-11-22T03:00"), BERLIN)
    assert caught.value.code == "SYN530"


def test_outside_the_windows_the_trip_names_them() -> None:
    trip = check_windows(Guard(windows=("Mon 06:00-20:00",)), at("2026-11-20T10:00"), BERLIN)
    assert trip is not None
    assert (trip.limit, trip.allowed, trip.found) == ("windows", "Mon 06:00-20:00", "Fri 11:00")
    assert SF
