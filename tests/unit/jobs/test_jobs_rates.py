"""Rates of money: a change of rate alone never moves an account (RULES.md section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from jobs_world import SALESFORCE, World

from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.plan import make_plan
from syncd.model.plans import RowState
from syncd.model.refs import Kind
from syncd.report.plans.plan_markdown import render_markdown
from syncd.report.plans.plan_text import render_plan
from syncd.store import ownership

PACK = """
format: 1
pack: {{name: rates}}
territories:
  - name: large
    when: {{annual_revenue: {edge}}}
    owners: [{first}]
  - name: rest
    when: always
    owners: [{second}]
"""


def write_pack(world: World, edge: str) -> None:
    text = PACK.format(edge=edge, first=world.reps[0], second=world.reps[1])
    (world.folder / "pack" / "pack.yaml").write_text(text)


def write_rates(world: World, *rows: str) -> None:
    (world.folder / "rates.csv").write_text("\n".join(["currency,rate,date", *rows]) + "\n")


@pytest.fixture
def euros(make_world: Callable[..., World]) -> World:
    """Every account's revenue is 1,000,000 dollars, and large is what has 900,000 euros: at 1.00 all are large."""
    world = make_world(extra='[money]\nrates = "rates.csv"', only=SALESFORCE)
    write_rates(world, "EUR,1.00,2026-11-01")
    write_pack(world, '">= 900k EUR"')
    for account in world.accounts(SALESFORCE):
        world.edit_salesforce(account, AnnualRevenue=1_000_000)
    world.wait(2)
    world.pulled()
    return world


def carry_out(world: World, plan: Mapping[str, Any]) -> Mapping[RowState, int]:
    plan_id = world.approve(plan)
    with leadership(world.context) as leader:
        return apply(world.context, leader, plan_id).counts


def territories(plan: Mapping[str, Any]) -> dict[str, int]:
    found = [entry["territory"] for entry in plan["decisions"]]
    return {name: found.count(name) for name in sorted(set(found))}


def settled(world: World) -> int:
    """Bring every account to its rep under the first table; returns how many there are."""
    world.adopt()
    plan = make_plan(world.context)
    assert territories(plan) == {"large": len(plan["decisions"])}
    assert plan["rates"] == {"currency": "USD", "as_of": "2026-11-01"}
    assert "amounts in USD by the rates of 2026-11-01" in render_plan(plan)
    assert "rates of 2026-11-01" in render_markdown(plan)
    carry_out(world, plan)
    world.wait()
    world.pulled()
    again = make_plan(world.context, all_decisions=True)
    assert again["changes"] == []
    return territories(again)["large"]


def test_a_new_rate_alone_moves_nobody(euros: World) -> None:
    accounts = settled(euros)
    write_rates(euros, "EUR,1.00,2026-11-01", "EUR,2.00,2026-11-20")
    plan = make_plan(euros.context, all_decisions=True)
    assert plan["rates"]["as_of"] == "2026-11-20"
    assert territories(plan) == {"large": accounts}
    assert {entry["rates_as_of"] for entry in plan["decisions"]} == {"2026-11-01"}
    assert plan["changes"] == []


def test_an_account_whose_own_amount_changed_is_decided_by_the_new_rate(euros: World) -> None:
    accounts = settled(euros)
    write_rates(euros, "EUR,1.00,2026-11-01", "EUR,2.00,2026-11-20")
    moved = euros.accounts(SALESFORCE)[0]
    euros.edit_salesforce(moved, AnnualRevenue=1_000_001)
    euros.wait()
    euros.pulled()
    plan = make_plan(euros.context, all_decisions=True)
    assert territories(plan) == {"large": accounts - 1, "rest": 1}
    assert {change["because"] for change in plan["changes"]} == {f"salesforce:account:{moved}"}
    assert next(e for e in plan["decisions"] if e["territory"] == "rest")["rates_as_of"] == "2026-11-20"


def test_an_edited_pack_decides_by_the_new_rate(euros: World) -> None:
    accounts = settled(euros)
    write_rates(euros, "EUR,1.00,2026-11-01", "EUR,2.00,2026-11-20")
    write_pack(euros, '">= 900_000 EUR"')
    assert territories(make_plan(euros.context, all_decisions=True)) == {"rest": accounts}


def test_a_plan_is_applied_by_the_rates_it_was_made_by(euros: World) -> None:
    euros.adopt()
    plan = make_plan(euros.context)
    write_rates(euros, "EUR,1.00,2026-11-01", "EUR,2.00,2026-11-20")
    assert carry_out(euros, plan) == {RowState.CONFIRMED: len(plan["changes"])}
    with euros.context.store.read() as conn:
        applied = ownership.applied(conn)
    moved = {change["because"] for change in plan["changes"]}
    assert {str(applied[company]["owner"].rates_as_of) for company in moved} == {"2026-11-01"}


def test_accounts_that_the_rules_leave_alone_hold_their_rate_too(euros: World) -> None:
    """An account that always had the right owner was never written; a new rate must not move it either."""
    account = euros.accounts(SALESFORCE)[0]
    first = next(user for user in euros.salesforce.records("User") if user["Email"].lower() == euros.reps[0])
    euros.edit_salesforce(account, OwnerId=first["Id"])
    euros.wait()
    euros.pulled()
    settled(euros)
    assert account in euros.mirrored(SALESFORCE, Kind.ACCOUNT)
    write_rates(euros, "EUR,1.00,2026-11-01", "EUR,2.00,2026-11-20")
    assert make_plan(euros.context)["changes"] == []


def test_without_rates_nothing_is_dated(world: World) -> None:
    world.pulled()
    plan = make_plan(world.context, all_decisions=True)
    assert plan["rates"] == {"currency": "USD", "as_of": None}
    assert not any("amounts" in entry for entry in plan["decisions"])
