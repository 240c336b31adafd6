"""Explanations: the way in with every clause, each loser's cause, holds, and never a second pick."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from rule_builders import EVERYBODY, NOW, PLACE, decide_all, facts, is_, nested, pack, place, rep, territory

from syncd.errors import UsageError
from syncd.model.decisions import Outcome
from syncd.model.refs import System
from syncd.rules.conditions import AllOf, AnyOf
from syncd.rules.deciding.tree_result import Cause
from syncd.rules.engine import Book
from syncd.rules.explanation import explain
from syncd.rules.facts import Seen
from syncd.rules.pack import Effective, OutOfOffice, OwnersByEmail, Protect

GERMAN, BANKING = is_("country", "DE"), is_("industry", "banking")
TREE = (
    nested(territory("us", is_("country", "US"), "us@x"), territory("us-banks", BANKING, "usb@x")),
    territory("later", None, "l@x", effective=Effective(date(2027, 1, 1), None)),
    nested(
        territory("emea", GERMAN, ["lead@x"], overflow=OwnersByEmail(("more@x",)), place=place(10)),
        territory("banks", AllOf((BANKING, GERMAN), place(12), "banks"), ["anna@x", "jonas@x"], place=place(11), row=4),
        territory("banks-2", BANKING, "b2@x"),
        territory("shops", is_("industry", "retail"), "s@x"),
    ),
    nested(territory("rest", None, "r@x"), territory("rest-banks", BANKING, "rb@x")),
)
ACCOUNT = facts("A1", "old@x", country="DE", industry="banking", notes=("a note",), findings=("a remark",))
AWAY = rep("jonas@x", out_of_office=(OutOfOffice(date(2026, 12, 1), date(2026, 12, 5)),))


def explained(company=ACCOUNT, decision=None, **rest):
    return explain(pack(*TREE, **rest), Book((company,), EVERYBODY), company.key, NOW, decision)


def test_the_path_shows_every_territory_entered_with_place_row_and_clauses():
    path = explained().path
    assert [(step.territory, step.place.line, step.row) for step in path] == [("emea", 10, None), ("emea/banks", 11, 4)]
    condition = path[1].condition
    assert (condition.text, condition.outcome) == ("banks", True)
    assert [(each.field, each.value, each.outcome) for each in condition.children] == [
        ("industry", "banking", True),
        ("country", "DE", True),
    ]


def test_a_clause_names_the_system_of_its_value_and_what_the_other_says():
    seen = {"country": Seen(System.HUBSPOT, "Germany", ((System.SALESFORCE, "US"),))}
    clause = explained(replace(ACCOUNT, seen=seen)).path[0].condition
    assert (clause.value, clause.raw, clause.system, clause.others) == (
        "DE",
        "Germany",
        "hubspot",
        (("salesforce", "US"),),
    )


def test_every_other_territory_says_why_it_did_not_take_the_account():
    assert [(loser.territory, loser.cause, loser.by) for loser in explained().losers] == [
        ("us", Cause.OWN_CONDITION, None),
        ("us/us-banks", Cause.ANCESTOR, "us"),
        ("later", Cause.NOT_IN_EFFECT, None),
        ("emea/banks-2", Cause.EARLIER, "emea/banks"),
        ("emea/shops", Cause.OWN_CONDITION, None),
        ("rest", Cause.EARLIER, "emea"),
        ("rest/rest-banks", Cause.EARLIER, "emea"),
    ]
    assert explained().losers[0].condition.value == "DE"


def test_a_decision_not_picked_yet_lists_who_could_be_and_why_others_cannot_now():
    shown = explained(reps=(AWAY,))
    assert shown.decision is None
    assert [(each.email, each.load, each.barred, each.overflow_of) for each in shown.options] == [
        ("anna@x", None, None, None),
        ("jonas@x", None, "out of office until 2026-12-05", None),
        ("more@x", None, None, "emea"),
    ]


def test_a_saved_decision_is_shown_with_the_loads_of_its_step_and_never_picked_again():
    saved = decide_all(pack(*TREE), ACCOUNT)["A1"]
    changed_since = replace(saved, loads={"anna@x": "7", "jonas@x": "9"})
    shown = explained(decision=changed_since, reps=(AWAY,))
    assert shown.decision is changed_since
    assert [(each.email, each.load) for each in shown.options] == [("anna@x", "7"), ("jonas@x", "9")]


def test_a_saved_decision_of_another_territory_is_pointed_out():
    saved = replace(decide_all(pack(*TREE), ACCOUNT)["A1"], territory="us")
    assert (
        "the saved decision was made in territory us; the account is now in emea/banks"
        in explained(decision=saved).notes
    )


def test_what_needs_no_pick_is_settled_and_every_hold_is_shown():
    rules = (Protect("b", place(30), GERMAN, "b reason"), Protect("a", place(31), GERMAN, "a reason"))
    shown = explained(protect=rules)
    assert (shown.decision.reason, shown.decision.outranked[0][0]) == ("a", "b")
    assert [(rung.reason, rung.place.line, rung.applies) for rung in shown.precedence] == [
        ("a", 31, True),
        ("b", 30, True),
    ]
    gone = explained(replace(ACCOUNT, owner_active=False), protect=rules)
    assert [rung.applies for rung in gone.precedence] == [False, False]


def test_the_json_is_plain_and_the_same_every_time():
    document = explained().to_json()
    text = json.dumps(document, sort_keys=True)
    assert text == json.dumps(explained().to_json(), sort_keys=True)
    assert document["picked"] is False
    assert document["territory"] == "emea/banks"
    assert document["path"][0]["line"] == 10
    assert document["losers"][0]["cause"] == "own-condition"
    assert (document["notes"], document["findings"]) == (["a note"], ["a remark"])
    assert explained(replace(ACCOUNT, key="A1"), decide_all(pack(*TREE), ACCOUNT)["A1"]).to_json()["picked"] is True


def near(company, *roots):
    told = explain(pack(*roots), Book((company,), EVERYBODY), company.key, NOW).near_misses
    return [(each.territory, each.clause.text, each.behind) for each in told]


def test_a_near_miss_is_a_territory_that_one_clause_keeps_from_it():
    both = AllOf((GERMAN, BANKING), PLACE, "both")
    roots = (territory("banks", both, "a@x"), territory("rest", None, "r@x"))
    assert near(facts(country="DE", industry="retail"), *roots) == [("banks", "industry: banking", None)]
    assert near(facts(country="FR", industry="retail"), *roots) == []
    assert near(facts(country="DE", industry="banking"), *roots) == []


def test_a_near_miss_may_fail_above_it_and_says_who_comes_first():
    shops = territory("shops", is_("industry", "retail"), "s@x")
    roots = (
        territory("first", is_("city", "ulm"), "f@x"),
        nested(territory("us", is_("country", "US"), "us@x"), shops),
        territory("rest", None, "r@x"),
        territory("last", is_("city", "bonn"), "l@x"),
    )
    assert near(facts(country="DE", industry="retail", city="ulm"), *roots) == [
        ("us", "country: US", "first"),
        ("us/shops", "country: US", "first"),
        ("last", "city: bonn", "first"),
    ]
    assert near(facts(country="US", city="rome"), *roots) == [
        ("first", "city: ulm", None),
        ("us/shops", "industry: retail", None),
        ("last", "city: bonn", "us"),
    ]


def test_of_alternatives_the_closest_one_counts():
    one = AllOf((GERMAN, BANKING, is_("city", "ulm")), PLACE, "one")
    rows = AnyOf((one, AllOf((is_("country", "FR"), BANKING), PLACE, "two")), PLACE, "rows")
    roots = (territory("table", rows, "t@x"), territory("rest", None, "r@x"))
    assert near(facts(country="DE", industry="banking"), *roots) == [("table", "city: ulm", None)]


def test_a_long_list_of_alternatives_is_shown_by_the_one_that_decides():
    rows = tuple(AllOf((is_("postal_code", f"{code}"), GERMAN), PLACE, f"row {code}") for code in range(10000, 10100))
    roots = (territory("table", AnyOf(rows, PLACE, "rows"), "t@x"), territory("rest", None, "r@x"))
    for code, word in (("10042", "the first that holds"), ("99999", "the closest")):
        company = facts(country="DE", postal_code=code)
        told = explain(pack(*roots), Book((company,), EVERYBODY), company.key, NOW)
        condition = told.path[0].condition if code == "10042" else told.losers[0].condition
        assert condition is not None
        assert (len(condition.children), f"({word} of 100 alternatives is shown)" in condition.text) == (1, True)
        assert condition.outcome is (code == "10042")


@pytest.mark.parametrize(("key", "role"), [("nobody", "owner"), ("A1", "csm")])
def test_an_unknown_company_or_role_is_a_usage_error(key, role):
    with pytest.raises(UsageError) as refused:
        explain(pack(*TREE), Book((ACCOUNT,), EVERYBODY), key, NOW, role=role)
    assert refused.value.code == "SYN327"


def test_a_plan_that_found_nobody_is_shown_with_what_keeps_each_candidate_away():
    saved = replace(
        decide_all(pack(*TREE), ACCOUNT)["A1"], reason="no-eligible-rep", candidates=(), loads={}, outcome=Outcome.HELD
    )
    shown = explained(decision=saved, reps=(AWAY,))
    assert [(each.email, each.load) for each in shown.options[:2]] == [("anna@x", None), ("jonas@x", None)]
    assert "a cap or limit was reached" in (shown.options[0].barred or "")
    assert "out of office" in (shown.options[1].barred or "")
