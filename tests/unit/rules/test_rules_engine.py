"""The engine as a whole: order of work, independence of input order, convergence, roles, manage, time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from rule_builders import EVERYBODY, NOW, decide_all, decide_one, facts, is_, nested, pack, place, pool, rep, territory

from syncd.model.decisions import Outcome
from syncd.model.fields import FieldType
from syncd.rules.conditions import FieldTest
from syncd.rules.engine import NOT_MANAGED, Book, decide
from syncd.rules.facts import Applied
from syncd.rules.matching.date_matchers import OlderThan
from syncd.rules.matching.matchers import Present
from syncd.rules.pack import Cap, Duration, Effective, OwnersByPool, Protect, Seat


def as_bytes(decisions):
    return repr(decisions).encode()


BUSY = pack(
    nested(
        territory("emea", is_("country", "DE"), OwnersByPool("triage"), cap=Cap(total=4)),
        territory("banks", is_("industry", "banking"), ["a@x", "b@x"], balance_by="open_pipeline"),
        territory("shops", is_("industry", "retail"), ["a@x", "c@x"], keep=False, overflow=OwnersByPool("triage")),
    ),
    territory("us", is_("country", "US"), ["b@x", "c@x", "d@x"], assign="stable"),
    territory("rest", None, ["d@x", "e@x"], cap=Cap(total=3)),
    pools=(pool("triage", "c@x", ("d@x", "2")),),
    reps=(rep("a@x", capacity=3), rep("c@x", max_accounts=4), rep("d@x", capacity=5)),
    protect=(Protect("big", place(5), is_("tier", "big"), "a big one"),),
    other_roles={"csm": (territory("csm-de", is_("country", "DE"), ["x@x", "y@x"]),)},
)
COMPANIES = st.lists(
    st.fixed_dictionaries(
        {
            "owner": st.sampled_from([None, "a@x", "b@x", "c@x", "d@x", "gone@x"]),
            "active": st.booleans(),
        },
        optional={
            "country": st.sampled_from(["DE", "US", "FR"]),
            "industry": st.sampled_from(["banking", "retail"]),
            "tier": st.just("big"),
            "open_pipeline": st.integers(0, 9).map(lambda n: Decimal(n) * 100),
            "team_holds": st.just("has 2 team members"),
            "csm": st.sampled_from(["x@x", "z@x"]),
        },
    ),
    max_size=25,
).map(lambda rows: [facts(f"A{index:03}", **row) for index, row in enumerate(rows)])


@settings(max_examples=60)
@given(COMPANIES, st.randoms(use_true_random=False))
def test_the_order_of_the_input_never_matters(companies, chance):
    shuffled = list(companies)
    chance.shuffle(shuffled)
    one = decide(BUSY, Book(tuple(companies), EVERYBODY), NOW)
    other = decide(BUSY, Book(tuple(shuffled), EVERYBODY), NOW)
    assert as_bytes(one) == as_bytes(other)
    assert [(each.company, each.role) for each in one] == sorted((each.company, each.role) for each in one)


def after(companies, decisions):
    """The same companies once every decision was written and recorded."""
    for company in companies:
        values, held = dict(company.values), dict(company.applied)
        owner, active = company.current_owner, company.owner_active
        for decision in (each for each in decisions if each.company == company.key and each.owner):
            held[decision.role] = Applied(decision.territory, decision.owner.email, NOW)
            if decision.role == "owner":
                active = active or decision.outcome is Outcome.CHANGE
                owner = decision.owner
            else:
                values[decision.role] = decision.owner.email
        yield replace(company, values=values, applied=held, current_owner=owner, owner_active=active)


@settings(max_examples=60)
@given(COMPANIES)
def test_a_second_run_after_everything_was_written_changes_nothing(companies):
    first = decide(BUSY, Book(tuple(companies), EVERYBODY), NOW)
    second = decide(BUSY, Book(tuple(after(companies, first)), EVERYBODY), NOW)
    assert [each.company for each in second if each.outcome is Outcome.CHANGE] == []


def test_children_are_picked_before_their_parent_and_territories_as_written():
    shared = {"balance_by": "open_pipeline", "cap": None}
    tree = pack(
        nested(
            territory("up", is_("country", "DE"), ["a@x", "b@x"], **shared),
            territory("down", is_("industry", "banking"), ["a@x", "b@x"], **shared),
        ),
        territory("rest", None, ["a@x", "b@x"], **shared),
    )
    found = decide_all(
        tree,
        facts("A1", open_pipeline=Decimal(100)),
        facts("A2", country="DE", open_pipeline=Decimal(10)),
        facts("A3", country="DE", industry="banking", open_pipeline=Decimal(1)),
    )
    assert [found[key].loads for key in ("A3", "A2", "A1")] == [
        {"a@x": "0", "b@x": "0"},
        {"a@x": "1", "b@x": "0"},
        {"a@x": "1", "b@x": "10"},
    ]


def test_the_owner_is_decided_before_other_roles():
    written = replace(BUSY, roles={"csm": BUSY.roles["csm"], "owner": BUSY.roles["owner"]})
    assert written.roles_in_order == ("owner", "csm")


def test_loads_of_one_role_do_not_count_in_another():
    both = pack(
        territory("rest", None, ["a@x"]),
        other_roles={"csm": (territory("c", None, ["a@x", "b@x"], balance_by="accounts"),)},
    )
    decisions = decide(both, Book((facts("A1", "a@x"),), EVERYBODY), NOW)
    assert next(each for each in decisions if each.role == "csm").loads == {"a@x": "0", "b@x": "0"}


class TestManage:
    TREE = (
        nested(
            territory("emea", is_("country", "DE"), ["a@x"]), territory("banks", is_("industry", "banking"), ["b@x"])
        ),
        territory("rest", None, ["r@x"]),
    )

    def notes(self, manage, company, **rest):
        return NOT_MANAGED in decide_one(pack(*self.TREE, manage=manage, **rest), company).notes

    def test_a_name_means_all_below_it_and_the_rest_is_planned_and_marked(self):
        deep, outside = facts("A1", country="DE", industry="banking"), facts("A2", "old@x")
        assert not self.notes(("emea",), deep)
        assert not self.notes(("emea/banks",), deep)
        assert not self.notes(None, outside)
        assert self.notes(("emea",), outside)
        assert decide_one(pack(*self.TREE, manage=("emea",)), outside).outcome is Outcome.CHANGE

    def test_nothing_is_managed_before_its_day(self):
        company = facts("A1", country="DE")
        assert self.notes(("emea",), company, manage_from=date(2026, 12, 2))
        assert not self.notes(("emea",), company, manage_from=date(2026, 12, 1))
        waiting = decide_one(pack(*self.TREE, manage_from=date(2026, 12, 2)), company)
        assert waiting.next_change_at == datetime(2026, 12, 2, tzinfo=UTC)


class TestNextChange:
    def old(self, days):
        return FieldTest("created_at", FieldType.DATE, OlderThan("", Duration(days, "d")), place(1), "")

    def test_it_is_the_earliest_of_conditions_and_windows_that_were_tried(self):
        tree = pack(
            territory("t90", self.old(90), ["a@x"]),
            territory("soon", None, ["s@x"], effective=Effective(date(2027, 3, 1), None)),
            territory("now", is_("country", "DE"), ["n@x"], effective=Effective(None, date(2027, 1, 31))),
            territory("rest", None, ["r@x"]),
        )
        made = datetime(2026, 11, 1, tzinfo=UTC)
        assert decide_one(tree, facts("A1", created_at=made)).next_change_at == datetime(2027, 1, 31, tzinfo=UTC)
        assert decide_one(tree, facts("A1", country="DE")).next_change_at == datetime(2027, 2, 1, tzinfo=UTC)
        assert decide_one(tree, facts("A1")).next_change_at == datetime(2027, 3, 1, tzinfo=UTC)

    def test_a_protect_rule_that_may_begin_to_hold_counts(self):
        tree = pack(territory("rest", None, ["r@x"]), protect=(Protect("p", place(1), self.old(90), "old"),))
        made = datetime(2026, 11, 1, tzinfo=UTC)
        decision = decide_one(tree, facts("A1", "r@x", created_at=made))
        assert decision.reason == "kept"
        assert decide_one(tree, facts("A1", "r@x", created_at=made), now=decision.next_change_at).reason == "p"
        before = decision.next_change_at - timedelta(seconds=1)
        assert decide_one(tree, facts("A1", "r@x", created_at=made), now=before).reason == "kept"

    def test_dates_of_what_does_not_concern_the_account_do_not_count(self):
        german = is_("country", "DE")
        tree = pack(
            territory("soon", german, ["s@x"], effective=Effective(date(2027, 3, 1), None)),
            territory("rest", None, ["r@x", "seat:west"]),
            protect=(Protect("p", place(1), german, "german", until=date(2027, 1, 1)),),
            seats=(Seat("west", place(2), holder="w@x", from_=date(2027, 2, 1)),),
        )
        assert decide_one(tree, facts("A1", "r@x", country="US")).next_change_at is None
        assert decide_one(tree, facts("A1", "r@x", country="DE")).next_change_at == datetime(2027, 1, 2, tzinfo=UTC)

    def test_without_a_date_there_is_none(self):
        assert decide_one(pack(territory("rest", None, ["r@x"])), facts("A1")).next_change_at is None

    def test_sums_over_the_last_year_count_as_clock(self):
        from syncd.rules.deciding.frame import reads_clock

        present = Present("")
        assert reads_clock(FieldTest("won_count_12m", FieldType.NUMBER, present, place(1), ""))
        assert not reads_clock(FieldTest("employees", FieldType.NUMBER, present, place(1), ""))


def test_a_territory_that_stands_in_two_places_of_a_table_decides_each_company_once():
    rows = (territory("a", is_("country", "DE"), ["a@x"]), territory("b", is_("country", "US"), ["b@x"]))
    again = territory("a", is_("country", "FR"), ["a@x"])
    companies = [facts("A1", country="DE"), facts("A2", country="US"), facts("A3", country="FR")]
    decisions = decide(pack(*rows, again, territory("rest", None, ["d@x"])), Book(tuple(companies), EVERYBODY), NOW)
    assert [(one.company, one.territory) for one in decisions] == [("A1", "a"), ("A2", "b"), ("A3", "a")]
