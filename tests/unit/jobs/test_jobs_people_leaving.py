"""What somebody leaves behind beside a book: contacts, tasks and leads in both CRMs; and plans of people undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from jobs_world import HUBSPOT, NOW, SALESFORCE, World
from leads_world import LeadsWorld
from people_world import apply, carried_out, deactivate, ids_of, owned, settled, write

from syncd.clock import iso
from syncd.jobs.people.distributing import distribute
from syncd.jobs.people.joiner import joiner
from syncd.jobs.people.leaver import leaver
from syncd.jobs.plans.apply import plan_undo
from syncd.jobs.plans.plan import make_plan
from syncd.model.plans import RowState
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


OBJECTS = {
    SALESFORCE: ("Account", "Opportunity", "Lead", "Contact", "Task"),
    HUBSPOT: ("companies", "deals", "contacts", "tasks", "leads"),
}
EVERYTHING = {SALESFORCE: READ[SALESFORCE], HUBSPOT: 'children = ["contacts", "tasks"]\n'}


def all_owned(world: World, who: Mapping[Any, str]) -> dict[str, list[str]]:
    """Every live record of any kind that is a person's in the CRMs, but for deals and tasks that are over."""
    found = {
        name: [
            row["Id"]
            for row in world.salesforce.records(name)
            if row["OwnerId"] == who[SALESFORCE] and not row["IsDeleted"] and not row.get("IsClosed")
        ]
        for name in OBJECTS[SALESFORCE]
    }
    over = {
        key for key, deal in world.mirrored(HUBSPOT, Kind.OPPORTUNITY).items() if deal.fields.get("is_closed") == "true"
    }
    for name in OBJECTS[HUBSPOT]:
        found[name] = [
            str(row["id"])
            for row in world.hubspot.records(name)
            if row["properties"].get("hubspot_owner_id") == who[HUBSPOT]
            and not row["archived"]
            and not (name == "deals" and str(row["id"]) in over)
        ]
    return {name: ids for name, ids in found.items() if ids}


def still_open(world: World) -> set[str]:
    deals = world.mirrored(SALESFORCE, Kind.OPPORTUNITY)
    return {key for key, deal in deals.items() if deal.fields.get("is_closed") != "true"}


def full_of_everything(leads: LeadsWorld, who: str, lead_object: str) -> None:
    """Somebody gets contacts, open tasks and leads: on their own account, on another's, and on none."""
    world, ids = leads.world, ids_of(leads.world, who)
    accounts = {system: world.truth(system, Kind.ACCOUNT) for system in System}
    own = {
        system: next(key for key, (_, owner) in rows.items() if owner == ids[system])
        for system, rows in accounts.items()
    }
    else_ = {
        system: next(key for key, (_, owner) in rows.items() if owner != ids[system])
        for system, rows in accounts.items()
    }
    for account in (own[SALESFORCE], else_[SALESFORCE], None):
        mine = {"OwnerId": ids[SALESFORCE]}
        world.salesforce.load("Contact", [{"LastName": "C", "AccountId": account, **mine}])
        world.salesforce.load("Task", [{"Subject": "T", "WhatId": account, **mine}])
    about = min(still_open(world))
    world.salesforce.load("Task", [{"Subject": "of a deal", "WhatId": about, "OwnerId": ids[SALESFORCE]}])
    leads.lead(OwnerId=ids[SALESFORCE])
    leads.lead(OwnerId=ids[SALESFORCE], Company=accounts[SALESFORCE][own[SALESFORCE]][0], Email="jo@gmail.com")
    now = iso(world.clock.now())
    stamped = {"hubspot_owner_id": ids[HUBSPOT], "createdate": now}
    deals = world.mirrored(HUBSPOT, Kind.OPPORTUNITY)
    deal = next(key for key, deal in deals.items() if deal.fields.get("is_closed") != "true")
    world.hubspot.edit({"object": "deals", "id": deal, "set": {"hubspot_owner_id": ids[HUBSPOT]}})
    stage = {"hs_pipeline": "lead-pipeline-id", "hs_pipeline_stage": "new-stage-id", "hs_lastmodifieddate": now}
    row = {"hs_lead_name": "Li Fox", **stage}
    if lead_object == "contacts":
        row = {"email": "li@fox.example", "lastname": "Fox", "lifecyclestage": "lead", "lastmodifieddate": now}
    world.hubspot.load(lead_object, [{**stamped, **row}])
    for company in (own[HUBSPOT], else_[HUBSPOT], None):
        made = {
            "contacts": world.hubspot.load("contacts", [{**stamped, "lastname": "C", "lastmodifieddate": now}])[0],
            "tasks": world.hubspot.load(
                "tasks",
                [
                    {
                        **stamped,
                        "hs_task_subject": "T",
                        "hs_task_status": "NOT_STARTED",
                        "hs_timestamp": now,
                        "hs_lastmodifieddate": now,
                    }
                ],
            )[0],
        }
        for name, key in made.items():
            if company is not None:
                link = {"object": name, "id": key, "associate": company, "to": "companies"}
                world.hubspot.edit(link | ({"primary": True} if name == "contacts" else {}))


