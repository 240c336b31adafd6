"""Merges followed: what is remembered of a record goes on with the one it became, on both databases."""

from __future__ import annotations

from datetime import timedelta

from store_builders import HS, OTHER, REP, account, account_ref, put

from syncd.store import companies, ledger, merges, overrides, ownership
from syncd.store.engine import Store
from syncd.store.ownership import AppliedRow
from tests.databases import NOW

LATER = NOW + timedelta(hours=1)
LOSER, WINNER, LAST, PARTNER = account_ref("1"), account_ref("2"), account_ref("3"), account_ref("9", HS)


def merged(store: Store, *pairs: tuple[str, str]) -> None:
    """A mirror where each first record was merged into the second."""
    with store.write() as conn:
        put(conn, *(account(number) for number in ("1", "2", "3")), account("9", system=HS))
        for loser, winner in pairs:
            put(conn, account(loser, at=60, deleted=True, merged_into=winner))


def follow(store: Store) -> int:
    with store.write() as conn:
        return merges.follow(conn, now=LATER, run_id="r1")


def test_an_adopted_override_moves_to_the_winner_over_a_chain_of_merges(store: Store) -> None:
    merged(store, ("1", "2"), ("2", "3"))
    with store.write() as conn:
        overrides.add(conn, LOSER, "ben@example.com", who="mei", why="x", expires=None, now=NOW)
    assert follow(store) == 1
    with store.read() as conn:
        assert [(each.account, each.owner) for each in overrides.standing(conn)] == [(LAST, "ben@example.com")]
        (told,) = ledger.entries(conn, event="record.merged")
    assert (told.ref, told.facts["into"], told.facts["moved"]) == (str(LOSER), str(LAST), "override")
    assert follow(store) == 0


def test_the_winner_keeps_its_own_override_and_mark(store: Store) -> None:
    merged(store, ("1", "2"))
    with store.write() as conn:
        overrides.add(conn, LOSER, "ben@example.com", who="mei", why="x", expires=None, now=NOW)
        overrides.add(conn, WINNER, "anna@example.com", who="mei", why="x", expires=None, now=NOW)
        ownership.set_mark(conn, LOSER, REP, "written", now=NOW)
        ownership.set_mark(conn, WINNER, OTHER, "adopted", now=NOW)
    assert follow(store) == 1
    with store.read() as conn:
        assert [(each.account, each.owner) for each in overrides.standing(conn)] == [(WINNER, "anna@example.com")]
        assert {ref: mark.owner for ref, mark in ownership.marks(conn).items()} == {WINNER: OTHER}


def test_a_mark_waits_for_a_winner_that_has_none(store: Store) -> None:
    merged(store, ("1", "2"))
    with store.write() as conn:
        ownership.set_mark(conn, LOSER, REP, "written", now=NOW)
    assert follow(store) == 0
    with store.read() as conn:
        (legacy,) = merges.legacies(conn, [WINNER])[WINNER, "owner"]
        assert (legacy.mark.owner, legacy.mark.source, legacy.mark.at) == (REP, "written", NOW)
        assert merges.legacies(conn, [LAST]) == {}


def test_what_was_applied_moves_where_the_winner_has_nothing(store: Store) -> None:
    merged(store, ("1", "2"))
    with store.write() as conn:
        ownership.set_applied(conn, "owner", {str(LOSER): AppliedRow("emea", "anna@example.com", NOW, "p")})
    assert follow(store) == 1
    with store.read() as conn:
        assert {key: roles["owner"].territory for key, roles in ownership.applied(conn).items()} == {
            str(WINNER): "emea"
        }


def test_what_is_applied_to_a_company_that_lives_on_stays(store: Store) -> None:
    merged(store, ("1", "2"))
    with store.write() as conn:
        links = {LOSER: str(LOSER), PARTNER: str(LOSER), WINNER: str(WINNER)}
        companies.save_links(conn, links, {}, now=NOW)
        ownership.set_applied(conn, "owner", {str(LOSER): AppliedRow("emea", "anna@example.com", NOW, "p")})
    follow(store)
    with store.read() as conn:
        assert set(ownership.applied(conn)) == {str(LOSER)}


def test_a_persons_word_on_a_pair_moves_along_and_open_candidates_go(store: Store) -> None:
    merged(store, ("1", "2"))
    with store.write() as conn:
        companies.decide_candidate(conn, LOSER, PARTNER, confirmed=True, who="mei", now=NOW)
    assert follow(store) == 1
    with store.read() as conn:
        (pair,) = companies.candidates(conn, state=None)
    assert (pair.salesforce, pair.hubspot, pair.state, pair.decided_by) == (WINNER, PARTNER, "confirmed", "mei")
