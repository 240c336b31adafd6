"""Rotation: in turn by weight, charged by receipts only, fair at every instant through leaves and bulk loads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_builders import NOW, decide_all, facts, is_, pack, pool, rep, territory

from syncd.entropy import SeededEntropy
from syncd.model.rotation import Standing, charged, next_turn
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory
from syncd.rules.memory import Memory
from syncd.rules.pack import OutOfOffice, OwnersByPool, Seat

EVERYBODY = Directory({}, assume_active=True)


def owners(decisions):
    return [decision.owner.email for _, decision in sorted(decisions.items())]


def rotating(*members, **rest):
    return pack(territory("t", None, OwnersByPool("p")), pools=(pool("p", *members, assign="rotate"),), **rest)


def companies(count, start=0):
    return [facts(f"A{number:05d}") for number in range(start, start + count)]


class TestTurns:
    def test_members_of_equal_weight_take_turns_in_the_order_written(self):
        found = decide_all(rotating("b@x", "a@x", "c@x"), *companies(6))
        assert owners(found) == ["b@x", "a@x", "c@x"] * 2

    def test_weight_two_gets_twice_as_many_spread_out(self):
        found = owners(decide_all(rotating("a@x", ("b@x", "2")), *companies(6)))
        assert found == ["b@x", "a@x", "b@x", "b@x", "a@x", "b@x"]

    def test_a_list_of_owners_rotates_too(self):
        listed = pack(territory("t", None, ["a@x", "b@x"], assign="rotate"))
        assert owners(decide_all(listed, *companies(4))) == ["a@x", "b@x", "a@x", "b@x"]

    def test_the_oldest_account_is_dealt_first_then_the_smallest_key(self):
        old, new = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
        found = decide_all(
            rotating("first@x", "second@x", "third@x", "fourth@x"),
            facts("A1"),
            facts("A2", created_at=new),
            facts("A3", created_at=old),
            facts("A4", created_at=old),
        )
        assert owners(found) == ["fourth@x", "third@x", "first@x", "second@x"]

    def test_a_plan_counts_its_own_picks_and_starts_where_receipts_left_off(self):
        standings = {"a@x": Standing(given=1, due=Fraction(1, 2)), "b@x": Standing(due=Fraction(1, 2))}
        memory = Memory(rotations={("owner", "pool:p"): standings})
        book = Book(tuple(companies(2)), EVERYBODY, memory=memory)
        assert [each.owner.email for each in decide(rotating("a@x", "b@x"), book, NOW)] == ["b@x", "a@x"]
        again = decide(rotating("a@x", "b@x"), book, NOW)
        assert [each.owner.email for each in again] == ["b@x", "a@x"]

    def test_one_rotation_serves_every_territory_that_names_the_pool(self):
        shared = pack(
            territory("de", is_("country", "DE"), OwnersByPool("p")),
            territory("rest", None, OwnersByPool("p")),
            pools=(pool("p", "a@x", "b@x", assign="rotate"),),
        )
        found = decide_all(shared, facts("A1", country="DE"), facts("A2"), facts("A3", country="DE"), facts("A4"))
        assert [found[key].owner.email for key in ("A1", "A3", "A2", "A4")] == ["a@x", "b@x", "a@x", "b@x"]

    def test_a_renamed_territory_goes_on_where_it_was(self):
        memory = Memory(rotations={("owner", "territory:old"): {"a@x": Standing(given=1)}})
        renamed = pack(territory("new", None, ["a@x", "b@x"], assign="rotate", was="old"))
        decision = decide(renamed, Book(tuple(companies(1)), EVERYBODY, memory=memory), NOW)[0]
        assert (decision.owner.email, decision.turn.rotation) == ("b@x", "territory:new")
        assert decision.turn.former == "territory:old"

    def test_the_decision_holds_the_shares_that_its_receipt_charges(self):
        away = rep("c@x", out_of_office=(OutOfOffice(date(2026, 12, 1), date(2026, 12, 1)),))
        turn = decide_all(rotating("a@x", ("b@x", "2"), "c@x", reps=(away,)), *companies(1))["A00000"].turn
        assert (turn.rotation, turn.member) == ("pool:p", "b@x")
        assert turn.shares == {"a@x": Fraction(1, 3), "b@x": Fraction(2, 3)}

    def test_a_rotation_belongs_to_the_seat_whoever_holds_it(self):
        seats = (Seat("west", None, "lena@x"),)
        memory = Memory(rotations={("owner", "pool:p"): {"seat:west": Standing(given=1)}})
        seated = rotating("seat:west", "b@x", seats=seats)
        assert decide(seated, Book(tuple(companies(1)), EVERYBODY, memory=memory), NOW)[0].owner.email == "b@x"
        moved = replace(seated, seats={"west": Seat("west", None, "ana@x")})
        assert [each.owner.email for each in decide(moved, Book(tuple(companies(3)), EVERYBODY), NOW)] == [
            "ana@x",
            "b@x",
            "ana@x",
        ]

    def test_where_only_members_of_weight_zero_are_left_the_overflow_is_asked(self):
        away = rep("a@x", out_of_office=(OutOfOffice(date(2026, 12, 1), date(2026, 12, 1)),))
        over = pack(
            territory("t", None, OwnersByPool("p"), overflow=OwnersByPool("spare")),
            pools=(pool("p", "a@x", ("b@x", "0"), assign="rotate"), pool("spare", "s@x")),
            reps=(away,),
        )
        assert decide_all(over, *companies(1))["A00000"].owner.email == "s@x"


class Ledger:
    """Rotation as receipts charge it: what a store keeps, in memory."""

    def __init__(self):
        self.standings = {}
        self.now = NOW

    def charge(self, turn):
        self.now += timedelta(minutes=1)
        self.standings |= charged(self.standings, turn, self.now)


def most_unfair(standings):
    return max(abs(each.lag) for each in standings.values())


class Dice:
    def __init__(self, seed):
        self._entropy = SeededEntropy(seed)

    def chance(self, part):
        return self._entropy.uniform(0, 1) < part

    def choice(self, items):
        return items[min(int(self._entropy.uniform(0, len(items))), len(items) - 1)]


class TestFairness:
    """|given - shares of the assignments made while eligible| <= 2, and <= 1 with up to three members."""

    @pytest.mark.parametrize(("members", "bound"), [(2, 1), (3, 1), (5, 2), (8, 2), (20, 2)])
    def test_ten_thousand_assignments_with_leaves_restarts_and_bulk_loads_are_fair_at_every_instant(
        self, members, bound
    ):
        dice = Dice(members)
        names = [f"rep{number}@x" for number in range(members)]
        weights = {name: dice.choice(["1", "1", "2", "3", "0.5"]) for name in names}
        base = rotating(*weights.items())
        ledger, dealt, since = Ledger(), 0, {}
        while dealt < 10_000:
            day = date(2026, 12, 1)
            gone = {name for name in names if dice.chance(0.2)} if dice.chance(0.5) else set()
            gone = gone if len(gone) < members else set()
            present = set(names) - gone
            reps = {name: rep(name, out_of_office=(OutOfOffice(day, day),)) for name in gone}
            bulk = dice.choice([1, 1, 1, 5, 200])
            memory = Memory(rotations={("owner", "pool:p"): dict(ledger.standings)})  # a restart: only what is charged
            book = Book(tuple(companies(bulk, dealt)), EVERYBODY, memory=memory)
            for decision in decide(replace(base, reps=reps), book, NOW):
                assert decision.turn.shares.keys() == present
                ledger.charge(decision.turn)
                since[decision.turn.member] = since.get(decision.turn.member, 0) + 1
                assert most_unfair(ledger.standings) <= bound, (dealt, members)
            dealt += bulk
        assert sum(each.given for each in ledger.standings.values()) == dealt == sum(since.values())
        assert sum(each.lag for each in ledger.standings.values()) == 0

    @given(st.lists(st.tuples(st.sets(st.integers(0, 2), min_size=1), st.integers(1, 9)), max_size=300))
    @settings(max_examples=100)
    def test_three_members_are_never_off_by_more_than_one_whoever_is_away(self, rounds):
        standings = {}
        for number, (present, weight) in enumerate(rounds):
            weights = {f"m{each}": weight if each == 0 else each for each in sorted(present)}
            turn = next_turn("r", standings, weights)
            standings |= charged(standings, turn, NOW + timedelta(minutes=number))
            assert most_unfair(standings) <= 1

    def test_a_returner_does_not_catch_up_and_a_new_member_starts_level(self):
        ledger = Ledger()

        def deal(count, *names):
            given = []
            for _ in range(count):
                turn = next_turn("r", ledger.standings, dict.fromkeys(names, 1))
                ledger.charge(turn)
                given.append(turn.member)
            return given

        deal(100, "a", "b")
        deal(100, "a")
        back = deal(100, "a", "b")
        assert back.count("b") == 50
        with_new = deal(99, "a", "b", "new")
        assert with_new.count("new") == 33
        assert ledger.standings["new"].eligible == 99

    def test_eligible_time_is_the_time_before_the_assignments_one_was_eligible_for(self):
        standings, at = {}, NOW
        for hours, names in [(0, "ab"), (2, "ab"), (5, "a"), (1, "ab")]:
            at += timedelta(hours=hours)
            standings |= charged(standings, next_turn("r", standings, dict.fromkeys(names, 1)), at)
        assert (standings["a"].eligible_seconds, standings["b"].eligible_seconds) == (8 * 3600, 3 * 3600)
        assert (standings["a"].eligible, standings["b"].eligible) == (4, 3)


class TestCatchingUp:
    """`catch_up: true` of a pool: who is out of office earns their share all the same."""

    DAY = date(2026, 12, 1)

    def dealt(self, count, ledger, *, at, catch_up=True, **entry):
        """Who gets the next accounts, and the standings after their receipts; `entry` is that of b@x in `reps`."""
        base = pack(
            territory("t", None, OwnersByPool("p")),
            pools=(replace(pool("p", "a@x", "b@x", "c@x", assign="rotate"), catch_up=catch_up),),
            reps=(rep("b@x", **entry), rep("cover@x")),
        )
        memory = Memory(rotations={("owner", "pool:p"): dict(ledger.standings)})
        found = decide(base, Book(tuple(companies(count, at)), EVERYBODY, memory=memory), NOW)
        for decision in found:
            ledger.charge(decision.turn)
        return [decision.owner.email for decision in found]

    def away(self, **more):
        return {"out_of_office": (OutOfOffice(self.DAY, self.DAY, **more),)}

    def test_a_returner_is_dealt_what_they_missed_and_then_takes_turns_again(self):
        ledger = Ledger()
        assert "b@x" not in self.dealt(30, ledger, at=0, **self.away())
        assert ledger.standings["b@x"].lag == 10
        assert self.dealt(15, ledger, at=30) == ["b@x"] * 15
        assert self.dealt(30, ledger, at=45).count("b@x") == 10
        assert {name: each.given for name, each in ledger.standings.items()} == {"a@x": 25, "b@x": 25, "c@x": 25}

    def test_without_it_an_absence_earns_nothing(self):
        ledger = Ledger()
        self.dealt(30, ledger, at=0, catch_up=False, **self.away())
        assert "b@x" not in ledger.standings
        assert self.dealt(3, ledger, at=30, catch_up=False).count("b@x") == 1

    @pytest.mark.parametrize("entry", [{"end": date(2026, 11, 30)}, {"start": date(2026, 12, 2)}, {"max_accounts": 0}])
    def test_a_last_day_a_first_day_and_a_limit_earn_nothing(self, entry):
        ledger = Ledger()
        self.dealt(9, ledger, at=0, **entry, **self.away())
        assert "b@x" not in ledger.standings

    def test_who_is_covered_has_their_turns_already(self):
        ledger = Ledger()
        assert self.dealt(9, ledger, at=0, **self.away(cover="cover@x")).count("cover@x") == 3
        assert ledger.standings["b@x"].lag == 0


def test_a_member_of_weight_0_is_never_the_fixed_pick():
    fixed = pack(
        territory("t", None, OwnersByPool("p")),
        pools=(pool("p", ("a@x", "0"), "b@x", assign="stable"),),
        reps=(rep("b@x", end=date(2026, 11, 30)),),
    )
    assert decide_all(fixed, facts())["A1"].outcome.value == "unassigned"