@ON_SQLITE
@pytest.mark.parametrize(
    ("gone", "lead_object"),
    [(True, "leads"), (False, "leads"), (True, "contacts")],
    ids=["gone", "still there", "gone, and contacts are leads"],
)
def test_after_the_leavers_plan_nothing_of_any_kind_is_theirs_in_either_crm(
    make_world: Callable[..., World], gone: bool, lead_object: str
) -> None:
    leads = LeadsWorld.make(make_world, only=None, told=EVERYTHING, leads=f'hubspot_object = "{lead_object}"\n')
    world = leads.world
    document = make_plan(world.context)
    assert carried_out(world, document).exit_code == 0
    who, cover = leads.reps[0], leads.reps[1]
    ids = ids_of(world, who)
    full_of_everything(leads, who, lead_object)
    leads.later()
    world.wait()
    if gone:
        deactivate(world, who)
        world.hubspot.edit({"object": "owners", "id": ids[HUBSPOT], "deactivate": True})
        world.wait()
    world.pulled()
    everything = {name for names in OBJECTS.values() for name in names}
    assert set(all_owned(world, ids)) == everything - ({"leads"} if lead_object == "contacts" else set())
    document = leaver(world.context, who, cover=cover)
    told = document["people"]
    hubspot = [each["ref"] for each in told["others"] if each["ref"].startswith(("hubspot:lead", "hubspot:contact"))]
    assert len(hubspot) == 4, "a contact that is a lead is told once"
    assert [each["text"] for each in told["others"] if not each["moves"]] == []
    of_deal = next(each for each in told["others"] if each["name"] == "of a deal")
    assert of_deal["text"] == "to the owner of its opportunity"
    of_account = next(each for each in told["others"] if each["kind"] == "lead" and "owns the account" in each["text"])
    assert of_account["to"] in {each["to"] for each in told["accounts"]}
    assert carried_out(world, document).exit_code == 0
    assert all_owned(world, ids) == {}
    leads.later()
    assert leads.later().document["changes"] == []
    assert make_plan(world.context)["changes"] == []


@ON_SQLITE
def test_what_nobody_gets_and_nobody_covers_stays_and_says_how_it_goes(make_world: Callable[..., World]) -> None:
    leads = LeadsWorld.make(make_world, told=READ)
    who = leads.reps[0]
    user = leads.user(who)
    [contact] = leads.world.salesforce.load("Contact", [{"LastName": "C", "OwnerId": user}])
    leads.world.wait()
    leads.world.pulled()
    told = {each["ref"]: each for each in leaver(leads.world.context, who)["people"]["others"]}
    assert told[f"salesforce:contact:{contact}"]["moves"] is False
    assert "--cover EMAIL" in told[f"salesforce:contact:{contact}"]["text"]


def test_leads_that_a_leaver_had_or_worked_go_with_the_plan_however_old(make_world: Callable[..., World]) -> None:
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
    document = leaver(leads.world.context, who)
    told = {each["ref"]: each for each in document["people"]["others"]}
    heirs = {told[str(ref)]["to"] for ref in (given, worked, old)}
    assert heirs == set(leads.reps[1:])
    assert carried_out(leads.world, document).exit_code == 0
    assert {leads.owner(ref) for ref in (given, worked, old)} == heirs
    leads.later()
    assert leads.later().document["changes"] == []


def test_a_look_at_leads_routes_those_of_somebody_who_is_gone_without_any_drill(
    make_world: Callable[..., World],
) -> None:
    leads = LeadsWorld.make(make_world)
    ref = leads.lead()
    leads.later()
    assert leads.owner(ref) == leads.reps[0]
    deactivate(leads.world, leads.reps[0])
    leads.world.wait()
    leads.world.pulled()
    leads.later()
    leads.later()
    assert leads.owner(ref) in leads.reps[1:]


@ON_SQLITE
def test_leads_go_in_turn_to_those_named_and_outside_anybodys_hours(make_world: Callable[..., World]) -> None:
    leads = LeadsWorld.make(make_world)
    who, *heirs = leads.reps
    refs = [leads.lead(OwnerId=leads.user(who)) for _ in range(4)]
    leads.later(60 * 12)
    told = {each["ref"]: each["to"] for each in leaver(leads.world.context, who, to=heirs)["people"]["others"]}
    assert Counter(told[str(ref)] for ref in refs) == dict.fromkeys(heirs, 2)
    told = {each["ref"]: each["to"] for each in leaver(leads.world.context, who)["people"]["others"]}
    assert {told[str(ref)] for ref in refs} == set(heirs)


@ON_SQLITE
def test_a_lead_that_somebody_took_or_converted_meanwhile_is_left_alone(make_world: Callable[..., World]) -> None:
    leads = LeadsWorld.make(make_world)
    who, first, second = leads.reps
    taken, gone, left = (leads.lead(OwnerId=leads.user(who)) for _ in range(3))
    leads.later()
    document = leaver(leads.world.context, who, to=[first])
    leads.world.approve(document)
    leads.edit(taken, OwnerId=leads.user(second))
    leads.edit(gone, IsConverted=True)
    leads.later()
    report = apply(leads.world, document)
    states = {row.ref: row.state for row in report.rows}
    assert states[left] is RowState.CONFIRMED
    assert RowState.CONFIRMED not in {states[taken], states[gone]}
    assert (leads.owner(taken), leads.owner(left)) == (second, first)


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
