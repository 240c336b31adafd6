"""Who may receive, and who fits: caps by day, week and band, partial days, hours, seats' loads, and `fit`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from rule_builders import decide_all, facts, is_, nested, pack, pool, rep, territory

from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory
from syncd.rules.matching.working_hours import parse_hours
from syncd.rules.memory import Assignment, Memory
from syncd.rules.pack import Cap, OutOfOffice, OwnersByPool, Seat

EVERYBODY = Directory({}, assume_active=True)
TUESDAY = datetime(2026, 12, 1, 10, tzinfo=UTC)


def given(owner, path, at):
    return Assignment("owner", owner, path, at)


def owner_after(capped, *assignments, now=TUESDAY):
    book = Book((facts("A1"),), EVERYBODY, memory=Memory(assignments=assignments))
    return decide(capped, book, now)[0].owner.email


class TestCapsInTime:
    def test_a_cap_by_day_counts_what_receipts_and_this_run_gave_today(self):
        capped = pack(territory("t", None, ["a@x", "b@x"], assign="first", cap=Cap(day=2)))
        assert owner_after(capped, given("a@x", "t", TUESDAY)) == "a@x"
        assert owner_after(capped, given("a@x", "t", TUESDAY), given("a@x", "t", TUESDAY)) == "b@x"
        found = decide_all(capped, *(facts(f"A{number}") for number in range(4)))
        assert [found[f"A{number}"].owner.email for number in range(4)] == ["a@x", "a@x", "b@x", "b@x"]

    def test_yesterday_counts_for_the_week_only_and_last_week_for_neither(self):
        monday, sunday = TUESDAY - timedelta(days=1), TUESDAY - timedelta(days=2)
        daily = pack(territory("t", None, ["a@x", "b@x"], assign="first", cap=Cap(day=1)))
        weekly = pack(territory("t", None, ["a@x", "b@x"], assign="first", cap=Cap(week=1)))
        assert owner_after(daily, given("a@x", "t", monday)) == "a@x"
        assert owner_after(weekly, given("a@x", "t", monday)) == "b@x"
        assert owner_after(weekly, given("a@x", "t", sunday)) == "a@x"

    def test_the_day_is_the_packs_and_the_caps_of_ancestors_hold_too(self):
        late = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)
        berlin = pack(
            nested(
                territory("up", None, ["a@x", "b@x"], assign="first", cap=Cap(day=1)),
                territory("down", is_("country", "DE"), ["a@x", "b@x"], assign="first"),
            ),
            zone=ZoneInfo("Europe/Berlin"),
        )
        inside = Book((facts("A1", country="DE"),), EVERYBODY, memory=Memory(assignments=(given("a@x", "up", late),)))
        assert decide(berlin, inside, late)[0].owner.email == "b@x"
        assert decide(berlin, inside, TUESDAY)[0].owner.email == "a@x"  # not given yet at that instant
        assert decide(berlin, inside, late + timedelta(days=1))[0].owner.email == "a@x"

    def test_a_full_day_goes_to_the_overflow_and_changes_at_midnight(self):
        capped = pack(
            territory("t", None, ["a@x"], cap=Cap(day=0), overflow=OwnersByPool("spare")), pools=(pool("spare", "s@x"),)
        )
        decision = decide_all(capped, facts())["A1"]
        # the cap of the territory holds for whoever receives its accounts, the overflow's members too
        assert decision.outcome.value == "unassigned"
        assert decision.next_change_at == datetime(2026, 12, 2, tzinfo=UTC)


class TestAbsences:
    def test_a_partial_day_is_away_between_its_hours_only(self):
        off = OutOfOffice(date(2026, 12, 1), date(2026, 12, 1), None, TUESDAY, TUESDAY + timedelta(hours=3))
        away = pack(territory("t", None, ["a@x", "b@x"], assign="first"), reps=(rep("a@x", out_of_office=(off,)),))
        seen = {
            hours: decide_all(away, facts(), now=TUESDAY + timedelta(hours=hours))["A1"].owner.email
            for hours in (-1, 0, 2, 3)
        }
        assert seen == {-1: "a@x", 0: "b@x", 2: "b@x", 3: "a@x"}


class TestSeats:
    def test_the_load_of_a_seat_is_the_seats_whoever_holds_it(self):
        seated = pack(
            territory("west", is_("country", "US"), ["seat:west", "b@x"]),
            territory("rest", None, ["lena@x"]),
            seats=(Seat("west", None, "lena@x"),),
        )
        busy = [facts(f"B{number}", "lena@x") for number in range(5)]
        assert (
            decide_all(seated, *busy, facts("A1", country="US"), facts("B9", "b@x", country="US"))["A1"].owner.email
            == "lena@x"
        )


class TestHours:
    @pytest.mark.parametrize(
        ("text", "instant", "inside"),
        [
            ("09:00-17:00 Europe/Berlin", "2026-12-01T08:00", True),
            ("09:00-17:00 Europe/Berlin", "2026-12-01T16:00", False),
            ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-12-05T10:00", False),
            ("22:00-06:00 America/New_York", "2026-12-01T04:00", True),
            ("22:00-06:00 America/New_York", "2026-12-01T12:00", False),
            ("Fri 22:00-06:00", "2026-12-05T03:00", True),
            ("Fri 22:00-06:00", "2026-12-04T03:00", False),
            ("00:00-24:00", "2026-12-01T23:59", True),
            ("01:30-02:30 Europe/Berlin", "2026-10-25T00:15", True),
            ("01:30-02:30 Europe/Berlin", "2026-10-25T01:15", True),
            ("02:30-10:00 Europe/Berlin", "2026-03-29T01:00", True),
        ],
    )
    def test_hours_are_the_wall_clock_of_their_place_across_midnight_and_clock_changes(self, text, instant, inside):
        at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
        assert parse_hours(text).holds(at, ZoneInfo("UTC")) is inside

    @pytest.mark.parametrize(
        "text", ["09:00-17:00 Europe/Berlin", "Sat 22:00-02:30 Europe/Berlin", "02:15-02:45 America/New_York"]
    )
    @pytest.mark.parametrize("start", ["2026-10-24T00:00", "2026-03-28T00:00", "2026-11-01T00:00", "2026-03-08T00:00"])
    def test_the_next_change_is_the_first_minute_at_which_the_answer_changes(self, text, start):
        hours, zone = parse_hours(text), ZoneInfo("UTC")
        at = datetime.fromisoformat(start).replace(tzinfo=UTC)
        for _ in range(6):
            told = hours.next_change(at, zone)
            minute, before = at, hours.holds(at, zone)
            while hours.holds(minute, zone) is before:
                minute += timedelta(minutes=1)
            assert told == minute
            at = minute

    def test_hours_of_no_length_and_nonsense_are_none(self):
        texts = ("09:00-09:00", "9-5", "09:00-17:00 Mars/Base", "Foo 09:00-17:00", "24:00-08:00")
        assert [parse_hours(each) for each in texts] == [None] * 5


class TestFit:
    REPS = (
        rep("anna@x", languages=("de", "English"), industries=("Banking",), hours="09:00-17:00 Europe/Berlin"),
        rep("ben@x", skills=("Enterprise",), languages=("fr",), hours="09:00-17:00 America/New_York"),
        rep("cleo@x", skills=("renewals", "enterprise"), industries=("Retail",)),
    )

    def fit(self, **values):
        fitted = pack(territory("t", None, ["anna@x", "ben@x", "cleo@x"], assign="fit"), reps=self.REPS)
        return decide_all(fitted, facts(**values))["A1"]

    def test_the_most_matches_win_and_the_text_names_them(self):
        german = self.fit(country="DE", industry="banking")
        assert german.owner.email == "anna@x"
        assert "the best fit of 3 candidates (de, banking, Europe/Berlin)" in german.text
        assert self.fit(country="US", segment="enterprise").owner.email == "ben@x"
        assert self.fit(country="BR", type="renewals", segment="enterprise").owner.email == "cleo@x"

    def test_ties_are_balanced(self):
        fitted = pack(territory("t", None, ["ben@x", "cleo@x"], assign="fit"), reps=self.REPS)
        found = decide_all(fitted, facts("A1", segment="enterprise"), facts("A2", segment="enterprise"))
        assert [found[key].owner.email for key in ("A1", "A2")] == ["ben@x", "cleo@x"]
        assert "of 2 equally fit" in found["A1"].text

    def test_a_label_of_the_territory_asks_for_a_skill_and_the_accounts_own_words_win_over_its_country(self):
        labelled = pack(
            territory("t", None, ["anna@x", "cleo@x"], assign="fit", labels={"skills": "Renewals"}), reps=self.REPS
        )
        assert decide_all(labelled, facts())["A1"].owner.email == "cleo@x"
        assert self.fit(country="DE", language="french").owner.email == "anna@x"  # Berlin's clock, not her German
        assert self.fit(country="BR", language="french").owner.email == "ben@x"
