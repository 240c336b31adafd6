"""Leads on their lane: read, matched, given to people by the safe path, left alone where a person has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from jobs_world import HUBSPOT, SALESFORCE, World
from leads_world import LeadsWorld

from syncd.clock import iso
from syncd.errors import RefusedError
from syncd.jobs.answers.fairness import fairness
from syncd.jobs.leadership import leadership
from syncd.jobs.leads.lane import run_leads
from syncd.jobs.plans import apply as jobs
from syncd.jobs.plans.plan import make_plan
from syncd.model.plans import PlanStatus
from syncd.model.refs import Kind, Ref
from syncd.settings.leads import OPEN_STAGES
from syncd.store import ledger, mirror, plans
from syncd.store.leads import LeadState
from tests.inprocess import Trouble, path_has

Make = Callable[..., World]
SQLITE = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)
CRASHES = ("apply.claimed", "apply.sent", "leads.approved", "leads.applied")


def writes(leads: LeadsWorld) -> int:
    sent = [request for wire in leads.world.wires.values() for request in wire.sent]
    return sum(request.method == "PATCH" or "/batch/update" in request.url for request in sent)


def given(leads: LeadsWorld) -> dict[str, int]:
    return {each["member"]: each["given"] for each in fairness(leads.world.context, "inbound", leads=True)["members"]}


def test_a_new_lead_goes_to_somebody_in_turn_and_is_read_back(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    refs = []
    for number in range(4):
        refs.append(leads.lead(Email=f"jo{number}@gmail.com"))
        report = leads.later()
        assert report.exit_code == 0, report
    assert [leads.owner(ref) for ref in refs] == [*leads.reps, leads.reps[0]]
    track = leads.track(refs[0])
    assert (track.state, track.rep, track.assigned_by) == (LeadState.ASSIGNED, leads.reps[0], "syncd")
    assert given(leads) == dict(zip(leads.reps, (2, 1, 1), strict=True))
    assert leads.later().document["changes"] == []
    with leads.world.context.store.read() as conn:
        assert ledger.verify(conn).ok


def test_settings_that_do_not_read_leads_are_told_so(world: World) -> None:
    world.pulled()
    with leadership(world.context) as leader, pytest.raises(RefusedError, match="SYN570"):
        run_leads(world.context, leader)


@SQLITE
def test_reading_leads_makes_no_mirror_of_accounts_stale(make_world: Make) -> None:
    world = make_world(only=SALESFORCE)
    world.pulled()
    before = world.context.mapping_revision()
    world.start(extra="[leads]\nread = true")
    assert world.context.mapping_revision() == before


@SQLITE
def test_observe_writes_nothing_and_says_who_would_get_it(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, mode="observe")
    ref = leads.lead(Email="jo@gmail.com")
    report = leads.later()
    assert [row["ref"] for row in report.document["changes"]] == [str(ref)]
    assert (leads.owner(ref), report.document["plan_id"], writes(leads)) == ("queue", None, 0)
    assert leads.reps[0] in leads.track(ref).text or "picked" in leads.track(ref).reason


@SQLITE
def test_a_dry_run_saves_no_plan(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    ref = leads.lead()
    report = leads.later(dry_run=True)
    assert len(report.document["changes"]) == 1
    assert leads.owner(ref) == "queue"
    with leads.world.context.store.read() as conn:
        assert plans.list_plans(conn, 5) == ()


def test_in_approve_mode_a_person_approves_and_the_plan_stands_until_then(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, auto=False)
    ref = leads.lead()
    first = leads.later()
    again = leads.later()
    assert (leads.owner(ref), writes(leads)) == ("queue", 0)
    assert first.document["plan_id"] == again.document["plan_id"]
    assert "approve" in (again.held or "")
    with leadership(leads.world.context) as leader:
        jobs.approve(leads.world.context, leader, str(first.document["plan_id"]), why="fine")
        assert jobs.apply(leads.world.context, leader, str(first.document["plan_id"])).exit_code == 0
    assert leads.owner(ref) == leads.reps[0]
    leads.later()
    assert given(leads)[leads.reps[0]] == 1


@SQLITE
def test_leads_leave_an_approved_plan_of_accounts_alone(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    document = make_plan(leads.world.context)
    plan_id = leads.world.approve(document)
    ref = leads.lead()
    leads.later()
    assert leads.owner(ref) == leads.reps[0]
    with leads.world.context.store.read() as conn:
        assert plans.get_plan(conn, plan_id).status is PlanStatus.APPROVED


@SQLITE
def test_a_lead_of_an_account_goes_to_its_owner(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    accounts = leads.world.mirrored(SALESFORCE, leads.world.account(SALESFORCE).kind)
    owners = {record.owner for record in accounts.values()}
    active = {row["Id"] for row in leads.world.salesforce.records("User") if row["IsActive"]} & owners
    hosts = [record.fields.get("website", "") for record in accounts.values()]
    account = next(
        record
        for record in accounts.values()
        if record.owner in active and record.fields.get("website") and hosts.count(record.fields["website"]) == 1
    )
    host = account.fields["website"].split("//")[-1].removeprefix("www.").split("/")[0].lower()
    ref = leads.lead(Email=f"jo@mail.{host}", Company="Whatever")
    leads.later()
    track = leads.track(ref)
    assert leads.owner(ref) == leads.email(account.owner)
    assert "same domain" in (track.matched or "")
    assert given(leads) == dict.fromkeys(leads.reps, 0) or given(leads) == {}


@SQLITE
def test_a_lead_of_a_person_is_left_alone_and_one_of_a_default_owner_is_not(make_world: Make) -> None:
    world = make_world(only=SALESFORCE)
    default = world.reps[4]
    world.context.close()
    leads = LeadsWorld.make(make_world, leads=f'unowned = ["{default}"]\n')
    mine = leads.lead(OwnerId=leads.user(leads.reps[2]))
    nobodys = leads.lead(OwnerId=leads.user(default))
    leads.later()
    assert leads.owner(mine) == leads.reps[2]
    assert leads.track(mine).assigned_by == "person"
    assert leads.owner(nobodys) == leads.reps[0]


@SQLITE
def test_whoever_takes_a_lead_keeps_it(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    ref = leads.lead()
    leads.later()
    leads.edit(ref, OwnerId=leads.user(leads.world.reps[3]))
    for _ in range(3):
        assert leads.later().document["changes"] == []
    assert (leads.owner(ref), leads.track(ref).assigned_by) == (leads.world.reps[3], "person")


@SQLITE
def test_a_lead_that_comes_back_waits_for_a_person(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    ref = leads.lead()
    leads.later()
    leads.edit(ref, OwnerId=leads.queue)
    for _ in range(2):
        report = leads.later()
        assert report.document["changes"] == []
    assert (leads.track(ref).state, leads.track(ref).reason) == (LeadState.WAITING, "returned")
    assert [track.ref for track in report.waiting] == [ref]


@SQLITE
def test_an_undo_brings_it_back_and_it_is_not_given_out_again(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    ref = leads.lead()
    plan_id = str(leads.later().document["plan_id"])
    undo = jobs.plan_undo(leads.world.context, plan_id)
    with leadership(leads.world.context) as leader:
        jobs.approve(leads.world.context, leader, undo.plan_id, why="wrong")
        assert jobs.apply(leads.world.context, leader, undo.plan_id).exit_code == 0
    assert leads.owner(ref) == "queue"
    for _ in range(2):
        assert leads.later().document["changes"] == []
    assert leads.track(ref).reason == "returned"


def test_duplicates_of_one_mail_follow_the_earlier_one(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    taken = leads.lead(Email="kim@gmail.com", OwnerId=leads.user(leads.reps[2]))
    leads.later()
    second = leads.lead(Email="Kim@Gmail.com")
    one, two = leads.lead(Email="lou@gmail.com"), leads.lead(Email="lou@gmail.com")
    leads.later()
    assert leads.owner(second) == leads.owner(taken) == leads.reps[2]
    assert leads.owner(one) == leads.owner(two) == leads.reps[0]
    assert given(leads)[leads.reps[0]] == 1, "the second of them is no turn"
    assert str(one) in leads.track(two).text or leads.track(two).state is LeadState.ASSIGNED


def test_converted_deleted_merged_and_old_leads_are_no_leads(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    old = leads.lead(CreatedDate="2026-11-01T10:00:00.000+0000")
    leads.edit(old, Title="CEO")
    converted, deleted = leads.lead(IsConverted=True), leads.lead()
    merged, winner = leads.lead(Email="a@gmail.com"), leads.lead(Email="a@gmail.com")
    leads.world.salesforce.edit({"object": "Lead", "id": deleted.id, "delete": True})
    leads.world.salesforce.edit({"object": "Lead", "id": winner.id, "merge": [merged.id]})
    leads.later()
    assert leads.owner(old) == leads.owner(converted) == "queue"
    assert leads.owner(winner) == leads.reps[0]
    reasons = {ref: leads.track(ref).reason for ref in (old, converted, deleted, merged)}
    assert reasons == {old: "too-old", converted: "converted", deleted: "deleted", merged: "merged"}
    assert leads.later().waiting == ()


@SQLITE
def test_a_lead_stamped_before_the_last_look_is_found(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    leads.later()
    late = (leads.world.clock.now() - timedelta(minutes=8)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    ref = leads.lead(CreatedDate=late, SystemModstamp=late, LastModifiedDate=late)
    leads.later()
    assert leads.owner(ref) == leads.reps[0]


@SQLITE
def test_a_clock_that_is_wrong_loses_no_lead(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    leads.world.start(skew=timedelta(hours=2))
    leads.look()
    ref = leads.lead()
    leads.world.clock.advance(timedelta(minutes=1))
    leads.world.start(skew=timedelta(0))
    leads.world.pulled()
    leads.look()
    assert leads.owner(ref) == leads.reps[0]


@SQLITE
def test_a_person_who_is_quicker_wins(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    ref = leads.lead()
    other = leads.user(leads.world.reps[3])
    leads.world.clock.advance(timedelta(minutes=1))
    wire = leads.world.wire(SALESFORCE)
    seen = []

    def take() -> None:
        if not seen:
            seen.append(leads.edit(ref, OwnerId=other))

    wire.add(Trouble(path_has("FROM+Lead+WHERE+Id"), during=take, times=1))
    report = leads.look()
    assert leads.owner(ref) == leads.world.reps[3]
    assert report.applied is not None
    assert [row.state.value for row in report.applied.rows] == ["conflict"]
    assert writes(leads) == 0


@pytest.mark.parametrize("at", CRASHES)
def test_a_crash_on_the_way_writes_each_lead_once_and_charges_each_turn_once(
    make_world: Make, crash_at: Callable[..., type[BaseException]], at: str
) -> None:
    leads = LeadsWorld.make(make_world)
    refs = [leads.lead(Email=f"jo{number}@gmail.com") for number in range(3)]
    leads.world.clock.advance(timedelta(minutes=1))
    with pytest.raises(crash_at(at)):
        leads.look()
    before = writes(leads)
    leads.world.start()
    leads.later(5)
    leads.later()
    assert sorted(str(leads.owner(ref)) for ref in refs) == sorted(leads.reps)
    assert before + writes(leads) == len(refs)
    assert given(leads) == dict.fromkeys(leads.reps, 1)
    with leads.world.context.store.read() as conn:
        assert ledger.verify(conn).ok


@SQLITE
def test_a_territory_may_name_a_queue(make_world: Make) -> None:
    leads = LeadsWorld.make(
        make_world, steps="[{match: account}, {territory: true}]", south="{queue: Inbound}", auto=True
    )
    default = leads.user(leads.world.reps[5])
    leads.world.salesforce.edit({"object": "User", "id": default, "set": {"IsActive": False}})
    leads.world.wait(5)
    leads.world.pulled()
    ref = leads.lead(Country="Switzerland", OwnerId=default)
    waiting = leads.lead(Country="Switzerland")
    leads.later()
    assert leads.owner(ref) == leads.owner(waiting) == "queue"
    assert {leads.track(each).state for each in (ref, waiting)} == {LeadState.QUEUED}
    assert leads.later().document["changes"] == []


@SQLITE
def test_over_the_guard_a_person_has_to_approve(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, guard="{changes: {max: 1, share: 1%}}")
    refs = [leads.lead() for _ in range(2)]
    report = leads.later()
    assert [leads.owner(ref) for ref in refs] == ["queue", "queue"]
    assert [trip["limit"] for trip in report.document["guard"]["tripped"]] == ["changes.max"]
    assert "--limit changes.max" in (report.held or "")


@SQLITE
def test_outside_the_window_and_frozen_nothing_is_planned_for_writing(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, guard='{windows: ["Sat 06:00-20:00"]}')
    ref = leads.lead()
    assert "writes are for" in (leads.later().held or "")
    leads.world.clock.advance(timedelta(days=1))
    leads.world.pulled()
    leads.world.context.settings.control.freeze_file.write_text("stop")
    assert "frozen" in (leads.look().held or "")
    leads.world.context.settings.control.freeze_file.unlink()
    leads.look()
    assert leads.owner(ref) == leads.reps[0]


@SQLITE
def test_leads_wait_while_the_accounts_are_stale(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    leads.lead()
    leads.world.clock.advance(timedelta(hours=1))
    report = leads.look()
    assert "fresh mirror of salesforce" in (report.held or "")
    assert len(report.waiting) == 1


def test_contacts_of_hubspot_are_leads_by_their_stage(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, only=None)
    company = leads.world.account(HUBSPOT)
    ref = leads.contact(email="jo@gmail.com")
    customer = leads.contact(email="cu@gmail.com", lifecyclestage="customer")
    gone = leads.contact(email="go@gmail.com")
    leads.later()
    assert leads.owner(ref) == leads.reps[0]
    assert leads.owner(customer) is None
    with leads.world.context.store.read() as conn:
        assert set(mirror.get_records(conn, [ref, customer, gone])) == {ref, gone}
    leads.world.hubspot.edit({"object": "contacts", "id": gone.id, "delete": True})
    leads.edit(ref, lifecyclestage="customer")
    leads.later()
    assert (leads.track(gone).reason, leads.track(ref).reason) == ("deleted", "no-lead")
    linked = leads.contact(email="x@gmail.com")
    between = {"fromObjectType": "contacts", "fromId": linked.id, "toObjectType": "companies", "toId": company.id}
    leads.world.hubspot.load("associations", [{**between, "primary": True}])
    leads.later()
    assert "links it to this account" in (leads.track(linked).matched or "")


def test_leads_of_hubspot_may_be_its_object_of_that_name(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, only=None, leads='hubspot_object = "leads"\n')
    assert leads.world.settings().leads.hubspot_stages == OPEN_STAGES
    hubspot, company, now = leads.world.hubspot, leads.world.account(HUBSPOT), iso(leads.world.clock.now())
    stamps = {"createdate": now, "hs_lastmodifieddate": now, "hs_pipeline": "lead-pipeline-id"}
    stages = {"free": "new-stage-id", "linked": "attempting-stage-id", "over": "unqualified-stage-id"}
    of = {"linked": {"associations": company.id}}
    rows = [{"hs_lead_name": n, "hs_pipeline_stage": s, **stamps, **of.get(n, {})} for n, s in stages.items()]
    free, linked, over = (Ref(HUBSPOT, Kind.LEAD, record) for record in hubspot.load("leads", rows))
    leads.later()
    owners = {row["id"]: row["properties"].get("hubspot_owner_id") for row in hubspot.records("leads")}
    assert leads.email(owners[free.id], HUBSPOT) == leads.reps[0]
    assert "links it to this account" in (leads.track(linked).matched or "")
    assert owners[over.id] is None
    with leads.world.context.store.read() as conn:
        assert over not in mirror.get_records(conn, [over])
    hubspot.edit({"object": "leads", "id": free.id, "set": {"hs_pipeline_stage": "qualified-stage-id"}})
    leads.later()
    assert leads.track(free).reason == "no-lead"


@SQLITE
def test_the_crm_s_refusal_is_remembered(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world)
    ref = leads.lead()
    leads.world.salesforce.edit(
        {
            "object": "Lead",
            "validation": {"name": "No", "when": "LastName = 'Fox'", "changed": ["OwnerId"], "message": "not this one"},
        }
    )
    first = leads.later()
    assert first.exit_code != 0
    for _ in range(2):
        assert leads.later().document["changes"] == []
    assert "refused" in leads.track(ref).reason
