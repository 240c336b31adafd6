"""The whole job on real companies, over real HTTP, as a person would run it.

A quarter of the 29,049 in the list; all of them with REAL=all (`make real`).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.real_world import LIST, RealWorld

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not LIST.exists(), reason="the real company list is not beside the project (../shared/data)"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    world = RealWorld.set_up(tmp_path_factory.mktemp("real"), every=1 if os.environ.get("REAL") == "all" else 4)
    yield world
    world.close()


def test_the_whole_job_runs_on_real_companies(world: RealWorld) -> None:
    assert world.territories > 200
    world.syncd("db", "upgrade")
    assert "valid" in world.syncd("check").stdout

    pulled = world.syncd("pull", "--format", "json")
    systems = json.loads(pulled.stdout)["systems"]
    expected = {
        "salesforce": len(world.dataset.salesforce["Account"]) + len(world.dataset.salesforce["Opportunity"]),
        "hubspot": len(world.dataset.hubspot["companies"]) + len(world.dataset.hubspot["deals"]),
    }
    assert {name: one["changed"] for name, one in systems.items()} == expected
    assert pulled.memory < 300 * 1024 * 1024
    # Pages of 2,000 and 100, and the calls around them: sign-in, schema, users, teams, associations, archived lists.
    assert systems["salesforce"]["calls"] <= expected["salesforce"] // 2000 + 2 + 15
    assert systems["hubspot"]["calls"] <= expected["hubspot"] // 100 + 2 + 30

    world.syncd("adopt")
    before = world.owners_on_server()
    plan: dict[str, Any] = json.loads(world.syncd("plan", "--all", "--format", "json").stdout)
    decided = Counter(ref for decision in plan["decisions"] for ref in decision["accounts"])
    assert len(decided) == len(world.dataset.salesforce["Account"]) + len(world.dataset.hubspot["companies"])
    assert set(decided.values()) == {1}
    assert plan["summary"]["evaluated"] == len(plan["decisions"])
    assert world.owner_writes() == Counter()

    world.syncd("approve", plan["plan_id"], "--why", "acceptance")
    world.syncd("apply", plan["plan_id"])
    planned = {(change["ref"].split(":")[2], change["to"]) for change in plan["changes"]}
    assert world.owner_writes() == Counter(planned)
    after = world.owners_on_server()
    moved = {record: owner for record, owner in after.items() if before[record] != owner}
    assert set(moved.items()) == planned

    writes, alerts = world.owner_writes(), Path(world.folder / "alerts.jsonl")
    world.syncd("sync")
    told = alerts.read_text() if alerts.exists() else ""
    calls = world.calls()
    second = world.syncd("sync")
    assert "nothing to do" in second.stdout
    assert world.owner_writes() == writes
    # What was just written lies inside the overlap and is read once more, in pages of 200 and with its associations.
    assert world.calls() - calls <= 20 + len(planned) // 100
    assert (alerts.read_text() if alerts.exists() else "") == told
