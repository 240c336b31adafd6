"""The replay: books as they were, moves that rules would have made, and companies that go back and forth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.model.refs import Kind, Ref, System
from syncd.planning.aids.deals import Deal, Entered
from syncd.planning.aids.past import OwnerSince, Past, Standing, book_at
from syncd.planning.aids.replay import Replay, flips, replay_document
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory, Facts, Rep
from syncd.rules.loader import load_pack
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.memory import Memory
from tests.aids_books import NOW, book, with_values

ANA, BEN = "ana@example.com", "ben@example.com"
WEEK = timedelta(days=7)
START = NOW - 8 * WEEK


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def past(facts: Facts, *owners: tuple[int | None, str | None], deals: Sequence[Deal] = ()) -> Past:
    """A company whose owners are known since so many days ago (None: as far back as is known)."""
    told = tuple(OwnerSince(None if days is None else ago(days), owner) for days, owner in owners)
    return Past(facts, told or (OwnerSince(None, ANA),), tuple(deals), len(told) > 1)


def deal(facts: Facts, created: int, closed: int, *, won: bool | None = True, amount: int = 100) -> Deal:
    ref = Ref(System.SALESFORCE, Kind.OPPORTUNITY, f"{facts.refs[0].id}-{created}")
    return Deal(ref, facts.refs[0], facts.key, won, Decimal(amount), ago(created), ago(closed))


def replayed(rules: str, pasts: Sequence[Past], folder: Path, active: frozenset[str] = frozenset({ANA, BEN})) -> Any:
    (folder / "pack.yaml").write_text(rules)
    pack = load_pack(folder)
    people = {each: Rep(each, each, {}, frozenset(System), frozenset(System)) for each in sorted(active)}

    def decided(facts: tuple[Facts, ...], memory: Memory, at: datetime) -> Any:
        return decide(pack, Book(facts, Directory(people), memory=memory), at)

    replay = Replay(pasts, lambda _: active, decided, EvaluationContext, pack.revision)
    replay.run([START + number * WEEK for number in range(9)])
    return replay, replay_document(replay, (), START, NOW)


def rules(when: str, keep: str = "false") -> str:
    return f"""
territories:
  - {{name: hot, when: {when}, owners: [{ANA}], keep: {keep}}}
  - {{name: rest, when: always, owners: [{BEN}], keep: {keep}}}
