"""Drift: who changed an owner, adopting it as an override, planning it back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from jobs_world import HUBSPOT, SALESFORCE, World

from syncd.errors import RefusedError, RetryableError
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply, plan_undo
from syncd.jobs.plans.drift import adopt_drift, drift_document, overrides_document, plan_revert, release
from syncd.jobs.plans.plan import make_plan
from syncd.model.refs import Ref, System
from syncd.store import ledger
from syncd.store.operations import owner_changes_since
from syncd.store.ownership import back_and_forth


@pytest.fixture
def settled(world: World) -> World:
    """Everything is where the rules want it."""
    world.pulled()
    world.adopt()
    plan = make_plan(world.context)
    if plan["changes"]:
        carry_out(world, plan)
    world.wait()
    world.pulled()
    assert make_plan(world.context)["changes"] == []
    return world


def carry_out(world: World, plan: Mapping[str, Any]) -> None:
    plan_id = world.approve(plan)
    with leadership(world.context) as leader:
        assert apply(world.context, leader, plan_id).exit_code == 0


def another(world: World, ref: Ref) -> str:
    """An owner id of somebody else who is active and in the pack."""
    if ref.system is SALESFORCE:
        users = {row["Email"].lower(): row["Id"] for row in world.salesforce.records("User") if row["IsActive"]}
    else:
        users = {row["email"].lower(): row["id"] for row in world.hubspot.records("owners") if not row["archived"]}
    present = world.truth(ref.system, ref.kind)[ref.id][1]
    return next(users[email] for email in world.reps if users[email] != present)


def move(world: World, ref: Ref) -> str:
    """A person gives an account to somebody else; the new owner's id."""
    owner = another(world, ref)
    if ref.system is SALESFORCE:
        world.edit_salesforce(ref.id, OwnerId=owner)
    else:
        world.edit_hubspot(ref.id, hubspot_owner_id=owner)
    world.wait()
    world.pulled()
    return owner


def entry_of(world: World, ref: Ref) -> dict[str, Any]:
    (found,) = drift_document(world.context)["drifts"]
    assert found["ref"] == str(ref)
    return dict(found)


@pytest.mark.parametrize("system", [SALESFORCE, HUBSPOT])
def test_what_a_person_changed_is_listed_and_our_own_writes_are_not(settled: World, system: System) -> None:
    assert drift_document(settled.context)["drifts"] == []
    ref = settled.account(system)
    before = settled.truth(system, ref.kind)[ref.id][1]
    owner = move(settled, ref)
    found = entry_of(settled, ref)
    assert (found["was"]["id"], found["now"]["id"]) == (before, owner)
    assert found["now"]["email"] in settled.reps


def test_hubspots_history_names_who_did_it_and_by_what_means(settled: World) -> None:
    ref = settled.account(HUBSPOT)
    owner = another(settled, ref)
    settled.hubspot.edit({"object": "companies", "id": ref.id, "set": {"hubspot_owner_id": owner}})
    settled.wait()
    settled.pulled()
    assert "CRM_UI" in entry_of(settled, ref)["source"]


def test_an_adopted_drift_is_an_override_that_no_plan_moves(settled: World) -> None:
    ref = settled.account(SALESFORCE)
    move(settled, ref)
    held = next(e for e in make_plan(settled.context)["decisions"] if str(ref) in e["accounts"])
    assert held["reason"] == "changed-by-person"
    with leadership(settled.context) as leader:
        made = adopt_drift(settled.context, leader, ref, why="exec sponsor", expires=date(2027, 3, 31))
    assert drift_document(settled.context)["drifts"] == []
    (standing,) = overrides_document(settled.context)["overrides"]
    assert (standing["number"], standing["owner"], standing["by"], standing["expires"]) == (
        made.number,
        made.owner,
        "ruth",
        "2027-03-31",
    )
    plan = make_plan(settled.context, all_decisions=True)
    decision = next(e for e in plan["decisions"] if str(ref) in e["accounts"])
    assert (decision["reason"], decision["owner"]["email"]) == ("override", made.owner)
    assert decision["rule"] == {"file": "ledger", "line": made.number}
    with settled.context.store.read() as conn:
        (written,) = ledger.entries(conn, event="drift.adopted")
    assert written.payload == {"why": "exec sponsor", "owner": made.owner}


def test_an_adopted_override_that_expired_holds_the_account(settled: World) -> None:
    ref = settled.account(SALESFORCE)
    move(settled, ref)
    with leadership(settled.context) as leader:
        adopt_drift(settled.context, leader, ref, why="until Monday", expires=date(2026, 11, 23))
    settled.clock.advance(timedelta(days=5))
    settled.pulled()
    decision = next(e for e in make_plan(settled.context)["decisions"] if str(ref) in e["accounts"])
    assert decision["reason"] == "override-expired"


def test_a_released_override_leaves_the_account_to_the_rules(settled: World) -> None:
    ref = settled.account(SALESFORCE)
    move(settled, ref)
    with leadership(settled.context) as leader:
        adopt_drift(settled.context, leader, ref, why="for now", expires=None)
        release(settled.context, leader, ref, why="over")
        with pytest.raises(RefusedError, match="SYN529"):
            release(settled.context, leader, ref, why="twice")
    decision = next(e for e in make_plan(settled.context, all_decisions=True)["decisions"] if str(ref) in e["accounts"])
    assert decision["reason"] != "override"
    assert overrides_document(settled.context)["overrides"] == []


