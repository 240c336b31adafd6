"""Building plans: which owners are written, what is held, and that the same input gives the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from planning_world import (
    HS,
    NOW,
    RULE,
    SF,
    account,
    deal,
    decision,
    directory,
    email,
    facts,
    held,
    key,
    opportunity,
    owner,
    pack,
    plan_input,
    rep,
    territory,
    user_id,
)

from syncd.errors import Place
from syncd.model.decisions import Outcome
from syncd.model.fields import FieldType
from syncd.model.plans import document_hash
from syncd.planning.proposing.builder import PlanInput, build_document, build_plan
from syncd.planning.proposing.document import changes_of
from syncd.rules.conditions import FieldTest
from syncd.rules.facts import OpportunityFacts, Seen
from syncd.rules.matching.matchers import EqualTo
from syncd.rules.pack import Cascade, DealHoldout, Guard, Protect
from syncd.store.ownership import BlockedRow

BOTH = (SF, HS)


def document(source: PlanInput) -> dict:
    return build_document(source, plan_id="p1")


def rows(source: PlanInput) -> list[tuple[str, str | None, str]]:
    return [(row["ref"], row["from"], row["to"]) for row in document(source)["changes"]]


def only(source: PlanInput) -> dict:
    """The plan's only decision."""
    (entry,) = build_document(replace(source, all_decisions=True), plan_id="p1")["decisions"]
    return entry


def test_a_changed_owner_is_one_row_in_every_written_system() -> None:
    book = facts(1, systems=BOTH)
    found = rows(plan_input((book, decision(book)), writers=frozenset(BOTH)))
    assert found == [
        ("hubspot:account:91", "77old", "77anna"),
        ("salesforce:account:0011", "005old", "005anna"),
    ]


def test_a_system_that_is_not_written_gets_no_row() -> None:
    book = facts(1, systems=BOTH)
    assert rows(plan_input((book, decision(book)), writers=frozenset({HS}))) == [
        ("hubspot:account:91", "77old", "77anna")
    ]


def test_a_record_that_has_the_owner_already_gets_no_row() -> None:
    book = facts(1, systems=BOTH, owners={HS: "anna"})
    assert rows(plan_input((book, decision(book)), writers=frozenset(BOTH))) == [
        ("salesforce:account:0011", "005old", "005anna")
    ]


def test_a_kept_owner_is_brought_into_line_in_the_other_system() -> None:
    book = facts(1, owned_by="anna", systems=BOTH, owners={HS: "ben"})
    source = plan_input((book, decision(book, "anna")), writers=frozenset(BOTH))
    entry = only(source)
    assert (entry["outcome"], entry["reason"]) == ("change", "align")
    assert rows(source) == [("hubspot:account:91", "77ben", "77anna")]


def test_a_kept_owner_that_all_systems_have_is_kept() -> None:
    book = facts(1, owned_by="anna", systems=BOTH)
    source = plan_input((book, decision(book, "anna")), writers=frozenset(BOTH))
    assert only(source)["outcome"] == "keep"
    assert document(source)["changes"] == []


def test_held_and_unassigned_decisions_write_nothing_even_where_systems_disagree() -> None:
    first = facts(1, systems=BOTH, owners={HS: "ben"})
    second = facts(2, systems=BOTH, owners={HS: "ben"})
    nobody = decision(second, outcome=Outcome.UNASSIGNED, reason="unassigned")
    found = document(plan_input((first, held(first)), (second, nobody), writers=frozenset(BOTH)))
    assert found["changes"] == []
    assert [entry["outcome"] for entry in found["decisions"]] == ["held", "unassigned"]


def test_the_other_side_of_a_one_sided_writer_is_expected_and_marked_so() -> None:
    book = facts(1, systems=BOTH)
    source = plan_input((book, decision(book)), writers=frozenset({SF}), expected=frozenset({HS}))
    found = {row["ref"]: row.get("expected", False) for row in document(source)["changes"]}
    assert found == {"hubspot:account:91": True, "salesforce:account:0011": False}


