"""The audit finds what was planted, with its money, and nothing in a clean book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from syncd.model.fields import FieldCatalogue
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.aids.audit import AuditBook, AuditFinding
from syncd.planning.aids.audit_data import audit
from syncd.rules.deriving.field_values import ValueReader
from syncd.rules.facts import Facts, OpportunityFacts, Seen
from tests.aids_books import NOW, book, owned, with_values

FIELDS = FieldCatalogue().account
SALESFORCE, HUBSPOT = System.SALESFORCE, System.HUBSPOT


def record(facts: Facts, system: System = SALESFORCE, **more: object) -> Record:
    fields = {name: seen.raw for name, seen in facts.seen.items()}
    owner = facts.owner_ids.get(system)
    ref = next(ref for ref in facts.refs if ref.system is system)
    return replace(Record(ref, NOW, fields, owner), **more)  # type: ignore[arg-type]


def audited(
    facts: Sequence[Facts], records: Sequence[Record] | None = None, deals: Sequence[Record] = (), **users: bool
) -> Mapping[str, AuditFinding]:
    """The findings by check; of data quality by field. `users` says who is active: everybody else who owns is."""
    names = {owner for each in facts for owner in each.owner_ids.values()}
    people = {
        Ref(system, Kind.USER, name): User(
            Ref(system, Kind.USER, name), f"{name}@example.com", name, users.get(name, True)
        )
        for name in names | set(users)
        for system in System
    }
    reader = ValueReader()
    accounts = tuple(records if records is not None else (record(each) for each in facts))
    links = {ref: each.key for each in facts for ref in each.refs}
    found = audit(
        AuditBook(
            tuple(facts),
            accounts,
            tuple(deals),
            people,
            links,
            FIELDS,
            lambda name, raw, country: reader.read(FIELDS[name], raw, country)[0],
            NOW,
        )
    )
    return {each.subject or each.check: each for each in found}


@pytest.fixture(scope="module")
def clean() -> tuple[Facts, ...]:
    return book(300, 11)


def change(facts: Sequence[Facts], count: int, do: Callable[[Facts], Facts]) -> list[Facts]:
    return [do(each) if number < count else each for number, each in enumerate(facts)]


def pipeline(facts: Sequence[Facts]) -> Decimal:
    return sum((each.values["open_pipeline"] for each in facts), Decimal(0))  # type: ignore[misc]


def test_a_clean_book_has_no_findings_of_ownership_or_data(clean: tuple[Facts, ...]) -> None:
    even = [owned(each, f"rep{number % 10}@example.com") for number, each in enumerate(clean)]
    assert {name: each.count for name, each in audited(even).items() if each.count} == {}


def test_accounts_of_people_who_left_are_counted_with_their_money(clean: tuple[Facts, ...]) -> None:
    facts = change(clean, 7, lambda each: owned(each, "gone@example.com", active=False))
    found = audited(facts, gone=False)["inactive-owner"]
    assert (found.count, found.of, found.money) == (7, 300, pipeline(facts[:7]))
    assert found.groups[0][:2] == ("gone@example.com", 7)
    assert "gone@example.com" in found.examples[0].said
    assert [each.money for each in found.examples] == sorted((each.money for each in found.examples), reverse=True)


def test_an_owner_whom_the_crm_does_not_show_counts_as_gone(clean: tuple[Facts, ...]) -> None:
    records = [record(each) for each in clean]
    records[0] = replace(records[0], owner="005unknown")
    assert audited(clean, records)["inactive-owner"].count == 1


def test_open_deals_of_people_who_left_are_counted_by_their_amounts(clean: tuple[Facts, ...]) -> None:
    ref = Ref(SALESFORCE, Kind.OPPORTUNITY, "006")
    deal = OpportunityFacts(str(ref), {"amount": Decimal(500)}, True)
    facts = [replace(clean[0], opportunities=(deal,)), *clean[1:]]
    deals = [Record(ref, NOW, {"name": "Rollout"}, "gone", facts[0].refs[0].id)]
    found = audited(facts, deals=deals, gone=False)["inactive-deal-owner"]
    assert (found.count, found.money) == (1, 500)
    assert audited(facts, deals=deals, gone=True)["inactive-deal-owner"].count == 0


def test_accounts_without_owner_or_with_a_queue_are_orphans(clean: tuple[Facts, ...]) -> None:
    records = [record(each) for each in clean]
    records[0], records[1] = replace(records[0], owner=None), replace(records[1], owner="queue")
    people = {Ref(SALESFORCE, Kind.USER, "queue"): User(Ref(SALESFORCE, Kind.USER, "queue"), "", "Queue", True, False)}
    names = {record.owner for record in records if record.owner not in (None, "queue")}
    people |= {
        Ref(SALESFORCE, Kind.USER, str(name)): User(
            Ref(SALESFORCE, Kind.USER, str(name)), f"{name}@example.com", "", True
        )
        for name in names
    }
    links = {ref: each.key for each in clean for ref in each.refs}
    found = audit(AuditBook(clean, tuple(records), (), people, links, FIELDS, lambda *_: None, NOW))
    orphan = next(each for each in found if each.check == "orphan")
    assert orphan.count == 2
    assert {group[0] for group in orphan.groups} == {
        "no owner in salesforce",
        "with Queue, no person who may own accounts",
    }


def test_companies_with_another_owner_in_each_crm_are_found(clean: tuple[Facts, ...]) -> None:
    facts = change(clean, 3, lambda each: replace(each, owner_ids={SALESFORCE: "ana", HUBSPOT: "bob"}))
    facts[3] = replace(facts[3], owner_ids={SALESFORCE: "ana", HUBSPOT: "ana"})
    found = audited(facts)["owners-differ"]
    assert (found.count, found.of) == (3, 4)
    assert "ana@example.com in salesforce" in found.examples[0].said


def test_an_overloaded_owner_is_found_and_chance_is_not() -> None:
    fair = [owned(each, f"rep{hash_of(each) % 12}@example.com") for each in book(900, 3)]
    assert audited(fair)["imbalance"].count == 0
    heaped = [owned(each, "rep0@example.com") if number < 250 else each for number, each in enumerate(fair)]
    found = audited(heaped)["imbalance"]
    assert [group[0] for group in found.groups] == ["rep0@example.com"]


def hash_of(facts: Facts) -> int:
    return int(str(facts.values["annual_revenue"])) // 10_000 * 7919


def test_accounts_that_nobody_works_are_found_and_new_ones_left_in_peace(clean: tuple[Facts, ...]) -> None:
    old, young = NOW - timedelta(days=120), NOW - timedelta(days=20)
    facts = change(clean, 4, lambda each: with_values(each, last_activity_at=old))
    facts[4] = with_values(facts[4], last_activity_at=None, created_at=young)
    facts[5] = with_values(facts[5], last_activity_at=old, open_opportunities=Decimal(1))
    facts[6] = owned(with_values(facts[6], last_activity_at=old), None)
    assert audited(facts)["unworked"].count == 4


def test_a_country_that_nobody_covers_is_a_gap_and_its_states_are_not_told_again(clean: tuple[Facts, ...]) -> None:
    facts = [owned(each, None) if each.values["country"] == "BR" else each for each in clean]
    many = sum(each.values["country"] == "BR" for each in clean)
    found = audited(facts)["coverage"]
    assert found.count == many
    assert [group[0] for group in found.groups] == [f"country BR ({many} in all)"]
    assert found.examples[0].said == "country BR"


def test_duplicates_share_a_domain_or_name_and_are_no_family(clean: tuple[Facts, ...]) -> None:
    records = [record(each) for each in clean]
    twin = {**records[1].fields, "domain": "www." + records[0].fields["domain"]}
    records[1] = replace(records[1], fields=twin)
    child = {**records[3].fields, "domain": records[2].fields["domain"]}
    records[3] = replace(records[3], fields=child, account=records[2].ref.id)
    for place in (4, 5):
        named = {"name": ("Acme, Inc.", "ACME")[place - 4], "country": "DE"}
        records[place] = replace(records[place], fields=named)
    found = audited(clean, records)["duplicate"]
    assert found.count == 4
    assert sorted(group[0] for group in found.groups) == [
        "domain company0.com (salesforce)",
        "name acme in de (salesforce)",
    ]


def test_the_quality_of_a_field_tells_missing_unreadable_and_different_apart(clean: tuple[Facts, ...]) -> None:
    facts = list(clean)
    facts[0] = with_values(facts[0], industry=None)
    facts[1] = replace(facts[1], values={key: value for key, value in facts[1].values.items() if key != "employees"})
    facts[2] = with_values(facts[2], country="atlantis")
    others = ((HUBSPOT, "Retailing"),)
    facts[3] = replace(facts[3], seen={**facts[3].seen, "industry": Seen(SALESFORCE, "Banking", others)})
    same = ((HUBSPOT, "BANKING "),)
    facts[4] = with_values(facts[4], industry="banking")
    facts[4] = replace(facts[4], seen={**facts[4].seen, "industry": Seen(SALESFORCE, "Banking", same)})
    found = audited(facts)
    assert dict(pair[:2] for pair in found["industry"].groups) == {"missing": 1, "differs between the CRMs": 1}
    assert dict(pair[:2] for pair in found["employees"].groups) == {"cannot be read": 1}
    assert dict(pair[:2] for pair in found["country"].groups) == {"cannot be read": 1}
    assert found["state"].of == sum("state" in each.seen for each in facts)