"""


def test_owners_are_those_of_the_time() -> None:
    one = past(book(1, 1)[0], (None, ANA), (30, BEN), (10, None))
    assert [one.owner_at(ago(days)) for days in (100, 31, 30, 11, 5)] == [ANA, ANA, BEN, BEN, None]


def test_a_book_of_then_has_the_deals_and_companies_of_then() -> None:
    first, second = book(2, 2)
    young = with_values(second, created_at=ago(10))
    pasts = [past(first, deals=[deal(first, 50, 20), deal(first, 5, 1)]), past(young)]
    standings = {each.facts.key: Standing(ANA) for each in pasts}
    (then,) = book_at(pasts, standings, frozenset({ANA}), EvaluationContext(ago(30)))
    assert (then.values["open_opportunities"], then.values["open_pipeline"]) == (1, 100)
    assert (then.values["won_amount_12m"], then.owner_active) == (0, True)
    now = book_at(pasts, standings, frozenset(), EvaluationContext(NOW))
    assert [each.values["won_amount_12m"] for each in now] == [200, 0]
    assert not now[0].owner_active


def test_a_deal_stands_in_the_stage_of_then_and_in_none_that_is_not_known() -> None:
    facts = book(1, 2)[0]
    way = (Entered(ago(40), "Qualification"), Entered(ago(20), "Negotiation/Review"))
    one = replace(deal(facts, 50, 5), way=way)
    stages = {}
    for days in (45, 30, 10, 2):
        context = EvaluationContext(ago(days))
        (then,) = book_at([past(facts, deals=[one])], {facts.key: Standing(ANA)}, frozenset({ANA}), context)
        stages[days] = then.values["open_stages"]
    assert stages == {45: set(), 30: {"qualification"}, 10: {"negotiation/review"}, 2: set()}


def test_a_protect_rule_about_a_stage_holds_in_the_replay_while_the_deal_was_in_it(tmp_path: Path) -> None:
    facts = with_values(book(1, 2)[0], country="US")
    one = replace(deal(facts, 50, 5), way=(Entered(ago(40), "Negotiation"), Entered(ago(12), "Proposal")))
    text = rules("{country: US}") + "protect: {late: {when: {open_stages: [Negotiation]}, reason: late}}\n"
    _, document = replayed(text, [past(facts, (None, BEN), deals=[one])], tmp_path)
    moved = [step["at"][:10] for step in document["steps"] if step["moved"]]
    first = f"{START:%Y-%m-%d}"
    assert moved == [first], "it is moved before the deal reached negotiation"
    late = replace(one, way=(Entered(ago(90), "Negotiation"), Entered(ago(12), "Proposal")))
    _, document = replayed(text, [past(facts, (None, BEN), deals=[replace(late, created=ago(90))])], tmp_path)
    moved = [step["at"][:10] for step in document["steps"] if step["moved"]]
    assert moved == [f"{NOW - WEEK:%Y-%m-%d}"], "it waits until the deal has left negotiation"


def test_an_activity_that_was_still_to_come_counts_as_one_of_then() -> None:
    facts = with_values(book(1, 3)[0], last_activity_at=ago(1))
    (then,) = book_at([past(facts)], {facts.key: Standing(ANA)}, frozenset({ANA}), EvaluationContext(ago(100)))
    assert then.values["last_activity_at"] == ago(100)


def test_a_rule_that_reads_open_deals_gives_a_company_back_and_forth_and_that_is_found(tmp_path: Path) -> None:
    quiet, busy = book(2, 4)
    pasts = [past(quiet, (None, BEN)), past(busy, (None, BEN), deals=[deal(busy, 40, 20, won=False)])]
    _, document = replayed(rules('{open_opportunities: ">= 1"}'), pasts, tmp_path)
    assert document["summary"]["flips"] == 1
    assert [each["company"] for each in document["flipped"]] == [busy.key]
    assert document["summary"]["moved_at_start"] == 0
    assert [(each["from"], each["to"]) for each in document["moves"]] == [(BEN, ANA), (ANA, BEN)]
    assert document["summary"]["moved_twice"] == 1
    assert document["summary"]["moved_later_with_open_deal"] == 1


def test_rules_that_keep_owners_move_nothing_that_is_in_order(tmp_path: Path) -> None:
    pasts = [past(each, (None, BEN)) for each in book(20, 5)]
    _, document = replayed(rules('{employees: ">= 100000"}', keep="true"), pasts, tmp_path)
    assert document["summary"]["moved_at_start"] == document["summary"]["moved_later"] == 0
    assert {step["moved"] for step in document["steps"]} == {0}


def test_what_really_happened_stands_beside_and_an_unknown_beginning_is_no_change(tmp_path: Path) -> None:
    first, second = book(2, 6)
    pasts = [past(first, (None, BEN), (30, ANA), (10, BEN)), past(second, (20, BEN))]
    _, document = replayed(rules('{employees: ">= 100000"}'), pasts, tmp_path)
    assert document["summary"]["really_moved"] == 2
    assert document["summary"]["really_flipped"] == 1
    assert sum(step["really"]["moved"] for step in document["steps"]) == 2


def test_wins_are_counted_for_whom_the_company_was_under_the_rules_and_really(tmp_path: Path) -> None:
    facts = book(1, 7)[0]
    won = deal(facts, 50, 10, amount=700)
    _, document = replayed(rules('{employees: ">= 1"}'), [past(facts, (None, BEN), deals=[won])], tmp_path)
    assert document["wins"]["same_owner"]["share"] == 0.0
    assert document["wins"]["reps"] == [
        {"rep": ANA, "rules": "700", "really": "0"},
        {"rep": BEN, "rules": "0", "really": "700"},
    ]


def test_a_company_of_somebody_who_left_is_given_out_at_the_first_step(tmp_path: Path) -> None:
    pasts = [past(each, (None, "gone@example.com")) for each in book(4, 8)]
    _, document = replayed(rules('{employees: ">= 100000"}', keep="true"), pasts, tmp_path)
    assert document["steps"][0]["moved"] == 4
    assert document["steps"][0]["really"]["without_active_owner"] == 4


def test_a_company_born_meanwhile_begins_with_the_owner_it_was_given(tmp_path: Path) -> None:
    facts = replace(book(1, 9)[0])
    young = with_values(facts, created_at=ago(17))
    replay, document = replayed(rules("{employees: missing}"), [past(young, (None, ANA))], tmp_path)
    assert [step["companies"] for step in document["steps"]] == [0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert document["summary"]["moved_later"] == 1
    assert replay.owner_at(young.key, ago(16)) == ANA
    assert replay.owner_at(young.key, NOW) == BEN


def test_only_a_return_is_a_flip() -> None:
    assert not flips([ANA, ANA, BEN])
    assert flips([ANA, BEN, ANA])
    assert not flips([])
    assert flips([None, ANA, None])
