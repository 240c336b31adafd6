"""Watching end to end: what fires, what does not, and who is told how often."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alerts_world import HS, NOW, SF, World, account, gone, receiver, user, won

from syncd import crashpoints
from syncd.alerts.sending import send_due
from syncd.clock import ManualClock
from syncd.errors import SyncdError
from syncd.jobs.plans.plan import deliberate
from syncd.jobs.watching import outlook
from syncd.jobs.watching import watch as watch_job
from syncd.jobs.watching.alert_reading import alert_document, alerts_document
from syncd.jobs.watching.alerting import acknowledge
from syncd.store import runs
from syncd.store.engine import Store

DATA = ("AttainmentBelow", "AccountChurned", "RepLeft")
QUOTAS = "quotas: {file: quotas.csv}\n"


@pytest.fixture
def told(tmp_path: Path, store: Store, clock: ManualClock) -> World:
    """A world with two file receivers; the second takes pages and tickets only."""
    config = receiver("first", tmp_path / "first.jsonl") + receiver("second", tmp_path / "second.jsonl")
    return World.make(tmp_path, store, clock, config=f'{config}severities = ["page", "ticket"]\n')


def lines(world: World, name: str) -> list[dict]:  # type: ignore[type-arg]
    path = world.folder / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def begin(world: World) -> None:
    """Three customers of Anna, and a baseline taken."""
    world.users(user("anna"), user("ben"))
    world.put(*(account(number) for number in (1, 2, 3)))
    world.pulled()
    assert world.watch().firing == 0


def test_a_churned_customer_fires_once_and_only_on_the_change(told: World) -> None:
    begin(told)
    told.put(account(1, type="Former Customer"))
    told.later(5)
    report = told.watch()
    assert (report.firing, report.fired, report.sent.delivered) == (1, 1, 2)
    assert report.line() == "alerts: 1 firing (1 new), 0 resolved, 2 notices sent"
    told.put(account(1, type="Former Customer", name="Renamed"))
    told.later(5)
    report = told.watch()
    assert (report.firing, report.fired, report.sent.delivered) == (1, 0, 0)
    assert told.firing() == ["AccountChurned Company 1"]
    assert told.notices() == [("AccountChurned", name, "fired") for name in ("first", "log", "second")]


def test_an_account_that_was_churned_when_first_seen_is_no_alert(world: World) -> None:
    begin(world)
    world.put(account(9, type="Former Customer"))
    world.later(5)
    assert world.watch().firing == 0


def test_the_packs_condition_says_what_churned_means(world: World) -> None:
    world.more_pack("monitors: {AccountChurned: {when: {tier: lost}, severity: info}}\n")
    begin(world)
    world.put(account(1, type="Former Customer"), account(2, tier="Lost"))
    world.later(5)
    world.watch()
    (episode,) = world.episodes(states=["firing"])
    assert (episode.monitor, episode.subject, episode.severity) == ("AccountChurned", "Company 2", "info")
    assert "pack.yaml" in str(episode.detail["evidence"])


@pytest.mark.parametrize(("winner", "how"), [(None, "deleted"), ("2", "merged into salesforce:account:2")])
def test_a_customer_whose_record_is_gone_has_churned(world: World, winner: str | None, how: str) -> None:
    begin(world)
    world.put(gone(account(1), winner))
    world.later(5)
    world.watch()
    (episode,) = world.episodes("AccountChurned")
    assert how in episode.summary
    assert "anna@example.com" in episode.detail["who"]


def test_a_record_that_is_gone_from_an_incomplete_mirror_is_told_of_when_it_is_complete(world: World) -> None:
    begin(world)
    world.put(gone(account(1)))
    world.later(1, HS)
    world.pulled(SF, outcome="incomplete")
    assert world.watch().firing == 0
    world.later(1)
    world.watch()
    assert world.firing() == ["AccountChurned Company 1"]


def test_a_prospect_whose_record_is_gone_is_no_alert(world: World) -> None:
    world.put(account(1, type="Prospect"))
    begin(world)
    world.put(account(1, type="Prospect"))
    world.later(5)
    world.watch()
    world.put(gone(account(1, type="Prospect")))
    world.later(5)
    assert world.watch().firing == 0


def test_many_accounts_at_once_are_one_alert_with_a_list(world: World) -> None:
    world.users(user("anna"))
    world.put(*(account(number) for number in range(60)))
    world.pulled()
    world.watch()
    world.put(*(account(number, type="Churned") for number in range(60)))
    world.later(5)
    assert world.watch().firing == 1
    (episode,) = world.episodes("AccountChurned")
    assert episode.detail["accounts_total"] == len(episode.detail["accounts"]) == 60


def test_a_rep_who_leaves_is_one_alert_with_their_accounts_and_money(world: World) -> None:
    begin(world)
    world.put(won(1, account(1), 5000, "2026-10-01"))
    world.users(user("anna", active=False), user("ben"))
    world.later(5)
    assert world.watch().fired == 1
    (episode,) = world.episodes("RepLeft")
    assert episode.labels == {"rep": "anna@example.com"}
    assert episode.detail["accounts_total"] == 3
    assert "won 5,000 USD" in str(episode.detail["evidence"])
    world.later(20)
    assert world.watch().fired == 0


def test_a_rep_who_vanishes_has_left_and_one_who_owns_nothing_is_no_alert(world: World) -> None:
    begin(world)
    world.users(user("ben"))
    world.later(5)
    world.watch()
    assert world.firing() == ["RepLeft anna@example.com"]
    world.users()
    world.later(5)
    world.watch()
    assert world.firing() == ["RepLeft anna@example.com"]


def test_somebody_first_seen_as_inactive_did_not_leave_now(world: World) -> None:
    begin(world)
    world.users(user("anna"), user("ben"), user("old", active=False))
    world.put(account(9, owner="005old"))
    world.later(5)
    assert world.watch().firing == 0


def test_a_person_who_leaves_both_systems_one_after_the_other_is_told_once(told: World) -> None:
    told.put(account(7, system=HS, owner="77anna"))
    told.users(user("anna", system=HS), system=HS)
    begin(told)
    told.users(user("anna", active=False), user("ben"))
    told.later(5)
    assert told.watch().sent.delivered == 2
    told.users(user("anna", system=HS, active=False), system=HS)
    told.later(5)
    told.watch()
    assert len(told.episodes("RepLeft")) == 1
    assert [each for each in told.notices() if each[0] == "RepLeft"] == [
        ("RepLeft", name, "fired") for name in ("first", "log", "second")
    ]


def test_a_baseline_with_3000_inactive_owners_is_one_notice_a_receiver(told: World) -> None:
    told.users(*(user(f"r{number}", active=False) for number in range(3000)))
    told.put(*(account(number, owner=f"005r{number}") for number in range(3000)))
    told.pulled()
    report = told.watch()
    assert (report.fired, report.sent.delivered) == (1, 1)
    assert told.notices() == [("BaselineFindings", "first", "fired"), ("BaselineFindings", "log", "fired")]
    (body,) = lines(told, "first")
    assert body["severity"] == "info"
    assert "1 OwnerInactive" in body["summary"]
    told.later(20)
    assert told.watch().sent.delivered == 0


def test_what_stood_in_the_baseline_and_ends_is_counted_though_nobody_is_told(told: World) -> None:
    told.users(user("r1", active=False))
    told.put(account(1, owner="005r1"))
    told.pulled()
    assert told.watch().firing > 1
    told.users(user("r1"))
    told.later(20)
    told.pulled()
    report = told.watch()
    assert (report.resolved, report.sent.delivered) == (1, 0)
    assert told.firing() == ["BaselineFindings baseline"]


def test_another_pack_takes_a_new_baseline_and_pages_nobody(told: World) -> None:
    begin(told)
    told.more_pack("monitors: {AccountChurned: {when: {country: Germany}}}\n")
    told.put(account(2, type="Former Customer"))
    told.later(5)
    told.watch()
    assert told.firing() == ["BaselineFindings baseline"]
    assert [body["monitor"] for body in lines(told, "first")] == ["BaselineFindings"]
    told.more_pack("monitors: {AccountChurned: {when: {country: Austria}}}\n")
    told.put(account(3, country="Austria"))
    told.later(5)
    told.watch()
    assert [(each.state, each.detail["findings_total"]) for each in told.episodes("BaselineFindings")] == [
        ("resolved", 3),
        ("firing", 1),
    ]
    assert {reason for *_, reason in told.notices()} == {"fired"}


def test_what_changed_together_with_the_pack_is_marked_as_new_in_the_digest(world: World) -> None:
    begin(world)
    world.more_pack("quotas: []\n")
    world.put(account(2, type="Former Customer"))
    world.later(5)
    world.watch()
    (episode,) = world.episodes("BaselineFindings")
    assert episode.detail["findings_new"] == 1
    assert "new since the last baseline" in episode.detail["evidence"][0]


def test_a_new_baseline_waits_until_every_system_is_fresh(world: World) -> None:
    begin(world)
    world.more_pack("quotas: []\n")
    world.put(account(2, type="Former Customer"))
    world.later(20, SF)
    report = world.watch()
    assert "new baseline waits for a fresh mirror of hubspot" in report.line()
    assert world.firing() == ["SourceStale hubspot"]
    world.later(1)
    world.watch()
    assert world.firing() == ["BaselineFindings baseline"]


@pytest.mark.parametrize("outcome", ["stale", "incomplete", "failed"])
def test_a_mirror_that_cannot_be_trusted_neither_fires_nor_resolves(told: World, outcome: str) -> None:
    told.more_pack(QUOTAS)
    told.file("quotas.csv", "territory,period,quota\nemea,2026-Q4,1000000\n")
    begin_at_quota(told)
    told.put(account(1, type="Former Customer"), won(1, account(2), 10_000_000, "2026-11-01"))
    told.users(user("anna", active=False))
    told.later(0, HS)
    if outcome == "stale":
        told.later(16, HS)
    else:
        told.pulled(SF, outcome=outcome)
    before = told.notices()
    told.watch()
    assert told.firing(*DATA) == ["AttainmentBelow emea"]
    assert [each for each in told.notices() if each[0] != "SourceStale"] == before
    told.later(1)
    told.watch()
    assert told.firing(*DATA) == ["AccountChurned Company 1", "RepLeft anna@example.com"]


def begin_at_quota(world: World) -> None:
    world.users(user("anna"))
    world.put(*(account(number) for number in (1, 2, 3)))
    world.pulled()
    world.watch()
    assert world.firing(*DATA) == ["AttainmentBelow emea"]


def test_a_stale_system_says_so_and_is_over_when_it_is_read_again(told: World) -> None:
    begin(told)
    told.later(16, SF)
    told.watch()
    (body,) = lines(told, "second")
    assert (body["monitor"], body["severity"], body["first_command"]) == (
        "SourceStale",
        "ticket",
        "syncd pull --system hubspot",
    )
    assert body["since"] == "2026-11-20T10:00:00.000Z"
    told.later(1)
    report = told.watch()
    assert (report.firing, report.resolved) == (0, 1)
    first, second = lines(told, "second")
    assert second["reason"] == "resolved"
    assert second["dedup_key"] == first["dedup_key"]


def test_a_stale_source_is_a_page_where_syncd_writes_by_itself(
    tmp_path: Path, store: Store, clock: ManualClock
) -> None:
    world = World.make(tmp_path, store, clock, config='mode = "apply"\n')
    begin(world)
    world.later(16, SF)
    world.watch()
    assert [episode.severity for episode in world.episodes("SourceStale")] == ["page"]


def test_before_the_first_complete_mirror_only_syncd_itself_is_watched(world: World) -> None:
    world.put(account(1))
    report = world.watch()
    assert "data alerts wait for a complete mirror of salesforce and hubspot" in report.line()
    assert [(episode.monitor, episode.state) for episode in world.episodes()] == [("SourceStale", "pending")] * 2
    world.clock.set(NOW.replace(minute=16))
    world.watch()
    assert world.firing() == ["SourceStale hubspot", "SourceStale salesforce"]
    world.pulled()
    assert world.watch().resolved == 2


def test_what_cleared_while_pending_is_told_to_nobody(told: World) -> None:
    told.watch()
    told.users(user("anna"))
    told.pulled()
    assert told.watch().resolved == 0
    assert told.notices() == []


def test_an_invalid_pack_stops_data_alerts_and_nothing_else(world: World) -> None:
    begin(world)
    world.pack("territories: [\n")
    world.put(account(1, type="Former Customer"))
    world.later(16, SF)
    report = world.watch()
    assert "wait for a valid pack" in report.line()
    assert world.firing() == ["PackInvalid pack", "SourceStale hubspot"]
    world.more_pack("")
    world.later(1)
    world.watch()
    assert world.firing() == ["AccountChurned Company 1"]


def test_an_option_that_cannot_be_read_stops_its_monitor_alone(world: World) -> None:
    world.more_pack("monitors: {AttainmentBelow: {below: lots}, RepLeft: {sverity: page}}\n" + QUOTAS)
    world.file("quotas.csv", "territory,period,quota\nemea,2026-Q4,1000000\n")
    world.users(user("anna"))
    world.put(account(1))
    world.pulled()
    report = world.watch()
    assert {finding.code for finding in report.problems} == {"SYN801"}
    (episode,) = world.episodes(states=["firing"])
    assert episode.monitor == "PackInvalid"
    assert "did you mean `severity`?" in str(report.problems)
    assert world.watch().firing == 1
    world.put(account(1, type="Former Customer"))
    world.later(5)
    world.watch()
    assert world.firing() == ["AccountChurned Company 1", "PackInvalid pack"]


def test_a_monitor_that_is_switched_off_tells_nothing_and_ends_its_alerts(world: World) -> None:
    begin(world)
    world.put(account(1, type="Former Customer"))
    world.later(5)
    world.watch()
    world.more_pack("monitors: {AccountChurned: false}\n")
    world.later(5)
    assert world.watch().resolved == 1
    world.put(account(2, type="Former Customer"))
    world.later(5)
    assert world.watch().firing == 0


def test_an_alert_that_waits_fires_when_its_time_is_over(world: World) -> None:
    world.more_pack("monitors: {AccountChurned: {for: 10min}, SourceStale: {for: 1h, keep_firing_for: 30min}}\n")
    begin(world)
    world.later(16, SF)
    assert world.watch().firing == 0
    world.later(61, SF)
    assert world.watch().firing == 1
    world.later(1)
    assert world.watch().resolved == 0
    world.later(29)
    world.later(2)
    assert world.watch().resolved == 1


def test_a_second_watch_changes_nothing_and_tells_nobody(told: World) -> None:
    begin(told)
    told.put(account(1, type="Former Customer"))
    told.users(user("anna", active=False), user("ben"))
    told.later(5)
    told.watch()
    before = told.episodes(), told.notices(), lines(told, "first")
    for _ in range(3):
        told.later(16)
        report = told.watch()
        assert (report.fired, report.resolved, report.sent.delivered) == (0, 0, 0)
    assert (told.episodes(), told.notices(), lines(told, "first")) == before


def test_a_book_that_did_not_change_is_not_read_again_for_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(world)
    read: list[int] = []
    original = outlook.read_book
    monkeypatch.setattr(outlook, "read_book", lambda *given: (read.append(1), original(*given))[1])
    for minutes, expected in ((1, 0), (1, 0), (14, 1), (1, 1)):
        world.later(minutes)
        world.watch()
        assert len(read) == expected
    world.users(user("anna"), user("ben"), user("cleo"))
    world.watch()
    assert len(read) == 2


def test_a_watch_can_stand_on_a_deliberation_that_is_not_older_than_the_last_watch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(world)
    old = deliberate(world.context)
    world.put(account(1, type="Former Customer"))
    world.later(5)
    thought = deliberate(world.context)
    read: list[int] = []
    original = outlook.read_book
    monkeypatch.setattr(outlook, "read_book", lambda *given: (read.append(1), original(*given))[1])
    assert watch_job.watch(world.context, thought=thought).fired == 1
    assert read == []
    world.put(account(2, type="Former Customer"))
    world.later(1)
    assert watch_job.watch(world.context, thought=old).fired == 1
    assert read == [1]


@pytest.mark.parametrize("point", ["watch.before_commit", "watch.committed", "notice.told"])
def test_a_crash_loses_no_alert_and_a_second_copy_has_the_same_key(
    told: World, crash: type[BaseException], point: str
) -> None:
    begin(told)
    told.put(account(1, type="Former Customer"))
    told.later(5)
    seen: list[str] = []

    def hook(name: str) -> None:
        seen.append(name)
        if name == point and seen.count(point) == (3 if point == "notice.told" else 1):
            raise crash(name)

    crashpoints.install(hook)
    with pytest.raises(crash):
        told.watch()
    crashpoints.install(None)
    told.later(6)
    told.watch()
    bodies = lines(told, "first") + lines(told, "second")
    assert {body["event_id"] for body in bodies} == {f"{bodies[0]['dedup_key']}:fired"}
    assert len(bodies) == (3 if point == "notice.told" else 2)
    assert len(told.episodes("AccountChurned")) == 1
    told.later(20)
    assert told.watch().sent.delivered == 0


def test_two_watches_at_once_tell_of_a_change_once(told: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(told)
    told.put(account(1, type="Former Customer"))
    told.later(5)
    original, inner = watch_job.evaluate, []

    def evaluate(*given, **named):  # type: ignore[no-untyped-def]
        found = original(*given, **named)
        if not inner:
            inner.append(1)
            inner.append(told.watch().fired)  # another watch commits between our reading and our commit,
            acknowledge(told.context, told.episodes("AccountChurned")[0].id or 0)  # and somebody takes the alert
        return found

    monkeypatch.setattr(watch_job, "evaluate", evaluate)
    assert told.watch().fired == 0
    assert inner == [1, 1]
    assert [body["reason"] for body in lines(told, "first")] == ["fired", "resolved"]


def test_acknowledging_ends_an_alert_that_tells_of_a_change(told: World) -> None:
    begin(told)
    told.put(account(1, type="Former Customer"))
    told.later(5)
    told.watch()
    (alert,) = alerts_document(told.context.store)["alerts"]
    document = acknowledge(told.context, alert["id"])
    assert (document["state"], document["acknowledged_by"]) == ("resolved", "uid:7")
    assert told.watch().sent.delivered == 2
    assert [body["reason"] for body in lines(told, "first")] == ["fired", "resolved"]
    told.put(account(1))
    told.later(5)
    told.watch()
    told.put(account(1, type="Former Customer"))
    told.later(5)
    assert told.watch().fired == 1
    first, *_, last = lines(told, "first")
    assert last["dedup_key"] != first["dedup_key"]


def test_acknowledging_a_condition_keeps_it_open_until_it_is_over(world: World) -> None:
    begin(world)
    world.later(16, SF)
    world.watch()
    (alert,) = alerts_document(world.context.store)["alerts"]
    assert acknowledge(world.context, alert["id"])["state"] == "firing"
    world.later(1, SF)
    world.watch()
    assert alert_document(world.context.store, alert["id"])["acknowledged_by"] == "uid:7"
    world.later(1)
    assert world.watch().resolved == 1


def test_a_watch_is_a_run_and_the_log_is_always_told(world: World) -> None:
    begin(world)
    world.put(account(1, type="Former Customer"))
    world.later(5)
    world.watch()
    (event,) = world.log.named("alert.fired")
    assert (event["monitor"], event["first_command"]) == ("AccountChurned", "syncd explain salesforce:account:1")
    with world.store.read() as conn:
        newest = runs.runs(conn, 1, job="watch")[0]
    assert newest.outcome == "ok"
    assert newest.summary["fired"] == 1


def test_notices_are_never_sent_inside_a_transaction(world: World) -> None:
    with world.store.read(), pytest.raises(SyncdError, match="SYN430"):
        send_due(world.store, {}, clock=world.clock, log=world.log)
