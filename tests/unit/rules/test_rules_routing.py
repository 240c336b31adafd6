"""Leads: matched to accounts by domain, then name and place; routed to owner, territory, pool, in working hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pack_writing import codes, in_pack, loaded
from rule_builders import CATALOGUE, EVERYBODY, facts, is_, pack, place, pool, rep, territory, user

from syncd.model.money import MoneyTable
from syncd.rules.cases import run_cases
from syncd.rules.derivation import Derivation
from syncd.rules.engine import Book
from syncd.rules.facts import Directory
from syncd.rules.memory import LEADS, Memory
from syncd.rules.pack import Cap, OwnersByPool, OwnersByQueue
from syncd.rules.routing.account_match import AccountIndex
from syncd.rules.routing.lead_facts import lead_from_raw
from syncd.rules.routing.router import LeadRouter, route_lead
from syncd.rules.routing_rules import LeadRouting, LeadStep

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
STEPS = (
    LeadStep("account", place(10)),
    LeadStep("territory", place(11)),
    LeadStep("pool", place(12), "inbound"),
)


def lead(**raw):
    return lead_from_raw("L1", raw, Derivation(shared_domains=frozenset({"shared.com"})))


def routed(*roots, steps=STEPS, members=("p@x", "q@x"), assign=None, **rest):
    trees = roots or (territory("rest", None),)
    pools = (pool("inbound", *members, assign=assign),)
    return pack(*trees, pools=pools, routing=LeadRouting(place(9), steps), **rest)


def route(pack_, one, *accounts, directory=EVERYBODY, now=NOW, memory=None):
    return route_lead(pack_, one, Book(accounts, directory, memory=memory or Memory()), now)


class TestMatch:
    def test_the_domain_of_the_mail_comes_first(self):
        index = AccountIndex([facts("A1", domain="acme.com"), facts("A2", name="acme", country="DE")])
        found = index.match(lead(email="jo@mail.acme.com", company="Acme", country="DE"))
        assert (found.company, found.score, found.evidence) == ("A1", 100, "same domain acme.com")

    @pytest.mark.parametrize("address", ["jo@gmail.com", "jo@shared.com"])
    def test_free_mail_and_shared_domains_match_nothing(self, address):
        index = AccountIndex([facts("A1", domain=address.partition("@")[2])])
        assert index.match(lead(email=address)) is None

    def test_then_name_and_place_without_legal_forms(self):
        index = AccountIndex([facts("A1", name="müller maschinenbau gmbh", country="DE", city="köln")])
        found = index.match(lead(email="jo@gmail.com", company="Mueller Maschinenbau", country="DE"))
        assert (found.company, found.evidence) == ("A1", "names 97 % alike, same country")
        assert index.match(lead(company="Müller Maschinenbau GmbH", country="Austria")) is None
        assert index.match(lead(company="Müller Bau", country="DE")) is None
        assert index.match(lead(country="DE")) is None

    @pytest.mark.parametrize(
        "written",
        ["North Beacon Software", "NorthBeacon Software GmbH", "NORTH BEACON SOFTWAR", "North Bacon Software"],
    )
    def test_spaces_and_a_slip_of_the_pen_are_the_same_name(self, written):
        index = AccountIndex([facts("A1", name="north beacon software", country="DE")])
        assert index.match(lead(company=written, country="DE")).company == "A1"

    @pytest.mark.parametrize(
        "written",
        [
            "North Falcon Software",
            "North Beacon Systems",
            "Fund 2 North Beacon Software",
            "South Beacon Software",
            "North Beacon Software II",
        ],
    )
    def test_a_name_with_another_word_is_another_company_however_alike_its_letters(self, written):
        index = AccountIndex(
            [facts("A1", name="fund 1 north beacon software"), facts("A2", name="north beacon software")]
        )
        assert index.match(lead(company=written, postal_code="10115", country="DE")) is None

    def test_another_order_of_words_or_another_domain_needs_a_closer_place_than_the_country(self):
        index = AccountIndex([facts("A1", name="stone river", domain="stone.com", country="DE", postal_code="10115")])
        for values in ({"company": "River Stone"}, {"company": "Stone River", "email": "jo@other.com"}):
            assert index.match(lead(**values, country="DE")) is None
            assert index.match(lead(**values, country="DE", postal_code="10115")).company == "A1"
        assert index.match(lead(company="Stone River", email="jo@stone.de", country="DE")).company == "A1"

    def test_of_several_the_closer_place_wins_and_the_reason_is_said(self):
        index = AccountIndex(
            [
                facts("A1", domain="acme.com", country="US"),
                facts("A2", domain="acme.com", country="DE"),
                facts("A3", domain="acme.com", country="DE", open_pipeline=5),
            ]
        )
        assert index.match(lead(email="a@acme.com", country="US")).tie_break == "of 3 accounts: the closer place"
        german = index.match(lead(email="a@acme.com", country="DE"))
        assert (german.company, german.tie_break) == ("A3", "of 3 accounts: the larger open pipeline")

    def test_any_order_of_accounts_gives_the_same_match(self):
        book = [facts(f"A{number}", name="acme labs", country="DE") for number in range(5)]
        found = AccountIndex(book).match(lead(company="Acme Labs", country="DE"))
        assert AccountIndex(reversed(book)).match(lead(company="Acme Labs", country="DE")) == found
        assert (found.company, found.tie_break) == ("A0", "of 5 accounts: the smallest key")


class TestSteps:
    ACME = facts("A1", "cleo@x", domain="acme.com")

    def test_the_owner_of_the_matched_account_gets_it_at_any_hour(self):
        night = routed(reps=(rep("cleo@x", hours="01:00-02:00"),))
        found = route(night, lead(email="jo@acme.com"), self.ACME)
        assert (found.decision.owner.email, found.decision.reason) == ("cleo@x", "matched-account")
        assert (found.decision.role, found.decision.place, found.match.company) == (LEADS, place(10), "A1")

    def test_an_inactive_owner_does_not_and_the_territory_is_asked(self):
        gone = Directory({"cleo@x": user("cleo@x", active=())}, assume_active=True)
        german = routed(territory("de", is_("country", "DE"), ["d@x"]), territory("rest", None))
        found = route(german, lead(email="jo@acme.com", country="Germany"), self.ACME, directory=gone)
        assert (found.decision.owner.email, found.decision.territory) == ("d@x", "de")
        assert "is not active" in found.decision.notes[0]

    def test_a_lead_is_read_as_the_account_it_would_become(self):
        banks = routed(territory("banks", is_("name", "acme bank"), ["b@x"]), territory("rest", None))
        assert route(banks, lead(company="Acme Bank", name="Jo Doe")).decision.territory == "banks"
        assert route(banks, lead(name="Acme Bank")).decision.territory is None

    def test_a_territory_that_assigns_nobody_leaves_it_to_the_pool(self):
        found = route(routed(), lead(email="jo@other.com"))
        assert (found.decision.owner.email, found.decision.place) == ("p@x", place(12))
        assert found.decision.notes == (
            "no account matches by domain, nor by name and place",
            "territory rest assigns nobody",
        )

    def test_a_queue_takes_leads(self):
        queued = routed(territory("rest", None, OwnersByQueue("Inbound")))
        found = route(queued, lead())
        assert (found.queue, found.decision.owner, found.decision.outcome.value) == ("Inbound", None, "change")

    def test_a_member_who_has_the_lead_keeps_it(self):
        named = routed(territory("rest", None, ["a@x", "b@x"]))
        assert route(named, lead(owner="b@x")).decision.reason == "kept"

    def test_nobody_anywhere_is_unrouted_until_somebody_begins_to_work(self):
        hours = (rep("p@x", hours="12:00-17:00"), rep("q@x", hours="11:00-17:00"))
        found = route(routed(reps=hours), lead()).decision
        assert (found.reason, found.outcome.value, found.owner) == ("unrouted", "unassigned", None)
        assert "p@x off hours (12:00-17:00)" in found.notes[2]
        assert found.next_change_at == NOW + timedelta(hours=1)
        assert route(pack(territory("rest", None)), lead()).decision.reason == "unrouted"


class TestPicks:
    def test_hours_count_for_leads_and_caps_on_accounts_do_not(self):
        night = rep("a@x", hours="22:00-06:00", max_accounts=0)
        group = routed(territory("rest", None, ["a@x", "b@x"], assign="first", cap=Cap(total=0)), reps=(night,))
        assert route(group, lead()).decision.owner.email == "b@x"
        assert route(group, lead(), now=NOW + timedelta(hours=13)).decision.owner.email == "a@x"

    def test_the_leads_of_one_run_are_dealt_in_turn_in_a_rotation_of_their_own(self):
        router = LeadRouter(routed(assign="rotate"), Book((), EVERYBODY), NOW)
        found = [router.route(lead()).decision for _ in range(4)]
        assert [each.owner.email for each in found] == ["p@x", "q@x", "p@x", "q@x"]
        assert found[0].turn.rotation == "pool:inbound"

    def test_the_pool_of_a_territory_balances_what_this_run_gave(self):
        router = LeadRouter(routed(territory("rest", None, OwnersByPool("inbound"))), Book((), EVERYBODY), NOW)
        assert [router.route(lead()).decision.owner.email for _ in range(3)] == ["p@x", "q@x", "p@x"]


CASES = """\
format: 1
pools: {triage: [ben@example.com]}
reps: [{email: ben@example.com, hours: "Mon-Fri 09:00-17:00 Europe/Berlin"}]
routing:
  leads: [{match: account}, {territory: true}, {pool: triage}]
  sla: {first_touch: 15min, hours: business, then: reassign}
