"""What kept columns are held to: the numbers rise with each change, and an older or another database is told apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store import companies, ledger, mirror, ownership
from syncd.store import raw_accounts as store_raw
from syncd.store.book_state import (
    book_state,
    changed_since,
    follows,
    joined,
    other_roles_applied,
    owners_changed_since,
    suspects,
    suspects_among,
)
from syncd.store.engine import Store
from syncd.store.ownership import AppliedRow, OwnerChange
from syncd.store.raw_accounts import territories_applied
from syncd.store.versions import APPLIED, LINKS, MARKS, RECORDS, raise_version, versions

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ONE, TWO, THREE = (Ref(System.SALESFORCE, Kind.ACCOUNT, f"001{number}") for number in range(3))


def fill(store: Store) -> None:
    with store.write() as conn:
        records = [Record(ref, NOW, {"name": ref.id}, "u1") for ref in (ONE, TWO, THREE)]
        mirror.upsert_records(conn, records, now=NOW, run_id="r")
        ownership.adopt_all(conn, now=NOW, run_id="r")


def test_each_kind_of_change_raises_its_number(store: Store) -> None:
    fill(store)
    with store.write() as conn:
        first = dict(versions(conn))
        companies.save_links(conn, {ONE: str(ONE), TWO: str(ONE)}, {}, now=NOW)
        ownership.set_marks(conn, {(ONE, "owner"): ("u2", "written")}, now=NOW)
        ownership.set_applied(conn, "owner", {str(ONE): AppliedRow("emea", "a@x.com", NOW, "p")})
        raise_version(conn, RECORDS)
        now = dict(versions(conn))
        assert joined(conn) == {str(TWO): str(ONE)}
        assert list(territories_applied(conn)) == [(1, str(ONE), "emea", "a@x.com")]
        assert not other_roles_applied(conn)
        ownership.set_applied(conn, "csm", {str(ONE): AppliedRow(None, "a@x.com", NOW, "p")})
        assert other_roles_applied(conn)
    assert first == {MARKS: 1}
    assert now == {MARKS: 2, LINKS: 1, APPLIED: 1, RECORDS: 1}


def test_saving_the_same_links_again_raises_nothing(store: Store) -> None:
    with store.write() as conn:
        companies.save_links(conn, {ONE: str(ONE)}, {}, now=NOW)
        before = versions(conn)
        companies.save_links(conn, {ONE: str(ONE)}, {}, now=LATER)
        assert versions(conn) == before


def test_suspects_are_accounts_with_another_owner_or_one_that_was_seen_to_change(store: Store) -> None:
    fill(store)
    with store.write() as conn:
        assert suspects(conn) == []
        mirror.upsert_records(conn, [Record(TWO, LATER, {"name": "x"}, None)], now=LATER, run_id="r")
        ownership.add_change(conn, THREE, OwnerChange(LATER, "u9", "u1", LATER))
        assert sorted(set(suspects(conn))) == [str(TWO), str(THREE)]
        assert suspects_among(conn, [ONE, THREE]) == {str(THREE)}
        assert suspects_among(conn, [ONE, TWO]) == {str(TWO)}
        ownership.set_marks(conn, {(THREE, "owner"): ("u1", "written")}, now=LATER)
        assert set(suspects(conn)) == {str(TWO)}
        assert owners_changed_since(conn, 0) == {str(TWO), str(THREE)}
        assert owners_changed_since(conn, book_state(conn).owner_change) == set()


def test_changes_are_named_and_too_many_are_not(store: Store) -> None:
    fill(store)
    with store.write() as conn:
        mark = book_state(conn).change
        mirror.upsert_records(
            conn, [Record(ref, LATER, {"name": "n"}, "u1") for ref in (ONE, TWO)], now=LATER, run_id="r"
        )
        assert sorted(changed_since(conn, mark, Kind.ACCOUNT, 2) or ()) == [ONE, TWO]
        assert changed_since(conn, mark, Kind.OPPORTUNITY, 0) == []
        assert changed_since(conn, mark, Kind.ACCOUNT, 1) is None


def test_a_database_follows_from_its_own_past_alone(store: Store) -> None:
    fill(store)
    with store.write() as conn:
        ledger.append(conn, at=NOW, event="x", ref=None, actor=None, run_id=None, facts={})
        then = book_state(conn)
        ledger.append(conn, at=LATER, event="y", ref=None, actor=None, run_id=None, facts={})
        mirror.upsert_records(conn, [Record(ONE, LATER, {"name": "n"}, "u1")], now=LATER, run_id="r")
        now = book_state(conn)
        assert follows(conn, then, now)
        assert follows(conn, now, now)
        assert not follows(conn, now, then)
        assert not follows(conn, replace(then, ledger_hash="another"), now)


def test_an_applied_owner_that_hangs_on_amounts_is_left_empty(store: Store) -> None:
    with store.write() as conn:
        rows = {
            str(ONE): AppliedRow("emea", "a@x.com", NOW, "p", amounts="h"),
            str(TWO): AppliedRow(None, "b", NOW, "p"),
        }
        ownership.set_applied(conn, "owner", rows | {str(THREE): AppliedRow("apac", None, NOW, "p")})
        told = f"{ONE}\n{THREE}", "emea\napac", "\n"
        assert list(territories_applied(conn)) == [(2, *told)]


def test_raw_accounts_come_by_id_a_line_each(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_raw, "_ROWS", 2)
    with store.write() as conn:
        records = [Record(ref, NOW, {"name": f"é{ref.id}"}, "u1") for ref in (THREE, ONE)]
        records += [Record(TWO, NOW, {}, None, "001x", merged_from=("001y",))]
        gone = Record(Ref(System.SALESFORCE, Kind.ACCOUNT, "0013"), NOW, deleted=True)
        mirror.upsert_records(conn, [*records, gone], now=NOW, run_id="r")
        first, second = store_raw.raw_accounts(conn, System.SALESFORCE)
        assert not list(store_raw.raw_accounts(conn, System.HUBSPOT))
    assert (first.count, first.ids, first.owners) == (2, f"{ONE.id}\n{TWO.id}", "u1\n")
    assert (first.parents, first.merged_from) == ("\n001x", '\n["001y"]')
    assert first.fields == '{"name":"\\u00e9' + ONE.id + '"}\n{}'
    assert (second.count, second.ids, second.system) == (1, THREE.id, System.SALESFORCE)
