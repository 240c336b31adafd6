"""Who stands in (RULES.md section 5): the cover of an absence, and seats as owners of overrides."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pack_writing import codes, in_pack, loaded
from rule_builders import NOW, PLACE, applied, decide_all, decide_one, facts, is_, pack, pool, rep, territory

from syncd.model.decisions import Outcome
from syncd.rules.engine import Book
from syncd.rules.explanation import explain
from syncd.rules.facts import Directory, Rep
from syncd.rules.pack import OutOfOffice, Override, OwnersByPool, Seat

AWAY = OutOfOffice(date(2026, 11, 20), date(2026, 12, 6), "jo@x")
TEAM = territory("team", None, ["anna@x", "ben@x"], assign="first")


def away(email: str = "anna@x", cover: str | None = "jo@x", **rest):
    return rep(email, out_of_office=(OutOfOffice(AWAY.from_, AWAY.until, cover),), **rest)


def inactive(email: str) -> Directory:
    return Directory({email: Rep(email, email, {}, frozenset(), frozenset())}, assume_active=True)


class TestCovers:
    def test_the_cover_is_the_candidate_in_the_absent_member_s_place(self) -> None:
        found = decide_one(pack(TEAM, reps=(away(),)), facts("A"))
        assert found.owner.email == "jo@x"
        assert found.candidates == ("jo@x", "ben@x")
        assert found.text.endswith(
            "jo@x is the first available of 2 candidates, in place of anna@x who is out of office"
        )

    @pytest.mark.parametrize(
        ("now", "owner"),
        [
            (datetime(2026, 11, 19, 23, 59, tzinfo=UTC), "anna@x"),
            (datetime(2026, 11, 20, tzinfo=UTC), "jo@x"),
            (datetime(2026, 12, 6, 23, 59, tzinfo=UTC), "jo@x"),
            (datetime(2026, 12, 7, tzinfo=UTC), "anna@x"),
        ],
    )
    def test_both_days_belong_to_the_absence(self, now, owner) -> None:
        assert decide_one(pack(TEAM, reps=(away(),)), facts("A"), now=now).owner.email == owner

    def test_an_absent_owner_keeps_what_they_have(self) -> None:
        found = decide_one(pack(TEAM, reps=(away(),)), facts("A", "anna@x"))
        assert (found.reason, found.owner.email) == ("kept", "anna@x")

    def test_without_a_cover_the_others_are_the_candidates(self) -> None:
        assert decide_one(pack(TEAM, reps=(away(cover=None),)), facts("A")).owner.email == "ben@x"

    @pytest.mark.parametrize(
        "rest", [{"end": date(2026, 11, 30)}, {"start": date(2026, 12, 5)}, {"max_accounts": 0}], ids=str
    )
    def test_a_cover_who_may_receive_nothing_is_no_candidate(self, rest) -> None:
        assert decide_one(pack(TEAM, reps=(away(), rep("jo@x", **rest))), facts("A")).owner.email == "ben@x"

    def test_an_inactive_cover_is_no_candidate(self) -> None:
        found = decide_one(pack(TEAM, reps=(away(),)), facts("A"), inactive("jo@x"))
        assert found.owner.email == "ben@x"

    def test_a_cover_who_is_away_is_covered_in_turn_and_a_ring_of_covers_ends(self) -> None:
        reps = (away(), away("jo@x", "kim@x"))
        assert decide_one(pack(TEAM, reps=reps), facts("A")).owner.email == "kim@x"
        ring = (away(), away("jo@x", "anna@x"))
        assert decide_one(pack(TEAM, reps=ring), facts("A")).owner.email == "ben@x"

    def test_a_seat_may_cover(self) -> None:
        seats = (Seat("west", PLACE, "lena@x", "mo@x"),)
        assert decide_one(pack(TEAM, reps=(away(cover="seat:west"),), seats=seats), facts("A")).owner.email == "lena@x"

    def test_a_cover_who_is_a_member_comes_once(self) -> None:
        found = decide_one(pack(TEAM, reps=(away(cover="ben@x"),)), facts("A"))
        assert (found.owner.email, found.candidates) == ("ben@x", ("ben@x",))

    def test_a_lone_member_is_covered_and_the_default_way_to_pick_stays(self) -> None:
        one = territory("one", None, "anna@x", overflow=TEAM.owners)
        assert decide_one(pack(one, reps=(away(),)), facts("A")).owner.email == "jo@x"

    def test_a_fixed_pick_of_the_absent_member_goes_to_the_cover_and_the_rest_stays(self) -> None:
        members = pool("p", "anna@x", "ben@x", "kim@x", assign="stable")
        tree = territory("all", None, OwnersByPool("p"))
        companies = [facts(f"A{number}") for number in range(60)]
        before = decide_all(pack(tree, pools=(members,)), *companies)
        after = decide_all(pack(tree, pools=(members,), reps=(away(),)), *companies)
        for key, one in before.items():
            expected = "jo@x" if one.owner.email == "anna@x" else one.owner.email
            assert after[key].owner.email == expected

    def test_balanced_counts_the_cover_s_own_load(self) -> None:
        balanced = territory("team", None, ["anna@x", "ben@x"])
        busy = territory("else", None, ["jo@x"])
        tree = pack(territory("emea", is_("type", "emea"), ["jo@x"]), balanced, busy, reps=(away(),))
        kept = [facts(f"K{number}", "jo@x", type="emea") for number in range(3)]
        found = decide_all(tree, *kept, facts("A"), facts("B"))
        assert [found[key].owner.email for key in "AB"] == ["ben@x", "ben@x"]
        assert found["A"].loads == {"jo@x": "3", "ben@x": "0"}

    def test_what_a_cover_was_given_stays_with_them_when_the_absence_is_over(self) -> None:
        tree = pack(TEAM, reps=(away(),))
        later = datetime(2026, 12, 20, tzinfo=UTC)
        given = facts("A", "jo@x", applied=applied("team", "jo@x"))
        found = decide_one(tree, given, now=later)
        assert (found.reason, found.outcome) == ("remembered", Outcome.KEEP)
        assert decide_one(tree, facts("A", "jo@x"), now=later).owner.email == "anna@x"
        assert decide_one(pack(TEAM), given, now=later).owner.email == "anna@x"

    def test_the_end_of_an_absence_and_the_dates_of_the_cover_are_recorded(self) -> None:
        tree = pack(TEAM, reps=(away(), rep("jo@x", start=date(2026, 12, 3))))
        found = decide_one(tree, facts("A"))
        assert (found.owner.email, found.next_change_at) == ("ben@x", datetime(2026, 12, 3, tzinfo=UTC))
        after = decide_one(tree, facts("A"), now=found.next_change_at)
        assert (after.owner.email, after.next_change_at) == ("jo@x", datetime(2026, 12, 7, tzinfo=UTC))

    def test_explain_lists_the_cover_behind_the_absent_member(self) -> None:
        book = Book((facts("A"),), Directory({}, assume_active=True))
        told = explain(pack(TEAM, reps=(away(),)), book, "A", NOW).options
        assert [(each.email, each.barred) for each in told] == [
            ("anna@x", "out of office until 2026-12-06"),
            ("jo@x", None),
            ("ben@x", None),
        ]


class TestSeatsOfOverrides:
    SEATS = (Seat("west", PLACE, "lena@x", "jo@x", date(2026, 12, 10)), Seat("empty", PLACE, "gone@x", None))

    def one(self, owner: str = "seat:west", **rest):
        return pack(TEAM, overrides=(Override("A", owner, PLACE, "mei@x", "sponsor"),), seats=self.SEATS, **rest)

    def test_the_seat_s_holder_is_the_owner_in_their_dates_else_the_cover(self) -> None:
        before = decide_one(self.one(), facts("A", "anna@x"))
        assert (before.owner.email, before.reason, before.outcome) == ("jo@x", "override", Outcome.CHANGE)
        assert before.text == "override to seat:west (jo@x) by mei@x: sponsor"
        assert before.next_change_at == datetime(2026, 12, 10, tzinfo=UTC)
        after = decide_one(self.one(), facts("A", "jo@x"), now=before.next_change_at)
        assert (after.owner.email, after.outcome) == ("lena@x", Outcome.CHANGE)

    def test_an_inactive_holder_hands_on_to_the_cover(self) -> None:
        later = datetime(2026, 12, 15, tzinfo=UTC)
        assert decide_one(self.one(), facts("A"), inactive("lena@x"), now=later).owner.email == "jo@x"

    def test_an_empty_seat_holds(self) -> None:
        found = decide_one(self.one("seat:empty"), facts("A", "anna@x"), inactive("gone@x"))
        assert (found.outcome, found.reason) == (Outcome.HELD, "override-owner-inactive")
        assert "nobody has seat:empty" in found.text

    def test_a_seat_whose_cover_is_inactive_too_holds(self) -> None:
        found = decide_one(self.one(), facts("A", "anna@x"), inactive("jo@x"))
        assert found.reason == "override-owner-inactive"
        assert "seat:west (jo@x) is not an active user" in found.text

    def test_it_is_read_from_yaml_and_csv_and_must_exist(self, tmp_path) -> None:
        line = "overrides: [{account: acme.com, owner: 'seat:west', by: mei, why: sponsor}]"
        assert codes(tmp_path, in_pack(line)) == ["SYN250"]
        seats = "reps: [{seat: west, holder: lena@x.com}]"
        assert loaded(tmp_path, in_pack(line, seats)).overrides[0].owner == "seat:west"
        files = in_pack("overrides: {file: o.csv}", seats)
        rows = "account,owner,by,why\nacme.com,seat:west,mei,sponsor\n"
        assert loaded(tmp_path, {**files, "o.csv": rows}).overrides[0].owner == "seat:west"
