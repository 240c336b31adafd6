"""Contacts and open tasks that follow the owner of their account, where the pack says so and settings read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from fields_world import PACK, asked, document_of, pulled_again, ready, rows, run
from jobs_world import HUBSPOT, NOW, SALESFORCE, World

from syncd.jobs.plans.apply import plan_undo
from syncd.jobs.plans.drift import plan_revert
from syncd.jobs.plans.plan import deliberate
from syncd.model.plans import RowState
from syncd.model.refs import Kind, Ref, System
from syncd.sandbox.dataset import Dataset, generate

Make = Callable[..., World]
ON_SQLITE = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)
READ = {SALESFORCE: 'children = ["contacts", "tasks"]\n', HUBSPOT: 'children = ["contacts"]\n'}


@pytest.fixture(scope="session")
def data() -> Dataset:
    return generate(8, 5, as_of=NOW - timedelta(hours=1))


def followed(make_world: Make, more: str = "", told: dict[System, str] | None = None) -> World:
    """A world in which the first rep is to have every account; the pack says `more`."""
    world = make_world(told=READ if told is None else told)
    text = PACK.format(reps=world.reps[0], csm="", more=more).replace(
        "write: [territory, band]", "fiscal_year_start: 1"
    )
    (world.folder / "pack" / "pack.yaml").write_text(text)
    return world


def somebody(world: World, system: System, but: set[str | None]) -> str:
    """An active person of a system who is none of these."""
    if system is SALESFORCE:
        found = [row["Id"] for row in world.salesforce.records("User") if row["IsActive"]]
    else:
        found = [row["id"] for row in world.hubspot.records("owners") if not row["archived"]]
    return str(next(each for each in sorted(found) if each not in but))


def in_salesforce(world: World, name: str, account: str, owner: str | None, **values: object) -> Ref:
    """A contact or task of an account."""
    parent = {"Contact": {"LastName": "C", "AccountId": account}, "Task": {"Subject": "T", "WhatId": account}}[name]
    [record] = world.salesforce.load(name, [{**parent, "OwnerId": owner, **values}])
    return Ref(SALESFORCE, Kind.CONTACT if name == "Contact" else Kind.TASK, record)


def in_hubspot(world: World, company: str, owner: str | None, number: int) -> Ref:
    """A contact of a company."""
    world.hubspot.edit({"object": "contacts", "create": {"email": f"c{number}@x.com", "hubspot_owner_id": owner or ""}})
    record = world.hubspot.records("contacts")[-1]["id"]
    world.hubspot.edit({"object": "contacts", "id": record, "associate": company, "to": "companies", "primary": True})
    return Ref(HUBSPOT, Kind.CONTACT, record)


def moving(world: World, system: System) -> tuple[str, str]:
    """An account that changes hands in a system, and its owner now: not the first rep."""
    mine = {
        row["Id"] if system is SALESFORCE else row["id"]
        for row in (world.salesforce.records("User") if system is SALESFORCE else world.hubspot.records("owners"))
        if str(row.get("Email") or row.get("email")).lower() == world.reps[0]
    }
    pairs = [(key, owner) for key, (_, owner) in sorted(world.truth(system, Kind.ACCOUNT).items())]
    account, owner = next((key, owner) for key, owner in pairs if owner and owner not in mine)
    return account, str(owner)


def test_contacts_of_the_old_owner_follow_in_both_crms_and_come_back_with_undo(make_world: Make) -> None:
    world = followed(make_world)
    account, owner = moving(world, SALESFORCE)
    company, keeper = moving(world, HUBSPOT)
    hers = in_salesforce(world, "Contact", account, owner)
    other = in_salesforce(world, "Contact", account, somebody(world, SALESFORCE, {owner}))
    theirs, orphan = in_hubspot(world, company, keeper, 1), in_hubspot(world, company, None, 2)
    world.wait(5)  # a pull ends a little behind the clock of the CRM
    plan_id = ready(world)
    document = document_of(world, plan_id)
    listed = {row["ref"]: row for row in document["changes"] if ":contact:" in row["ref"]}
    assert set(listed) == {str(hers), str(theirs)}
    assert listed[str(hers)]["parent"] == str(world.ref(SALESFORCE, account))
    assert not {str(other), str(orphan)} & set(listed)
    assert int(run(world, plan_id).exit_code) == 0
    assert {ref for ref, _, _ in asked(world) if ref.kind is Kind.CONTACT} == {hers, theirs}
    contact = world.salesforce.record("Contact", hers.id)
    assert contact is not None
    assert contact["OwnerId"] == listed[str(hers)]["to"] != owner
    back = plan_undo(world.context, plan_id).document
    undone = {row["ref"] for row in back["changes"]}
    if str(world.ref(SALESFORCE, account)) in undone:
        assert str(hers) in undone


@ON_SQLITE
def test_follow_all_takes_every_contact_and_stay_none(make_world: Make) -> None:
    world = followed(make_world, ", cascade: {contacts: follow-all, open_tasks: follow}")
    account, owner = moving(world, SALESFORCE)
    other = in_salesforce(world, "Contact", account, somebody(world, SALESFORCE, {owner}))
    task = in_salesforce(world, "Task", account, owner)
    done = in_salesforce(world, "Task", account, owner, Status="Completed", IsClosed=True)
    world.wait(5)  # a pull ends a little behind the clock of the CRM
    plan_id = ready(world)
    listed = {row["ref"] for row in document_of(world, plan_id)["changes"]}
    assert {str(other), str(task)} <= listed
    assert str(done) not in listed
    assert int(run(world, plan_id).exit_code) == 0
    found = world.salesforce.record("Task", task.id)
    assert found is not None
    assert found["OwnerId"] != owner
    assert {rows(world, plan_id)[ref, "owner"].state for ref in (other, task)} == {RowState.CONFIRMED}
    text = (world.folder / "pack" / "pack.yaml").read_text().replace("follow-all", "stay").replace("follow}", "stay}")
    (world.folder / "pack" / "pack.yaml").write_text(text)
    pulled_again(world)
    assert deliberate(world.context).source.followers == ()


def test_open_tasks_of_a_hubspot_company_follow_it(make_world: Make) -> None:
    told = {HUBSPOT: 'children = ["tasks"]\n'}
    world = followed(make_world, ", cascade: {contacts: stay, open_tasks: follow}", told)
    company, owner = moving(world, HUBSPOT)
    other = next(row["id"] for row in world.hubspot.records("companies") if row["id"] != company)
    rows_of = [
        {"hs_task_status": "NOT_STARTED", "associations": company},
        {"hs_task_status": "COMPLETED", "associations": company},
        {"hs_task_status": "WAITING", "associations": f"{company};{other}"},
    ]
    made = world.hubspot.load("tasks", [{"hs_task_subject": "T", "hubspot_owner_id": owner, **row} for row in rows_of])
    open_, done, shared = (Ref(HUBSPOT, Kind.TASK, record) for record in made)
    world.wait(5)  # a pull ends a little behind the clock of the CRM
    plan_id = ready(world)
    listed = {row["ref"]: row for row in document_of(world, plan_id)["changes"] if ":task:" in row["ref"]}
    assert set(listed) == {str(open_)}, "neither a done one nor one of two companies follows"
    assert listed[str(open_)]["parent"] == str(world.ref(HUBSPOT, company))
    assert int(run(world, plan_id).exit_code) == 0
    owners = {row["id"]: row["properties"]["hubspot_owner_id"] for row in world.hubspot.records("tasks")}
    assert owners == {open_.id: listed[str(open_)]["to"], done.id: owner, shared.id: owner}
    assert owners[open_.id] != owner


@ON_SQLITE
def test_a_person_accounts_contact_never_follows(make_world: Make) -> None:
    told = {SALESFORCE: 'children = ["contacts"]\nperson_accounts = true\n'}
    world = followed(make_world, ", cascade: {contacts: follow-all}", told)
    user = somebody(world, SALESFORCE, set())
    person = {"LastName": "Person", "FirstName": "Pia", "OwnerId": user, "IsPersonAccount": True}
    [account] = world.salesforce.load("Account", [person])
    [mine] = [row["Id"] for row in world.salesforce.records("Contact") if row["AccountId"] == account]
    world.wait(5)  # a pull ends a little behind the clock of the CRM
    plan_id = ready(world)
    assert not any(mine in row["ref"] for row in document_of(world, plan_id)["changes"])
    assert any(row["Id"] == mine for row in world.salesforce.records("Contact"))


@ON_SQLITE
def test_contacts_that_cannot_be_told_from_persons_are_not_read(make_world: Make) -> None:
    world = followed(make_world, told={SALESFORCE: 'children = ["contacts"]\n'}, more="")
    world.salesforce.load("Account", [{"LastName": "Person", "IsPersonAccount": True}])
    codes = {one.system: one.error.code for one in world.pull().systems if one.error is not None}
    assert codes == {SALESFORCE: "SYN545"}


@ON_SQLITE
def test_what_should_follow_and_is_not_read_is_told(make_world: Make) -> None:
    world = followed(make_world, told={})
    world.pulled()
    told = [finding.message for finding in deliberate(world.context).findings if finding.code == "SYN544"]
    assert told == ["contacts of salesforce and hubspot stay with whoever has them: they are not read"]


@ON_SQLITE
def test_a_hubspot_contact_that_is_a_lead_is_routed_and_does_not_follow(make_world: Make) -> None:
    world = followed(make_world)
    world.start(extra="[leads]\nread = true\n")
    company, keeper = moving(world, HUBSPOT)
    theirs, lead = in_hubspot(world, company, keeper, 1), in_hubspot(world, company, keeper, 2)
    world.hubspot.edit({"object": "contacts", "id": lead.id, "set": {"lifecyclestage": "lead"}})
    world.wait(5)
    document = document_of(world, ready(world))
    assert [row["ref"] for row in document["changes"] if ":contact:" in row["ref"]] == [str(theirs)]


@ON_SQLITE
def test_drift_revert_takes_the_contacts_that_moved_along(make_world: Make) -> None:
    world = followed(make_world)
    account, owner = moving(world, SALESFORCE)
    hers = in_salesforce(world, "Contact", account, owner)
    world.wait(5)
    world.pulled()
    world.adopt()
    world.wait(1)
    new = somebody(world, SALESFORCE, {owner})
    world.edit_salesforce(account, OwnerId=new)
    world.salesforce.edit({"object": "Contact", "id": hers.id, "set": {"OwnerId": new}, "transfer": False})
    pulled_again(world)
    users = {row["Id"]: row["IsActive"] for row in world.salesforce.records("User")}
    if not users[owner]:
        pytest.skip("the former owner of this data set is inactive")
    document = plan_revert(world.context, [world.ref(SALESFORCE, account)]).document
    assert {row["ref"] for row in document["changes"]} >= {str(world.ref(SALESFORCE, account)), str(hers)}
