"""Where the native sync writes HubSpot after Salesforce, a role's holder there is awaited like an owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fields_world import fields_world, planned, run
from jobs_world import HUBSPOT, World

from syncd.jobs.plans.plan import make_plan


@pytest.fixture
def applied(make_world: Callable[..., World]) -> tuple[World, Mapping[str, str]]:
    """A world in which `csm` was written to Salesforce; the companies' records in HubSpot, and who is awaited there."""
    world = fields_world(make_world, owner_writer="salesforce")
    world.pulled()
    world.adopt()
    document = planned(world)
    awaited = {
        row["ref"].rpartition(":")[2]: row["to"]
        for row in document["changes"]
        if row.get("expected") and row["field"] == "csm"
    }
    run(world, world.approve(document))
    return world, awaited


def test_the_other_sides_role_is_expected_and_syncd_leaves_it_alone(applied: tuple[World, Mapping[str, str]]) -> None:
    world, awaited = applied
    assert awaited, "some company stands in both CRMs"
    assert not [entry for entry in world.hubspot.journal.entries if entry.source == "api" and entry.effects]


@pytest.mark.parametrize("person", [False, True])
def test_what_the_sync_carries_over_is_no_persons_change_and_what_a_person_sets_is(
    applied: tuple[World, Mapping[str, str]], person: bool
) -> None:
    world, awaited = applied
    world.wait(10)
    owners = [row["id"] for row in world.hubspot.records("owners") if not row.get("archived")]
    for company, holder in awaited.items():
        another = next(one for one in owners if one != holder)
        world.edit_hubspot(company, csm_owner=another if person else holder)
    world.wait(30)
    world.pulled()
    found: Any = make_plan(world.context, all_decisions=True)
    mine = {f"{HUBSPOT.value}:account:{company}" for company in awaited}
    reasons = {row["reason"] for row in found["decisions"] if row["role"] == "csm" and mine & set(row["accounts"])}
    assert reasons
    assert ("changed-by-person" in reasons) is person
