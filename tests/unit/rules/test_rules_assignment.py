"""The pick: candidates, caps, methods, overflow, and what a decision says about it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rule_builders import (
    decide_all,
    decide_one,
    facts,
    is_,
    nested,
    pack,
    place,
    pool,
    rep,
    sf_ref,
    territory,
    user,
)

from syncd.model.decisions import Outcome
from syncd.model.refs import System
from syncd.rules.facts import Directory
from syncd.rules.pack import Cap, OutOfOffice, OwnersByEmail, OwnersByLookup, OwnersByPool


def owners(decisions):
    return {key: decision.owner.email if decision.owner else None for key, decision in decisions.items()}


class TestCandidates:
    @pytest.mark.parametrize(
        "entry",
        [
            {"start": date(2026, 12, 2)},
            {"end": date(2026, 11, 30)},
            {"out_of_office": (OutOfOffice(date(2026, 12, 1), date(2026, 12, 1)),)},
            {"max_accounts": 0},
            {"max_accounts": 2, "start": date(2026, 12, 1), "ramp": ("0.25", 1)},
        ],
    )
    def test_who_is_out_of_dates_away_or_full_receives_nothing(self, entry):
        dated = pack(territory("t", None, ["a@x", "b@x"], assign="first"), reps=(rep("a@x", **entry),))
        assert decide_one(dated, facts("A1", "old@x")).owner.email == "b@x"

    def test_absence_is_read_on_the_local_date(self):
        from dataclasses import replace
        from zoneinfo import ZoneInfo

        away = OutOfOffice(date(2026, 12, 2), date(2026, 12, 2))
        berlin = replace(
            pack(territory("t", None, ["a@x", "b@x"], assign="first"), reps=(rep("a@x", out_of_office=(away,)),)),
            zone=ZoneInfo("Europe/Berlin"),
        )
        assert decide_one(berlin, facts(), now=datetime(2026, 12, 1, 22, 59, tzinfo=UTC)).owner.email == "a@x"
        assert decide_one(berlin, facts(), now=datetime(2026, 12, 1, 23, 0, tzinfo=UTC)).owner.email == "b@x"

    def test_who_is_unknown_inactive_or_of_the_wrong_type_in_a_written_system_receives_nothing(self):
        people = {
            "idle@x": user("idle@x", active=(System.HUBSPOT,)),
            "bot@x": user("bot@x", eligible=(System.HUBSPOT,)),
            "twice@x": user("twice@x"),
            "ok@x": user("ok@x"),
        }
        directory = Directory(people, written=frozenset(System), ambiguous=frozenset({"twice@x"}))
        listed = pack(territory("t", None, ["none@x", "idle@x", "bot@x", "twice@x", "ok@x"], assign="first"))
        decision = decide_one(listed, facts("A1", refs=(sf_ref(1),)), directory)
        assert decision.owner.email == "ok@x"
        assert decision.owner.ids == people["ok@x"].ids
        assert decision.candidates == ("ok@x",)

    def test_a_look_up_names_the_rep_of_the_accounts_key(self):
        lookup = OwnersByLookup("reps.csv", "domain", "rep", {"acme.com": "acme@x"})
        by_domain = pack(territory("t", None, lookup, overflow=OwnersByEmail(("spare@x",))))
        found = decide_all(by_domain, facts("A1", domain="acme.com"), facts("A2", domain="other.com"), facts("A3"))
        assert owners(found) == {"A1": "acme@x", "A2": "spare@x", "A3": "spare@x"}


class TestCaps:
    def test_a_cap_counts_the_territory_and_all_below_with_what_is_kept(self):
        capped = pack(
            nested(
                territory("up", None, ["a@x", "b@x"], assign="first", cap=Cap(total=2)),
                territory("down", is_("country", "DE"), ["a@x", "b@x"], assign="first"),
            )
        )
        found = decide_all(
            capped, facts("A1", "a@x", country="DE"), facts("A2", country="DE"), facts("A3"), facts("A4")
        )
        assert owners(found) == {"A1": "a@x", "A2": "a@x", "A3": "b@x", "A4": "b@x"}

    def test_a_cap_counts_only_its_own_territory(self):
        capped = pack(
            territory("t", is_("country", "DE"), ["a@x", "b@x"], assign="first", cap=Cap(total=1)),
            territory("rest", None, ["a@x"]),
        )
        assert owners(decide_all(capped, facts("A1", "a@x"), facts("A2", country="DE")))["A2"] == "a@x"

    def test_a_band_cap_limits_the_accounts_of_that_band(self):
        capped = pack(territory("t", None, ["a@x", "b@x"], assign="first", cap=Cap(band={"A": 1})))
        found = decide_all(capped, facts("A1", band="a"), facts("A2", band="a"), facts("A3", band="b"))
        assert owners(found) == {"A1": "a@x", "A2": "b@x", "A3": "a@x"}

    def test_the_limit_of_a_rep_grows_with_the_ramp_and_stays_at_its_last_value(self):
        new = rep("a@x", max_accounts=4, start=date(2026, 11, 30), ramp=("0.25", "0.5", "1.0"))
        ramped = pack(territory("t", None, ["a@x"]), reps=(new,))
        companies = [facts(f"A{n}") for n in range(5)]
        for month, year, allowed in [(11, 2026, 1), (12, 2026, 2), (1, 2027, 4), (8, 2029, 4)]:
            found = decide_all(ramped, *companies, now=datetime(year, month, 30, tzinfo=UTC))
            assert sum(1 for each in found.values() if each.owner) == allowed


class TestBalanced:
    def test_several_owners_are_balanced_by_accounts_and_ties_go_by_email(self):
        two = pack(territory("t", None, ["b@x", "a@x"]))
        found = decide_all(two, *(facts(f"A{n}") for n in range(4)))
        assert owners(found) == {"A0": "a@x", "A1": "b@x", "A2": "a@x", "A3": "b@x"}

    def test_capacity_and_ramp_divide_the_load_and_a_missing_capacity_is_the_mean(self):
        members = (rep("a@x", capacity=10), rep("b@x", capacity=30), rep("c@x"))
        three = pack(territory("t", None, ["a@x", "b@x", "c@x"]), reps=members)
        counts = list(owners(decide_all(three, *(facts(f"A{n:02}") for n in range(60)))).values())
        assert [counts.count(email) for email in ("a@x", "b@x", "c@x")] == [10, 30, 20]
        assert decide_one(three, facts()).owner.email == "b@x"
        half = rep("a@x", capacity=10, start=date(2026, 12, 1), ramp=("0.5", 1))
        ramped = pack(territory("t", None, ["a@x", "b@x"]), reps=(half, rep("b@x", capacity=10)))
        counts = list(owners(decide_all(ramped, *(facts(f"A{n:02}") for n in range(30)))).values())
        assert counts.count("a@x") == 10

    def test_a_rep_without_any_capacity_comes_last(self):
        none = rep("a@x", capacity=0)
        two = pack(territory("t", None, ["a@x", "b@x"]), reps=(none, rep("b@x", capacity=1)))
        assert set(owners(decide_all(two, *(facts(f"A{n}") for n in range(5)))).values()) == {"b@x"}

    def test_loads_are_of_the_whole_book_after_what_is_held_and_kept(self):
        two = pack(territory("t", is_("country", "DE"), ["a@x", "b@x"]), territory("rest", None, ["a@x"]))
        found = decide_all(
            two, facts("A1", "a@x"), facts("A2", "a@x"), facts("B1", country="DE"), facts("B2", country="DE")
        )
        assert (owners(found)["B1"], owners(found)["B2"]) == ("b@x", "b@x")

    def test_an_account_about_to_be_picked_does_not_count_for_its_present_owner(self):
        two = pack(territory("t", None, ["a@x", "b@x"], keep=False))
        assert owners(decide_all(two, facts("A1", "b@x"), facts("A2", "b@x"))) == {"A1": "a@x", "A2": "b@x"}

    def test_amounts_are_exact_and_the_largest_account_is_given_first(self):
        big = Decimal("10000000000000000000000000000000000000000")
        money = pack(territory("t", None, ["a@x", "b@x"], balance_by="open_pipeline"))
        found = decide_all(
            money,
            facts("A1", "a@x", open_pipeline=big),
            facts("A2", "b@x", open_pipeline=Decimal(f"{big}.01")),
            facts("B1", open_pipeline=Decimal("0.01")),
            facts("B2", open_pipeline=Decimal("0.02")),
        )
        assert owners(found)["B2"] == "a@x"
        assert owners(found)["B1"] == "b@x"
        assert found["B2"].loads == {"a@x": str(big), "b@x": str(Decimal(f"{big}.01"))}

    def test_a_missing_amount_counts_nothing_and_ties_go_to_fewer_accounts(self):
        money = pack(territory("t", None, ["a@x", "b@x"], balance_by="annual_revenue"))
        found = decide_all(money, facts("A1", "a@x"), facts("B1"), facts("B2"), facts("B3"))
        assert owners(found) == {"A1": "a@x", "B1": "b@x", "B2": "a@x", "B3": "b@x"}


class TestOtherMethods:
    def test_first_takes_the_first_available_as_written(self):
        two = pack(territory("t", None, ["z@x", "a@x"], assign="first"))
        assert set(owners(decide_all(two, *(facts(f"A{n}") for n in range(3)))).values()) == {"z@x"}

    def test_stable_moves_only_a_leavers_accounts(self):
        companies = [facts(f"A{n:03}") for n in range(200)]
        stable = {"assign": "stable", "keep": False}
        before = owners(decide_all(pack(territory("t", None, ["a@x", "b@x", "c@x"], **stable)), *companies))
        after = owners(decide_all(pack(territory("t", None, ["c@x", "a@x"], **stable)), *companies))
        assert {key for key in before if before[key] != after[key]} == {key for key in before if before[key] == "b@x"}
        assert all(40 < list(before.values()).count(email) < 95 for email in ("a@x", "b@x", "c@x"))

    def test_stable_goes_by_weight_and_weight_zero_gets_nothing(self):
        weighted = pool("p", ("a@x", "3"), ("b@x", "1"), ("c@x", "0"), assign="stable")
        picks = decide_all(
            pack(territory("t", None, OwnersByPool("p")), pools=(weighted,)), *(facts(f"A{n:03}") for n in range(400))
        )
        counts = [list(owners(picks).values()).count(email) for email in ("a@x", "b@x", "c@x")]
        assert 270 < counts[0] < 330
        assert counts[2] == 0

    def test_a_pools_own_method_is_used_unless_the_territory_sets_one(self):
        members = pool("p", "z@x", "a@x", assign="first")
        companies = [facts(f"A{n}") for n in range(2)]
        own = decide_all(pack(territory("t", None, OwnersByPool("p")), pools=(members,)), *companies)
        assert owners(own) == {"A0": "z@x", "A1": "z@x"}
        set_ = decide_all(
            pack(territory("t", None, OwnersByPool("p"), assign="balanced"), pools=(members,)), *companies
        )
        assert owners(set_) == {"A0": "a@x", "A1": "z@x"}


class TestOverflow:
    UP = territory("up", None, ["up@x"], overflow=OwnersByPool("more"), cap=Cap(total=1))
    DOWN = territory("down", is_("country", "DE"), ["a@x"], overflow=OwnersByEmail(("near@x",)))
    PACK = pack(nested(UP, DOWN), pools=(pool("more", "far@x"),))

    def test_it_is_asked_here_then_upward_and_the_text_says_so(self):
        found = decide_all(self.PACK, *(facts(f"A{n}", country="DE") for n in range(4)))
        assert owners(found) == {"A0": "a@x", "A1": "near@x", "A2": "far@x", "A3": None}
        assert found["A1"].text == (
            "picked by territory up/down, from the overflow of up/down: near@x is the only candidate"
        )
        assert "from the overflow of up:" in found["A2"].text

    def test_an_inherited_overflow_is_asked_once_and_named_where_it_is_written(self):
        spare = OwnersByPool("more")
        people = Directory({"gone@x": user("gone@x", active=())}, assume_active=True)
        lent = pack(
            nested(territory("up", None, ["u@x"], overflow=spare), territory("deep", None, ["gone@x"], overflow=spare)),
            pools=(pool("more", "far@x"),),
        )
        assert "from the overflow of up:" in decide_one(lent, facts(), people).text

    def test_it_is_picked_by_its_own_default_and_not_by_the_territorys_word(self):
        lent = pack(territory("t", None, ["gone@x"], assign="first", overflow=OwnersByEmail(("z@x", "a@x"))))
        people = Directory({"gone@x": user("gone@x", active=())}, assume_active=True)
        assert owners(decide_all(lent, facts("A1"), facts("A2"), directory=people)) == {"A1": "a@x", "A2": "z@x"}

    def test_with_nobody_left_it_stays_with_its_active_owner_or_is_unassigned(self):
        full = pack(territory("t", None, ["a@x"], cap=Cap(total=0)))
        found = decide_all(full, facts("A1", "old@x"), facts("A2", "gone@x", active=False), facts("A3"))
        assert [(each.outcome, each.reason) for each in found.values()] == [
            (Outcome.HELD, "no-eligible-rep"),
            (Outcome.UNASSIGNED, "unassigned"),
            (Outcome.UNASSIGNED, "unassigned"),
        ]
        assert owners(found) == {"A1": "old@x", "A2": "gone@x", "A3": None}

    def test_an_account_that_stays_counts_from_then_on(self):
        full = pack(
            territory("t", is_("country", "DE"), ["z@x"], cap=Cap(total=0)), territory("rest", None, ["a@x", "b@x"])
        )
        found = decide_all(full, facts("A1", "a@x", country="DE"), facts("A2"))
        assert owners(found) == {"A1": "a@x", "A2": "b@x"}

    def test_it_says_when_time_brings_a_candidate(self):
        away = OutOfOffice(date(2026, 11, 1), date(2026, 12, 20))
        gone = pack(territory("t", None, ["a@x"]), reps=(rep("a@x", out_of_office=(away,)),))
        decision = decide_one(gone, facts("A1", "old@x"))
        assert decision.reason == "no-eligible-rep"
        assert decision.next_change_at == datetime(2026, 12, 21, tzinfo=UTC)
        ramped = rep("a@x", max_accounts=1, start=date(2026, 12, 1), ramp=(0, 1))
        low = decide_one(pack(territory("t", None, ["a@x"]), reps=(ramped,)), facts("A1"))
        assert low.next_change_at == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_pick_says_how_and_among_whom():
    two = pack(nested(territory("emea", None), territory("dach-banking", None, ["anna@x", "jonas@x"])))
    decision = decide_one(two, facts("A1", "old@x"))
    assert decision.text == "picked by territory emea/dach-banking: fewest accounts of 2 candidates"
    assert decision.candidates == ("anna@x", "jonas@x")
    assert decision.loads == {"anna@x": "0", "jonas@x": "0"}
    assert (decision.place, decision.rule_text) == (place(1), "name: dach-banking")


def test_a_pick_that_falls_on_the_present_owner_changes_nothing():
    decision = decide_one(pack(territory("t", None, ["a@x"], keep=False)), facts("A1", "a@x"))
    assert (decision.outcome, decision.reason) == (Outcome.KEEP, "picked")
