"""Two packs over one book: who gains and loses, which relationships break, and quotas counted for the new owner."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from syncd.model.decisions import Decision, Owner
from syncd.model.decisions import Outcome as Word
from syncd.planning.aids.moves import (
    Outcome,
    Quota,
    attainment_document,
    balance_document,
    broken_document,
    changes_document,
    moves_from_today,
)
from syncd.rules.facts import Facts, OpportunityFacts
from tests.aids_books import NOW, book, owned, with_values

ANA, BEN = "ana@example.com", "ben@example.com"


def outcome(facts: list[Facts], *owners: str, territory: str = "all/west") -> Outcome:
    decisions = [
        Decision(
            each.key,
            each.accounts,
            "owner",
            territory,
            Owner(owner),
            each.current_owner,
            Word.CHANGE,
            "picked",
            "",
            None,
        )
        for each, owner in zip(facts, owners, strict=True)
    ]
    return Outcome.of(decisions, {each.key: each for each in facts})


def four() -> list[Facts]:
    return [owned(with_values(each, open_pipeline=Decimal(10)), ANA) for each in book(4, 41)]


def test_gains_and_losses_by_rep_add_up() -> None:
    facts = four()
    rows = changes_document(outcome(facts, ANA, ANA, BEN, BEN), outcome(facts, ANA, BEN, BEN, BEN), "rep")
    told = {row["rep"]: (row["a"]["accounts"], row["b"]["accounts"]) for row in rows}
    assert told == {ANA: (2, 1), BEN: (2, 3)}
    assert sum(row["gained"]["accounts"] for row in rows) == sum(row["lost"]["accounts"] for row in rows) == 1
    assert next(row for row in rows if row["rep"] == BEN)["gained"]["open_pipeline"] == "10"


def test_territories_that_change_name_lose_and_gain() -> None:
    facts = four()
    a, b = outcome(facts, ANA, ANA, ANA, ANA), outcome(facts, ANA, ANA, ANA, ANA, territory="all/east")
    rows = {row["territory"]: row for row in changes_document(a, b, "territory")}
    assert rows["all/west"]["lost"]["accounts"] == rows["all/east"]["gained"]["accounts"] == 4


def test_balance_counts_reps_who_hold_nothing() -> None:
    facts = four()
    alone = balance_document(outcome(facts, ANA, ANA, ANA, ANA), frozenset({ANA, BEN}))
    even = balance_document(outcome(facts, ANA, ANA, BEN, BEN), frozenset({ANA, BEN}))
    assert alone["reps"]["accounts"]["cv"] == "1.000"
    assert even["reps"]["accounts"]["cv"] == "0.000"


def test_a_relationship_breaks_where_a_live_one_moves_and_only_there() -> None:
    deal, seen, quiet, gone = four()
    old = NOW - timedelta(days=200)
    facts = [
        with_values(deal, open_opportunities=Decimal(2), last_activity_at=old),
        with_values(seen, last_activity_at=NOW - timedelta(days=3)),
        with_values(quiet, last_activity_at=old),
        owned(with_values(gone, open_opportunities=Decimal(1)), ANA, active=False),
    ]
    broken = broken_document(outcome(facts, BEN, BEN, BEN, BEN), NOW)
    assert {each["company"] for each in broken["companies"]} == {facts[0].key, facts[1].key}
    assert broken["companies"][0]["text"] == "2 open deals"
    assert broken_document(outcome(facts, ANA, ANA, ANA, ANA), NOW)["count"] == 0


def test_moves_from_today_count_who_changes_hands() -> None:
    facts = four()
    assert moves_from_today(outcome(facts, ANA, BEN, BEN, ANA)) == {"count": 2, "money": "20"}


def test_quotas_are_counted_for_the_territory_above_and_the_rep_and_only_in_their_period() -> None:
    facts = four()
    closed = {"is_won": True, "amount": Decimal(50), "close_date": NOW - timedelta(days=5)}
    earlier = {**closed, "close_date": NOW - timedelta(days=95)}
    facts[0] = Facts(
        facts[0].key,
        facts[0].accounts,
        facts[0].refs,
        facts[0].values,
        opportunities=(OpportunityFacts("1", closed, False), OpportunityFacts("2", earlier, False)),
        current_owner=facts[0].current_owner,
    )
    quotas = [
        Quota("all", False, "2026-Q4", NOW - timedelta(days=50), Decimal(100)),
        Quota(BEN, True, "2026-Q4", NOW - timedelta(days=50), Decimal(100)),
    ]
    a, b = outcome(facts, ANA, ANA, ANA, ANA), outcome(facts, BEN, ANA, ANA, ANA)
    territory, rep = attainment_document(a, b, quotas, NOW)
    assert (territory["a"]["won"], territory["b"]["attainment"]) == ("50", "0.500")
    assert (rep["a"]["won"], rep["b"]["won"]) == ("0", "50")
