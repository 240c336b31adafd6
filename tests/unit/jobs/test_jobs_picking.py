"""Receipts charge rotations once through crashes and resumes; owners are told before their accounts are taken back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from jobs_world import World

from syncd.cli.main import cli
from syncd.errors import UsageError
from syncd.jobs.answers.fairness import fairness
from syncd.jobs.leadership import leadership
from syncd.jobs.plans import apply as jobs
from syncd.jobs.plans.plan import make_plan
from syncd.report.fairness_text import fairness_text
from syncd.store import ledger, picking

ROTATING = """
format: 1
pools:
  all: {{members: [{reps}], assign: rotate}}
territories:
  - name: everywhere
    when: always
    keep: false
    owners: {{pool: all}}
"""
RETRIEVING = """
format: 1
pools: {{all: [{reps}], spare: [{spare}]}}
retrieve: {{when: {{last_activity_at: {{not_since: 90d}}}}, to: {{pool: spare}}, grace: 7d, cool_off: 60d, budget: 3}}
territories:
  - {{name: everywhere, when: always, owners: {{pool: all}}}}
"""


def write(world: World, text: str, **words: Any) -> None:
    filled = text.format(reps=", ".join(world.reps), **words)
    (world.folder / "pack" / "pack.yaml").write_text(filled)


def ready(world: World) -> dict[str, Any]:
    world.pulled()
    world.adopt()
    return dict(make_plan(world.context))


def apply(world: World, plan_id: str) -> None:
    with leadership(world.context) as leader:
        jobs.apply(world.context, leader, plan_id)


def given(world: World) -> Counter[str]:
    with world.context.store.read() as conn:
        standings = picking.standings_of(conn, "owner", "pool:all")
        rows = picking.assignments_since(conn, world.clock.now() - timedelta(days=1))
    counted = Counter(row.owner for row in rows)
    assert counted == Counter({member: each.given for member, each in standings.items() if each.given})
    return counted


def picked(document: dict[str, Any]) -> Counter[str]:
    """What a plan that is written as planned gives, by owner."""
    written = {change["because"] for change in document["changes"]}
    return Counter(
        each["owner"]["email"]
        for each in document["decisions"]
        if each["company"] in written and each["outcome"] == "change" and each["reason"] == "picked"
    )


def test_a_plan_charges_nothing_and_its_receipts_charge_each_company_once(world: World) -> None:
    write(world, ROTATING)
    document = ready(world)
    assert len(picked(document)) > 1
    assert given(world) == Counter()
    plan_id = world.approve(document)
    apply(world, plan_id)
    assert given(world) == picked(document)
    told = fairness(world.context, "all")
    assert told["assignments"] == sum(picked(document).values())
    assert float(told["largest_debt"]) <= 2


@pytest.mark.parametrize(
    ("point", "number"), [("apply.before_finish", 1), ("apply.before_finish", 2), ("apply.finished", 1)]
)
def test_a_process_that_dies_at_its_receipts_charges_none_twice_and_none_never(
    world: World, crash_at: Callable[[str, int], type[BaseException]], point: str, number: int
) -> None:
    write(world, ROTATING)
    document = ready(world)
    plan_id = world.approve(document)
    crash = crash_at(point, number)
    with pytest.raises(crash):
        apply(world, plan_id)
    assert sum(given(world).values()) < sum(picked(document).values())
    world.start()
    world.wait()
    apply(world, plan_id)
    assert given(world) == picked(document)


def test_fairness_fits_a_terminal_also_where_names_are_long() -> None:
    member = {"member": "somebody.with.a.rather.long.name@a-company-of-its-own.example", "holder": None, "weight": "1"}
    member |= {"share": "0.5", "given": 3, "due": "3.000", "debt": "0.000", "eligible_for": 9, "eligible_seconds": 9000}
    document = {"pool": "all", "role": "lead", "assignments": 9, "assign": "rotate", "catch_up": True}
    lines = fairness_text({**document, "members": [member, member], "largest_debt": "0.000"}).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines.count(member["member"]) == 2
    assert "2 h 30 min" in lines[lines.index(member["member"]) + 1]


def test_fairness_is_told_as_text_and_as_json(world: World) -> None:
    write(world, ROTATING)
    apply(world, world.approve(ready(world)))
    document = fairness(world.context, "all")
    assert [member["member"] for member in document["members"]] == list(world.reps)
    assert {member["share"] for member in document["members"]} == {f"{1 / len(world.reps):.3f}"}
    lines = fairness_text(document).splitlines()
    assert lines[0] == f"pool all: {document['assignments']} accounts given in turn"
    assert lines[1].split() == [
        "weight",
        "share",
        "given",
        "due",
        "debt",
        "eligible",
        "for",
        "eligible",
        "time",
    ]
    command = CliRunner().invoke(
        cli,
        ["--config", str(world.folder / "config.toml"), "fairness", "all", "--format", "json"],
        env=dict(world.environ),
    )
    assert json.loads(command.output)["members"] == document["members"]
    with pytest.raises(UsageError, match="SYN298"):
        fairness(world.context, "everyone")


def test_an_owner_is_told_first_and_the_account_goes_after_the_grace_within_the_budget(world: World) -> None:
    write(world, RETRIEVING, spare=", ".join(world.reps))
    world.pulled()
    world.adopt()
    make_plan(world.context)
    with world.context.store.read() as conn:
        told = picking.retrievals(conn)
        rows = ledger.entries(conn, event="retrieve.noticed")
    assert told
    assert {row.ref for row in rows} == set(told)
    assert make_plan(world.context)["summary"]["evaluated"]
    with world.context.store.read() as conn:
        assert len(ledger.entries(conn, event="retrieve.noticed")) == len(rows)
    world.clock.advance(timedelta(days=8))
    world.pulled(full=True)
    document = make_plan(world.context)
    taken = [each for each in document["decisions"] if each["reason"] == "retrieved" and each["outcome"] == "change"]
    assert 0 < len(taken) <= 3
    assert all(each["owner"]["email"] != each["current_owner"]["email"] for each in taken)
    apply(world, world.approve(document))
    with world.context.store.read() as conn:
        after = picking.retrievals(conn)
    assert {key for key, row in after.items() if row.retrieved_at} == {each["company"] for each in taken}
    world.pulled()
    again = make_plan(world.context, all_decisions=True)
    kept = {each["company"]: each["reason"] for each in again["decisions"]}
    assert {kept[each["company"]] for each in taken} <= {"remembered", "kept"}
