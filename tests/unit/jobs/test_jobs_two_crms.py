"""Both CRMs under one roof: HubSpot's own sync carries what syncd wrote to Salesforce, and nobody calls it drift."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from jobs_world import SALESFORCE, World

from syncd.jobs.leadership import leadership
from syncd.jobs.plans import apply as jobs
from syncd.jobs.plans.plan import make_plan
from syncd.sandbox.native_sync import NativeSync

DELAY = timedelta(minutes=2)


def test_what_the_native_sync_carries_over_is_expected_and_no_persons_change(make_world: Callable[..., World]) -> None:
    world = make_world(owner_writer="salesforce")
    connector = NativeSync(world.salesforce, world.hubspot)
    connector.switch()
    world.wait(30)
    world.pulled()
    world.adopt()
    document: Any = make_plan(world.context)
    expected = {row["ref"].split(":")[-1]: row["to"] for row in document["changes"] if row.get("expected")}
    assert expected, "some company stands in both CRMs"
    with leadership(world.context) as leader:
        jobs.approve(world.context, leader, document["plan_id"], why="looks right", limits=())
    with leadership(world.context) as leader:
        jobs.apply(world.context, leader, document["plan_id"])
    wrote = [entry for entry in world.hubspot.journal.entries if entry.source == "api" and entry.effects]
    assert wrote == [], "syncd leaves HubSpot to the native sync"

    world.clock.advance(DELAY)
    owners = {row["id"]: row["properties"].get("hubspot_owner_id") for row in world.hubspot.records("companies")}
    assert {key: owners[key] for key in expected} == expected
    world.wait(30)
    world.pulled()
    again: Any = make_plan(world.context, all_decisions=True)
    reasons = {
        row["reason"]
        for row in again["decisions"]
        if set(row["accounts"]) & {f"hubspot:account:{key}" for key in expected}
    }
    assert reasons
    assert "changed-by-person" not in reasons
    assert [row for row in again["changes"] if row["ref"].startswith(SALESFORCE.value)] == []
