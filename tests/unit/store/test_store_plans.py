"""Saved plans never change, and an approval counts for exactly what was shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from store_builders import approved, plan

from syncd.errors import InputError, RefusedError, StorageError
from syncd.model.plans import PlanStatus
from syncd.store import plans, tables
from syncd.store.engine import Store
from tests.databases import NOW

ODD = {
    "format": 1,
    "changes": [{"text": "Köln 🏭 \x00 \ud800", "amount": "1.20", "none": None}],
    "a": {"b": []},
}


def test_plan_comes_back_as_it_was_saved(store: Store) -> None:
    saved = plan(document=ODD)
    with store.write() as conn:
        plans.save_plan(conn, saved)
    with store.read() as conn:
        assert plans.get_plan(conn, "p1") == saved


def test_plan_is_found_by_a_unique_beginning(store: Store) -> None:
    with store.write() as conn:
        for plan_id in ("4f2a", "4f77", "4f", "a%c", "axc"):
            plans.save_plan(conn, plan(plan_id))
        assert plans.get_plan(conn, " 4f2 ").plan_id == "4f2a"
        assert plans.get_plan(conn, "4f").plan_id == "4f"
        assert plans.get_plan(conn, "a%").plan_id == "a%c"


@pytest.mark.parametrize(("text", "code"), [("x", "SYN501"), ("", "SYN501"), ("  ", "SYN501"), ("4", "SYN502")])
def test_unknown_and_ambiguous_plans_are_refused(store: Store, text: str, code: str) -> None:
    with store.write() as conn:
        plans.save_plan(conn, plan("4f2a"))
        plans.save_plan(conn, plan("4f77"))
        with pytest.raises(InputError) as caught:
            plans.get_plan(conn, text)
    assert caught.value.code == code


def test_altered_plan_is_never_read_nor_approved(store: Store) -> None:
    saved = plan()
    with store.write() as conn:
        plans.save_plan(conn, saved)
        conn.execute(update(tables.plans).values(document=b'{"changes":[{"to":"me"}]}'))
        with pytest.raises(StorageError) as caught:
            plans.get_plan(conn, "p1")
        assert caught.value.code == "SYN612"
        with pytest.raises(StorageError):
            plans.approve(conn, "p1", plan_hash=saved.hash, who="w", why="y", limits=(), now=NOW)


def test_plan_whose_hash_is_not_its_documents_is_not_saved(store: Store) -> None:
    with store.write() as conn, pytest.raises(StorageError) as caught:
        plans.save_plan(conn, replace(plan(), hash="0" * 64))
    assert caught.value.code == "SYN612"


def test_saved_plan_is_not_saved_again(store: Store) -> None:
    with store.write() as conn:
        plans.save_plan(conn, plan())
        with pytest.raises(StorageError) as caught:
            plans.save_plan(conn, plan(document=ODD))
        assert caught.value.code == "SYN611"
        with pytest.raises(StorageError):
            plans.save_plan(conn, plan("p2", PlanStatus.APPROVED))


def test_newest_plans_are_listed_without_documents(store: Store) -> None:
    with store.write() as conn:
        for number in range(4):
            made = replace(plan(f"p{number}"), created_at=NOW + timedelta(minutes=number))
            plans.save_plan(conn, made)
        plans.set_status(conn, "p3", PlanStatus.EXPIRED)
        assert [header.plan_id for header in plans.list_plans(conn, 3)] == ["p3", "p2", "p1"]
        offered = plans.list_plans(conn, 9, statuses=[PlanStatus.OFFERED])
        assert [header.plan_id for header in offered] == ["p2", "p1", "p0"]
        assert offered[0].expires_at == NOW + timedelta(hours=24)


def test_approval_says_who_why_and_which_limits(store: Store) -> None:
    with store.write() as conn:
        assert plans.approval(conn, "p1") is None
        made = approved(conn)
        assert plans.get_plan(conn, "p1").status is PlanStatus.APPROVED
        assert plans.approval(conn, "p1") == plans.Approval("p1", made.hash, "uid:7", "reviewed", ("changes.max",), NOW)


@pytest.mark.parametrize("case", ["other hash", "preview", "expired", "approved", "superseded"])
def test_only_the_offered_plan_that_was_shown_is_approved(store: Store, case: str) -> None:
    saved = plan(status=PlanStatus.PREVIEW if case == "preview" else PlanStatus.OFFERED)
    with store.write() as conn:
        plans.save_plan(conn, saved)
        shown = plan(document=ODD).hash if case == "other hash" else saved.hash
        if case == "approved":
            plans.approve(conn, "p1", plan_hash=saved.hash, who="w", why="y", limits=(), now=NOW)
        if case == "superseded":
            plans.set_status(conn, "p1", PlanStatus.SUPERSEDED)
        now = saved.expires_at if case == "expired" else NOW
        with pytest.raises(RefusedError) as caught:
            plans.approve(conn, "p1", plan_hash=shown, who="w", why="y", limits=(), now=now)
    assert caught.value.code == "SYN614"


LEGAL = {
    (PlanStatus.PREVIEW, PlanStatus.SUPERSEDED),
    (PlanStatus.PREVIEW, PlanStatus.EXPIRED),
    (PlanStatus.OFFERED, PlanStatus.SUPERSEDED),
    (PlanStatus.OFFERED, PlanStatus.EXPIRED),
    (PlanStatus.APPROVED, PlanStatus.APPLIED),
    (PlanStatus.APPROVED, PlanStatus.SUPERSEDED),
    (PlanStatus.APPROVED, PlanStatus.EXPIRED),
}


def test_only_legal_steps_of_a_plan_are_taken(store: Store) -> None:
    with store.write() as conn:
        plans.save_plan(conn, plan())
        for before in PlanStatus:
            for after in PlanStatus:
                conn.execute(update(tables.plans).values(status=before))
                if (before, after) in LEGAL:
                    plans.set_status(conn, "p1", after)
                    assert plans.get_plan(conn, "p1").status is after
                    continue
                with pytest.raises(StorageError) as caught:
                    plans.set_status(conn, "p1", after)
                assert caught.value.code == "SYN611"
        with pytest.raises(StorageError) as caught:
            plans.set_status(conn, "none", PlanStatus.EXPIRED)
        assert caught.value.code == "SYN616"