def test_a_company_that_no_written_system_holds_is_held() -> None:
    book = facts(1, systems=(HS,))
    entry = only(plan_input((book, decision(book)), expected=frozenset({HS})))
    assert (entry["outcome"], entry["reason"]) == ("held", "system-not-written")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ids": {HS: "77anna"}}, "has no user in salesforce"),
        ({"active_in": frozenset({HS})}, "is not active in salesforce"),
        ({"eligible_in": frozenset({HS})}, "may not own accounts in salesforce"),
    ],
)
def test_an_owner_who_cannot_be_written_is_held(changes: dict, words: str) -> None:
    book = facts(1)
    anna = rep("anna", **changes)
    ids = replace(owner("anna"), ids=anna.ids)
    source = plan_input((book, decision(book, owner=ids)), directory=directory(anna))
    entry = only(source)
    assert (entry["outcome"], entry["reason"]) == ("held", "owner-not-in-system")
    assert words in entry["text"]
    assert entry["owner"]["email"] == email("old")
    assert document(source)["changes"] == []


def test_an_ambiguous_owner_is_never_a_target() -> None:
    book = facts(1)
    people = replace(directory(), ambiguous=frozenset({email("anna")}))
    entry = only(plan_input((book, decision(book)), directory=people))
    assert entry["reason"] == "owner-not-in-system"
    assert "several users" in entry["text"]


def test_open_opportunities_of_the_old_owner_follow_their_account() -> None:
    book = facts(1)
    deals = [opportunity(1, account(1)), opportunity(2, account(1), "ben"), opportunity(3, account(2))]
    found = document(plan_input((book, decision(book)), opportunities=deals))["changes"]
    assert [(row["ref"], row["from"], row["to"], row.get("parent")) for row in found] == [
        ("salesforce:account:0011", "005old", "005anna", None),
        ("salesforce:opportunity:0061", "005old", "005anna", "salesforce:account:0011"),
    ]


def test_follow_all_takes_the_opportunities_of_others_too_and_stay_takes_none() -> None:
    book = facts(1)
    deals = [opportunity(1, account(1)), opportunity(2, account(1), "ben"), opportunity(3, account(1), "anna")]
    source = plan_input((book, decision(book)), opportunities=deals)
    everything = replace(source, pack=pack(cascade=Cascade(open_opportunities="follow-all")))
    assert [row[0][-4:] for row in rows(everything)] == ["0011", "0061", "0062"]
    nothing = replace(source, pack=pack(cascade=Cascade(open_opportunities="stay")))
    assert [row[0][-4:] for row in rows(nothing)] == ["0011"]


def test_a_deal_holdout_keeps_its_opportunity_until_it_expires() -> None:
    stage = FieldTest("stage", FieldType.PICKLIST, EqualTo("Negotiation", "negotiation"), None, "stage: Negotiation")
    held_deal = OpportunityFacts(str(deal(1)), {"stage": "negotiation"}, True)
    book = facts(1, opportunities=(held_deal,))
    holdout = DealHoldout(Place("base.yaml", 7), stage, territory="emea", expires=date(2026, 11, 20))
    source = plan_input((book, decision(book)), opportunities=[opportunity(1, account(1))])
    kept = replace(source, pack=pack(deal_holdouts=(holdout,)))
    assert [row[0] for row in rows(kept)] == [key(1)]
    assert only(kept)["left_out"] == [
        {"ref": str(deal(1)), "reason": "deal-holdout", "text": "deal holdout base.yaml:7"}
    ]
    expired = replace(source, pack=pack(deal_holdouts=(replace(holdout, expires=date(2026, 11, 19)),)))
    assert len(rows(expired)) == 2
    elsewhere = replace(source, pack=pack(deal_holdouts=(replace(holdout, territory="apac"),)))
    assert len(rows(elsewhere)) == 2


def test_a_record_with_a_write_under_way_is_left_out_with_the_reason() -> None:
    book = facts(1)
    source = plan_input((book, decision(book)), open_slots=frozenset({(account(1), "owner")}))
    entry = only(source)
    assert (entry["outcome"], entry["reason"]) == ("held", "write-open")
    assert document(source)["changes"] == []


def test_one_record_under_way_does_not_hold_the_other_system() -> None:
    book = facts(1, systems=BOTH)
    source = plan_input((book, decision(book)), writers=frozenset(BOTH), open_slots=frozenset({(account(1), "owner")}))
    assert rows(source) == [("hubspot:account:91", "77old", "77anna")]
    assert [item["reason"] for item in only(source)["left_out"]] == ["write-open"]


def blocked_row(source: PlanInput, **changes: object) -> BlockedRow:
    fingerprint = document(source)["changes"][0]["fingerprint"]
    row = BlockedRow(
        "005anna", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Region is locked", NOW + timedelta(days=3), fingerprint
    )
    return replace(row, **changes)