territories:
  - {name: dach, when: {country: [DE, AT]}, owners: [anna@example.com]}
  - {name: rest, when: always, owners: unassigned}
tests:
  - {name: to its account, lead: {email: jo@acme.com}, account: {domain: acme.com, owner: cleo@example.com}, expect: {owner: cleo@example.com, rule: matched-account}}
  - {name: by place, lead: {country: Germany}, expect: {territory: dach, owner: anna@example.com, role: lead}}
  - {name: to the pool, now: 2026-12-01T10:00:00Z, lead: {country: US}, expect: {owner: ben@example.com}}
  - {name: at night, now: 2026-12-01T20:00:00Z, lead: {country: US}, expect: {outcome: unassigned, rule: unrouted}}
"""  # noqa: E501


def test_cases_of_leads_are_run(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"pack.yaml": CASES})
    results = run_cases(found, catalogue=CATALOGUE, money=MoneyTable(), now=NOW)
    assert [(each.name, each.failures, each.notes) for each in results] == [(each.name, (), ()) for each in found.tests]
    assert (found.routing.sla.first_touch.count, found.routing.sla.hours, found.routing.sla.then) == (
        15,
        "business",
        "reassign",
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("routing: {leads: [{match: contact}]}", ["SYN242"]),
        ("routing: {leads: [{match: account, territory: true}]}", ["SYN294"]),
        ("routing: {leads: [{territory: false}]}", ["SYN294"]),
        ("routing: {leads: [{territory: true}, {territory: true}]}", ["SYN294"]),
        ("routing: {leads: [{pool: p}]}", ["SYN250"]),
        ("routing: {leads: []}", ["SYN241"]),
        ("routing: {sla: {first_touch: 15min}}", ["SYN243"]),
        ("routing: {leads: [{match: account}], sla: {hours: business}}", ["SYN243"]),
        ("routing: {leads: [{match: account}], sla: {first_touch: 15m}}", ["SYN242"]),
        ("routing: {leads: [{match: account}], sla: {first_touch: 1h, hours: sometimes}}", ["SYN242"]),
        ("routing: {leads: [{match: account}], sla: {first_touch: 1h, then: panic}}", ["SYN242"]),
        ("reps: [{email: a@example.com, hours: '09:00-09:00'}]", ["SYN295"]),
        ("reps: [{email: a@example.com, hours: '22:00-06:00 Europe/Berlin'}]", []),
        ("reps: [{email: a@example.com, hours: '22:00-06:00 Mars/Base'}]", ["SYN242"]),
        ("pools: {p: [{rep: a@example.com, capacity: 5}]}", ["SYN296"]),
        ("pools: {p: [{rep: a@example.com, weight: 0}]}", ["SYN257"]),
        ("pools: {p: {members: [a@example.com], catch_up: true}}", ["SYN268"]),
        ("pools: {p: {members: [a@example.com], assign: balanced, catch_up: true}}", ["SYN268"]),
        ("pools: {p: {members: [a@example.com], assign: rotate, catch_up: soon}}", ["SYN242"]),
        ("pools: {p: {members: [a@example.com], assign: rotate, catch_up: true}}", []),
        (
            "reps: [{email: a@example.com, out_of_office: [{from: 2026-12-24T13:00, until: 2026-12-24T12:00}]}]",
            ["SYN273"],
        ),
        ("reps: [{email: a@example.com, out_of_office: [{from: 2026-12-24T13:00, until: 2026-12-26}]}]", []),
    ],
)
def test_what_is_wrong_with_routing_and_people_is_found(tmp_path: Path, line: str, expected: list[str]) -> None:
    assert sorted(codes(tmp_path, in_pack(line))) == expected


def test_a_pool_with_nobody_today_is_a_warning_on_the_day(tmp_path: Path) -> None:
    lines = in_pack(
        "pools: {p: [a@example.com, seat:s]}",
        "reps: [{email: a@example.com, end: 2026-06-30}, {seat: s, holder: a@example.com}]",
    )
    assert codes(tmp_path / "now", lines, NOW) == ["SYN297"]
    assert codes(tmp_path / "then", lines, datetime(2026, 6, 30, tzinfo=UTC)) == []
