"""The monitors about syncd itself: mirrors that shrink, jobs, writes, quota, guard and receivers that fail."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alerts_world import HS, NOW, SF, World, account, gone, receiver, user

from syncd.alerts.monitors import MONITORS, job_failing, outbox_stuck, quota_high, writes_failing
from syncd.alerts.operations import Allowance, JobHealth, OpenRows, Operations, WriteOutcomes
from syncd.alerts.view import Condition, MonitorView
from syncd.clock import ManualClock
from syncd.jobs.watching.alerting import acknowledge
from syncd.model.plans import Change, PlanStatus, RowState, SavedPlan, document_hash
from syncd.model.refs import Kind, Ref
from syncd.store import lease, outbox, plans, runs
from syncd.store.engine import Store

FIRING, HOLDING, CLEAR = Condition.FIRING, Condition.HOLDING, Condition.CLEAR


def view(**known: object) -> MonitorView:
    return MonitorView(NOW, (SF, HS), timedelta(minutes=15), operations=Operations(**known))  # type: ignore[arg-type]


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def test_only_what_stops_writing_pages() -> None:
    pages = {monitor.name for monitor in MONITORS if monitor.severity == "page"}
    assert pages == {"OutboxStuck", "WritesFailing", "JobFailing"}
    assert not any(monitor.reads_book for monitor in MONITORS if monitor.name in pages)


@pytest.mark.parametrize(("failures", "condition"), [(0, CLEAR), (2, CLEAR), (3, FIRING)])
def test_a_job_fails_from_the_third_time_on(failures: int, condition: Condition) -> None:
    health = JobHealth(failures, ago(20), ago(60), "SYN607: the disk is full")
    (signal,) = job_failing.evaluate(view(jobs={"pull": health})).signals
    assert (signal.condition, signal.labels) == (condition, {"job": "pull"})
    assert "SYN607: the disk is full" in signal.detail["evidence"]


@pytest.mark.parametrize(
    ("failed", "done", "condition"), [(4, 0, CLEAR), (5, 20, FIRING), (5, 21, HOLDING), (5, 46, CLEAR), (0, 0, CLEAR)]
)
def test_writes_fail_by_number_and_share(failed: int, done: int, condition: Condition) -> None:
    outcomes = WriteOutcomes(done, {"rejected FIELD_CUSTOM_VALIDATION": failed} if failed else {}, ("no!",))
    (signal,) = writes_failing.evaluate(view(writes=outcomes)).signals
    assert signal.condition is (HOLDING if (failed, done) == (4, 0) else condition)


@pytest.mark.parametrize(
    ("rows", "may_write", "firing"),
    [
        ({"in_doubt": OpenRows(1, ago(31))}, False, ["in-doubt"]),
        ({"in_doubt": OpenRows(1, ago(29))}, True, []),
        ({"waiting": OpenRows(5, ago(31))}, True, ["waiting"]),
        ({"waiting": OpenRows(5, ago(3000))}, False, []),
    ],
)
def test_rows_that_wait_for_a_person_are_not_stuck(
    rows: dict[str, OpenRows], may_write: bool, firing: list[str]
) -> None:
    found = outbox_stuck.evaluate(view(may_write=may_write, **rows)).signals
    assert [signal.subject for signal in found if signal.condition is FIRING] == firing


@pytest.mark.parametrize(("spent", "condition"), [(799, HOLDING), (800, FIRING), (699, CLEAR), (700, HOLDING)])
def test_the_quota_is_high_from_four_fifths_on(spent: int, condition: Condition) -> None:
    known = {SF: Allowance(spent, 1000), HS: Allowance(9999, None)}
    (signal,) = quota_high.evaluate(view(calls=known)).signals
    assert signal.condition is condition


@pytest.fixture
def told(tmp_path: Path, store: Store, clock: ManualClock) -> World:
    """A world that writes by itself, with two file receivers."""
    config = 'mode = "apply"\nowner_writer = "both"\n' + receiver("first", tmp_path / "first.jsonl")
    return World.make(tmp_path, store, clock, config=config + receiver("second", tmp_path / "second.jsonl"))


def begin(world: World, count: int = 3) -> None:
    world.users(user("anna"), user("ben"))
    world.put(*(account(number) for number in range(count)))
    world.pulled()
    world.watch()


def look(world: World, *monitors: str, minutes: float = 5) -> list[str]:
    world.later(minutes)
    world.watch()
    return world.firing(*monitors)


def test_a_mirror_that_shrinks_fires_and_its_data_says_nothing(told: World) -> None:
    begin(told, 100)
    told.put(*(gone(account(number)) for number in range(21)), account(50, type="Former Customer"))
    assert look(told) == ["MirrorShrank salesforce accounts"]
    told.users(user("ben"))
    assert look(told) == ["MirrorShrank salesforce accounts"]
    told.put(*(account(number) for number in range(21)))
    assert look(told) == ["AccountChurned Company 50", "RepLeft anna@example.com"]


def test_a_mirror_that_shrinks_in_small_steps_within_a_day_fires_too(told: World) -> None:
    begin(told, 100)
    for number in range(21):
        told.put(gone(account(number)))
        found = look(told, "MirrorShrank")
    assert found == ["MirrorShrank salesforce accounts"]


def test_a_loss_that_somebody_takes_is_the_new_size(told: World) -> None:
    begin(told, 100)
    told.put(*(gone(account(number)) for number in range(30)))
    assert look(told, "MirrorShrank") == ["MirrorShrank salesforce accounts"]
    (episode,) = told.episodes("MirrorShrank")
    acknowledge(told.context, episode.id or 0)
    assert look(told, "MirrorShrank") == []
    assert look(told, "MirrorShrank") == []
    assert len(told.episodes("MirrorShrank")) == 1


def test_a_small_mirror_may_shrink(told: World) -> None:
    begin(told, 40)
    told.put(*(gone(account(number)) for number in range(30)))
    assert look(told, "MirrorShrank") == []


def run_job(world: World, job: str, error: str | None, *, finished: bool = True) -> None:
    now = world.clock.now()
    run_id = world.context.entropy.token()
    with world.store.write() as conn:
        runs.start_run(conn, run_id, job, now=now)
        if finished:
            outcome = "failed" if error is not None else "ok"
            runs.finish_run(conn, run_id, outcome, now=now, summary={"error": error} if error else {})


@pytest.mark.parametrize(
    ("error", "fires"),
    [
        ("SYN607: the disk is full", True),
        ("", True),
        ("SYN510: writes are frozen", False),
        ("SYN200: the pack has 3 errors", False),
    ],
)
def test_a_job_that_is_refused_is_not_failing(told: World, error: str, fires: bool) -> None:
    begin(told)
    for _ in range(4):
        run_job(told, "apply", error)
        told.clock.advance(timedelta(minutes=1))
    assert look(told, "JobFailing") == (["JobFailing apply"] if fires else [])
    run_job(told, "apply", None)
    assert look(told, "JobFailing") == []


def test_a_run_whose_process_died_failed_and_one_that_goes_on_did_not(told: World) -> None:
    begin(told)
    for _ in range(3):
        run_job(told, "sweep", None, finished=False)
        told.clock.advance(timedelta(minutes=1))
    assert look(told, "JobFailing") == []
    assert look(told, "JobFailing", minutes=70) == ["JobFailing sweep"]


def test_a_crm_that_cannot_be_read_is_one_page(told: World) -> None:
    begin(told)
    for _ in range(4):
        run_job(told, "pull", "SYN401: the CRM does not answer")
        told.clock.advance(timedelta(minutes=5))
    told.watch()
    assert [each for each in told.firing() if "baseline" not in each] == [
        "SourceStale hubspot",
        "SourceStale salesforce",
    ]


def saved(world: World, name: str, trips: tuple[str, ...], *, revision: str = "r1", count: int = 1) -> SavedPlan:
    now = world.clock.now()
    document = {
        "format": 1,
        "plan_id": name,
        "changes": [{}] * count,
        "summary": {"money_moved": {"amount": "1000.00", "currency": "USD"}},
        "guard": {
            "tripped": [
                {"limit": limit, "allowed": "5", "found": "9", "text": f"{limit} is 9", "rules": ["pack.yaml:4"]}
                for limit in trips
            ]
        },
    }
    plan = SavedPlan(
        name, document_hash(document), "plan", PlanStatus.OFFERED, revision, now, now + timedelta(days=1), document
    )
    with world.store.write() as conn:
        plans.save_plan(conn, plan)
    return plan


def test_a_tripped_guard_is_one_episode_a_revision_and_limit(told: World) -> None:
    begin(told)
    saved(told, "aaa", ("changes.max", "per_rep"))
    assert look(told) == ["GuardTripped changes.max", "GuardTripped per_rep"]
    before = told.notices()
    for number in range(3):
        saved(told, f"bbb{number}", ("changes.max", "per_rep"))
        look(told)
    assert told.notices() == before
    saved(told, "ccc", ("changes.max",), revision="r2")
    assert look(told) == ["GuardTripped changes.max"]
    assert len(told.episodes("GuardTripped")) == 3
    (latest,) = told.episodes("GuardTripped", states=["firing"])
    assert "syncd approve ccc --why TEXT --limit changes.max" in str(latest.detail["evidence"])
    assert latest.detail["money"]["amount"] == "1000.00"
    saved(told, "ddd", ())
    assert look(told) == []


def test_an_approved_plan_and_an_expired_one_trip_no_more(told: World) -> None:
    begin(told)
    plan = saved(told, "aaa", ("changes.max",))
    look(told)
    with told.store.write() as conn:
        plans.approve(
            conn, "aaa", plan_hash=plan.hash, who="mei", why="x", limits=["changes.max"], now=told.clock.now()
        )
    assert look(told) == []
    saved(told, "bbb", ("changes.max",))
    assert look(told) == ["GuardTripped changes.max"]
    assert look(told, "GuardTripped", minutes=1441) == []


def rows(world: World, count: int) -> list[int]:
    """Rows of an approved plan, in the outbox."""
    plan = saved(world, f"plan{count}", ())
    now = world.clock.now()
    changes = [
        Change(Ref(SF, Kind.ACCOUNT, str(number)), "005anna", "005ben", f"salesforce:account:{number}", "f")
        for number in range(count)
    ]
    with world.store.write() as conn:
        plans.approve(conn, plan.plan_id, plan_hash=plan.hash, who="mei", why="x", limits=[], now=now)
        outbox.enqueue(conn, plan.plan_id, changes)
        return [row.id for row in outbox.rows(conn, plan.plan_id)]


def test_rows_that_do_not_go_out_page_and_those_of_a_freeze_do_not(told: World) -> None:
    begin(told)
    rows(told, 2)
    assert look(told, "OutboxStuck", minutes=29) == []
    assert look(told, "OutboxStuck") == []
    told.context.settings.control.freeze_file.write_text("2026-11-20 mei: x\n")
    assert look(told, "OutboxStuck", minutes=20) == []
    told.context.settings.control.freeze_file.unlink()
    assert look(told, "OutboxStuck") == []
    assert look(told, "OutboxStuck", minutes=15) == ["OutboxStuck waiting"]
    (episode,) = told.episodes("OutboxStuck", states=["firing"])
    assert episode.severity == "page"


def test_writes_that_a_crm_refuses_page_with_its_words(told: World) -> None:
    begin(told)
    ids = rows(told, 6)
    with told.store.write() as conn:
        held = lease.acquire(conn, "h", now=told.clock.now(), ttl=timedelta(hours=1), gone=lambda _: True)
        outbox.claim(conn, ids, epoch=held.epoch, attempt="a", now=told.clock.now())
        endings = [outbox.Ending(number, RowState.REJECTED, code="LOCKED", message="in approval") for number in ids]
        outbox.finish(conn, endings, now=told.clock.now())
    assert look(told, "WritesFailing") == ["WritesFailing writes"]
    (episode,) = told.episodes("WritesFailing")
    assert episode.detail["evidence"] == ["6 rejected LOCKED", "the CRM says: in approval"]
    assert look(told, "WritesFailing", minutes=61) == []


def test_the_quota_of_today_is_known_from_the_last_run_that_knew(told: World) -> None:
    begin(told)
    summary = {"api_calls": {"salesforce": 900}, "api_allowances": {"salesforce": 1000}}
    with told.store.write() as conn:
        runs.start_run(conn, "one", "pull", now=told.clock.now())
        runs.finish_run(conn, "one", "ok", now=told.clock.now(), summary=summary)
    assert look(told, "QuotaHigh") == ["QuotaHigh salesforce"]
    told.clock.set(NOW.replace(day=21, hour=0, minute=1))
    assert look(told, "QuotaHigh", minutes=0) == []


def test_a_receiver_that_fails_is_told_to_the_others(told: World) -> None:
    begin(told)
    (told.folder / "first.jsonl").mkdir()
    told.put(account(1, type="Former Customer"))
    for _ in range(5):
        look(told, minutes=2)
    assert look(told, "NotificationsFailing") == ["NotificationsFailing first"]
    notices = [each for each in told.notices() if each[0] == "NotificationsFailing"]
    assert notices == [("NotificationsFailing", name, "fired") for name in ("log", "second")]
    shutil.rmtree(told.folder / "first.jsonl")
    assert look(told, "NotificationsFailing", minutes=61) == ["NotificationsFailing first"]  # sent after this look
    assert look(told, "NotificationsFailing") == []


def test_a_receiver_that_stumbles_once_is_no_alert(told: World) -> None:
    begin(told)
    (told.folder / "first.jsonl").mkdir()
    told.put(account(1, type="Former Customer"))
    look(told)
    shutil.rmtree(told.folder / "first.jsonl")
    assert look(told, "NotificationsFailing") == []
    assert look(told, "NotificationsFailing") == []