def test_a_remembered_refusal_blocks_the_change_with_the_words_of_the_crm() -> None:
    book = facts(1)
    source = plan_input((book, decision(book)))
    blocked = replace(source, blocked={(account(1), "owner"): blocked_row(source)})
    entry = only(blocked)
    assert (entry["outcome"], entry["reason"]) == ("blocked", "refused")
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION: Region is locked" in entry["text"]
    assert document(blocked)["changes"] == []


@pytest.mark.parametrize(
    "changes",
    [{"new_owner": "005ben"}, {"rule_text": "another fingerprint"}, {"until": NOW}],
    ids=["another rep", "record or rule changed", "seven days passed"],
)
def test_a_refusal_counts_only_for_the_same_row_and_seven_days(changes: dict) -> None:
    book = facts(1)
    source = plan_input((book, decision(book)))
    blocked = replace(source, blocked={(account(1), "owner"): blocked_row(source, **changes)})
    assert only(blocked)["outcome"] == "change"


def test_a_stale_system_is_not_written_and_the_other_goes_on() -> None:
    book = facts(1, systems=BOTH)
    source = plan_input((book, decision(book)), writers=frozenset(BOTH), stale=frozenset({HS}))
    assert rows(source) == [("salesforce:account:0011", "005old", "005anna")]
    assert [item["reason"] for item in only(source)["left_out"]] == ["system-stale"]


def test_a_decision_that_read_a_field_from_a_stale_system_is_held() -> None:
    country = FieldTest("country", FieldType.COUNTRY, EqualTo("DE", "DE"), None, "country: DE")
    rules = pack(roles={"owner": (territory(when=country),)})
    book = facts(1, systems=BOTH, seen={"country": Seen(HS, "DE")})
    source = plan_input((book, decision(book)), pack=rules, writers=frozenset({SF}), stale=frozenset({HS}))
    entry = only(source)
    assert (entry["outcome"], entry["reason"]) == ("held", "system-stale")
    fresh = replace(source, facts={book.key: replace(book, seen={"country": Seen(SF, "DE")})})
    assert only(fresh)["outcome"] == "change"


def test_territories_outside_manage_are_reported_and_never_written() -> None:
    book = facts(1)
    source = plan_input((book, decision(book)), pack=pack(manage=("apac",)))
    entry = only(source)
    assert (entry["outcome"], entry["reason"]) == ("held", "not-managed")
    assert entry["owner"]["email"] == email("anna")
    assert document(source)["changes"] == []
    assert len(rows(replace(source, pack=pack(manage=("emea",))))) == 1
    assert len(rows(replace(source, pack=pack(manage=("emea/dach",))))) == 1


def test_manage_from_begins_on_its_day() -> None:
    book = facts(1)
    source = plan_input((book, decision(book)))
    assert rows(replace(source, pack=pack(manage_from=date(2026, 11, 21)))) == []
    assert len(rows(replace(source, pack=pack(manage_from=date(2026, 11, 20))))) == 1


def test_a_role_without_an_owner_field_is_reported_and_not_written() -> None:
    book = facts(1)
    source = plan_input((book, decision(book, role="csm")))
    assert only(source)["outcome"] == "change"
    assert document(source)["changes"] == []


def test_the_summary_counts_every_decision_and_the_money_of_changed_accounts() -> None:
    first, second, third = facts(1), facts(2, owned_by="anna"), facts(3)
    source = plan_input((first, decision(first)), (second, decision(second)), (third, held(third)))
    assert document(source)["summary"] == {
        "evaluated": 3,
        "changes": 1,
        "keep": 1,
        "held": 1,
        "blocked": 0,
        "unassigned": 0,
        "money_moved": {"amount": "1000", "currency": "USD"},
    }


def test_kept_decisions_stand_in_the_document_only_when_all_are_asked_for() -> None:
    book = facts(1, owned_by="anna")
    source = plan_input((book, decision(book)))
    assert document(source)["decisions"] == []
    assert only(source)["outcome"] == "keep"


def test_the_document_has_the_keys_of_the_contract() -> None:
    book = facts(1)
    found = document(plan_input((book, decision(book))))
    assert {
        "format",
        "plan_id",
        "pack_revision",
        "created_at",
        "now",
        "mirror",
        "summary",
        "decisions",
        "changes",
        "guard",
    } <= set(found)
    assert found["format"] == 1
    assert found["mirror"] == {"salesforce": {"as_of": "2026-11-20T10:00:00.000Z"}}
    (entry,) = found["decisions"]
    assert entry["owner"] == {"email": "anna@example.com", "salesforce": "005anna", "hubspot": "77anna"}
    assert entry["rule"] == {"file": "territories.yaml", "line": 14}
    assert entry["accounts"] == ["salesforce:account:0011"]
    (row,) = found["changes"]
    assert row | {"ref": "salesforce:account:0011", "field": "owner", "from": "005old", "to": "005anna"} == row
    assert row["because"] == "salesforce:account:0011"


