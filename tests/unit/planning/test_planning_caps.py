"""Limits are asked again when a plan is applied: of a day, a week, a band, in all, and a ramp's, as a pick asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from planning_world import NOW, account, directory, email, facts, key, pack, territory

from syncd.errors import Place
from syncd.model.decisions import Decision, Outcome, Owner
from syncd.model.plans import OutboxRow, RowState
from syncd.planning.proposing.builder import PlanInput
from syncd.planning.proposing.reasons import INTERIM_COVER, SUCCESSION
from syncd.planning.proposing.staleness import over_caps
from syncd.rules.deciding.kept import Kept
from syncd.rules.memory import Assignment, Memory
from syncd.rules.pack import Cap, RepEntry

PATH = "emea/dach"


def rows(*numbers: int) -> list[OutboxRow]:
    new = f"005{email('anna').split('@')[0]}"
    return [
        OutboxRow(number, "p", account(number), "005old", new, key(number), None, "f", RowState.APPROVED)
        for number in numbers
    ]


def planned(*numbers: int, reason: str = "picked") -> dict[str, Any]:
    entry = {"role": "owner", "territory": PATH, "owner": {"email": email("anna")}, "reason": reason}
    return {"decisions": [{**entry, "company": key(number)} for number in numbers]}


def book(*numbers: int, kept: tuple[int, ...] = (), cap: Cap | None = None, **rep: Any) -> PlanInput:
    companies = [facts(number, values={"band": "a"}) for number in (*numbers, *kept)]
    anna = Owner(email("anna"))
    decisions = [
        Decision(key(number), (), "owner", PATH, anna, anna, Outcome.KEEP, "kept", "kept", None) for number in kept
    ]
    reps = {email("anna"): RepEntry(email("anna"), Place("p.yaml", 1), **rep)}
    return PlanInput(
        pack=pack(roles={"owner": (territory(cap=cap),)}, reps=reps),
        decisions=decisions,
        facts={each.key: each for each in companies},
        now=NOW,
        created_at=NOW,
        pack_revision="rev1",
        directory=directory(),
    )


def given(days_ago: int, role: str = "owner") -> Memory:
    return Memory(assignments=(Assignment(role, email("anna"), PATH, NOW - timedelta(days=days_ago)),))


@pytest.mark.parametrize(
    ("cap", "memory", "kept", "words"),
    [
        (Cap(day=2), given(0), (), "2 accounts a day"),
        (Cap(week=2), given(1), (), "2 accounts a week"),
        (Cap(band={"A": 2}), Memory(), (9,), "2 accounts of this band"),
        (Cap(total=2), Memory(), (9,), "cap of 2 accounts in emea/dach"),
    ],
)
def test_a_cap_that_is_full_by_now_refuses_the_rows_that_are_over_it(
    cap: Cap, memory: Memory, kept: tuple[int, ...], words: str
) -> None:
    full = over_caps(book(1, 2, 3, kept=kept, cap=cap), planned(1, 2, 3), rows(1, 2, 3), memory)
    assert set(full) == {account(2), account(3)}
    assert words in full[account(2)]


def test_accounts_that_are_kept_together_count_for_the_role_of_the_owner_alone() -> None:
    limited = territory(cap=Cap(total=2))
    together = (Kept((limited,), email("anna"), email("anna"), 1, {}, {}),)
    source = replace(book(1, 2, 3, cap=Cap(total=2)), kept=together)
    assert set(over_caps(source, planned(1, 2, 3), rows(1, 2, 3))) == {account(2), account(3)}
    plan = {"decisions": [{**entry, "role": "csm"} for entry in planned(1, 2, 3)["decisions"]]}
    of_role = replace(source, pack=pack(roles={"csm": (limited,)}))
    mine = [replace(row, field="csm") for row in rows(1, 2, 3)]
    assert set(over_caps(of_role, plan, mine, role="csm")) == {account(3)}


def test_what_was_given_before_today_is_not_of_today() -> None:
    assert over_caps(book(1, 2, cap=Cap(day=2)), planned(1, 2), rows(1, 2), given(1)) == {}


def test_the_ramp_counts_in_the_limit_of_a_rep() -> None:
    source = book(1, 2, 3, max_accounts=4, start=date(2026, 11, 1), ramp=(Decimal("0.5"), Decimal(1)))
    full = over_caps(source, planned(1, 2, 3), rows(1, 2, 3))
    assert set(full) == {account(3)}
    assert "at the limit of 2 accounts" in full[account(3)]


def test_a_successor_is_held_to_caps_and_whoever_covers_is_not() -> None:
    source = book(1, 2, cap=Cap(total=1))
    assert set(over_caps(source, planned(1, 2, reason=SUCCESSION), rows(1, 2))) == {account(2)}
    assert over_caps(source, planned(1, 2, reason=INTERIM_COVER), rows(1, 2)) == {}


def test_the_limits_of_a_role_count_its_own_accounts_alone() -> None:
    source = replace(book(1, 2, 3), pack=pack(roles={"csm": (territory(cap=Cap(day=2)),)}))
    plan = {"decisions": [{**entry, "role": "csm"} for entry in planned(1, 2, 3)["decisions"]]}
    mine = [replace(row, field="csm") for row in rows(1, 2, 3)]
    assert set(over_caps(source, plan, mine, given(0, "csm"), role="csm")) == {account(2), account(3)}
    assert set(over_caps(source, plan, mine, given(0), role="csm")) == {account(3)}
    assert over_caps(source, plan, mine, given(0)) == {}
