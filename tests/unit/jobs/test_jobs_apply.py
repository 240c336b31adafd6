from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from jobs_world import HUBSPOT, SALESFORCE, World

from syncd.connectors.wire import HttpRequest
from syncd.errors import ExitCode, GuardTrippedError, LeaseHeldError, RefusedError
from syncd.jobs.books.book_cache import COLUMNS_FOLDER
from syncd.jobs.leadership import leadership
from syncd.jobs.lines import recover_rows
from syncd.jobs.plans import apply as jobs
from syncd.jobs.plans import plan as planning
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.sync import SyncReport, sync
from syncd.model.plans import PlanStatus, RowState
from syncd.model.refs import Kind, Ref, System
from syncd.planning.writing.applied import ApplyReport
from syncd.store import lease, ledger, outbox, plans, runs
from syncd.store.ownership import applied as applied_rows
from tests.inprocess import Trouble


def is_write(request: HttpRequest) -> bool:
    return request.method == "PATCH" or "/batch/update" in request.url


def writes(world: World) -> int:
    return sum(is_write(request) for wire in world.wires.values() for request in wire.sent)


def owners(world: World) -> dict[Ref, str | None]:
    return {
        Ref(system, Kind.ACCOUNT, key): owner
        for system in System
        for key, (_, owner) in world.truth(system, Kind.ACCOUNT).items()
    }


def ready(world: World) -> str:
    """A mirror, a baseline and an approved plan."""
    world.pulled()
    world.adopt()
    return world.approve(make_plan(world.context))


def applied(world: World, plan_id: str) -> ApplyReport:
    with leadership(world.context) as leader:
        return jobs.apply(world.context, leader, plan_id)


def synced(world: World, **options: Any) -> SyncReport:
    with leadership(world.context) as leader:
        return sync(world.context, leader, **options)


def planned(world: World, plan_id: str) -> dict[Ref, str]:
    with world.context.store.read() as conn:
        plan = plans.get_plan(conn, plan_id)
    rows = [row for row in plan.document["changes"] if ":account:" in row["ref"]]
    return {Ref.parse(row["ref"]): row["to"] for row in rows}


def test_an_approved_plan_is_written_and_read_back(world: World) -> None:
    plan_id = ready(world)
    wanted = planned(world, plan_id)
    assert wanted
    report = applied(world, plan_id[:6])
    assert report.exit_code == 0
    assert {ref: owners(world)[ref] for ref in wanted} == wanted
    world.assert_equal()
    with world.context.store.read() as conn:
        assert ledger.verify(conn).ok
        assert runs.last_success(conn, "apply") is not None
    world.wait()
    world.pulled()
    again = make_plan(world.context)
    assert (again["plan_id"], again["changes"]) == (None, [])
    with world.context.store.read() as conn:
        assert len(plans.list_plans(conn, 5)) == 1, "a plan without changes is not saved"


def test_observe_never_constructs_a_writer(make_world: Callable[..., World]) -> None:
    world = make_world(mode="observe")
    plan_id = ready(world)
    with pytest.raises(RefusedError, match="SYN511"):
        applied(world, plan_id)
    assert world.context._writers == {}
    with pytest.raises(AssertionError, match="never constructed"):
        world.context.writer(SALESFORCE)
    assert synced(world).applied is None
    assert world.context._writers == {}


def test_a_freeze_stops_before_the_first_call_and_between_two(world: World) -> None:
    plan_id = ready(world)
    freeze = world.folder / "freeze"
    freeze.write_text("quarter close")
    with pytest.raises(RefusedError, match="SYN512 writes are frozen: quarter close"):
        applied(world, plan_id)
    assert writes(world) == 0
    freeze.unlink()
    world.wire(HUBSPOT).add(Trouble(is_write, during=lambda: freeze.write_text("stop") and None))
    report = applied(world, plan_id)
    assert [stop.code for stop in report.stops] == ["SYN512"]
    assert writes(world) == 1
    assert report.counts[RowState.APPROVED] > 0
    freeze.unlink()
    assert applied(world, plan_id).exit_code == 0


@pytest.mark.parametrize("kind", ["empty", "folder"])
def test_a_freeze_file_that_says_nothing_or_cannot_be_read_freezes_too(world: World, kind: str) -> None:
    plan_id = ready(world)
    freeze = world.folder / "freeze"
    freeze.mkdir() if kind == "folder" else freeze.touch()
    with pytest.raises(RefusedError, match="SYN512"):
        applied(world, plan_id)


def test_a_stale_system_is_not_written_and_the_other_is(world: World) -> None:
    plan_id = ready(world)
    world.wait(20)
    world.pulled(systems=[SALESFORCE])
    report = applied(world, plan_id)
    assert [(stop.code, stop.system) for stop in report.stops] == [("SYN519", "hubspot")]
    states = {(row.ref.system, row.state) for row in report.rows if row.ref.kind is Kind.ACCOUNT}
    assert (HUBSPOT, RowState.CONFIRMED) not in states


