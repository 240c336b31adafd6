"""HubSpot's own Salesforce sync writes owners too: unless the settings say who does, syncd only watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jobs_world import HUBSPOT, World

from syncd.jobs.plans.plan import make_plan


def turn_sync_on(world: World) -> None:
    world.hubspot.load("companies", [{"name": "Synced", "salesforceaccountid": "001000000000001AAA"}])


def test_without_a_word_nothing_is_written_where_the_native_sync_shows(make_world: Callable[..., World]) -> None:
    world = make_world(owner_writer=None)
    turn_sync_on(world)
    report = world.pull()
    notes = [note for one in report.systems for note in one.notes]
    assert any("owner_writer" in note for note in notes)
    world.adopt()
    document: Any = make_plan(world.context)
    assert document["changes"] == []
    assert document["plan_id"] is None
    assert document["systems"]["written"] == []
    world.start()
    assert world.context.written_systems == frozenset(), "another process must know it too"


@pytest.mark.parametrize("writer", ["both", "hubspot"])
def test_with_a_word_it_is_the_operators_to_say(make_world: Callable[..., World], writer: str) -> None:
    world = make_world(owner_writer=writer)
    turn_sync_on(world)
    world.pull()
    assert HUBSPOT in world.context.written_systems


def test_without_a_sign_both_are_written(make_world: Callable[..., World]) -> None:
    world = make_world(owner_writer=None)
    world.pull()
    assert world.context.written_systems == frozenset(world.context.systems)
