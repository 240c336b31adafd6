"""Who takes over, and what a joiner and a pool's books get: the ranking and the loads, on books made for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from rule_builders import EVERYBODY, NOW, facts, is_, pack, pool, rep, territory

from syncd.model.decisions import Outcome
from syncd.planning.people.filling import Filling, fill, rooms_of, supply_of
from syncd.planning.people.joining import Joining, fair_share, join, steps_of
from syncd.planning.people.succession import Wishes, succeed
from syncd.planning.people.table import Table, table_of
from syncd.rules.deciding.frame import Frame
from syncd.rules.engine import Book, decide
from syncd.rules.pack import Cap, OutOfOffice, OwnersByPool, Seat

NO_WISHES = Wishes()


def laid_out(pack_, companies, without=frozenset()) -> Table:
    decisions = decide(pack_, Book(tuple(companies), EVERYBODY), NOW)
    return table_of(Frame.of(pack_, EVERYBODY, NOW), decisions, {each.key: each for each in companies}, without=without)


def succession(pack_, companies, leaver="leaver@x", wishes=NO_WISHES):
    book = frozenset(each.key for each in companies if each.current_owner and each.current_owner.email == leaver)
    return succeed(laid_out(pack_, companies, book), leaver, book, wishes)


def team(*reps, **rest):
    return pack(
        territory("t", None, OwnersByPool("p"), **rest), pools=(pool("p", *(each.email for each in reps)),), reps=reps
    )


class TestSuccession:
    def test_fit_likeness_and_room_each_decide_where_the_others_are_equal(self):
        leaver = rep("leaver@x", industries=("Banking",), languages=("de",))
        bank = facts("A1", "leaver@x", industry="banking")
        fits = team(leaver, rep("a@x"), rep("b@x", industries=("Banking",)))
        assert succession(fits, [bank])["A1"].decision.owner.email == "b@x"
        plain = facts("A1", "leaver@x")
        alike = team(leaver, rep("a@x"), rep("b@x", languages=("de",)))
        assert succession(alike, [plain])["A1"].decision.owner.email == "b@x"
        full = [facts(f"B{number}", "a@x") for number in range(5)] + [facts("C1", "b@x")]
        roomy = team(rep("leaver@x"), rep("a@x", capacity="6"), rep("b@x", capacity="60"))
        settled = succession(roomy, [plain, *full])["A1"]
        assert settled.ranking[0].email == "b@x"

    def test_whoever_has_the_family_already_costs_least(self):
        whole = team(rep("leaver@x"), rep("a@x", capacity="100"), rep("b@x", capacity="100"))
        others = [facts("B1", "a@x"), facts("B2", "b@x", head="H")]
        settled = succession(whole, [facts("A1", "leaver@x", head="H"), *others])["A1"]
        assert settled.ranking[0].email == "b@x"
        assert settled.ranking[0].entry()["parts"]["disruption"] == "10.0"

    def test_a_book_is_spread_by_the_loads_that_the_proposal_itself_makes(self):
        whole = team(rep("leaver@x"), rep("a@x", capacity="10"), rep("b@x", capacity="10"))
        found = succession(whole, [facts(f"A{number}", "leaver@x") for number in range(6)])
        counts = [each.decision.owner.email for each in found.values()]
        assert {counts.count("a@x"), counts.count("b@x")} == {3}

    def test_a_cap_holds_and_the_overflow_is_asked(self):
        reps = (rep("leaver@x"), rep("a@x"), rep("spare@x"))
        capped = pack(
            territory("t", None, OwnersByPool("p"), cap=Cap(total=1), overflow=OwnersByPool("s")),
            pools=(pool("p", "leaver@x", "a@x"), pool("s", "spare@x")),
            reps=reps,
        )
        found = succession(capped, [facts("A1", "leaver@x"), facts("A2", "leaver@x")])
        assert sorted(each.decision.owner.email for each in found.values()) == ["a@x", "spare@x"]

    def test_covers_in_order_the_wished_one_the_seat_the_absence_the_manager(self):
        away = OutOfOffice(date(2026, 11, 1), date(2026, 11, 2), cover="off@x")
        leaver = rep("leaver@x", out_of_office=(away,), manager="boss@x")
        alone = pack(
            territory("t", None, ["leaver@x"]),
            reps=(leaver,),
            seats=(Seat("west", None, holder="leaver@x", cover="seat@x"),),
        )
        one = [facts("A1", "leaver@x")]
        assert succession(alone, one)["A1"].cover == "seat@x"
        assert succession(alone, one, wishes=Wishes(cover="mine@x"))["A1"].cover == "mine@x"
        bare = pack(territory("t", None, ["leaver@x"]), reps=(leaver,))
        assert succession(bare, one)["A1"].cover == "off@x"
        settled = succession(pack(territory("t", None, ["leaver@x"]), reps=(rep("leaver@x", manager="boss@x"),)), one)
        assert (settled["A1"].cover, settled["A1"].decision.reason) == ("boss@x", "interim-cover")

    def test_a_family_that_follows_its_parent_stays_together(self):
        whole = team(rep("leaver@x"), rep("a@x"), rep("b@x"), follow_parent=True)
        found = succession(whole, [facts("A1", "leaver@x", head="A1"), facts("A2", "leaver@x", head="A1")])
        assert len({each.decision.owner.email for each in found.values()}) == 1

    @given(st.permutations(range(8)))
    @settings(max_examples=25)
    def test_the_order_of_the_input_never_matters(self, order):
        whole = team(rep("leaver@x"), rep("a@x", capacity="5"), rep("b@x", capacity="9"), rep("c@x"))
        companies = [facts(f"A{number}", "leaver@x" if number < 5 else "a@x") for number in range(8)]
        first = {key: each.decision for key, each in succession(whole, companies).items()}
        shuffled = [companies[number] for number in order]
        assert {key: each.decision for key, each in succession(whole, shuffled).items()} == first


class TestJoining:
    def joining(self, pack_, companies, joiner="new@x", share="1", budget=None):
        table = laid_out(pack_, companies)
        territories = tuple(path[-1] for path in table.paths.values())
        group = tuple(name for name, _ in pack_.pools["p"].members)
        target = fair_share(table, group, joiner, Decimal(share))
        run = Joining(table, joiner, group, target, steps_of(table.entry(joiner), target))
        join(run, territories, budget)
        return run

    def test_the_fullest_book_gives_and_first_what_costs_least(self):
        whole = team(rep("a@x"), rep("b@x"), rep("new@x"))
        rich = [facts(f"A{number}", "a@x", open_pipeline=1000 + number) for number in range(6)]
        poor = [facts(f"B{number}", "b@x") for number in range(3)]
        run = self.joining(whole, [*rich, *poor])
        assert run.target == 3
        assert set(run.decided) == {"A0", "A1", "A2"}
        assert run.peeled == {"a@x": 3}

    def test_what_has_nobody_comes_before_anybody_gives(self):
        reps = (rep("a@x"), rep("new@x"))
        pooled = territory("t", is_("country", "DE"), OwnersByPool("p"))
        full = pack(pooled, territory("rest"), pools=(pool("p", "a@x", "new@x"),), reps=reps)
        free = [facts("F1", country="DE"), *(facts(f"A{number}", "a@x", country="DE") for number in range(4))]
        away = OutOfOffice(date(2026, 12, 1), date(2026, 12, 1))
        nobody = pack(
            pooled,
            territory("rest"),
            pools=(pool("p", "a@x", "new@x"),),
            reps=(rep("a@x", out_of_office=(away,)), reps[1]),
        )
        assert self.joining(full, free).grown == 0, "the rules give it to somebody already"
        assert self.joining(nobody, free).target >= 1

    def test_nobody_gives_until_they_have_less_than_the_joiner(self):
        whole = team(rep("a@x", capacity="10"), rep("new@x", capacity="10"))
        run = self.joining(whole, [facts(f"A{number}", "a@x") for number in range(7)])
        assert run.table.loads.held("new@x") == 3
        assert 7 - run.peeled["a@x"] >= run.table.loads.held("new@x")

    def test_the_steps_follow_the_months_of_the_ramp(self):
        steps = steps_of(rep("new@x", start=date(2026, 11, 16), ramp=("0.25", "0.5", "1")), 40)
        assert [(str(step.from_), step.accounts) for step in steps] == [
            ("2026-11-16", 10),
            ("2026-12-01", 20),
            ("2027-01-01", 40),
        ]


class TestFilling:
    def test_books_are_filled_by_score_and_no_book_is_filled_over(self):
        reps = (rep("a@x", capacity="2"), rep("b@x", capacity="3"))
        packed = pack(territory("free"), pools=(pool("p", "a@x", "b@x"),), reps=reps)
        companies = [facts(f"F{number}", score=number) for number in range(9)]
        supply = supply_of(laid_out(packed, companies), "p", ["free"])
        assert supply[:2] == ("F8", "F7")
        table = laid_out(packed, companies, frozenset(supply))
        run = Filling(table, "p", rooms_of(table, ["a@x", "b@x"]), {"a@x": 0, "b@x": 0})
        fill(run, supply, None)
        assert set(run.decided) == {"F8", "F7", "F6", "F5", "F4"}
        assert run.left_over == {"every book is full": 4}
        assert all(each.outcome is Outcome.CHANGE for each in run.decided.values())

    def test_a_house_owner_who_is_no_rep_is_supply_and_a_rep_is_not(self):
        packed = pack(territory("free"), pools=(pool("p", "a@x"),), reps=(rep("a@x", capacity="9"),))
        companies = [facts("F1", "house@x"), facts("F2", "a@x"), facts("F3", "gone@x", active=False)]
        assert supply_of(laid_out(packed, companies), "p", ["free"]) == ("F1", "F3")

    def test_a_rotating_pool_takes_its_turns(self):
        reps = (rep("a@x", capacity="9"), rep("b@x", capacity="9"))
        packed = pack(territory("free"), pools=(pool("p", "a@x", "b@x", assign="rotate"),), reps=reps)
        companies = [facts(f"F{number}") for number in range(4)]
        table = laid_out(packed, companies, frozenset(each.key for each in companies))
        run = Filling(table, "p", rooms_of(table, ["a@x", "b@x"]), {"a@x": 0, "b@x": 0})
        fill(run, sorted(each.key for each in companies), None)
        assert [each.turn.member for _, each in sorted(run.decided.items())] == ["a@x", "b@x", "a@x", "b@x"]
