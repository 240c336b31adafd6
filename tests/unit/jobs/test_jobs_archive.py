"""Runs, plans and records looked up again: as they were, and as they were then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from jobs_world import SALESFORCE, World

from syncd.errors import InputError
from syncd.jobs.answers.history import history_document
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.archive import find
from syncd.jobs.plans.plan import make_plan
from syncd.model.refs import Kind, Ref
from syncd.report.history_text import history_text
from syncd.report.plans.plan_json import render_plan_json
from syncd.report.runs_text import plan_fate_text, run_text
from syncd.store import ledger, runs

REFUSED = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def applied(world: World) -> tuple[str, Ref]:
    world.pulled()
    world.adopt()
    world.wait()
    document = make_plan(world.context)
    plan_id = world.approve(document)
    world.wait()
    with leadership(world.context) as leader:
        apply(world.context, leader, plan_id)
    written = next(one for one in document["changes"] if one["ref"].startswith("salesforce:account"))
    return plan_id, Ref.parse(written["ref"])


def test_a_saved_plan_is_shown_again_byte_for_byte_with_its_fate(world: World) -> None:
    world.pulled()
    world.adopt()
    document = make_plan(world.context)
    before = render_plan_json(document)
    plan_id = world.approve(document)
    _, found = find(world.context, plan_id[:6])
    assert found is not None
    assert render_plan_json(found[0]) == before
    text = plan_fate_text(found[1])
    assert "approved, hash" in text
    assert "by ruth" in text
    assert "looks right" in text
    assert "ruth" not in plan_fate_text(found[1], redact=True)


def test_a_run_is_shown_with_what_the_ledger_holds_of_it(world: World) -> None:
    applied(world)
    with world.context.store.read() as conn:
        run = runs.runs(conn, 1, "apply")[0]
    document, plan = find(world.context, run.run_id)
    assert plan is None
    events = document["ledger"]["events"]
    assert events["write.intended"] == events["write.confirmed"] > 0
    assert f"{events['write.confirmed']:,}  write.confirmed" in run_text(document)


def test_what_is_neither_run_nor_plan_is_told(world: World) -> None:
    with pytest.raises(InputError, match="SYN531"):
        find(world.context, "77aa")


def test_history_as_of_shows_owner_mark_plan_and_receipts_of_that_time(world: World) -> None:
    plan_id, ref = applied(world)
    written = world.clock.now()
    ours = world.truth(SALESFORCE, Kind.ACCOUNT)[ref.id][1]
    world.wait(60)
    other = next(row["Id"] for row in world.salesforce.records("User") if row["IsActive"] and row["Id"] != ours)
    world.edit_salesforce(ref.id, OwnerId=other)
    world.wait(60)
    world.pulled()
    now = _record(world, ref)
    assert (now["owner"]["id"], now["mark"]["id"], now["mark"]["source"]) == (other, ours, "written")
    then = _record(world, ref, at=written)
    assert (then["owner"]["id"], then["plan"]["plan_id"], then["plan"]["approved_by"]) == (ours, plan_id, "ruth")
    assert [receipt["state"] for receipt in then["receipts"]] == ["confirmed"]
    adopted = _record(world, ref, at=written - timedelta(minutes=4))
    assert adopted["owner"]["id"] == adopted["mark"]["id"] not in (ours, other)
    assert (adopted["mark"]["source"], adopted["plan"], adopted["receipts"]) == ("adopted", None, [])
    text = history_text(history_document(world.context, str(ref), as_of=written, limit=50), at_an_instant=True)
    assert f"({ours})" in text
    assert "write.confirmed" in text


def _record(world: World, ref: Ref, at: object = None) -> dict[str, object]:
    document = history_document(world.context, str(ref), as_of=at, limit=50)  # type: ignore[arg-type]
    return next(one for one in document["records"] if one["ref"] == str(ref))  # type: ignore[no-any-return]


def test_history_goes_on_over_a_merge(world: World) -> None:
    _, ref = applied(world)
    winner = next(Ref(SALESFORCE, Kind.ACCOUNT, one) for one in world.accounts(SALESFORCE) if one != ref.id)
    world.wait()
    world.salesforce.edit({"object": "Account", "id": winner.id, "merge": [ref.id]})
    world.wait()
    world.pulled()
    document = history_document(world.context, str(winner), as_of=None, limit=50)
    assert document["merged"] == [str(ref)]
    assert str(ref) in {entry["ref"] for entry in document["entries"]}


def test_every_effect_has_its_intent_before_and_its_result_after(world: World) -> None:
    """Over a whole apply in which calls fail, rows are refused and answers are lost."""
    world.pulled()
    world.adopt()
    plan_id = world.approve(make_plan(world.context))
    faults = [
        {"match": {"method": "PATCH", "path": "*/sobjects*", "nth": 1}, "fault": "status 503 after"},
        {
            "match": {"method": "PATCH", "path": "*/sobjects*", "nth": 2},
            "fault": "row FIELD_CUSTOM_VALIDATION_EXCEPTION",
        },
    ]
    world.salesforce.faults.install(faults)
    with leadership(world.context) as leader:
        apply(world.context, leader, plan_id)
    open_intents: dict[object, int] = {}
    results: dict[object, int] = {}
    with world.context.store.read() as conn:
        assert ledger.verify(conn).ok
        entries = ledger.entries(conn)
    for entry in entries:
        row = entry.facts.get("outbox")
        if entry.event == "write.intended":
            open_intents[row] = entry.seq
        elif entry.event in ("write.confirmed", "write.rejected", "write.conflicted"):
            assert open_intents[row] < entry.seq
            results[row] = results.get(row, 0) + 1
    assert set(results) == set(open_intents)
    assert set(results.values()) == {1}
