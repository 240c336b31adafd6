"""What picks remember: rotations charged once a company and plan, accounts given, retrievals."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from syncd.model.rotation import Standing, Turn
from syncd.store import picking
from syncd.store.engine import Store
from syncd.store.picking import AssignmentRow, RetrievalRow
from tests.databases import NOW

THIRD = Turn("pool:p", "a@x", {"a@x": Fraction(1, 3), "b@x": Fraction(2, 3)})


def test_a_charge_adds_exact_shares_to_those_who_were_eligible(store: Store) -> None:
    with store.write() as conn:
        for hours in range(3):
            picking.charge(conn, "owner", THIRD, at=NOW + timedelta(hours=hours))
        picking.charge(conn, "lead", THIRD, at=NOW)
    with store.read() as conn:
        found = picking.standings_of(conn, "owner", "pool:p")
        assert found == {
            "a@x": Standing(3, Fraction(1), 3, 7200, NOW, NOW + timedelta(hours=2)),
            "b@x": Standing(0, Fraction(2), 3, 7200, NOW, NOW + timedelta(hours=2)),
        }
        assert found["a@x"].lag == -2
        assert {key: set(members) for key, members in picking.rotations(conn).items()} == {
            ("lead", "pool:p"): {"a@x", "b@x"},
            ("owner", "pool:p"): {"a@x", "b@x"},
        }


def test_a_renamed_rotation_takes_its_standings_along_once(store: Store) -> None:
    renamed = Turn("territory:new", "b@x", {"b@x": Fraction(1)}, "territory:old")
    with store.write() as conn:
        picking.charge(conn, "owner", Turn("territory:old", "a@x", THIRD.shares), at=NOW)
        picking.charge(conn, "owner", renamed, at=NOW)
        picking.charge(conn, "owner", renamed, at=NOW)
    with store.read() as conn:
        found = picking.standings_of(conn, "owner", "territory:new")
    assert {member: (each.given, each.due) for member, each in found.items()} == {
        "a@x": (1, Fraction(1, 3)),
        "b@x": (2, Fraction(8, 3)),
    }


def test_an_account_is_given_once_by_a_plan(store: Store) -> None:
    row = AssignmentRow("p1", "c1", "owner", "a@x", "emea/dach", "picked", NOW)
    later = AssignmentRow("p2", "c1", "owner", "b@x", None, "override", NOW + timedelta(days=1))
    with store.write() as conn:
        assert picking.record_assignments(conn, "p1", [row, row]) == {("c1", "owner")}
        assert picking.record_assignments(conn, "p1", [row]) == frozenset()
        assert picking.record_assignments(conn, "p2", [later]) == {("c1", "owner")}
    with store.read() as conn:
        assert picking.assignments_since(conn, NOW) == (row, later)
        assert picking.assignments_since(conn, NOW + timedelta(seconds=1)) == (later,)


def test_a_notice_stands_until_it_loses_its_ground_or_is_used_up(store: Store) -> None:
    with store.write() as conn:
        picking.notice(conn, {"c1": "a@x", "c2": "b@x", "c3": "c@x"}, now=NOW)
        picking.record_retrieval(conn, "c1", from_owner="a@x", to_owner="n@x", territory="t", at=NOW)
        picking.notice(conn, {"c1": "n@x"}, now=NOW + timedelta(days=1))
        picking.forget_notices(conn, ["c1", "c2"])
    taken = RetrievalRow(None, None, NOW, "a@x", "n@x", "t")
    with store.read() as conn:
        assert picking.retrievals(conn) == {"c1": taken, "c3": RetrievalRow(NOW, "c@x")}
