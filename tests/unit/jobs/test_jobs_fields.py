"""Roles and texts of ours in fields of both CRMs: planned, approved, written, verified, undone; people respected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from fields_world import (
    CLEARED,
    MAPPED,
    asked,
    changes,
    document_of,
    edit,
    fields_world,
    planned,
    pulled_again,
    ready,
    rows,
    run,
    use_pack,
    value,
)
from jobs_world import HUBSPOT, NOW, SALESFORCE, World

from syncd import crashpoints
from syncd.errors import InputError
from syncd.jobs.leadership import leadership
from syncd.jobs.lines import recover_rows
from syncd.jobs.plans.apply import plan_undo
from syncd.jobs.plans.drift import adopt_drift, drift_document, plan_revert
from syncd.jobs.plans.plan import deliberate, make_plan
from syncd.model.plans import RowState
from syncd.model.refs import Kind, Ref
from syncd.sandbox.dataset import Dataset, generate
from syncd.store import ledger

Make = Callable[..., World]
ON_SQLITE = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)
FIELDS = ("csm", "territory", "band")


@pytest.fixture(scope="session")
def data() -> Dataset:
    return generate(5, 5, as_of=NOW - timedelta(hours=1))


@pytest.fixture
def world(make_world: Make) -> World:
    return fields_world(make_world)


def test_what_is_decided_is_planned_written_verified_and_done_once(world: World) -> None:
    plan_id = ready(world)
    document = document_of(world, plan_id)
    wanted = {(Ref.parse(row["ref"]), row["field"], row["to"]) for row in document["changes"]}
    assert {field for _, field, _ in wanted} >= {"owner", *FIELDS}
    report = run(world, plan_id)
    assert int(report.exit_code) == 0, report.counts
    assert asked(world) == wanted  # the wire log minus the plan is empty, and the other way round
    for ref, field, text in wanted:
        if ref.kind is Kind.ACCOUNT:
            assert value(world, ref, field) == text
    assert set(changes(document, "territory").values()) == {"everywhere"}
    assert set(changes(document, "band")) == {world.ref(SALESFORCE, each) for each in world.accounts(SALESFORCE)}
    pulled_again(world)
    assert planned(world)["changes"] == []


@ON_SQLITE
def test_a_persons_change_of_a_role_is_respected_like_that_of_an_owner(world: World) -> None:
    run(world, ready(world))
    pulled_again(world)
    ref = world.account(SALESFORCE)
    other = id_of(world, world.reps[4], ref)
    edit(world, ref, "csm", other)
    pulled_again(world)
    document = planned(world)
    assert ref not in changes(document, "csm")
    entry = next(each for each in document["decisions"] if each["role"] == "csm" and str(ref) in each["accounts"])
    assert (entry["outcome"], entry["reason"]) == ("held", "changed-by-person")
    assert entry["text"].startswith("held: csm changed by")
    [drift] = drift_document(world.context)["drifts"]
    assert (drift["ref"], drift["role"], drift["now"]["id"]) == (str(ref), "csm", other)
    reverted = plan_revert(world.context, [ref], "csm")
    assert set(changes(reverted.document, "csm")) == {ref}
    with leadership(world.context) as leader:
        email = adopt_drift(world.context, leader, ref, why="asked for her", expires=None, role="csm").owner
    assert email == world.reps[4]
    settled = make_plan(world.context, all_decisions=True)["decisions"]
    entry = next(each for each in settled if each["role"] == "csm" and str(ref) in each["accounts"])
    assert (entry["outcome"], entry["reason"]) in (("keep", "override"), ("change", "align"))
    assert entry["owner"]["email"] == world.reps[4]


def id_of(world: World, email: str, ref: Ref) -> str:
    return deliberate(world.context).source.book.directory.reps[email].ids[ref.system]


@ON_SQLITE
def test_a_text_of_ours_is_put_right_whoever_changed_it(world: World) -> None:
    run(world, ready(world))
    ref = world.account(SALESFORCE)
    edit(world, ref, "territory", "somewhere")
    pulled_again(world)
    document = planned(world)
    assert changes(document, "territory") == {ref: "everywhere"}
    assert document["summary"]["changes"] == 0
    assert int(run(world, world.approve(document)).exit_code) == 0
    assert value(world, ref, "territory") == "everywhere"


@ON_SQLITE
def test_a_human_edit_between_plan_and_write_is_a_conflict_of_that_field_alone(world: World) -> None:
    plan_id = ready(world)
    ref = next(iter(changes(document_of(world, plan_id), "csm")))
    other = id_of(world, world.reps[5], ref)
    edit(world, ref, "csm", other)
    run(world, plan_id)
    found = rows(world, plan_id)
    assert found[ref, "csm"].state is RowState.CONFLICT
    assert value(world, ref, "csm") == other
    rest = [row.state for slot, row in found.items() if slot != (ref, "csm")]
    assert set(rest) <= {RowState.CONFIRMED, RowState.SKIPPED_ALREADY}


@pytest.mark.parametrize("after", ["apply.claimed", "apply.sent"])
def test_a_crash_between_claim_and_receipt_is_read_never_repeated(world: World, after: str) -> None:
    plan_id = ready(world)
    document = document_of(world, plan_id)

    def die(at: str) -> None:
        if at == after and any(row.state is RowState.SENDING for row in rows(world, plan_id, "csm").values()):
            crashpoints.install(None)
            raise KeyboardInterrupt

    crashpoints.install(die)
    with pytest.raises(KeyboardInterrupt):
        run(world, plan_id)
    doubted = [row for row in rows(world, plan_id).values() if row.state is RowState.SENDING]
    assert {row.field for row in doubted} == {"csm"}
    world.wait(3)
    world.start()
    with leadership(world.context) as leader:
        assert recover_rows(world.context, leader) == len(doubted)
    assert int(run(world, plan_id).exit_code) == 0
    assert asked(world) == {(Ref.parse(row["ref"]), row["field"], row["to"]) for row in document["changes"]}
    assert {row.state for row in rows(world, plan_id).values()} == {RowState.CONFIRMED}


def test_undo_restores_every_field_an_empty_one_too(world: World) -> None:
    world.pulled()
    before = {
        (world.ref(system, each), field): value(world, world.ref(system, each), field)
        for system in (SALESFORCE, HUBSPOT)
        for each in world.accounts(system)
        for field in ("owner", "csm", "territory")
    }
    plan_id = ready(world)
    run(world, plan_id)
    back = plan_undo(world.context, plan_id).document
    undone = {row["field"] for row in back["changes"]}
    assert undone == {"owner", *FIELDS}
    left_alone = {item["ref"] for entry in back["decisions"] for item in entry.get("left_out", ())}
    assert int(run(world, world.approve(back)).exit_code) == 0
    for (ref, field), text in before.items():
        if field != "owner" or str(ref) not in left_alone:
            assert value(world, ref, field) == text, (ref, field)


def test_otherwise_clear_empties_the_field(world: World) -> None:
    run(world, ready(world))
    pulled_again(world)
    use_pack(world, CLEARED)
    document = planned(world)
    emptied = changes(document, "csm")
    assert emptied
    assert set(emptied.values()) == {None}
    assert int(run(world, world.approve(document)).exit_code) == 0
    assert {value(world, ref, "csm") for ref in emptied} == {None}
    assert {row.new for row in rows(world, document["plan_id"], "csm").values()} == {None}


@ON_SQLITE
def test_a_value_that_the_crm_refuses_is_a_refused_row_and_is_not_tried_again(make_world: Make) -> None:
    world = fields_world(make_world, length=4)
    plan_id = ready(world)
    run(world, plan_id)
    refused = rows(world, plan_id, "territory")
    states = {row.state for (ref, _), row in refused.items() if ref.system is SALESFORCE}
    assert RowState.REJECTED in states
    assert states <= {RowState.REJECTED, RowState.APPROVED}  # the brake stops what is refused again and again
    others = [row.state for (_, field), row in rows(world, plan_id).items() if field in ("owner", "csm")]
    assert set(others) == {RowState.CONFIRMED}
    pulled_again(world)
    document = planned(world)
    tried = {ref for (ref, _), row in refused.items() if row.state is RowState.REJECTED}
    assert not tried & set(changes(document, "territory"))


@ON_SQLITE
def test_an_unmapped_role_and_text_are_told_and_decided_and_written_nowhere(make_world: Make) -> None:
    world = fields_world(make_world, extra='[salesforce.write]\nterritory = "Territory__c"\n')
    plan_id = ready(world)
    document = document_of(world, plan_id)
    assert {row["field"] for row in document["changes"]} == {"owner", "territory"}
    assert any(entry["role"] == "csm" for entry in document["decisions"])
    codes = [finding.code for finding in deliberate(world.context).findings]
    assert {"SYN541", "SYN542"} <= set(codes)


@ON_SQLITE
def test_a_rule_that_reads_what_it_fills_is_an_error(make_world: Make) -> None:
    world = fields_world(make_world, extra=MAPPED + '[salesforce.fields.account]\nsegment = "Territory__c"\n')
    world.pulled()
    text = (world.folder / "pack" / "pack.yaml").read_text()
    (world.folder / "pack" / "pack.yaml").write_text(
        text.replace("territories:\n", "territories:\n  - {name: big, when: {segment: big}, owners: unassigned}\n")
    )
    with pytest.raises(InputError) as caught:
        deliberate(world.context)
    assert caught.value.code == "SYN543"


@ON_SQLITE
def test_the_ledger_names_the_field_of_each_write(world: World) -> None:
    plan_id = ready(world)
    run(world, plan_id)
    with world.context.store.read() as conn:
        told = {(entry.ref, entry.facts["field"]) for entry in ledger.entries(conn, event="write.confirmed")}
        ledger.verify(conn)
    assert told == {(str(ref), field) for ref, field in rows(world, plan_id)}


def test_a_role_that_goes_back_and_forth_is_written_no_more_for_a_day(world: World) -> None:
    use_pack(world, more=", respect_people_for: 1h")
    run(world, ready(world))
    ref = world.account(SALESFORCE)
    ours = value(world, ref, "csm")
    [theirs, *_] = [row["Id"] for row in world.salesforce.records("User") if row["IsActive"] and row["Id"] != ours]
    for again in (False, True):
        edit(world, ref, "csm", theirs)
        pulled_again(world)
        world.wait(120)
        pulled_again(world)
        document = planned(world)
        if not again:
            assert changes(document, "csm") == {ref: ours}
            run(world, world.approve(document))
            assert value(world, ref, "csm") == ours
    [held] = [each for each in document["decisions"] if each["role"] == "csm" and each["outcome"] == "held"]
    assert held["reason"] == "ownership-flapping"
    assert "the csm of" in held["text"]
    assert "changed 3 times in 24 hours" in held["text"]
    world.wait(24 * 60)
    pulled_again(world)
    assert changes(planned(world), "csm") == {ref: ours}