def test_a_lost_lease_stops_before_the_next_call(world: World) -> None:
    def usurp() -> None:
        world.wait(10)
        with world.context.store.write() as conn:
            lease.acquire(conn, "elsewhere:x:1:1", now=world.clock.now(), ttl=timedelta(minutes=1))

    plan_id = ready(world)
    world.wire(HUBSPOT).add(Trouble(is_write, during=usurp))
    with pytest.raises(LeaseHeldError, match="SYN702") as caught:
        applied(world, plan_id)
    assert caught.value.exit_code is ExitCode.LEADER
    assert writes(world) == 1
    with world.context.store.read() as conn:
        assert outbox.rows(conn, states=[RowState.SENDING]), "the new leader reads it; the old one commits nothing"


def test_a_lease_is_kept_through_a_long_call(world: World) -> None:
    plan_id = ready(world)
    world.wire(HUBSPOT).add(Trouble(is_write, during=lambda: world.wait(2.5)))
    assert applied(world, plan_id).exit_code == 0


def test_what_a_crash_left_in_doubt_is_read_before_anything_is_sent(
    world: World, crash_at: Callable[[str, int], type[BaseException]]
) -> None:
    plan_id = ready(world)
    crash = crash_at("apply.sent", 1)
    with pytest.raises(crash):
        applied(world, plan_id)
    with world.context.store.read() as conn:
        doubtful = outbox.rows(conn, states=[RowState.SENDING])
    assert doubtful
    world.start()
    with leadership(world.context) as leader:
        assert recover_rows(world.context, leader) == len(doubtful)
    assert writes(world) == 0
    with world.context.store.read() as conn:
        states = {row.id: row.state for row in outbox.rows(conn, plan_id)}
    assert {states[row.id] for row in doubtful} == {RowState.CONFIRMED}
    assert applied(world, plan_id).exit_code == 0
    wanted = planned(world, plan_id)
    assert {ref: owners(world)[ref] for ref in wanted} == wanted


def test_undo_gives_every_record_back(world: World) -> None:
    before = owners(world)
    plan_id = ready(world)
    applied(world, plan_id)
    assert owners(world) != before
    world.wait()
    world.pulled()
    undo = jobs.plan_undo(world.context, plan_id)
    report = applied(world, world.approve(undo.document))
    after = owners(world)
    left = {ref for ref in before if before[ref] is not None and after[ref] != before[ref]}
    told = [item for entry in undo.document["decisions"] for item in entry.get("left_out", ())]
    reasons = {item["ref"]: item["reason"] for item in told}
    assert {reasons[str(ref)] for ref in left} <= {"owner-not-in-system"}, "who left gets nothing back"
    assert {row.state for row in report.rows} == {RowState.CONFIRMED}


def test_adoption_waits_for_a_complete_mirror_and_comes_once(world: World) -> None:
    world.pulled(systems=[SALESFORCE])
    with pytest.raises(RefusedError, match="SYN550"):
        world.adopt()
    world.pulled()
    assert world.adopt() == len(owners(world))
    with pytest.raises(RefusedError, match="SYN526"):
        world.adopt()


def test_nothing_is_written_before_adoption(make_world: Callable[..., World]) -> None:
    world = make_world(mode="apply")
    report = synced(world)
    assert (report.applied, report.exit_code) == (None, 0)
    assert report.plan is not None
    assert report.plan["changes"]
    with world.context.store.read() as conn:
        assert plans.list_plans(conn, 1)[0].status is PlanStatus.PREVIEW
    assert writes(world) == 0


def test_a_sync_in_apply_mode_writes_once(make_world: Callable[..., World]) -> None:
    world = make_world(mode="apply")
    world.pulled()
    world.adopt()
    first = synced(world)
    assert first.applied is not None
    assert first.exit_code == 0
    world.assert_equal()
    world.start()
    world.wait()
    second = synced(world)
    assert (second.applied, second.exit_code, writes(world)) == (None, 0, 0)


