"""What somebody leaves behind beside a book: contacts, tasks and leads in both CRMs; and plans of people undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from jobs_world import HUBSPOT, NOW, SALESFORCE, World
from leads_world import LeadsWorld
from people_world import carried_out, deactivate, ids_of, owned, settled, write

from syncd.jobs.apply import plan_undo
from syncd.jobs.people.distributing import distribute
from syncd.jobs.people.joiner import joiner
from syncd.jobs.people.leaver import leaver
from syncd.jobs.plan import make_plan
from syncd.model.refs import Kind, System
from syncd.sandbox.dataset import Dataset, generate
from syncd.store import picking
from syncd.store.leads import LeadState

ON_SQLITE = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)
READ = {SALESFORCE: 'children = ["contacts", "tasks"]\n', HUBSPOT: 'children = ["contacts"]\n'}
FOLLOW = ", contacts: follow, open_tasks: follow"
Truth = dict[tuple[System, Kind, str], str | None]


@pytest.fixture(scope="session")
def data() -> Dataset:
    return generate(10, 5, as_of=NOW - timedelta(hours=1))


def truth(world: World) -> Truth:
    """Who owns every account and opportunity, as the CRMs themselves say."""
    return {
        (system, kind, key): owner
        for system in System
        for kind in (Kind.ACCOUNT, Kind.OPPORTUNITY)
        for key, (_, owner) in world.truth(system, kind).items()
    }


def scattered(world: World, who: str) -> tuple[str, str, str]:
    """A contact and a task of somebody on other people's Salesforce accounts, and a contact in HubSpot."""
    ids = ids_of(world, who)
    elsewhere = {
        system: next(
            key for key, (_, owner) in sorted(world.truth(system, Kind.ACCOUNT).items()) if owner != ids[system]
        )
        for system in System
    }
    mine = {"OwnerId": ids[SALESFORCE]}
    [contact] = world.salesforce.load("Contact", [{"LastName": "C", "AccountId": elsewhere[SALESFORCE], **mine}])
    [task] = world.salesforce.load("Task", [{"Subject": "T", "WhatId": elsewhere[SALESFORCE], **mine}])
    world.hubspot.edit({"object": "contacts", "create": {"email": "c@x.com", "hubspot_owner_id": ids[HUBSPOT]}})
    person = world.hubspot.records("contacts")[-1]["id"]
    link = {"object": "contacts", "id": person, "associate": elsewhere[HUBSPOT], "to": "companies", "primary": True}
    world.hubspot.edit(link)
    return contact, task, str(person)


@ON_SQLITE
def test_contacts_and_open_tasks_on_other_peoples_accounts_go_to_whoever_has_the_account(
    make_world: Callable[..., World],
) -> None:
    world = make_world(told=READ)
    write(world, cascade=FOLLOW)
    settled(world)
    who = world.reps[0]
    contact, task, person = scattered(world, who)
    world.wait()
    deactivate(world, who)
    world.wait()
    world.pulled()
    document = leaver(world.context, who)
    told = {each["ref"]: each for each in document["people"]["others"]}
    mine = [f"salesforce:contact:{contact}", f"salesforce:task:{task}", f"hubspot:contact:{person}"]
    assert [told[ref]["moves"] for ref in mine] == [True] * 3
    assert all("its owner has left" in told[ref]["text"] for ref in mine)
    missing = {"leads of hubspot", "leads of salesforce", "tasks of hubspot"}
    assert set(document["people"]["not_mirrored"]) == missing
    assert carried_out(world, document).exit_code == 0
    assert owned(world, who) == []
    left = ids_of(world, who)
    for object_, record in (("Contact", contact), ("Task", task)):
        row = world.salesforce.record(object_, record)
        assert row is not None
        assert row["OwnerId"] != left[SALESFORCE]
    row = next(row for row in world.hubspot.records("contacts") if row["id"] == person)
    assert row["properties"]["hubspot_owner_id"] != left[HUBSPOT]


@ON_SQLITE
def test_what_the_pack_lets_stay_is_named_with_the_word_that_would_take_it(make_world: Callable[..., World]) -> None:
    world = make_world(told=READ)
    write(world, cascade=", contacts: follow, open_tasks: stay")
    settled(world)
    who = world.reps[0]
    _, task, _ = scattered(world, who)
    world.wait()
    world.pulled()
    told = {each["ref"]: each for each in leaver(world.context, who)["people"]["others"]}
    assert "`open_tasks: follow`" in told[f"salesforce:task:{task}"]["text"]
    assert told[f"salesforce:task:{task}"]["moves"] is False