def test_a_row_of_an_export_is_a_change_between_e_mails() -> None:
    book = facts("A1", refs=(), accounts=("A1",), key="A1", owner_ids={})
    found = build_document(plan_input((book, decision(book, accounts=("A1",))), writers=frozenset()), plan_id=None)
    assert found["plan_id"] is None
    assert found["changes"] == [
        {"ref": "A1", "field": "owner", "from": "old@example.com", "to": "anna@example.com", "because": "A1"}
    ]


def test_two_runs_over_equal_input_in_any_order_are_byte_identical() -> None:
    books = [facts(number, systems=BOTH) for number in range(1, 8)]
    deals = [opportunity(number, account(number)) for number in range(1, 8)]
    pairs = [(book, decision(book)) for book in books]
    first = plan_input(*pairs, opportunities=deals, writers=frozenset(BOTH))
    second = plan_input(*reversed(pairs), opportunities=deals[::-1], writers=frozenset(reversed(BOTH)))
    second = replace(second, created_at=NOW + timedelta(hours=1))
    one, two = build_document(first, plan_id="p1"), build_document(second, plan_id="p2")
    for each in (one, two):
        del each["plan_id"], each["created_at"]
    assert json.dumps(one) == json.dumps(two)


def test_changes_are_sorted_by_ref_and_decisions_by_company() -> None:
    books = [facts(number, systems=BOTH) for number in (2, 1)]
    found = document(plan_input(*((book, decision(book)) for book in books), writers=frozenset(BOTH)))
    refs = [row["ref"] for row in found["changes"]]
    assert refs == sorted(refs)
    assert [entry["company"] for entry in found["decisions"]] == [key(1), key(2)]


def test_a_saved_plan_is_its_document_and_expires() -> None:
    book = facts(1)
    plan = build_plan(plan_input((book, decision(book))), plan_id="p1")
    assert plan.hash == document_hash(plan.document)
    assert plan.expires_at - plan.created_at == timedelta(hours=24)
    assert [change.ref for change in changes_of(plan)] == [account(1)]


def test_the_guard_stands_in_the_document() -> None:
    book = facts(1)
    found = document(plan_input((book, decision(book)), pack=pack(guard=Guard(changes_max=0))))
    (trip,) = found["guard"]["tripped"]
    assert (trip["limit"], trip["allowed"], trip["found"]) == ("changes.max", "0", "1")
    assert trip["rules"] == ["territories.yaml:14"]


def fingerprint(source: PlanInput) -> str:
    return str(document(source)["changes"][0]["fingerprint"])


def test_the_fingerprint_follows_what_the_row_stands_on() -> None:
    country = FieldTest("country", FieldType.COUNTRY, EqualTo("DE", "DE"), None, "country: DE")
    locked = Protect(
        "late",
        Place("base.yaml", 1),
        FieldTest("open_pipeline", FieldType.MONEY, EqualTo("1", Decimal(1)), None, ""),
        "late",
    )
    rules = pack(roles={"owner": (territory(when=country),)}, protect=(locked,))
    book = facts(1, values={"country": "DE", "city": "Bonn"})
    base = plan_input((book, decision(book)), pack=rules)
    same = fingerprint(base)

    def with_facts(**changes: object) -> str:
        changed = replace(book, **changes)
        return fingerprint(replace(base, facts={book.key: changed}))

    assert with_facts(values={**book.values, "city": "Köln"}) == same
    assert with_facts(values={**book.values, "country": "AT"}) != same
    assert with_facts(values={**book.values, "open_pipeline": Decimal(2000)}) != same
    assert with_facts(owner_ids={SF: user_id("ben", SF)}) != same
    assert fingerprint(replace(base, decisions=[decision(book, rule_text="when: {country: AT}")])) != same
    assert fingerprint(replace(base, opportunities=[opportunity(1, account(1))])) != same
    assert fingerprint(replace(base, decisions=[decision(book, loads={"anna@example.com": "7"})])) == same
    assert RULE
