"""What syncd remembers of owners."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from store_builders import HS, OTHER, REP, SF, account, account_ref, deal, put, user

from syncd.model.refs import Kind
from syncd.store import mirror, ownership
from syncd.store.engine import Store
from syncd.store.ownership import AppliedRow, BlockedRow, OwnerMark
from tests.databases import NOW

LATER = NOW + timedelta(hours=1)


def test_adoption_marks_every_live_account_and_counts_by_owner(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1), account(2, owner="gone"), account(3, owner=None), account(4, owner="who"))
        put(conn, account(5, deleted=True), account(1, system=HS, owner=REP), deal(1, 1, owner=REP))
        mirror.store_users(conn, SF, [user(REP), user("gone", active=False)], now=NOW, run_id="r")
        assert ownership.adopted_at(conn) is None
        counts = ownership.adopt_all(conn, now=LATER, run_id="r")
        assert counts == {"owner-active": 1, "owner-inactive": 1, "owner-unknown": 2, "no-owner": 1}
        assert ownership.adopted_at(conn) == LATER
        assert ownership.marks(conn) == {
            account_ref(1): OwnerMark(REP, "adopted", LATER),
            account_ref(2): OwnerMark("gone", "adopted", LATER),
            account_ref(3): OwnerMark(None, "adopted", LATER),
            account_ref(4): OwnerMark("who", "adopted", LATER),
            account_ref(1, HS): OwnerMark(REP, "adopted", LATER),
        }
        assert ownership.marks(conn, Kind.OPPORTUNITY) == {}


def test_adopting_again_overwrites_every_mark(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1))
        ownership.set_mark(conn, account_ref(1), OTHER, "written", now=NOW)
        ownership.adopt_all(conn, now=LATER, run_id="r")
        assert ownership.marks(conn) == {account_ref(1): OwnerMark(REP, "adopted", LATER)}


def test_adopting_an_empty_mirror_is_an_adoption(store: Store) -> None:
    with store.write() as conn:
        assert ownership.adopt_all(conn, now=NOW, run_id=None) == {}
        assert ownership.adopted_at(conn) == NOW


def test_mark_is_the_last_one_set(store: Store) -> None:
    with store.write() as conn:
        for source in ownership.SOURCES:
            ownership.set_mark(conn, account_ref(1), source, source, now=NOW)
        assert ownership.marks(conn) == {account_ref(1): OwnerMark("expected", "expected", NOW)}
        with pytest.raises(ValueError, match="written"):
            ownership.set_mark(conn, account_ref(1), REP, "guessed", now=NOW)


def test_latest_change_of_each_record_is_told(store: Store) -> None:
    with store.write() as conn:
        put(conn, account(1), account(2))
        put(conn, account(1, at=1, owner="a"), account(2, at=1, owner="b"))
        put(conn, account(1, at=2, owner="c"))
        assert {ref.id: change.new for ref, change in ownership.owner_changes(conn).items()} == {"1": "c", "2": "b"}
        assert set(ownership.owner_changes(conn, [account_ref(2), account_ref(9)])) == {account_ref(2)}


def test_applied_is_kept_by_company_and_role(store: Store) -> None:
    with store.write() as conn:
        first = AppliedRow("emea/dach", "jo@example.com", NOW, "p1")
        dated = AppliedRow("emea", "mei@example.com", LATER, "p2", date(2026, 11, 1), "a1b2")
        ownership.set_applied(conn, "owner", {"c1": first, "c2": first})
        ownership.set_applied(conn, "csm", {"c1": AppliedRow(None, None, NOW, "p1")})
        ownership.set_applied(conn, "owner", {"c1": dated})
        ownership.set_applied(conn, "owner", {})
        assert ownership.applied(conn) == {
            "c1": {"owner": dated, "csm": AppliedRow(None, None, NOW, "p1")},
            "c2": {"owner": first},
        }


def test_refusal_is_remembered_until_it_is_cleared_or_past(store: Store) -> None:
    with store.write() as conn:
        ownership.set_blocked(conn, (account_ref(1), "owner"), OTHER, "OLD", "", NOW, "fp")
        ownership.set_blocked(conn, (account_ref(1), "owner"), OTHER, "FIELD_CUSTOM_VALIDATION", "no!", LATER, "fp2")
        ownership.set_blocked(conn, (account_ref(2), "owner"), REP, "X", "", NOW, "fp")
        row = BlockedRow(OTHER, "FIELD_CUSTOM_VALIDATION", "no!", LATER, "fp2")
        assert ownership.blocked(conn)[account_ref(1), "owner"] == row
        assert ownership.blocked(conn, now=NOW) == {(account_ref(1), "owner"): row}
        ownership.clear_blocked(conn, [(account_ref(1), "owner")])
        ownership.clear_blocked(conn, [(account_ref(1), "owner")])
        assert set(ownership.blocked(conn)) == {(account_ref(2), "owner")}
