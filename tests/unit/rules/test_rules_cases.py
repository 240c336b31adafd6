"""The pack's own tests: how a case is decided, what it may expect, and what it says when it fails."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from rule_builders import NOW, is_, nested, pack, place, territory

from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.rules.cases import EXPECTATIONS, run_cases
from syncd.rules.conditions import OpportunityTest
from syncd.rules.matching.matchers import AnyElement
from syncd.rules.pack import Case, Effective, Override, Protect
from syncd.rules.reading.cases_loader import EXPECT_OPTIONS

TREE = (
    nested(
        territory("emea", is_("country", "DE"), ["lead@x.com"]),
        territory("dach-banking", is_("industry", "banking"), ["anna@x.com", "jonas@x.com"]),
    ),
    territory("rest", None, ["rest@x.com"]),
)
GERMAN_BANK = {"country": "Germany", "industry": "Banking", "employees": "5200"}


def run(case, now=NOW, roots=TREE, **rest):
    (result,) = run_cases(pack(*roots, tests=(case,), **rest), catalogue=FieldCatalogue(), money=MoneyTable(), now=now)
    return result


def case(account, now=NOW, /, **expect):
    extra = {name: expect.pop(name) for name in ("opportunities", "ledger", "salesforce", "hubspot") if name in expect}
    wanted = {key: value if isinstance(value, tuple) else (value,) for key, value in expect.items()}
    return Case("a case", place(5, "tests.yaml"), wanted, account, now=now, **extra)


def test_what_a_case_may_expect_is_what_the_loader_lets_through():
    assert set(EXPECTATIONS) == set(EXPECT_OPTIONS)


@pytest.mark.parametrize(
    "expect",
    [
        {"territory": "dach-banking", "owner": ("anna@x.com", "jonas@x.com")},
        {"territory": "emea/dach-banking"},
        {"territory": ("rest", "Dach-Banking")},
        {"outcome": "change", "rule": "picked", "role": "owner"},
        {"rule": "territories.yaml:1"},
        {"owner": "ANNA@x.com"},
        {},
    ],
)
def test_a_case_passes_when_everything_it_names_is_so(expect):
    result = run(case(GERMAN_BANK, **expect))
    assert (result.name, result.place.line, result.passed, result.failures) == ("a case", 5, True, ())


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ({"territory": "rest"}, "territory: expected rest, got emea/dach-banking"),
        ({"owner": ("x@x.com", "y@x.com")}, "owner: expected x@x.com or y@x.com, got anna@x.com"),
        ({"held": "late-stage-deal"}, "held: expected late-stage-deal, got none"),
        ({"role": "csm"}, "role: the pack decides no role csm"),
        ({"band": "A"}, "band: expected A, got none"),
        (
            {"territory": "dach-bankin"},
            "territory: expected dach-bankin, got emea/dach-banking"
            " (there is no territory `dach-bankin`: did you mean `dach-banking`?)",
        ),
        ({"teritory": "rest"}, "`expect` has no key `teritory`: did you mean `territory`?"),
    ],
)
def test_a_case_that_fails_says_what_was_expected_and_what_came_out(expect, failure):
    result = run(case(GERMAN_BANK, **expect))
    assert (result.passed, result.failures) == (False, (failure,))


def test_every_expectation_that_fails_is_told():
    assert len(run(case(GERMAN_BANK, territory="rest", owner="x@x.com", outcome="change")).failures) == 2


def test_holds_and_exceptions_of_the_pack_apply():
    late = Protect("late-stage-deal", place(1), is_("open_stages", frozenset({"negotiation"})), "late-stage deal")
    account = {"country": "DE", "open_stages": ("Negotiation",), "owner": "old@x.com", "domain": "acme.com"}
    assert run(case(account, held="late-stage-deal", owner="old@x.com"), protect=(late,)).passed
    assert run(case({**account, "owner_active": "false"}, territory="emea", outcome="change"), protect=(late,)).passed
    override = Override("acme.com", "ben@x.com", place(2), "mei@x.com", "sponsor", date(2026, 12, 31))
    assert run(case(account, rule="override", owner="ben@x.com"), overrides=(override,), protect=(late,)).passed


def test_opportunities_of_the_case_are_read_and_derived_fields_that_are_given_win():
    stage = is_("stage", "negotiation")
    open_deal = Protect("deal", place(1), OpportunityTest("any", stage, place(1), ""), "deal")
    deals = ({"stage": "Negotiation", "amount": "100"},)
    assert run(case({"owner": "o@x.com"}, opportunities=deals, held="deal"), protect=(open_deal,)).passed
    closed = ({"stage": "Negotiation", "is_closed": "true"},)
    assert run(case({"owner": "o@x.com"}, opportunities=closed, outcome="change"), protect=(open_deal,)).passed


def test_the_first_system_in_order_that_has_a_value_says_it():
    tree = (territory("de", is_("country", "DE"), ["d@x.com"]), territory("rest", None, ["rest@x.com"]))
    account = {"country": "FR"}
    assert run(case(account, salesforce={"country": "DE"}, territory="de"), roots=tree).passed
    assert run(case(account, hubspot={"country": "DE"}, territory="rest"), roots=tree).passed
    assert run(case({}, hubspot={"country": "DE"}, territory="de"), roots=tree).passed
    both = {"salesforce": {"country": ""}, "hubspot": {"country": "DE"}}
    assert run(case(account, **both, territory="de"), roots=tree).passed
    neither = {"salesforce": {"country": ""}, "hubspot": {"country": ""}}
    assert run(case({"country": "DE"}, **neither, territory="rest"), roots=tree).passed


def test_the_owner_of_the_leading_system_is_the_current_one():
    told = {"salesforce": {"owner": "rest@x.com"}, "hubspot": {"owner": "other@x.com"}}
    assert run(case({}, **told, outcome="keep", owner="rest@x.com")).passed


class TestLedger:
    LOOSE = (territory("loose", None, ["a@x.com", "b@x.com"], keep=False, assign="first"),)

    def test_it_tells_what_was_last_applied(self):
        ledger = {"territory": "loose", "owner": "b@x.com", "at": "2026-11-01"}
        assert run(
            case({"owner": "b@x.com"}, ledger=ledger, rule="remembered", outcome="keep"), roots=self.LOOSE
        ).passed
        assert run(case({"owner": "b@x.com"}, owner="a@x.com"), roots=self.LOOSE).passed

    def test_an_owner_other_than_the_applied_one_was_changed_by_a_person(self):
        ledger = {"territory": "loose", "owner": "a@x.com", "at": "2026-11-01"}
        assert run(case({"owner": "mei@x.com"}, ledger=ledger, held="changed-by-person"), roots=self.LOOSE).passed

    def test_the_field_territory_is_the_one_last_applied(self):
        mine = Protect("mine", place(1), is_("territory", "loose"), "mine")
        ledger = {"territory": "loose", "owner": "o@x.com"}
        assert run(case({"owner": "o@x.com"}, ledger=ledger, held="mine"), roots=self.LOOSE, protect=(mine,)).passed


class TestClock:
    SOON = (territory("soon", None, ["s@x.com"], effective=Effective(date(2027, 1, 1), None)), *TREE[1:])

    def test_now_of_the_case_is_used(self):
        later = datetime(2027, 1, 1, tzinfo=UTC)
        assert run(case({}, later, territory="soon"), roots=self.SOON).passed
        assert run(case({}, NOW, territory="rest"), roots=self.SOON).passed

    def test_a_result_that_time_would_change_asks_for_now(self):
        assert run(case({}, None, territory="rest"), roots=self.SOON).notes == (
            "the result depends on the day it runs: give the case a `now:`",
        )
        assert run(case({}, NOW, territory="rest"), roots=self.SOON).notes == ()
        assert run(case({}, None, territory="rest")).notes == ()


def test_another_role_is_asked_for_by_name():
    csm = {"csm": (territory("csm-de", is_("country", "DE"), ["c@x.com"]),)}
    assert run(case(GERMAN_BANK, role="csm", owner="c@x.com", territory="csm-de"), other_roles=csm).passed
    assert run(case(GERMAN_BANK, role=("owner", "csm"), territory="csm-de"), other_roles=csm).passed


def test_a_case_of_a_lead_fails_with_the_reason_where_the_pack_routes_none():
    lead = Case("a lead", place(1), {"owner": ("x@x.com",)}, None, lead={"email": "a@b.com"})
    assert run(lead).failures == ("the pack has no `routing`, so no lead is decided",)


def test_several_stages_are_matched_by_element():
    from syncd.model.fields import FieldType
    from syncd.rules.conditions import FieldTest

    stage = FieldTest("open_stages", FieldType.SEVERAL, AnyElement("", frozenset({"closing"})), place(1), "")
    assert run(
        case({"owner": "o@x.com", "open_stages": ("A", "Closing")}, held="p"),
        protect=(Protect("p", place(1), stage, "p"),),
    ).passed
