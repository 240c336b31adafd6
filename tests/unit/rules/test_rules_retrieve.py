"""Retrieve: grace, cool-off, budget, the pool's pick, and its place in the order of precedence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pack_writing import codes, in_pack, loaded
from rule_builders import CATALOGUE, NOW, applied, facts, is_, pack, place, pool, sf_ref, territory

from syncd.model.decisions import Outcome
from syncd.model.money import MoneyTable
from syncd.rules.cases import run_cases
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory
from syncd.rules.memory import Memory, Retrieval
from syncd.rules.pack import Duration, Protect
from syncd.rules.retrieving import notices
from syncd.rules.routing_rules import Retrieve

EVERYBODY = Directory({}, assume_active=True)
IDLE = is_("tier", "idle")


def rule(**rest):
    return Retrieve(place(40), IDLE, "p", text="retrieve", **rest)


def retrieving(found, *, keep=True, members=("new@x", "old@x"), **rest):
    tree = territory("t", None, ["old@x", "peer@x"], keep=keep)
    return pack(tree, pools=(pool("p", *members),), retrieve=found, **rest)


def idle(key="A1", owner="old@x", **rest):
    return facts(key, owner, tier="idle", **rest)


def one(pack_, company, memory=None, now=NOW):
    return decide(pack_, Book((company,), EVERYBODY, memory=memory or Memory()), now)[0]


def remembering(**state):
    return Memory(retrievals={"A1": Retrieval(**state)})


class TestRule:
    def test_an_account_nobody_works_goes_to_a_member_of_the_pool_and_keeps_its_territory(self):
        decision = one(retrieving(rule()), idle())
        assert (decision.owner.email, decision.outcome, decision.reason) == ("new@x", Outcome.CHANGE, "retrieved")
        assert (decision.territory, decision.place) == ("t", place(40))
        assert [reason for reason, _ in decision.outranked] == ["kept"]

    def test_one_that_is_worked_or_has_no_owner_is_the_territorys(self):
        assert one(retrieving(rule()), facts("A1", "old@x", tier="busy")).reason == "kept"
        assert one(retrieving(rule()), facts("A1", tier="idle")).reason == "picked"

    def test_whatever_stands_above_it_outranks_it(self):
        held = Protect("mine", place(1), IDLE, "mine")
        assert one(retrieving(rule(), protect=(held,)), idle()).reason == "mine"
        assert one(retrieving(rule()), idle(locked=True)).reason == "locked"
        team = replace(idle(refs=(sf_ref(1),)), team_holds="has 3 team members")
        kept = one(retrieving(rule()), team)
        assert kept.reason == "kept"
        assert "would lose" in kept.text

    def test_a_pool_that_has_nobody_leaves_it_where_it_is(self):
        kept = one(retrieving(rule(), members=("old@x",)), idle())
        assert (kept.reason, kept.owner.email) == ("kept", "old@x")
        assert "the pool has nobody" in kept.text


class TestGrace:
    def test_nothing_happens_before_the_owner_was_told_and_the_grace_is_over(self):
        found = retrieving(rule(grace=Duration(7, "d")))
        assert "is told first" in one(found, idle()).text
        told = remembering(noticed_at=NOW - timedelta(days=3), noticed_owner="old@x")
        waiting = one(found, idle(), told)
        assert (waiting.reason, "was told on" in waiting.text) == ("kept", True)
        assert waiting.next_change_at == datetime(2026, 12, 6, tzinfo=UTC)
        over = one(found, idle(), told, waiting.next_change_at)
        assert over.reason == "retrieved"

    def test_the_notice_of_an_earlier_owner_does_not_count(self):
        found = retrieving(rule(grace=Duration(7, "d")))
        told = remembering(noticed_at=NOW - timedelta(days=90), noticed_owner="before@x")
        assert "is told first" in one(found, idle(), told).text

    def test_those_are_told_whose_account_would_be_taken_and_a_notice_without_ground_is_dropped(self):
        found = retrieving(rule(grace=Duration(7, "d")), protect=(Protect("mine", place(1), is_("type", "x"), "m"),))
        gone = Retrieval(noticed_at=NOW, noticed_owner="old@x")
        memory = Memory(retrievals={"A1": gone, "A3": gone})
        book = Book(
            (facts("A1", "old@x"), idle("A2"), idle("A3"), idle("A4", type="x"), facts("A5", tier="idle")),
            EVERYBODY,
            memory=memory,
        )
        said = notices(found, book, decide(found, book, NOW), NOW)
        assert (dict(said.told), said.over) == ({"A2": "old@x"}, {"A1"})

    def test_without_a_rule_every_notice_is_dropped(self):
        book = Book((idle(),), EVERYBODY, memory=remembering(noticed_at=NOW, noticed_owner="old@x"))
        said = notices(retrieving(None), book, (), NOW)
        assert said.over == {"A1"}


class TestCoolOff:
    COOL = Duration(60, "d")

    def state(self, days):
        return remembering(retrieved_at=NOW - timedelta(days=days), from_owner="old@x", to_owner="new@x", territory="t")

    def test_whoever_got_it_counts_as_a_member_of_the_territory_for_this_account(self):
        mine = idle("A1", "new@x", applied=applied("t", "new@x"))
        assert one(retrieving(rule(cool_off=self.COOL)), mine, self.state(10)).reason == "remembered"
        assert one(retrieving(rule(cool_off=self.COOL), keep=False), mine, self.state(10)).reason == "remembered"
        busy = facts("A1", "new@x", applied=applied("t", "new@x"))
        assert one(retrieving(rule(cool_off=self.COOL)), busy, self.state(400)).owner.email == "new@x"
        assert one(retrieving(rule(cool_off=self.COOL)), busy).owner.email != "new@x"

    def test_it_is_not_retrieved_again_before_it_has_cooled_off(self):
        mine = idle("A1", "new@x", applied=applied("t", "new@x"))
        found = retrieving(rule(cool_off=self.COOL), members=("new@x", "third@x"))
        assert "cools off until" in one(found, mine, self.state(10)).text
        assert one(found, mine, self.state(62)).owner.email == "third@x"

    def test_the_previous_owner_is_no_candidate_while_it_cools_off(self):
        lost = facts("A1", applied=applied("t", "new@x"))
        found = retrieving(rule(cool_off=self.COOL))
        assert one(found, lost, self.state(10)).candidates == ("peer@x",)
        assert one(found, lost, self.state(62)).candidates == ("old@x", "peer@x")


class TestBudget:
    def test_over_the_budget_the_longest_without_activity_come_first_then_the_key(self):
        def at(day):
            return datetime(2026, day, 1, tzinfo=UTC)

        book = (
            idle("A1", last_activity_at=at(5)),
            idle("A2", last_activity_at=at(3)),
            idle("A4"),
            idle("A3"),
            idle("A5", last_activity_at=at(3)),
        )
        decisions = decide(retrieving(rule(budget=3)), Book(book, EVERYBODY), NOW)
        assert {each.company for each in decisions if each.reason == "retrieved"} == {"A2", "A3", "A4"}
        left = next(each for each in decisions if each.company == "A1")
        assert (left.reason, "budget" in left.text) == ("kept", True)
        assert left.next_change_at == datetime(2026, 12, 2, tzinfo=UTC)

    def test_what_was_retrieved_today_is_part_of_the_budget(self):
        today = Memory(retrievals={f"B{n}": Retrieval(retrieved_at=NOW) for n in range(3)})
        assert one(retrieving(rule(budget=3)), idle(), today).reason == "kept"
        assert one(retrieving(rule(budget=4)), idle(), today).reason == "retrieved"
        assert one(retrieving(rule(budget=3)), idle(), today, NOW + timedelta(days=1)).reason == "retrieved"

    def test_any_order_of_accounts_gives_the_same_decisions(self):
        book = [idle(f"A{number}") for number in range(9)]
        found = retrieving(rule(budget=4))
        forward = decide(found, Book(tuple(book), EVERYBODY), NOW)
        assert decide(found, Book(tuple(reversed(book)), EVERYBODY), NOW) == forward


CASES = """\
format: 1
pools: {triage: [new@example.com]}
retrieve: {when: {last_activity_at: {not_since: 90d}}, to: {pool: triage}, grace: 7d, cool_off: 60d}
territories: [{name: all, when: always, owners: [old@example.com]}]
tests:
  - {name: not told, now: 2026-12-01T10:00:00Z, account: {owner: old@example.com}, expect: {owner: old@example.com}}
  - name: told long ago
    now: 2026-12-01T10:00:00Z
    account: {owner: old@example.com}
    ledger: {noticed: 2026-11-01}
    expect: {owner: new@example.com, rule: retrieved, territory: all}
  - name: retrieved last month
    now: 2026-12-01T10:00:00Z
    account: {owner: new@example.com}
    ledger: {territory: all, owner: new@example.com, at: 2026-11-01, retrieved: 2026-11-01, retrieved_from: old@example.com}
    expect: {owner: new@example.com, rule: remembered}
"""  # noqa: E501


def test_cases_of_a_pack_say_what_the_ledger_knows_of_it(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"pack.yaml": CASES})
    results = run_cases(found, catalogue=CATALOGUE, money=MoneyTable(), now=NOW)
    assert [(each.name, each.failures) for each in results] == [(each.name, ()) for each in found.tests]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("retrieve: {to: {pool: p}}", ["SYN243", "SYN250"]),
        ("retrieve: {when: always}", ["SYN243"]),
        ("retrieve: {when: always, to: {pool: p}, grace: 7m}", ["SYN250", "SYN242"]),
        ("retrieve: {when: always, to: triage}", ["SYN241"]),
        ("retrieve: {when: always, to: {pool: p}, budgt: 5}", ["SYN250", "SYN240"]),
    ],
)
def test_what_is_wrong_with_retrieve_is_found(tmp_path: Path, line: str, expected: list[str]) -> None:
    assert sorted(codes(tmp_path, in_pack(line))) == sorted(expected)
