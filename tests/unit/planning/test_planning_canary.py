"""The canary of a large plan: written first, looked at, and the rest follows only if nothing else happened."""

from __future__ import annotations

import pytest
from planning_world import HS, SF, ScriptedCrm, World, account, deal, decision, facts, opportunity, plan_input

from syncd.errors import ExitCode
from syncd.model.plans import RowState, SavedPlan
from syncd.planning.proposing.builder import PlanInput
from syncd.store import ledger

LARGE = 250


def large(world: World, count: int = LARGE, **changes: object) -> tuple[PlanInput, SavedPlan]:
    books = [facts(f"{number:04}") for number in range(1, count + 1)]
    source = plan_input(*((book, decision(book)) for book in books), **changes)
    return source, world.approved(source)


def sizes(world: World) -> list[int]:
    return [len(writes) for writes in world.crms[SF].sent]


def revert(crm: ScriptedCrm) -> None:
    """A flow of the CRM that gives one account back after every save."""
    crm.owners[account("0001")] = "005old"


def test_one_per_cent_goes_first_and_the_rest_follows(world: World) -> None:
    source, plan = large(world)
    report = world.apply(plan, source)
    assert sizes(world) == [1, 1, 1, 200, 47], "three canaries, each guarded by itself, then batches"
    assert report.counts == {RowState.CONFIRMED: LARGE}
    assert ("canary.passed", {"plan_id": plan.plan_id, "written": 3, "moved": 0}) in world.log.events


def test_a_small_plan_has_no_canary(world: World) -> None:
    source, plan = large(world, 99)
    world.apply(plan, source)
    assert sizes(world) == [99]


def test_an_owner_that_does_not_hold_halts_the_plan_and_a_person_goes_on(world: World) -> None:
    source, plan = large(world)
    halted: list[str] = []
    crm = world.crms[SF]
    pause = world.clock.sleep

    def flow_after_a_moment(seconds: float) -> None:
        pause(seconds)
        if len(crm.sent) == 3:
            revert(crm)

    world.clock.sleep = flow_after_a_moment  # type: ignore[method-assign]
    report = world.apply(plan, source, line=world.line(halt=halted.append))
    assert sizes(world) == [1, 1, 1]
    assert [stop.code for stop in report.stops] == ["SYN524"]
    assert "1 of 3 owners did not hold (salesforce:account:0010001)" in report.stops[0].text
    assert report.counts == {RowState.CONFIRMED: 3, RowState.APPROVED: LARGE - 3}
    assert report.exit_code is ExitCode.PARTIAL
    assert halted == [f"plan {plan.plan_id}: {report.stops[0].text}"]
    with world.store.read() as conn:
        (found,) = ledger.entries(conn, ref=str(account("0001")), event="canary.moved")
    assert (found.facts["from"], found.facts["to"]) == ("005anna", "005old")

    world.clock.sleep = pause  # type: ignore[method-assign]
    world.apply(plan, source)
    assert sum(sizes(world)) == LARGE


def test_an_opportunity_that_moves_by_itself_halts_the_plan(world: World) -> None:
    books = [facts(f"{number:04}") for number in range(1, LARGE + 1)]
    parked = opportunity(1, account("0001"), owned_by="ben")
    source = plan_input(*((book, decision(book)) for book in books), opportunities=[parked])
    plan = world.approved(source)
    world.crms[SF].after_write = lambda crm: crm.owners.update({deal(1): "005anna"})
    report = world.apply(plan, source)
    assert "1 opportunity moved that the plan does not hold (salesforce:opportunity:0061)" in report.stops[0].text


@pytest.mark.parametrize("system", [SF, HS])
def test_each_system_has_its_own_canary(world: World, system: object) -> None:
    books = [facts(f"{number:04}", systems=(SF, HS)) for number in range(1, 121)]
    source = plan_input(*((book, decision(book)) for book in books), writers=frozenset({SF, HS}))
    plan = world.approved(source)
    world.apply(plan, source)
    assert len(world.crms[system].sent[0]) < 5  # type: ignore[index]
    passed = [told for name, told in world.log.events if name == "canary.passed"]
    assert len(passed) == 2