@pytest.mark.parametrize("system", [SALESFORCE, HUBSPOT])
def test_a_reverted_drift_is_planned_back_and_then_no_drift_any_more(settled: World, system: System) -> None:
    ref = settled.account(system)
    before = settled.truth(system, ref.kind)[ref.id][1]
    move(settled, ref)
    plan = plan_revert(settled.context, [ref])
    assert [(row["ref"], row["to"]) for row in plan.document["changes"] if row["ref"] == str(ref)] == [
        (str(ref), before)
    ]
    carry_out(settled, plan.document)
    assert settled.truth(system, ref.kind)[ref.id][1] == before
    settled.wait()
    settled.pulled()
    assert drift_document(settled.context)["drifts"] == []


def test_nothing_is_adopted_or_reverted_where_nothing_drifted(settled: World) -> None:
    ref = settled.account(SALESFORCE)
    with leadership(settled.context) as leader, pytest.raises(RefusedError, match="SYN527"):
        adopt_drift(settled.context, leader, ref, why="?", expires=None)
    with pytest.raises(RefusedError, match="SYN527"):
        plan_revert(settled.context, [ref])


def test_a_new_company_that_a_person_gave_away_before_any_pull_is_theirs(settled: World) -> None:
    """Seed 201 of the simulation: the owner that the first pull sees is not the one the company came with."""
    people = [row["id"] for row in settled.hubspot.records("owners") if not row["archived"]]
    told = settled.hubspot.edit(
        {
            "object": "companies",
            "create": {"name": "New Ltd", "domain": "newltd.example", "hubspot_owner_id": people[0]},
        }
    )
    company = next(row["id"] for row in settled.hubspot.records("companies") if row["properties"]["name"] == "New Ltd")
    assert company in str(told)
    settled.wait(1)
    settled.edit_hubspot(company, hubspot_owner_id=people[1])
    settled.wait(10)
    settled.pulled()
    found = entry_of(settled, settled.ref(HUBSPOT, company))
    assert (found["was"]["id"], found["now"]["id"]) == (people[0], people[1])
    held = next(e for e in make_plan(settled.context)["decisions"] if f"hubspot:account:{company}" in e["accounts"])
    assert held["reason"] == "changed-by-person"


def test_a_crm_that_does_not_tell_its_history_stops_nothing(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_kind: object, _ids: object) -> object:
        raise RetryableError("SYN410", "HubSpot is down")

    monkeypatch.setattr(settled.context.reader(HUBSPOT), "owner_history", down)
    ref = settled.account(HUBSPOT)
    move(settled, ref)
    assert entry_of(settled, ref)["source"] is None
    monkeypatch.undo()
    settled.edit_hubspot(settled.accounts(HUBSPOT)[-1], name="Something new")
    settled.wait()
    settled.pulled()
    assert "CRM_UI" in entry_of(settled, ref)["source"], "it is asked again when the mirror next changes"


def test_an_account_that_goes_back_and_forth_is_written_no_more(settled: World) -> None:
    """Two writers fight: nobody's word is respected here, so syncd would write each time (issue: ping-pong)."""
    pack = settled.folder / "pack" / "pack.yaml"
    pack.write_text(pack.read_text().replace("pack: {name: jobs}", "pack: {name: jobs, respect_people_for: 1min}"))
    text = pack.read_text().replace("owners: {pool: all}", f"owners: [{settled.reps[0]}]")
    pack.write_text(text)
    ref = settled.account(SALESFORCE)
    users = {row["Email"].lower(): row["Id"] for row in settled.salesforce.records("User")}
    outcomes: list[str] = []
    for _ in range(4):
        settled.edit_salesforce(ref.id, OwnerId=users[settled.reps[1]])
        settled.wait(10)
        settled.pulled()
        plan = make_plan(settled.context)
        decision = next(e for e in plan["decisions"] if str(ref) in e["accounts"])
        outcomes.append(decision["reason"])
        if decision["outcome"] == "change":
            carry_out(settled, plan)
            settled.wait()
            settled.pulled()
    assert outcomes[0] == "picked"
    assert outcomes[-1] == "ownership-flapping"
    settled.clock.advance(timedelta(hours=25))
    settled.pulled()
    decision = next(e for e in make_plan(settled.context)["decisions"] if str(ref) in e["accounts"])
    assert decision["outcome"] == "change"


def test_a_plan_that_is_taken_back_and_written_again_is_no_fight(settled: World) -> None:
    """Undo and redo are three changes of each account within minutes, and all of them syncd's own."""
    pack = settled.folder / "pack" / "pack.yaml"
    pack.write_text(pack.read_text().replace("owners: {pool: all}", f"owners: [{settled.reps[0]}]"))
    plan = make_plan(settled.context)
    for _ in range(3):
        carry_out(settled, plan)
        settled.wait()
        settled.pulled()
        plan = dict(plan_undo(settled.context, plan["plan_id"]).document)
    assert len(plan["changes"]) > 1
    with settled.context.store.read() as conn:
        seen = owner_changes_since(conn, settled.clock.now() - timedelta(days=1))
    flips = [changes for changes in seen.values() if len(changes) == 3]
    assert flips
    assert [change.taken_back for change in flips[0]] == [True, True, False]
    assert not any(entry["reason"] == "ownership-flapping" for entry in make_plan(settled.context)["decisions"])


def test_a_person_and_reverts_of_what_the_person_did_are_a_fight(settled: World) -> None:
    ref = settled.account(SALESFORCE)
    for _ in range(2):
        move(settled, ref)
        carry_out(settled, plan_revert(settled.context, [ref]).document)
        settled.wait()
        settled.pulled()
    with settled.context.store.read() as conn:
        seen = owner_changes_since(conn, settled.clock.now() - timedelta(days=1))[ref]
    assert [change.taken_back for change in seen] == [False] * 4
    assert back_and_forth(seen, settled.clock.now() - timedelta(days=1), 2) == seen
