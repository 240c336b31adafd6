"""Links between records, and what a person says about candidates."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from store_builders import HS, account_ref

from syncd.model.refs import Ref
from syncd.store import companies, ledger, ownership
from syncd.store.companies import LinkCandidate
from syncd.store.engine import Store
from syncd.store.ownership import AppliedRow
from tests.databases import NOW

LATER = NOW + timedelta(hours=1)
A, B, C = account_ref("A"), account_ref("B"), account_ref("C")
X, Y = account_ref("X", HS), account_ref("Y", HS)


def _alone(*refs: Ref) -> dict[Ref, str]:
    return {ref: str(ref) for ref in refs}


def _together(*refs: Ref) -> dict[Ref, str]:
    return dict.fromkeys(refs, min(map(str, refs)))


def test_links_replace_all_earlier_ones(store: Store) -> None:
    with store.write() as conn:
        companies.save_links(conn, _alone(A, B) | _together(C, X), {C: "domain", X: "domain"}, now=NOW)
        companies.save_links(conn, _alone(A) | _together(C, X), {C: "id-map", X: "domain"}, now=LATER)
        assert companies.links(conn) == _alone(A) | _together(C, X)
        assert companies.link_evidence(conn) == {C: "id-map", X: "domain"}


def test_first_linking_is_one_row_of_the_ledger(store: Store) -> None:
    with store.write() as conn:
        assert companies.save_links(conn, _alone(A) | _together(B, X), {}, now=NOW, run_id="r") == (1, 0)
        (entry,) = ledger.entries(conn)
    assert (entry.event, entry.facts, entry.run_id) == ("companies.linked", {"companies": 2, "joined": 1}, "r")


def test_joins_and_splits_are_counted_and_told(store: Store) -> None:
    with store.write() as conn:
        companies.save_links(conn, _alone(A, B, C, Y) | _together(C, X), {}, now=NOW)
        assert companies.save_links(conn, _alone(A, C, X) | _together(B, Y), {}, now=LATER) == (1, 1)
        told = [(entry.event, entry.ref, entry.facts["refs"]) for entry in ledger.entries(conn)[1:]]
        assert told == [
            ("company.joined", str(Y), f"{Y},{B}"),
            ("company.split", str(X), f"{X},{C}"),
        ]
        assert companies.save_links(conn, _alone(A, C, X) | _together(B, Y), {}, now=LATER) == (0, 0)
        assert len(ledger.entries(conn)) == 3


def test_new_record_of_a_known_company_joins_it(store: Store) -> None:
    with store.write() as conn:
        companies.save_links(conn, _alone(A, B), {}, now=NOW)
        assert companies.save_links(conn, _alone(B) | _together(A, X), {}, now=LATER) == (1, 0)


def test_record_that_is_gone_is_no_split(store: Store) -> None:
    with store.write() as conn:
        companies.save_links(conn, _together(A, X) | _alone(B), {}, now=NOW)
        assert companies.save_links(conn, _alone(A, B), {}, now=LATER) == (0, 0)
        assert companies.links(conn) == _alone(A, B)


def test_what_was_applied_goes_with_the_records(store: Store) -> None:
    """A company's key is its smallest ref: a joining record changes it, and the rules' memory must not be lost."""
    with store.write() as conn:
        companies.save_links(conn, _alone(A, B, X), {}, now=NOW)
        ownership.set_applied(conn, "owner", {str(A): AppliedRow("emea", "jo@example.com", NOW, "p")})
        companies.save_links(conn, _together(A, X) | _alone(B), {}, now=LATER)
        assert ownership.applied(conn)[str(X)] == ownership.applied(conn)[str(A)]
        ownership.set_applied(conn, "owner", {str(X): AppliedRow("apac", "mei@example.com", LATER, "p")})
        companies.save_links(conn, _alone(A, X, B), {}, now=LATER)
        assert ownership.applied(conn)[str(X)]["owner"].territory == "apac"


def test_candidates_are_replaced_but_not_what_a_person_decided(store: Store) -> None:
    one, two, three = (
        LinkCandidate(sf, HS_ref, score, "alike") for sf, HS_ref, score in ((A, X, 90), (B, Y, 95), (C, X, 86))
    )
    with store.write() as conn:
        companies.save_candidates(conn, [one, two, three], now=NOW)
        assert companies.candidates(conn) == (two, one, three)
        companies.decide_candidate(conn, A, X, confirmed=False, who="uid:7", now=NOW)
        companies.decide_candidate(conn, B, Y, confirmed=True, who="uid:8", now=NOW)
        companies.save_candidates(conn, [replace(one, score=99), two], now=LATER)
        assert companies.candidates(conn) == ()
        assert companies.candidates(conn, state="rejected") == (replace(one, state="rejected", decided_by="uid:7"),)
        assert companies.candidates(conn, state=None) == (
            replace(two, state="confirmed", decided_by="uid:8"),
            replace(one, state="rejected", decided_by="uid:7"),
        )


def test_a_person_may_speak_of_a_pair_that_is_no_candidate_and_the_ledger_knows_who(store: Store) -> None:
    with store.write() as conn:
        companies.decide_candidate(conn, A, X, confirmed=True, who="uid:7", now=NOW)
        companies.decide_candidate(conn, A, X, confirmed=False, who="uid:8", now=LATER)
        (pair,) = companies.candidates(conn, state=None)
        assert (pair.state, pair.decided_by, pair.reason) == ("rejected", "uid:8", "a person's word")
        told = [(entry.event, entry.ref, entry.actor) for entry in ledger.entries(conn, ref=str(A))]
    assert told == [("link.confirmed", str(A), "uid:7"), ("link.rejected", str(A), "uid:8")]