def test_leads_that_a_leaver_had_or_worked_are_routed_anew_however_old(make_world: Callable[..., World]) -> None:
    leads = LeadsWorld.make(make_world, leads='touched = ["Working - Contacted"]\n')
    given, worked, old = leads.lead(), leads.lead(), leads.lead()
    leads.later()
    who = leads.reps[0]
    user = leads.user(who)
    for ref in (worked, old):
        leads.edit(ref, OwnerId=user)
    leads.later()
    leads.edit(worked, Status="Working - Contacted")
    leads.later()
    assert leads.track(worked).state is LeadState.TOUCHED
    leads.later(60 * 24 * 8)
    assert leads.track(old).state is LeadState.CLOSED
    assert {leads.owner(ref) for ref in (given, worked, old)} == {who}
    told = {each["ref"]: each["text"] for each in leaver(leads.world.context, who)["people"]["others"]}
    assert all("once its owner is inactive" in told[str(ref)] for ref in (given, worked, old))
    deactivate(leads.world, who)
    leads.world.wait()
    leads.world.pulled()
    leads.later()
    leads.later()
    assert who not in {leads.owner(ref) for ref in (given, worked, old)}
    assert {leads.owner(ref) for ref in (given, worked, old)} <= set(leads.reps[1:])
    assert leads.later().document["changes"] == []


def undone(world: World, document: Mapping[str, Any], before: Truth, *, again: bool = True) -> None:
    """The plan is carried out and brought back: every owner is whose it was, but for what the undo says it leaves out.

    An undo of the undo writes the plan once more.
    """
    assert document["changes"]
    assert carried_out(world, document).exit_code == 0
    after = truth(world)
    back = plan_undo(world.context, document["plan_id"]).document
    left_out = {item["ref"] for entry in back["decisions"] for item in entry.get("left_out", ())}
    refs = {row["ref"] for row in back["changes"]}
    assert refs | left_out == {row["ref"] for row in document["changes"]}
    assert len(refs) > len(left_out)
    assert carried_out(world, back).exit_code == 0
    expected = {key: after[key] if f"{key[0]}:{key[1]}:{key[2]}" in left_out else before[key] for key in before}
    assert truth(world) == expected != after
    if not again:
        return
    forth = plan_undo(world.context, back["plan_id"]).document
    assert carried_out(world, forth).exit_code == 0
    assert truth(world) == after


@ON_SQLITE
def test_a_leavers_plan_is_undone_with_the_opportunities_that_went_along(world: World) -> None:
    write(world)
    settled(world)
    undone(world, leaver(world.context, world.reps[0]), truth(world))


@ON_SQLITE
def test_a_joiners_first_book_is_undone(world: World) -> None:
    write(world, reps=world.reps[1:])
    settled(world)
    write(world)
    undone(world, joiner(world.context, world.reps[0], "team"), truth(world))


@ON_SQLITE
def test_a_distribution_is_undone_and_its_turns_stay_taken(world: World) -> None:
    entries = ", ".join(f"{{email: {rep}, capacity: 6}}" for rep in world.reps[:2])
    (world.folder / "pack" / "pack.yaml").write_text(
        f"format: 1\nreps: [{entries}]\n"
        f"pools: {{few: {{members: [{', '.join(world.reps[:2])}], assign: rotate}}}}\n"
        "territories:\n  - {name: unworked, when: always, owners: unassigned}\n"
    )
    world.pulled()
    world.adopt()
    document = distribute(world.context, "few", sources=["unworked"])
    given = document["people"]["given"]
    undone(world, document, truth(world))
    with world.context.store.read() as conn:
        standings = picking.standings_of(conn, "owner", "pool:few")
    assert sum(each.given for each in standings.values()) == given


@ON_SQLITE
def test_a_retrieval_is_undone_and_the_account_is_not_taken_back_again_while_it_cools_off(world: World) -> None:
    retrieving = "retrieve: {when: {owner: {present: true}}, to: {pool: few}, cool_off: 60d, budget: 3}"
    write(world, more=retrieving)
    world.pulled()
    world.adopt()
    document = make_plan(world.context)
    taken = {each["company"] for each in document["decisions"] if each["reason"] == "retrieved"}
    assert taken
    undone(world, document, truth(world), again=False)
    again = make_plan(world.context)
    assert not taken & {each["company"] for each in again["decisions"] if each["outcome"] == "change"}


@ON_SQLITE
def test_who_left_is_given_nothing_back_and_the_undo_says_so_before_it_is_approved(world: World) -> None:
    write(world)
    settled(world)
    mine = {rep: ids_of(world, rep)[SALESFORCE] for rep in world.reps}
    owners = {owner for _, owner in world.truth(SALESFORCE, Kind.ACCOUNT).values()}
    who = next(rep for rep in world.reps if mine[rep] in owners)
    deactivate(world, who)
    world.wait()
    world.pulled()
    document = leaver(world.context, who)
    assert carried_out(world, document).exit_code == 0
    back = plan_undo(world.context, document["plan_id"]).document
    salesforce = [row for row in back["changes"] if row["ref"].startswith("salesforce")]
    assert salesforce == []
    left_out = [item for entry in back["decisions"] for item in entry.get("left_out", ())]
    assert {item["reason"] for item in left_out} == {"owner-not-in-system"}