def test_a_round_by_columns_writes_and_remembers_what_a_plain_one_does(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
    outcomes = []
    for large in (10**9, 1):
        monkeypatch.setattr(planning, "LARGE_MIRROR", large)
        world = make_world(mode="apply", state=True)
        (world.folder / "state").mkdir(exist_ok=True)
        world.pulled()
        world.adopt()
        approved = make_plan(world.context)
        taken = dict(owners(world))
        world.clock.advance(timedelta(minutes=5))
        rounds = []
        for _ in range(2):
            world.start()
            world.wait()
            rounds.append(synced(world))
        world.assert_equal()
        with world.context.store.read() as conn:
            remembered = {
                key: (roles["owner"].territory, roles["owner"].owner) for key, roles in applied_rows(conn).items()
            }
        assert rounds[0].applied is not None
        assert approved["changes"]
        assert owners(world) != taken
        last = rounds[1].plan
        assert last is not None
        outcomes.append((owners(world), remembered, [one.exit_code for one in rounds], last["summary"]))
        world.context.close()
    assert (world.folder / "state" / COLUMNS_FOLDER).exists()
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("mode", ["observe", "approve", "apply"])
def test_a_dry_run_writes_nothing_whatever_the_mode(make_world: Callable[..., World], mode: str) -> None:
    world = make_world(mode=mode)
    world.pulled()
    world.adopt()
    report = synced(world, dry_run=True)
    assert report.plan is not None
    assert report.plan["changes"]
    assert (report.applied, writes(world)) == (None, 0)


def test_a_sync_in_approve_mode_previews(world: World) -> None:
    world.pulled()
    world.adopt()
    assert synced(world).exit_code == 0
    with world.context.store.read() as conn:
        assert [one.status for one in plans.list_plans(conn, 5)] == [PlanStatus.PREVIEW]
    assert writes(world) == 0


def test_a_plan_over_the_guard_waits_and_is_not_offered_again_each_round(make_world: Callable[..., World]) -> None:
    world = make_world(mode="apply")
    world.write_pack(most=1)
    world.pulled()
    world.adopt()
    rounds = []
    for _ in range(3):
        world.wait()
        rounds.append(synced(world))
    assert all(isinstance(one.refused, GuardTrippedError) for one in rounds)
    assert rounds[0].exit_code is ExitCode.GUARD
    with world.context.store.read() as conn:
        found = plans.list_plans(conn, 10)
    assert [one.status for one in found] == [PlanStatus.OFFERED]
    assert writes(world) == 0
    assert rounds[0].plan is not None
    world.approve(rounds[0].plan)
    world.wait()
    last = synced(world)
    assert [report.exit_code for report in last.resumed] == [0]
    assert writes(world) > 0


def test_an_apply_that_died_is_gone_on_with_by_the_next_sync(
    make_world: Callable[..., World], crash_at: Callable[[str, int], type[BaseException]]
) -> None:
    world = make_world(mode="apply")
    world.pulled()
    world.adopt()
    with pytest.raises(crash_at("apply.finished", 1)):
        synced(world)
    with world.context.store.read() as conn:
        assert outbox.open_refs(conn)
    world.start()
    world.wait()
    report = synced(world)
    assert [one.exit_code for one in report.resumed] == [0]
    with world.context.store.read() as conn:
        assert not outbox.open_refs(conn)
    world.wait()
    last = synced(world)
    assert last.plan is not None
    assert (last.plan["changes"], last.resumed) == ([], ())
    world.assert_equal()


def test_a_round_that_closes_the_stale_plan_of_a_dead_one_and_plans_anew_has_not_failed(
    make_world: Callable[..., World], crash_at: Callable[[str, int], type[BaseException]]
) -> None:
    world = make_world(mode="apply")
    world.pulled()
    world.adopt()
    with pytest.raises(crash_at("apply.before_claim", 1)):
        synced(world)
    with world.context.store.read() as conn:
        [left] = plans.list_plans(conn, 5, statuses=[PlanStatus.APPROVED])
    pack = world.folder / "pack" / "pack.yaml"
    pack.write_text(pack.read_text().replace("when: always", "when: always\n    assign: first"))
    world.start()
    world.wait()
    report = synced(world)
    assert [error.code for error in report.set_aside] == ["SYN514"]
    assert (report.refused, report.exit_code) == (None, ExitCode.OK)
    with world.context.store.read() as conn:
        assert plans.get_plan(conn, left.plan_id).status is PlanStatus.SUPERSEDED
        assert not outbox.open_refs(conn)


def test_an_expired_approval_frees_its_records_for_new_plans(world: World) -> None:
    plan_id = ready(world)
    with world.context.store.read() as conn:
        assert outbox.open_refs(conn)
    world.wait(25 * 60)
    report = synced(world)
    assert (report.refused, report.resumed, writes(world)) == (None, (), 0)
    with world.context.store.read() as conn:
        assert not outbox.open_refs(conn)
        assert plans.get_plan(conn, plan_id).status is PlanStatus.EXPIRED
    assert report.plan is not None
    assert report.plan["changes"]


def test_a_system_that_cannot_be_read_is_told_and_the_round_goes_on(world: World) -> None:
    world.pulled()
    world.adopt()
    world.wait(20)
    world.start()
    world.trouble(HUBSPOT, "/")
    report = synced(world)
    assert report.exit_code is ExitCode.CRM
    assert report.plan is not None
    assert report.plan["mirror"]["hubspot"]["stale"] is True
